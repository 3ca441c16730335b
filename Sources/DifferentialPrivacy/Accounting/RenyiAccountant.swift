// ε of a job of T rounds. Composition is addition, order by order, and stays valid when later rounds depend on earlier
// results (Mironov 2017, proposition 1), which is what lets one accountant serve plans and ledgers alike.
//
// What is printed includes the slack of the integer mechanism: δ_real(ε) ≤ e^(Tc)·δ_T(ε − 2Tc), so the accountant
// answers ε_T(δ·e^(−Tc)) + 2Tc.

import Glibc

/// Rényi accountant of the (Poisson-sampled) distributed discrete Gaussian.
///
/// Immutable and `Sendable`. All results are rounded against us: ε up, rounds down, noise up.
public struct RenyiAccountant: Equatable, Sendable {
    /// The fixed orders at which divergences are kept.
    public static let orders: [Double] =
        (1...99).map { 1 + Double($0) / 10 } + (11...64).map(Double.init)
        + [80, 96, 128, 192, 256, 512, 1024, 4096, 16_384, 100_000]

    /// σ_c / D, a lower bound.
    public let noiseMultiplier: Double
    /// Who takes part in a round.
    public let sampling: CustomerSampling
    /// c of ``DistributedGaussian/slackPerRound(dimension:)``.
    public let slackPerRound: Double
    /// Divergence of one round at each of ``orders``, rounded up.
    public let divergences: [Double]

    /// Accounts for a mechanism.
    /// - Parameters:
    ///   - mechanism: the job's noise.
    ///   - sampling: the job's sampling.
    ///   - dimension: coordinates of the vector, ride-alongs included.
    /// - Throws: ``MechanismError/outOfRange(field:)``.
    public init(mechanism: DistributedGaussian, sampling: CustomerSampling, dimension: Int) throws(MechanismError) {
        if dimension < 1 { throw .outOfRange(field: "dimension") }
        try self.init(
            noiseMultiplier: mechanism.accountedNoiseMultiplier, sampling: sampling,
            slackPerRound: mechanism.slackPerRound(dimension: dimension))
    }

    /// Accounts for a Gaussian of known noise multiplier.
    /// - Parameters:
    ///   - noiseMultiplier: standard deviation over sensitivity; 10^−3 to 10^7. Give a lower bound.
    ///   - sampling: who takes part.
    ///   - slackPerRound: 0 or more.
    /// - Throws: ``MechanismError/outOfRange(field:)``.
    public init(
        noiseMultiplier: Double, sampling: CustomerSampling, slackPerRound: Double = 0
    ) throws(MechanismError) {
        guard noiseMultiplier >= 0.000_999, noiseMultiplier <= 1e7 else { throw .outOfRange(field: "noiseMultiplier") }
        guard slackPerRound >= 0, slackPerRound.isFinite else { throw .outOfRange(field: "slackPerRound") }
        self.init(inRange: noiseMultiplier, sampling, slackPerRound)
    }

    private init(inRange noiseMultiplier: Double, _ sampling: CustomerSampling, _ slackPerRound: Double) {
        self.noiseMultiplier = noiseMultiplier
        self.sampling = sampling
        self.slackPerRound = slackPerRound
        let q = sampling.probability
        divergences = Self.orders.map { RenyiDivergence.ofRound(order: $0, z: noiseMultiplier, q: q) }
    }

    /// The accountant of the same mechanism with every sampling coin known (q = 1).
    public var withKnownCoins: RenyiAccountant {
        RenyiAccountant(inRange: noiseMultiplier, .everyone, slackPerRound)
    }

