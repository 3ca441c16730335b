// A whole chain's messages for one attempt, made by the protocol's own code: what the state machine is fed with.

import Cryptography
import Rounds
import SecureAggregation
import TestSupport
import Vectors

/// One attempt with every message that can reach it.
struct RoundFixture {
    static let nodeCount = 24
    static let now: Int64 = 1_800_000_000_000
    static let deadlines = AttemptDeadlines(collecting: 60_000, labelling: 70_000, revealing: 80_000)

    let register: Register
    let session: CoordinatorSession
    let uploads: [UploadEnvelope]
    private let keys: [NodeKeys]
    private let context: SessionContext

    init() throws {
        let random = SeededRandomSource(seed: 5)
        let coordinatorKey = try Ed25519PrivateKey(random.secretBytes(count: 32))
        var keys: [NodeKeys] = []
        for _ in 0..<Self.nodeCount {
            keys.append(
                NodeKeys(
                    protocolKey: try Ed25519PrivateKey(random.secretBytes(count: 32)),
                    agreementKey: try X25519PrivateKey(random.secretBytes(count: 32)),
                    hedge: try random.secretBytes(count: 32)))
        }
        let register = try Register(
            chain: "test.example", version: 1,
            nodes: keys.enumerated().map { index, own in
                RegisteredNode(
                    index: NodeIndex(index), name: "store-\(index)", operatorName: "chain",
                    protocolKey: own.protocolKey.publicKey)
            }, corruptMax: 2, committee: (0..<16).map { NodeIndex($0) }, dropoutPermille: 100)
        let hellos = try keys.enumerated().map { index, own in
            try SignedMessage(
                signing: EpochHello(
                    registerDigest: register.digest, epoch: 1, node: NodeIndex(index),
                    agreementKey: own.agreementKey.publicKey), key: own.protocolKey)
        }
        let epoch = try Epoch(
            verifying: EpochAnnouncement(
                registerDigest: register.digest, epoch: 1, endsAtMilliseconds: Self.now + 86_400_000, hellos: hellos),
            register: register)
        let prekeys = try keys.enumerated().map { index, own in
            try PreparedPrekey(
                sequence: 1, node: NodeIndex(index), keys: own, register: register, epoch: epoch, random: random)
        }
        let plan = try PlanFixture().validated()
        let roster = try Roster(
            prekeys.enumerated().map { index, prekey in
                RosterEntry(
                    node: NodeIndex(index), sequence: 1, prekeyDigest: prekey.bundle.prekey.body.digest)
            })
        let parameters = SessionParameters(
            registerDigest: register.digest, epochRoot: epoch.root, round: 1, attempt: 1,
            modelDigest: SHA256.hash([1]), planDigest: plan.digest, consentSize: 10, consentRoot: SHA256.hash([2]),
            previousConsentSize: 0, dimension: plan.dimension, layout: plan.plan.layout,
            generator: plan.plan.generator, cohortSize: Self.nodeCount,
            minAlive: plan.plan.minAlive, deadlineMilliseconds: Self.now + Self.deadlines.collecting,
            derived: try ProtocolParameters.derive(register: register, cohort: Self.nodeCount),
            rosterDigest: roster.digest)
        let session = try CoordinatorSession(
            parameters: try SignedMessage(signing: parameters, key: coordinatorKey), roster: roster,
            prekeys: prekeys.map(\.bundle), register: register, epoch: epoch)
        let context = SessionContext(
            register: register, epoch: epoch, coordinatorKey: coordinatorKey.publicKey, plan: plan.facts,
            nowMilliseconds: Self.now)
        uploads = try keys.indices.map { index in
            guard let offer = session.offer(for: NodeIndex(index)) else {
                throw SecureAggregationError.unknown("offer")
            }
            let accepted = try AcceptedOffer(
                checking: offer, node: NodeIndex(index), context: context, earlierEpochRoot: nil
            ) { _ in
                prekeys[index].bundle.prekey.body.digest
            }
            var node = NodeSession(offer: accepted, node: NodeIndex(index))
            _ = try node.start()
            _ = try node.budgetCharged(1)
            _ = try node.sequenceBurned()
            let words = plan.plan.layout.pack([Int64](repeating: 1, count: plan.dimension))
            let action = try node.vectorReady(
                words, keys: keys[index], prekey: prekeys[index].privateKey, context: context, random: random)
            guard case .storeUpload(let upload) = action else { throw SecureAggregationError.wrongPhase("upload") }
            return upload.envelope
        }
        self.register = register
        self.session = session
        self.keys = keys
        self.context = context
    }

    func attempt() -> Attempt { Attempt(session: session, deadlines: Self.deadlines) }

    /// A member's vote on the attempt's survivor set; on nothing, if there is none yet.
    func vote(_ member: Int, _ attempt: Attempt) throws -> SignedMessage<LabelVote> {
        try SignedMessage(
            signing: LabelVote(
                sessionID: session.sessionID, node: NodeIndex(member),
                labelDigest: attempt.session.survivors?.digest ?? SHA256.hash([0])), key: keys[member].protocolKey)
    }

    /// A member's reveal; of nothing, if it is not asked yet.
    func reveal(_ member: Int, _ attempt: Attempt, spoiled: Bool = false) throws -> SignedMessage<Reveal> {
        guard let request = attempt.session.revealRequest(for: NodeIndex(member)),
            let seat = CommitteeMember(node: NodeIndex(member), register: register)
        else {
            return try SignedMessage(
                signing: Reveal(
                    sessionID: session.sessionID, node: NodeIndex(member), labelDigest: SHA256.hash([0]),
                    shares: [], openingDigest: SHA256.hash([0])), key: keys[member].protocolKey)
        }
        let decision = try seat.decideReveal(
            request, parameters: session.parameters, roster: session.roster, locks: locks(attempt),
            agreementKey: keys[member].agreementKey, context: context)
        let body = decision.answer
        return try SignedMessage(
            signing: spoiled
                ? Reveal(
                    sessionID: body.sessionID, node: body.node, labelDigest: body.labelDigest,
                    shares: body.shares.map { $0.map { $0 ^ 1 } }, openingDigest: body.openingDigest)
                : body, key: keys[member].protocolKey)
    }

    /// The promises of a member that voted.
    private func locks(_ attempt: Attempt) -> CommitteeLocks {
        var locks = CommitteeLocks()
        if let survivors = attempt.session.survivors {
            locks.apply(.label(session: session.sessionID, label: survivors.digest))
        }
        for entry in session.roster.entries {
            locks.apply(.prekey(node: entry.node, sequence: entry.sequence, session: session.sessionID))
        }
        return locks
    }
}
