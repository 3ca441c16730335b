// Noise that no single party knows: each node adds an exact discrete Gaussian share, sized so that the honest shares
// of any sum that can be opened are enough by themselves. Idea: Dwork et al. 2006 ("Our Data, Ourselves") and Kairouz,
// Liu, Steinke 2021; the tie of the share to the aggregation threshold and the accounting against a continuous Gaussian
// of variance (t − x)·s² − 4 are this project's (Protocols/differential-privacy.md has the theorem and its proof).

import Cryptography
import Glibc

/// The noise of a job: from signed plan parameters to the share of a node and the numbers the accountant uses.
///
/// Everything that nodes must agree on is an exact integer. Immutable and `Sendable`.
public struct DistributedGaussian: Equatable, Sendable {
    /// z of the plan.
    public let noiseMultiplier: NoiseMultiplier
    /// D², from ``ContributionBound/squaredSensitivity``.
    public let squaredSensitivity: UInt64
    /// t: fewest nodes any opened sum contains.
    public let minimumAlive: Int
    /// x = C: most nodes of the register that may be corrupt, lazy or restored, counted by legal operator.
    public let maximumCorrupt: Int
    /// s² = ⌈(z²·D² + 4) / (t − x)⌉: the variance parameter of every node's share, per coordinate.
    public let shareVariance: UInt64
    private let sampler: DiscreteGaussianSampler

    /// Smallest share: from s = 3 on, sums of shares are discrete Gaussian to within 10^−38 (see ``slackPerRound(dimension:)``).
    public static let minimumShareVariance: UInt64 = 9
    /// s2²: the part of the noise variance given up in the proof to pass from integers to a continuous Gaussian.
    public static let smoothingVariance: UInt64 = 4

    /// Derives the share.
    /// - Parameters:
    ///   - noiseMultiplier: z.
    ///   - squaredSensitivity: D², 1...2^61.
    ///   - minimumAlive: t, exactly the number the aggregation protocol enforces.
    ///   - maximumCorrupt: C, 0 or more.
    /// - Throws: ``MechanismError`` if t − C < 1, s² < 9, s² > 2^48 or a parameter is out of range.
    public init(
        noiseMultiplier: NoiseMultiplier, squaredSensitivity: UInt64, minimumAlive: Int, maximumCorrupt: Int
    ) throws(MechanismError) {
        if !(1...1 << 61).contains(squaredSensitivity) { throw .outOfRange(field: "squaredSensitivity") }
        if !(0...1 << 31).contains(minimumAlive) { throw .outOfRange(field: "minimumAlive") }
        if !(0...1 << 31).contains(maximumCorrupt) { throw .outOfRange(field: "maximumCorrupt") }
        if minimumAlive - maximumCorrupt < 1 {
            throw .noHonestShare(minimumAlive: minimumAlive, maximumCorrupt: maximumCorrupt)
        }
        // z² ≤ 10^18 < 2^60 in millionths, D² ≤ 2^61: the product stays below 2^121.
        let z = UInt128(noiseMultiplier.thousandths)
        let million: UInt128 = 1_000_000
        let numerator = z * z * UInt128(squaredSensitivity) + UInt128(Self.smoothingVariance) * million
        let denominator = million * UInt128(minimumAlive - maximumCorrupt)
        let variance = (numerator + denominator - 1) / denominator
        if variance > UInt128(DiscreteGaussianSampler.maximumVariance) { throw .varianceOutOfRange }
        if variance < UInt128(Self.minimumShareVariance) {
            throw .shareTooSmall(variance: UInt64(variance), minimum: Self.minimumShareVariance)
        }
        self.noiseMultiplier = noiseMultiplier
        self.squaredSensitivity = squaredSensitivity
        self.minimumAlive = minimumAlive
        self.maximumCorrupt = maximumCorrupt
        shareVariance = UInt64(variance)
        sampler = try DiscreteGaussianSampler(variance: shareVariance)
    }

    /// h = t − x: shares that are surely present and honest.
    public var honestShares: Int { minimumAlive - maximumCorrupt }

