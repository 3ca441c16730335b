// Row 1 of the attack table: the coordinator enlists every corrupt node of a large register in a small cohort. With real
// keys and the real state machines: what it gains where corruption is counted as a share of the cohort, and that the
// absolute bound of the register refuses it.

import Cryptography
import TestSupport
import Testing
import Vectors
import WireFormat

@testable import SecureAggregation

struct ConcentrationAttackTests {
    /// A thousand registered nodes of which the first `cohort` are enlisted. The fifty corrupt ones sit at odd distances
    /// on both sides of the target, wherever the coordinator's choice of a roster can bring them.
    struct Chain {
        static let registered = 1000
        static let corruptMax = 50
        static let target = 170

        let register: Register
        let epoch: Epoch
        let roster: Roster
        let prekeys: [SignedMessage<Prekey>]
        let context: SessionContext
        let coordinator: Ed25519PrivateKey

        static func secret(_ use: String, _ node: Int) -> SecretBytes {
            SecretBytes(copying: SHA256.tagged("concentration", [UInt8](use.utf8), bigEndian(UInt32(node))).bytes)
        }
        static func protocolKey(_ node: Int) throws -> Ed25519PrivateKey { try Ed25519PrivateKey(secret("sign", node)) }
        static func agreementKey(_ node: Int) throws -> X25519PrivateKey { try X25519PrivateKey(secret("ek", node)) }
        static func prekey(_ node: Int) throws -> X25519PrivateKey { try X25519PrivateKey(secret("sk", node)) }

        private static let publicKeys = Result { try (0..<registered).map { try protocolKey($0).publicKey } }
        static let now: Int64 = 1_800_000_000_000

        /// - Parameter corruptMax: 50, or what a rule that looks at the cohort makes of it.
        init(cohort: Int, corruptMax: Int, minAlive: Int) throws {
            let keys = try Self.publicKeys.get()
            let register = try Register(
                chain: "test.example", version: 1,
                nodes: keys.enumerated().map {
                    RegisteredNode(
                        index: NodeIndex($0.offset), name: "s\($0.offset)", operatorName: "o", protocolKey: $0.element)
                }, corruptMax: corruptMax, committee: (0..<134).map { $0 }, dropoutPermille: 100)
            self.register = register
            let ends = Self.now + 86_400_000
            let epoch = try Epoch(
                verifying: EpochAnnouncement(
                    registerDigest: register.digest, epoch: 1, endsAtMilliseconds: ends,
                    hellos: (0..<cohort).map { node in
                        try SignedMessage(
                            signing: EpochHello(
                                registerDigest: register.digest, epoch: 1, node: NodeIndex(node),
                                agreementKey: Self.agreementKey(node).publicKey), key: Self.protocolKey(node))
                    }), register: register)
            self.epoch = epoch
            prekeys = try (0..<cohort).map { node in
                try SignedMessage(
                    signing: Prekey(
                        epochRoot: epoch.root, node: NodeIndex(node), sequence: 1,
                        publicKey: Self.prekey(node).publicKey, shareRoot: SHA256.hash([1])),
                    key: Self.protocolKey(node))
            }
            roster = try Roster(
                prekeys.map { RosterEntry(node: $0.body.node, sequence: 1, prekeyDigest: $0.body.digest) })
            coordinator = try Ed25519PrivateKey(Self.secret("coordinator", 0))
            context = SessionContext(
                register: register, epoch: epoch, coordinatorKey: coordinator.publicKey,
                plan: PlanFacts(
                    planDigest: SHA256.hash([3]), dimension: 60, layout: .twoBy32, generator: .aes256Counter,
                    minAlive: minAlive, roundCount: 9),
                nowMilliseconds: Self.now)
        }

