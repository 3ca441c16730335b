// A chain for a benchmark: real keys, a real register, epoch and prekeys; only the vectors are made up.

import Cryptography
import SecureAggregation
import Vectors

/// Every node's secrets, which a real chain has in as many processes.
struct BenchmarkCohort: Sendable {
    let choice: ParameterChoice
    let coordinatorKey: Ed25519PrivateKey
    let register: Register
    let epoch: Epoch
    let keys: [NodeKeys]
    let plan: PlanFacts

    static let nowMilliseconds: Int64 = 1_800_000_000_000

    init(choice: ParameterChoice, dimension: Int, layout: LaneLayout, generator: KeystreamCipher) throws {
        let random = SystemRandomSource()
        let keys = try (0..<choice.registered).map { _ in
            NodeKeys(
                protocolKey: try Ed25519PrivateKey(random.secretBytes(count: 32)),
                agreementKey: try X25519PrivateKey(random.secretBytes(count: 32)),
                hedge: try random.secretBytes(count: 32))
        }
        // Seats spread evenly over the chain.
        let committee = (0..<choice.committeeSize).map { NodeIndex($0 * choice.registered / choice.committeeSize) }
        let register = try Register(
            chain: "benchmark.invalid", version: 1,
            nodes: keys.enumerated().map { index, own in
                RegisteredNode(
                    index: NodeIndex(index), name: "store-\(index)", operatorName: "chain",
                    protocolKey: own.protocolKey.publicKey)
            }, corruptMax: choice.corruptMax, committee: committee, dropoutPermille: choice.dropoutPermille)
        let announcement = EpochAnnouncement(
            registerDigest: register.digest, epoch: 1, endsAtMilliseconds: Self.nowMilliseconds + 7 * 86_400_000,
            hellos: try keys.enumerated().map { index, own in
                try SignedMessage(
                    signing: EpochHello(
                        registerDigest: register.digest, epoch: 1, node: NodeIndex(index),
                        agreementKey: own.agreementKey.publicKey), key: own.protocolKey)
            })
        self.choice = choice
        self.keys = keys
        self.register = register
        coordinatorKey = try Ed25519PrivateKey(random.secretBytes(count: 32))
        epoch = try Epoch(verifying: announcement, register: register)
        plan = PlanFacts(
            planDigest: SHA256.hash([UInt8]("benchmark plan".utf8)), dimension: dimension, layout: layout,
            generator: generator, minAlive: choice.minAlive, roundCount: 1)
    }

    var context: SessionContext {
        SessionContext(
            register: register, epoch: epoch, coordinatorKey: coordinatorKey.publicKey, plan: plan,
            nowMilliseconds: Self.nowMilliseconds)
    }

    func prekey(of node: NodeIndex) throws -> PreparedPrekey {
        try PreparedPrekey(
            sequence: 1, node: node, keys: keys[Int(node)], register: register, epoch: epoch,
            random: SystemRandomSource())
    }

    func parameters(roster: Roster) throws -> SignedMessage<SessionParameters> {
        let parameters = SessionParameters(
            registerDigest: register.digest, epochRoot: epoch.root, round: 1, attempt: 1,
            modelDigest: SHA256.hash([1]), planDigest: plan.planDigest, consentSize: 1, consentRoot: SHA256.hash([2]),
            previousConsentSize: 0, dimension: plan.dimension, layout: plan.layout, generator: plan.generator,
            cohortSize: roster.entries.count, minAlive: plan.minAlive,
            deadlineMilliseconds: Self.nowMilliseconds + 3_600_000,
            derived: try ProtocolParameters.derive(register: register, cohort: roster.entries.count),
            rosterDigest: roster.digest)
        return try SignedMessage(signing: parameters, key: coordinatorKey)
    }
}

/// Made-up vectors whose sum can be computed again without storing them.
struct BenchmarkVectors: Sendable {
    let dimension: Int
    /// Largest absolute value of a coordinate; the sum over all nodes fits a lane.
    let bound: Int64

    init?(dimension: Int, layout: LaneLayout, nodes: Int) {
        bound = min(1000, layout.maximumCoordinate / Int64(nodes))
        self.dimension = dimension
        if bound < 1 { return nil }
    }

    @inline(__always)
    private func value(node: UInt64, index: Int) -> Int64 {
        let mixed = (node &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(index)) &* 0xD1B5_4A32_D192_ED03
        let span = UInt64(2 * bound + 1)
        return Int64((mixed >> 32) &* span >> 32) - bound
    }

    /// The vector of a node.
    func vector(of node: NodeIndex) -> [Int64] {
        (0..<dimension).map { value(node: UInt64(node), index: $0) }
    }

    /// Whether `sum` is the sum of the vectors of `nodes`.
    func isSum(_ sum: [Int64], of nodes: [NodeIndex]) -> Bool {
        guard sum.count == dimension else { return false }
        for index in sum.indices {
            var expected: Int64 = 0
            for node in nodes { expected += value(node: UInt64(node), index: index) }
            if expected != sum[index] { return false }
        }
        return true
    }
}