    /// σ_c² = h·s² − 4: variance of the continuous Gaussian the accountant may assume. At least z²·D², by construction.
    public var accountedVariance: UInt128 {
        UInt128(honestShares) * UInt128(shareVariance) - UInt128(Self.smoothingVariance)
    }

    /// σ_c / D, rounded down: the noise multiplier that is really there. At least z but for that rounding.
    public var accountedNoiseMultiplier: Double { accountedNoiseMultiplier(honestShares: honestShares) }

    /// σ_c / D with another number of honest shares, rounded down: for the "what if" lines of a statement. 0 without
    /// any.
    public func accountedNoiseMultiplier(honestShares: Int) -> Double {
        if !(1...1 << 31).contains(honestShares) { return 0 }
        let variance = UInt128(honestShares) * UInt128(shareVariance) - UInt128(Self.smoothingVariance)
        let ratio = Double(variance).nextDown / Double(squaredSensitivity).nextUp
        return ratio.nextDown.squareRoot().nextDown
    }

    /// Standard deviation of a coordinate's noise when `aliveNodes` nodes add their shares.
    public func noiseStandardDeviation(aliveNodes: Int) -> Double {
        (Double(shareVariance) * Double(max(0, aliveNodes))).squareRoot()
    }

    /// A node's share for one session: `count` fresh draws of N_Z(0, s²).
    /// - Parameters:
    ///   - count: coordinates of the vector, ride-alongs included.
    ///   - generator: keyed afresh for this session and used for nothing else.
    public func sampleShare(count: Int, _ generator: inout KeyedRandomGenerator) -> [Int64] {
        sampler.samples(count: count, &generator)
    }

    /// Adds a fresh share to `vector`, modulo 2^64: see ``sampleShare(count:_:)``.
    public func addShare(to vector: inout [Int64], _ generator: inout KeyedRandomGenerator) {
        sampler.addSamples(to: &vector, &generator)
    }

    /// c: how far, in log-probability, one round's real noise can be from the continuous Gaussian the accountant assumes
    /// after rounding it to integers, rounded up.
    ///
    /// With e(v) = 2·Σ_{l≥1} exp(−2π²·v·l²) and h = t − x:
    /// c = d·[Σ_{j=1}^{h−1} ln((1 + e(s²j/(j+1)))/(1 − e(s²j/(j+1)))) + ln(1 + e(h·s²)) − ln(1 − e(4))].
    /// e falls in v, so the sum is at most its first term plus h − 2 times its second.
    /// - Parameters:
    ///   - dimension: coordinates of the vector, ride-alongs included.
    ///   - honestShares: h, at least 1; the mechanism's own if absent.
    public func slackPerRound(dimension: Int, honestShares: Int? = nil) -> Double {
        let variance = Double(shareVariance)
        let h = Double(max(1, honestShares ?? self.honestShares))
        var perCoordinate = Self.thetaTail(h * variance) + Self.minusLog1mTail(Double(Self.smoothingVariance))
        for (index, copies) in [(1.0, 1.0), (2.0, max(0, h - 2))] where h > index {
            let v = variance * index / (index + 1)
            perCoordinate += copies * (Self.thetaTail(v) + Self.minusLog1mTail(v))
        }
        return Double(max(0, dimension)) * perCoordinate * (1 + 0x1p-40)
    }

    /// Upper bound on e(v), and so on ln(1 + e(v)): l² ≥ 1 + 3(l − 1) makes the series geometric.
    static func thetaTail(_ v: Double) -> Double {
        // The exponent is off by at most a few units of 2^-53 times its size; 2^-30 covers it up to 10^6, and beyond
        // exp is below the smallest normal number, which stands in for it.
        let x = max(exp(-2 * Double.pi * Double.pi * v) * (1 + 0x1p-30), Double.leastNormalMagnitude)
        return 2 * x / (1 - x * x * x)
    }

    /// Upper bound on −ln(1 − e(v)).
    private static func minusLog1mTail(_ v: Double) -> Double {
        let e = thetaTail(v)
        return e < 1 ? -log1p(-e) * (1 + 0x1p-40) : .infinity
    }
}