    /// ε that holds with probability parameter δ after `rounds` rounds, slack included, rounded up.
    /// - Parameters:
    ///   - rounds: 0 or more; a negative number has no bound.
    ///   - delta: in (0, 1). Anything else has no bound.
    /// - Returns: 0 after no round; infinity where there is no bound.
    public func epsilon(rounds: Int, delta: Double) -> Double {
        if rounds == 0, delta >= 0 { return 0 }
        guard rounds > 0, delta > 0, delta < 1 else { return .infinity }
        let count = Double(rounds).nextUp
        let slack = slack(rounds: rounds)
        let budget = delta * exp(-slack) * (1 - 0x1p-50)
        guard budget > 0 else { return .infinity }
        var best = Double.infinity
        for (order, divergence) in zip(Self.orders, divergences) {
            best = min(
                best, RenyiDivergence.epsilon(divergence: (count * divergence).nextUp, order: order, delta: budget))
        }
        return (best + 2 * slack).nextUp
    }

    /// T·c, rounded up.
    public func slack(rounds: Int) -> Double {
        (Double(max(0, rounds)).nextUp * slackPerRound).nextUp
    }

    /// Largest number of rounds whose ε at `delta` does not exceed `cap`; at most 2^30.
    public func maximumRounds(cap: Double, delta: Double) -> Int {
        var high = 1
        while high < 1 << 30, epsilon(rounds: high, delta: delta) <= cap { high *= 2 }
        if high == 1 { return epsilon(rounds: 1, delta: delta) <= cap ? 1 : 0 }
        var low = high / 2
        while high - low > 1 {
            let middle = (low + high) / 2
            if epsilon(rounds: middle, delta: delta) <= cap { low = middle } else { high = middle }
        }
        return low
    }

    /// Cost of a round in millionths of zCDP, D²/(2σ_c²), rounded up: what ledgers store and add across jobs. For a
    /// sampled round it is the cost with the coin known, which is an upper bound too.
    public var microZCDPPerRound: UInt64 {
        let cost = (500_000 / (noiseMultiplier * noiseMultiplier) * (1 + 0x1p-48)).rounded(.up)
        return cost < 0x1p62 ? UInt64(cost) : 1 << 62
    }

    /// The smallest noise multiplier in thousandths that keeps `rounds` rounds within (`epsilon`, `delta`).
    ///
    /// Leaves room of 10^−12 for the discretisation slack and for rounding, so a mechanism built with the answer
    /// accounts to at most `epsilon`.
    /// - Throws: ``MechanismError/outOfRange(field:)`` or ``MechanismError/noNoiseMultiplierReaches(epsilon:)``.
    public static func noiseMultiplier(
        forEpsilon epsilon: Double, delta: Double, rounds: Int, sampling: CustomerSampling
    ) throws(MechanismError) -> NoiseMultiplier {
        guard epsilon > 0, epsilon.isFinite else { throw .outOfRange(field: "epsilon") }
        guard delta > 0, delta < 1 else { throw .outOfRange(field: "delta") }
        if rounds < 1 { throw .outOfRange(field: "rounds") }
        let q = sampling.probability
        let suffices = { (thousandths: Int64) -> Bool in
            isWithin(
                epsilon - 1e-12, delta: delta * (1 - 1e-12), rounds: rounds,
                z: Double(thousandths) / 1000 * (1 - 1e-12), q: q)
        }
        var high: Int64 = 1
        while !suffices(high) {
            if high >= NoiseMultiplier.maximumThousandths { throw .noNoiseMultiplierReaches(epsilon: epsilon) }
            high = min(2 * high, NoiseMultiplier.maximumThousandths)
        }
        var low = high / 2
        while high - low > 1 {
            let middle = (low + high) / 2
            if suffices(middle) { high = middle } else { low = middle }
        }
        return try NoiseMultiplier(thousandths: high)
    }

    /// Whether some order proves (`cap`, `delta`). Divergences grow with the order, so the search ends at the first
    /// order whose divergence alone passes the cap: the conversion subtracts less than 3 at any order and δ.
    private static func isWithin(_ cap: Double, delta: Double, rounds: Int, z: Double, q: Double) -> Bool {
        let count = Double(rounds).nextUp
        for order in orders {
            let divergence = (count * RenyiDivergence.ofRound(order: order, z: z, q: q)).nextUp
            if RenyiDivergence.epsilon(divergence: divergence, order: order, delta: delta) <= cap { return true }
            if divergence > cap + 3 { return false }
        }
        return false
    }
}