        func parameters(derived: ProtocolParameters) throws -> SignedMessage<SessionParameters> {
            try SignedMessage(
                signing: SessionParameters(
                    registerDigest: register.digest, epochRoot: epoch.root, round: 1, attempt: 1,
                    modelDigest: SHA256.hash([1]), planDigest: context.plan.planDigest, consentSize: 1,
                    consentRoot: SHA256.hash([2]), previousConsentSize: 0, dimension: 60, layout: .twoBy32,
                    generator: .aes256Counter,
                    cohortSize: roster.entries.count, minAlive: context.plan.minAlive,
                    deadlineMilliseconds: Self.now + 60_000, derived: derived, rosterDigest: roster.digest),
                key: coordinator)
        }

        func accept(_ signed: SignedMessage<SessionParameters>) throws -> AcceptedOffer {
            let graph = MaskGraph(nodeCount: roster.entries.count, parameters: signed.body.derived)
            let offer = RoundOffer(
                parameters: signed, roster: roster,
                neighbourPrekeys: graph.neighbours(of: Self.target).map { prekeys[$0] })
            return try AcceptedOffer(
                checking: offer, node: NodeIndex(Self.target), context: context, earlierEpochRoot: nil
            ) { _ in prekeys[Self.target].body.digest }
        }

        func vote(
            _ signed: SignedMessage<SessionParameters>, alive: [Bool]
        ) throws -> CommitteeDecision<LabelVote> {
            let survivors = SurvivorSet(sessionID: signed.body.sessionID, alive: alive)
            return try #require(CommitteeMember(node: 60, register: register)).decideVote(
                LabelProposal(parameters: signed, roster: roster, survivors: survivors), locks: CommitteeLocks(),
                context: context)
        }

