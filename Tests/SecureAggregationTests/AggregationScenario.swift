// A whole chain in one process: real keys, real messages, the real state machines of every party. Tests drive it step by
// step and may change any message on the way.

import Cryptography
import TestSupport
import Testing
import Vectors
import WireFormat

@testable import SecureAggregation

struct AggregationScenario {
    let random: SeededRandomSource
    let authority: Ed25519PrivateKey
    let coordinatorKey: Ed25519PrivateKey
    let register: Register
    let epoch: Epoch
    let announcement: EpochAnnouncement
    let plan: PlanFacts
    var now: Int64 = 1_800_000_000_000
    private let nodeKeys: [NodeKeys]
    private var prekeys: [NodeIndex: PreparedPrekey] = [:]
    private var memberLocks: [NodeIndex: CommitteeLocks] = [:]

    static let planDigest = SHA256.hash([UInt8]("plan".utf8))

    init(
        nodes: Int = 18, committee: Int = 8, corruptMax: Int = 1, dimension: Int = 100,
        layout: LaneLayout = .twoBy32, minAlive: Int? = nil, epochNumber: UInt64 = 1, version: UInt64 = 1,
        seed: UInt64 = 7, groupSize: Int? = nil, generator: KeystreamCipher = .aes256Counter
    ) throws {
        let random = SeededRandomSource(seed: seed)
        self.random = random
        authority = try Ed25519PrivateKey(random.secretBytes(count: 32))
        coordinatorKey = try Ed25519PrivateKey(random.secretBytes(count: 32))
        let keys = try (0..<nodes).map { _ in
            NodeKeys(
                protocolKey: try Ed25519PrivateKey(random.secretBytes(count: 32)),
                agreementKey: try X25519PrivateKey(random.secretBytes(count: 32)),
                hedge: try random.secretBytes(count: 32))
        }
        nodeKeys = keys
        let register = try Register(
            chain: "test.example", version: version,
            nodes: keys.enumerated().map { index, own in
                RegisteredNode(
                    index: NodeIndex(index), name: "store-\(index)", operatorName: "chain",
                    protocolKey: own.protocolKey.publicKey)
            },
            corruptMax: corruptMax, committee: (0..<NodeIndex(committee)).map { $0 }, dropoutPermille: 100)
        self.register = register
        announcement = EpochAnnouncement(
            registerDigest: register.digest, epoch: epochNumber, endsAtMilliseconds: now + 7 * 86_400_000,
            hellos: try keys.enumerated().map { index, own in
                try SignedMessage(
                    signing: EpochHello(
                        registerDigest: register.digest, epoch: epochNumber, node: NodeIndex(index),
                        agreementKey: own.agreementKey.publicKey),
                    key: own.protocolKey)
            })
        epoch = try Epoch(verifying: announcement, register: register)
        plan = PlanFacts(
            planDigest: Self.planDigest, dimension: dimension, layout: layout, generator: generator,
            minAlive: minAlive ?? register.smallestMinAlive, roundCount: 20,
            groupSize: groupSize)
        for index in 0..<NodeIndex(nodes) { try dealPrekey(index, sequence: 1) }
    }

    // MARK: What the parties hold

    func keys(of node: NodeIndex) throws -> NodeKeys {
        try #require(nodeKeys.indices.contains(Int(node)) ? nodeKeys[Int(node)] : nil)
    }

