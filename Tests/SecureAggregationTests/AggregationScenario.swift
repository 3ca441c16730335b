// A whole chain in one process: real keys, real messages, the real state machines of every party. Tests drive it step by
// step and may change any message on the way.

import Cryptography
import TestSupport
import Vectors
import WireFormat

@testable import SecureAggregation

struct AggregationScenario {
    let random = SeededRandomSource(seed: 7)
    let authority: Ed25519PrivateKey
    let coordinatorKey: Ed25519PrivateKey
    var register: Register
    var keys: [NodeIndex: NodeKeys] = [:]
    var epoch: Epoch
    var announcement: EpochAnnouncement
    var prekeys: [NodeIndex: PreparedPrekey] = [:]
    var plan: PlanFacts
    var locks: [NodeIndex: CommitteeLocks] = [:]
    var now: Int64 = 1_800_000_000_000

    static let planDigest = SHA256.hash([UInt8]("plan".utf8))

    init(
        nodes: Int = 24, committee: Int = 16, corruptMax: Int = 2, dimension: Int = 100,
        layout: LaneLayout = .twoBy32, minAlive: Int? = nil
    ) throws {
        authority = try Ed25519PrivateKey(random.secretBytes(count: 32))
        coordinatorKey = try Ed25519PrivateKey(random.secretBytes(count: 32))
        var registered: [RegisteredNode] = []
        for index in 0..<NodeIndex(nodes) {
            let own = NodeKeys(
                protocolKey: try Ed25519PrivateKey(random.secretBytes(count: 32)),
                agreementKey: try X25519PrivateKey(random.secretBytes(count: 32)),
                hedge: try random.secretBytes(count: 32))
            keys[index] = own
            registered.append(
                RegisteredNode(
                    index: index, name: "store-\(index)", operatorName: "chain", protocolKey: own.protocolKey.publicKey)
            )
            locks[index] = CommitteeLocks()
        }
        register = try Register(
            chain: "test.example", version: 1, nodes: registered, corruptMax: corruptMax,
            committee: (0..<NodeIndex(committee)).map { $0 }, dropoutPermille: 100)
        let digest = register.digest
        let nodeKeys = keys
        let hellos = try (0..<NodeIndex(nodes)).map { index in
            try SignedMessage(
                signing: EpochHello(
                    registerDigest: digest, epoch: 1, node: index, agreementKey: nodeKeys[index]!.agreementKey.publicKey
                ),
                key: nodeKeys[index]!.protocolKey)
        }
        announcement = EpochAnnouncement(
            registerDigest: digest, epoch: 1, endsAtMilliseconds: now + 7 * 86_400_000, hellos: hellos)
        epoch = try Epoch(verifying: announcement, register: register)
        plan = PlanFacts(
            planDigest: Self.planDigest, dimension: dimension, layout: layout,
            minAlive: minAlive ?? register.smallestMinAlive, roundCount: 20)
        for index in 0..<NodeIndex(nodes) { try dealPrekey(index, sequence: 1) }
    }

    mutating func dealPrekey(_ node: NodeIndex, sequence: UInt64) throws {
        let prepared = try PreparedPrekey(
            sequence: sequence, node: node, keys: keys[node]!, register: register, epoch: epoch, random: random)
        try prepared.bundle.verify(register: register, epoch: epoch)
        prekeys[node] = prepared
    }

    var context: SessionContext {
        SessionContext(
            register: register, epoch: epoch, coordinatorKey: coordinatorKey.publicKey, plan: plan,
            nowMilliseconds: now)
    }

    func roster(of nodes: [NodeIndex]) throws -> Roster {
        try Roster(
            nodes.map {
                RosterEntry(
                    node: $0, sequence: prekeys[$0]!.sequence, prekeyDigest: prekeys[$0]!.bundle.prekey.body.digest)
            })
    }