        /// The same member asked for its shares, with a certificate that carries votes of a whole quorum.
        func reveal(
            _ signed: SignedMessage<SessionParameters>, alive: [Bool], showing upload: MaskedUpload
        ) throws -> CommitteeDecision<Reveal> {
            let survivors = SurvivorSet(sessionID: signed.body.sessionID, alive: alive)
            let votes = try register.committee.prefix(register.quorum).map { member in
                try SignedMessage(
                    signing: LabelVote(
                        sessionID: survivors.sessionID, node: member, labelDigest: survivors.digest),
                    key: Self.protocolKey(Int(member)))
            }
            return try #require(CommitteeMember(node: 60, register: register)).decideReveal(
                RevealRequest(
                    sessionID: survivors.sessionID, certificate: LabelCertificate(votes: votes),
                    bitmap: survivors.bitmap,
                    items: try alive.map { _ in try .of(upload.envelope, holder: 60) }), parameters: signed,
                roster: roster, locks: CommitteeLocks(),
                agreementKey: Self.agreementKey(60), context: context)
        }

        /// The target's own part, with the real state machine.
        func upload(_ values: [Int64], _ signed: SignedMessage<SessionParameters>) throws -> MaskedUpload {
            let target = Self.target
            var session = NodeSession(offer: try accept(signed), node: NodeIndex(target))
            _ = try session.start()
            _ = try session.budgetCharged(1)
            _ = try session.sequenceBurned()
            let keys = NodeKeys(
                protocolKey: try Self.protocolKey(target), agreementKey: try Self.agreementKey(target),
                hedge: Self.secret("hedge", target))
            let action = try session.vectorReady(
                context.plan.layout.pack(values), keys: keys, prekey: Self.prekey(target), context: context,
                random: SeededRandomSource(seed: 1))
            guard case .storeUpload(let upload) = action else { throw SecureAggregationError.wrongPhase("test") }
            return upload
        }

        /// b of the target, as a quorum of members opens it for a node labelled alive.
        func openedSeed(_ upload: MaskedUpload) throws -> SecretBytes {
            let body = upload.envelope.upload.body
            let dealt = ShareContext(
                kind: .selfMaskSeed, scope: body.sessionID, dealer: body.node, chargeSequence: body.chargeSequence)
            let shares = try (0..<register.quorum).map { holder in
                (
                    position: holder,
                    share: try SharePackage.open(
                        upload.envelope.shares.ciphertexts[holder], context: dealt, holder: holder, register: register,
                        epoch: epoch, agreementKey: Self.agreementKey(Int(register.committee[holder])))
                )
            }
            return try ShamirSharing.join(shares, threshold: register.quorum)
        }
    }

    /// Corrupt positions: at odd distances up to 49 on both sides of `target`, around the ring.
    private static func corrupt(around target: Int, cohort: Int) -> Set<Int> {
        Set(stride(from: 1, through: 49, by: 2).flatMap { [(target + $0) % cohort, (target - $0 + cohort) % cohort] })
    }

    /// The label set of the attack: the target's honest neighbours are "dropped", everybody else is alive.
    private static func labels(graph: MaskGraph, target: Int, corrupt: Set<Int>) -> [Bool] {
        let dropped = Set(graph.neighbours(of: target)).subtracting(corrupt)
        return (0..<graph.nodeCount).map { !dropped.contains($0) }
    }

    private static let values: [Int64] = (0..<60).map { 1_000_003 * Int64($0) - 29_999_999 }

    /// Takes from the target's upload everything the coordinator may know: the seed that members open for a survivor, the
    /// keys that they open for the dropped, and the corrupt nodes' own.
    private static func strip(
        _ words: [UInt64], sessionID: Digest, seed: SecretBytes, graph: MaskGraph, target: Int, corrupt: Set<Int>,
        alive: [Bool]
    ) throws -> (words: [UInt64], unknown: Int) {
        var words = words
        var unknown = 0
        var terms = [
            MaskTerm(
                key: try MaskDerivation.selfMaskKey(sessionID: sessionID, seed: seed, node: NodeIndex(target)),
                subtract: true)
        ]
        let own = try Chain.prekey(target).publicKey
        for neighbour in graph.neighbours(of: target) {
            guard corrupt.contains(neighbour) || !alive[neighbour] else {
                unknown += 1
                continue
            }
            let key = try MaskDerivation.pairKey(
                sessionID: sessionID, own: Chain.prekey(neighbour), ownNode: NodeIndex(neighbour), peer: own,
                peerNode: NodeIndex(target))
            terms.append(MaskTerm(key: key, subtract: target < neighbour))
        }
        try MaskExpander.apply(terms, generator: .aes256Counter, to: &words)
        return (words, unknown)
    }

    @Test("Row 1: with C counted in the cohort, real nodes and members give the target's vector away")
    func countedInTheCohortTheTargetIsExposed() throws {
        let cohort = 340
        // ⌈5 % of 340⌉ = 17, although 50 corrupt nodes are registered and all of them are enlisted.
        let weak = try Chain(
            cohort: cohort, corruptMax: Register.corruptMax(registered: cohort, permille: 50), minAlive: 250)
        let corrupt = Self.corrupt(around: Chain.target, cohort: cohort)
        #expect(corrupt.count == Chain.corruptMax && weak.register.corruptMax == 17)
        let signed = try weak.parameters(
            derived: ProtocolParameters.derive(register: weak.register, cohort: cohort))
        let graph = MaskGraph(nodeCount: cohort, parameters: signed.body.derived)
        let alive = Self.labels(graph: graph, target: Chain.target, corrupt: corrupt)
        #expect(alive.count { $0 } >= 300, "nearly everyone is alive")
        // Every check of a member passes, and of the node.
        #expect(try weak.vote(signed, alive: alive).answer.node == 60)
        let upload = try weak.upload(Self.values, signed)
        let stripped = try Self.strip(
            upload.words, sessionID: signed.body.sessionID, seed: weak.openedSeed(upload), graph: graph,
            target: Chain.target, corrupt: corrupt, alive: alive)
        #expect(stripped.unknown == 0)
        #expect(try LaneLayout.twoBy32.unpackSum(stripped.words, dimension: 60) == Self.values)
    }

    @Test(
        "Row 1: counted in the register, the same roster and labels are refused, and what is accepted hides the target")
    func countedInTheRegisterTheTargetIsHidden() throws {
        let cohort = 340
        let chain = try Chain(cohort: cohort, corruptMax: Chain.corruptMax, minAlive: 250)
        let corrupt = Self.corrupt(around: Chain.target, cohort: cohort)
        // The coordinator signs what the weak rule gives: node and member compute for themselves.
        let weak = try ProtocolParameters.derive(
            register: ParameterTests.register(nodes: 1000, corruptMax: 17, committee: (0..<134).map { $0 }),
            cohort: cohort)
        let everyone = [Bool](repeating: true, count: cohort)
        let forged = try chain.parameters(derived: weak)
        #expect(throws: SecureAggregationError.mismatch(field: "derived parameters")) { try chain.accept(forged) }
        #expect(throws: SecureAggregationError.mismatch(field: "derived parameters")) {
            try chain.vote(forged, alive: everyone)
        }
        // It signs the right ones and drops the target's honest neighbours in the ring that these give.
        let honest = try chain.parameters(
            derived: ProtocolParameters.derive(register: chain.register, cohort: cohort))
        #expect(honest.body.derived.corruptHalf == 25)
        let graph = MaskGraph(nodeCount: cohort, parameters: honest.body.derived)
        let isolating = Self.labels(graph: graph, target: Chain.target, corrupt: corrupt)
        #expect(isolating.count { $0 } >= 250)
        #expect(throws: SecureAggregationError.disconnected) { try chain.vote(honest, alive: isolating) }
        let upload = try chain.upload(Self.values, honest)
        // Nor do members that did not vote open it, under a certificate as if a quorum had.
        #expect(throws: SecureAggregationError.disconnected) {
            try chain.reveal(honest, alive: isolating, showing: upload)
        }
        // So are the labels of the weak attack. What is accepted leaves the target honest survivors as neighbours.
        let narrow = Self.labels(
            graph: MaskGraph(nodeCount: cohort, parameters: weak), target: Chain.target, corrupt: corrupt)
        #expect(throws: SecureAggregationError.disconnected) { try chain.vote(honest, alive: narrow) }
        #expect(try chain.vote(honest, alive: everyone).answer.node == 60)
        #expect(try chain.reveal(honest, alive: everyone, showing: upload).answer.node == 60)
        let stripped = try Self.strip(
            upload.words, sessionID: honest.body.sessionID, seed: chain.openedSeed(upload), graph: graph,
            target: Chain.target, corrupt: corrupt, alive: everyone)
        #expect(stripped.unknown > 0)
        let clear = LaneLayout.twoBy32.pack(Self.values)
        #expect(zip(stripped.words, clear).allSatisfy { $0 != $1 })
    }

    @Test("Row 1: a hundred nodes with all fifty corrupt ones, on the ring that a share of the cohort would give")
    func aHundredNodesOnAThinRing() throws {
        let cohort = 100
        let target = 50
        let corrupt = Self.corrupt(around: target, cohort: cohort)
        let sessionID = SHA256.hash([9])
        func graph(corruptMax: Int) throws -> MaskGraph {
            let ring = try #require(
                ProtocolParameters.ringParameters(
                    cohort: cohort, corruptMax: corruptMax, dropoutPermille: 100))
            return MaskGraph(
                nodeCount: cohort,
                parameters: ProtocolParameters(
                    neighbours: ring.neighbours, corruptHalf: ring.corruptHalf, committeeSize: 0, quorum: 0))
        }
        func upload(_ graph: MaskGraph) throws -> [UInt64] {
            var terms = [
                MaskTerm(
                    key: try MaskDerivation.selfMaskKey(
                        sessionID: sessionID, seed: Chain.secret("b", target), node: NodeIndex(target)),
                    subtract: false)
            ]
            for neighbour in graph.neighbours(of: target) {
                let key = try MaskDerivation.pairKey(
                    sessionID: sessionID, own: Chain.prekey(target), ownNode: NodeIndex(target),
                    peer: Chain.prekey(neighbour).publicKey, peerNode: NodeIndex(neighbour))
                terms.append(MaskTerm(key: key, subtract: target > neighbour))
            }
            var words = LaneLayout.twoBy32.pack(Self.values)
            try MaskExpander.apply(terms, generator: .aes256Counter, to: &words)
            return words
        }
        let thin = try graph(corruptMax: Register.corruptMax(registered: cohort, permille: 50))
        #expect(thin.neighbours == 24 && thin.corruptHalf == 2)
        let alive = Self.labels(graph: thin, target: target, corrupt: corrupt)
        #expect(alive.count { $0 } == 88)
        #expect(throws: Never.self) { try thin.requireConnected(alive: alive) }
        let stripped = try Self.strip(
            upload(thin), sessionID: sessionID, seed: Chain.secret("b", target), graph: thin, target: target,
            corrupt: corrupt, alive: alive)
        #expect(stripped.unknown == 0)
        #expect(try LaneLayout.twoBy32.unpackSum(stripped.words, dimension: 60) == Self.values)

        // The register's C gives a ring on which the attack's own labels are refused.
        let real = try graph(corruptMax: Chain.corruptMax)
        #expect(real.corruptHalf == 25)
        #expect(throws: SecureAggregationError.disconnected) {
            try real.requireConnected(alive: Self.labels(graph: real, target: target, corrupt: corrupt))
        }
        // And so small a cohort has the complete graph: every honest survivor is a neighbour.
        let register = try ParameterTests.register(nodes: 1000, corruptMax: 50, committee: (0..<134).map { $0 })
        #expect(try ProtocolParameters.derive(register: register, cohort: cohort).neighbours == cohort - 1)
    }

    /// A coordinator enlists all 50 corrupt nodes of a register of 1000 in a cohort of 340, where 5 % would be 17, and
    /// labels a target's honest neighbours dropped. With the bound of the register that set is refused.
    @Test("Row 1: corrupt nodes are counted in the register, not in the cohort")
    func corruptNodesAreCountedInTheRegisterNotInTheCohort() throws {
        let cohort = 340
        let register = try ParameterTests.register(nodes: 1000, corruptMax: 50)
        let derived = try ProtocolParameters.derive(register: register, cohort: cohort)
        #expect(derived.corruptHalf == 25 && register.smallestMinAlive == 66)
        let graph = MaskGraph(nodeCount: cohort, parameters: derived)
        let half = derived.neighbours / 2
        let target = 170
        // The corrupt sit around the target, 25 on each side as far as they go; its honest neighbours are labelled dead.
        var alive = [Bool](repeating: true, count: cohort)
        for distance in 1...half {
            alive[target + distance] = distance <= 25
            alive[target - distance] = distance <= 25
        }
        #expect(throws: SecureAggregationError.disconnected) { try graph.requireConnected(alive: alive) }
        // The same set passes if C were 5 % of the cohort: this is the attack that the absolute bound stops.
        let counted = MaskGraph(
            nodeCount: cohort,
            parameters: ProtocolParameters(
                neighbours: derived.neighbours, corruptHalf: 17 / 2, committeeSize: 0, quorum: 0))
        #expect(throws: Never.self) { try counted.requireConnected(alive: alive) }
        #expect(Register.quorum(committeeSize: 134, corruptMax: 50) == 94)
    }

    @Test("Row 1: a committee in which the corrupt could be a quorum cannot be registered")
    func committeesOfCorruptNodesAreRefused() throws {
        for size in [1, 24, 50, 53] {
            #expect(throws: SecureAggregationError.self, "\(size)") {
                try ParameterTests.register(
                    nodes: 1000, corruptMax: 50, committee: (0..<NodeIndex(size)).map { $0 })
            }
        }
        // The first that can be: its quorum needs more honest members than may be forgetful.
        let register = try ParameterTests.register(
            nodes: 1000, corruptMax: 50, committee: (0..<54).map { $0 })
        #expect(register.quorum == 54)
    }
}