    func prekey(of node: NodeIndex) throws -> PreparedPrekey { try #require(prekeys[node]) }

    mutating func dealPrekey(_ node: NodeIndex, sequence: UInt64) throws {
        let prepared = try PreparedPrekey(
            sequence: sequence, node: node, keys: keys(of: node), register: register, epoch: epoch, random: random)
        try prepared.bundle.verify(register: register, epoch: epoch)
        prekeys[node] = prepared
    }

    /// Puts a prekey made elsewhere in place of a node's own.
    mutating func setPrekey(_ prekey: PreparedPrekey, of node: NodeIndex) { prekeys[node] = prekey }

    func locks(of member: NodeIndex) -> CommitteeLocks { memberLocks[member] ?? CommitteeLocks() }

    /// The member loses its memory.
    mutating func forgetLocks(of member: NodeIndex) { memberLocks[member] = nil }

    mutating func remember(_ changes: [LockChange], member: NodeIndex) {
        var locks = locks(of: member)
        for change in changes { locks.apply(change) }
        memberLocks[member] = locks
    }

    var context: SessionContext {
        SessionContext(
            register: register, epoch: epoch, coordinatorKey: coordinatorKey.publicKey, plan: plan,
            nowMilliseconds: now)
    }

    // MARK: Messages

    func roster(of nodes: [NodeIndex]? = nil) throws -> Roster {
        try Roster(
            (nodes ?? register.nodes.map(\.index)).map {
                let prekey = try prekey(of: $0)
                return RosterEntry(
                    node: $0, sequence: prekey.sequence, prekeyDigest: prekey.bundle.prekey.body.digest)
            })
    }

    func parameters(
        roster: Roster, round: UInt64 = 1, attempt: UInt64 = 1, subCohort: SubCohortPlace? = nil
    ) throws -> SessionParameters {
        SessionParameters(
            registerDigest: register.digest, epochRoot: epoch.root, round: round, attempt: attempt,
            modelDigest: SHA256.hash([1]), planDigest: plan.planDigest, consentSize: 10,
            consentRoot: SHA256.hash([2]), previousConsentSize: 0, dimension: plan.dimension, layout: plan.layout,
            generator: plan.generator, cohortSize: roster.entries.count, minAlive: plan.minAlive,
            deadlineMilliseconds: now + 60_000,
            derived: try ProtocolParameters.derive(register: register, cohort: roster.entries.count),
            rosterDigest: roster.digest, subCohort: subCohort)
    }

    func session(
        nodes: [NodeIndex]? = nil, round: UInt64 = 1, attempt: UInt64 = 1
    ) throws -> CoordinatorSession {
        let roster = try roster(of: nodes)
        return try session(
            signing: parameters(roster: roster, round: round, attempt: attempt), roster: roster)
    }

    func session(signing parameters: SessionParameters, roster: Roster) throws -> CoordinatorSession {
        try CoordinatorSession(
            parameters: SignedMessage(signing: parameters, key: coordinatorKey), roster: roster,
            prekeys: roster.entries.map { try prekey(of: $0.node).bundle }, register: register, epoch: epoch)
    }

    func accept(_ offer: RoundOffer, node: NodeIndex) throws -> AcceptedOffer {
        let own = try prekey(of: node)
        return try AcceptedOffer(checking: offer, node: node, context: context, earlierEpochRoot: nil) { sequence in
            own.sequence == sequence ? own.bundle.prekey.body.digest : nil
        }
    }

    /// The node's whole part: check, charge, burn, mask.
    func upload(_ values: [Int64], node: NodeIndex, offer: RoundOffer, charge: UInt64 = 1) throws -> MaskedUpload {
        try upload(values, node: node, offer: offer, charge: charge, random: random)
    }

    /// The same with another source of randomness.
    func upload(
        _ values: [Int64], node: NodeIndex, offer: RoundOffer, charge: UInt64 = 1, random: some RandomSource
    ) throws -> MaskedUpload {
        var session = NodeSession(offer: try accept(offer, node: node), node: node)
        _ = try session.start()
        _ = try session.budgetCharged(charge)
        _ = try session.sequenceBurned()
        let action = try session.vectorReady(
            plan.layout.pack(values), keys: keys(of: node), prekey: prekey(of: node).privateKey, context: context,
            random: random)
        guard case .storeUpload(let upload) = action else { throw SecureAggregationError.wrongPhase("test") }
        return upload
    }

    /// Uploads of every node of the session but `dropped`, each of `values(node)`.
    func collect(
        _ session: inout CoordinatorSession, dropped: Set<NodeIndex> = [], values: (NodeIndex) -> [Int64]
    ) throws -> [NodeIndex: [UInt64]] {
        var words: [NodeIndex: [UInt64]] = [:]
        for entry in session.roster.entries where !dropped.contains(entry.node) {
            let upload = try upload(
                values(entry.node), node: entry.node, offer: #require(session.offer(for: entry.node)))
            _ = try session.receive(upload.envelope)
            words[entry.node] = upload.words
        }
        return words
    }

    func seat(of member: NodeIndex) throws -> CommitteeMember {
        try #require(CommitteeMember(node: member, register: register))
    }

    mutating func vote(_ proposal: LabelProposal, member: NodeIndex) throws -> SignedMessage<LabelVote> {
        let decision = try seat(of: member).decideVote(proposal, locks: locks(of: member), context: context)
        remember(decision.lockChanges, member: member)
        return try SignedMessage(signing: decision.answer, key: keys(of: member).protocolKey)
    }

    mutating func reveal(
        _ request: RevealRequest, session: CoordinatorSession, member: NodeIndex
    ) throws -> SignedMessage<Reveal> {
        let decision = try seat(of: member).decideReveal(
            request, parameters: session.parameters, roster: session.roster, locks: locks(of: member),
            agreementKey: keys(of: member).agreementKey, context: context)
        remember(decision.lockChanges, member: member)
        return try SignedMessage(signing: decision.answer, key: keys(of: member).protocolKey)
    }

    /// Closes uploads and brings the session to its certificate.
    mutating func certify(_ session: inout CoordinatorSession, members: [NodeIndex]? = nil) throws {
        _ = try session.closeUploads()
        for member in members ?? Array(register.committee.prefix(register.quorum)) {
            _ = try session.receive(vote(#require(session.labelProposal), member: member))
        }
    }

    /// Runs votes and reveals of `members` and opens the sum.
    mutating func finish(
        _ session: inout CoordinatorSession, words: [NodeIndex: [UInt64]], members: [NodeIndex]? = nil
    ) throws -> [Int64] {
        try certify(&session, members: members)
        for member in members ?? Array(register.committee.prefix(register.quorum)) {
            _ = try session.receive(
                reveal(#require(session.revealRequest(for: member)), session: session, member: member))
        }
        return try open(session, words: words)
    }

    /// Adds up the survivors' words and takes the masks out.
    func open(_ session: CoordinatorSession, words: [NodeIndex: [UInt64]]) throws -> [Int64] {
        let plan = try session.unmaskPlan()
        var sum = [UInt64](repeating: 0, count: plan.wordCount)
        for position in plan.survivorPositions {
            try WordVector.add(#require(words[session.roster.entries[position].node]), into: &sum)
        }
        try plan.masks().remove(from: &sum, wordOffset: 0)
        return try self.plan.layout.unpackSum(sum, dimension: self.plan.dimension)
    }

    // MARK: Shared starting points

    private static let made = Result { try AggregationScenario() }

    /// Eighteen nodes, a committee of eight with quorum seven, one of them corrupt. Made once: dealing takes longest.
    static func standard() throws -> AggregationScenario { try made.get() }

    /// A round in which everyone but node 17 has uploaded.
    struct Uploaded {
        var scenario: AggregationScenario
        var session: CoordinatorSession
        let words: [NodeIndex: [UInt64]]

        static let dropped: NodeIndex = 17

        static func values(_ node: NodeIndex) -> [Int64] { (0..<100).map { Int64(node) * 1000 - 7 * $0 } }

        /// The sum over everyone but `left`.
        static func sum(without left: Set<NodeIndex> = [dropped]) -> [Int64] {
            var sum = [Int64](repeating: 0, count: 100)
            for node in NodeIndex(0)..<18 where !left.contains(node) {
                for (index, value) in values(node).enumerated() { sum[index] += value }
            }
            return sum
        }
    }

    private static let uploadedOnce = Result {
        let scenario = try standard()
        var session = try scenario.session()
        let words = try scenario.collect(&session, dropped: [Uploaded.dropped], values: Uploaded.values)
        return Uploaded(scenario: scenario, session: session, words: words)
    }

    static func uploaded() throws -> Uploaded { try uploadedOnce.get() }
}