    func parameters(
        roster: Roster, round: UInt64 = 1, attempt: UInt64 = 1
    ) throws -> SessionParameters {
        SessionParameters(
            registerDigest: register.digest, epochRoot: epoch.root, round: round, attempt: attempt,
            modelDigest: SHA256.hash([1]), planDigest: plan.planDigest, consentSize: 10,
            consentRoot: SHA256.hash([2]), previousConsentSize: 0, dimension: plan.dimension, layout: plan.layout,
            cohortSize: roster.entries.count, minAlive: plan.minAlive, deadlineMilliseconds: now + 60_000,
            derived: try ProtocolParameters.derive(register: register, cohort: roster.entries.count),
            rosterDigest: roster.digest)
    }

    func session(
        nodes: [NodeIndex]? = nil, round: UInt64 = 1, attempt: UInt64 = 1
    ) throws -> CoordinatorSession {
        let nodes = nodes ?? register.nodes.map(\.index)
        let roster = try roster(of: nodes)
        return try CoordinatorSession(
            parameters: SignedMessage(
                signing: parameters(roster: roster, round: round, attempt: attempt), key: coordinatorKey),
            roster: roster, prekeys: nodes.map { prekeys[$0]!.bundle }, register: register, epoch: epoch)
    }

    func accept(_ offer: RoundOffer, node: NodeIndex) throws -> AcceptedOffer {
        try AcceptedOffer(checking: offer, node: node, context: context) { sequence in
            prekeys[node]!.sequence == sequence ? prekeys[node]!.bundle.prekey.body.digest : nil
        }
    }

    /// The node's whole part: check, charge, burn, mask.
    func upload(_ values: [Int64], node: NodeIndex, offer: RoundOffer, charge: UInt64 = 1) throws -> MaskedUpload {
        var session = NodeSession(offer: try accept(offer, node: node), node: node)
        _ = try session.start()
        _ = try session.budgetCharged(charge)
        _ = try session.sequenceBurned()
        let action = try session.vectorReady(
            plan.layout.pack(values), keys: keys[node]!, prekey: prekeys[node]!.privateKey, context: context,
            random: random)
        guard case .storeUpload(let upload) = action else { throw SecureAggregationError.wrongPhase("test") }
        return upload
    }

    mutating func vote(_ proposal: LabelProposal, member: NodeIndex) throws -> SignedMessage<LabelVote> {
        let seat = CommitteeMember(node: member, register: register)!
        let decision = try seat.decideVote(proposal, locks: locks[member]!, context: context)
        for change in decision.lockChanges { locks[member]!.apply(change) }
        return try SignedMessage(signing: decision.answer, key: keys[member]!.protocolKey)
    }

    mutating func reveal(
        _ request: RevealRequest, session: CoordinatorSession, member: NodeIndex
    ) throws -> SignedMessage<Reveal> {
        let seat = CommitteeMember(node: member, register: register)!
        let decision = try seat.decideReveal(
            request, parameters: session.parameters, roster: session.roster, locks: locks[member]!,
            agreementKey: keys[member]!.agreementKey, context: context)
        for change in decision.lockChanges { locks[member]!.apply(change) }
        return try SignedMessage(signing: decision.answer, key: keys[member]!.protocolKey)
    }

    /// Runs votes and reveals of `members` and opens the sum.
    mutating func finish(
        _ session: inout CoordinatorSession, words: [NodeIndex: [UInt64]], members: [NodeIndex]? = nil
    ) throws -> [Int64] {
        _ = try session.closeUploads()
        let members = members ?? Array(register.committee.prefix(register.quorum))
        for member in members { _ = try session.receive(vote(session.labelProposal!, member: member)) }
        for member in members {
            _ = try session.receive(reveal(session.revealRequest(for: member)!, session: session, member: member))
        }
        let plan = try session.unmaskPlan()
        var sum = [UInt64](repeating: 0, count: plan.wordCount)
        for position in plan.survivorPositions {
            for (index, word) in words[session.roster.entries[position].node]!.enumerated() { sum[index] &+= word }
        }
        try plan.unmask(&sum, wordOffset: 0)
        return try self.plan.layout.unpackSum(sum, dimension: self.plan.dimension)
    }
}
