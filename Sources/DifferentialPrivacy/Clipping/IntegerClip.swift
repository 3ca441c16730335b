// From a customer's update to an integer vector whose norm is bounded for certain: clip, scale, round at random, and
// check the exact squared norm of what came out. Floating point happens before the check only, so no rounding error
// can loosen the bound (Mironov 2012's low-bit attack has nothing to read, and a wrong norm costs the customer's own
// contribution, not her privacy).

import Cryptography

/// Turns updates into integer contributions and adds them to an accumulator.
///
/// Keeps scratch memory, so one value per thread. Nothing a caller can observe depends on whether a contribution was
/// accepted, redrawn, truncated or zeroed, except the accumulator, which is secret until noised and masked, and the
/// time taken, which a fixed reply slot covers.
public struct IntegerClip: Sendable {
    /// The job's bounds.
    public let bound: ContributionBound
    /// The round's clip norm C_t, in the update's own units. Public; it may change from round to round.
    public let clipNorm: Double

    /// Redraws before falling back to truncation.
    public static let maximumRedraws = 8

    private var rounded: [Int32]
    private var coinWords: [UInt64]
    private var scalars: [Int64]

    /// Prepares a round.
    /// - Parameters:
    ///   - bound: the job's bounds.
    ///   - clipNorm: C_t. A clip norm that is zero, negative, subnormal, infinite or not a number is the coordinator's
    ///     fault and no reason to refuse visibly: every contribution is then the zero vector.
    public init(bound: ContributionBound, clipNorm: Double) {
        self.bound = bound
        self.clipNorm = clipNorm
        rounded = [Int32](repeating: 0, count: bound.dimension)
        coinWords = [UInt64](repeating: 0, count: (bound.dimension + 1) / 2)
        scalars = [Int64](repeating: 0, count: bound.rideAlongWeights.count)
    }

    /// The ℓ2 norm of an update, accumulated in Float64 over eight lanes and so off by a relative error below
    /// (n/8 + 8)·2^−53. Not finite if any coordinate is not. The lanes also keep the additions independent.
    public static func norm(of update: [Float]) -> Double {
        var lanes = SIMD8<Double>.zero
        let whole = update.count / 8
        for block in 0..<whole {
            let base = 8 * block
            let values = SIMD8<Double>(
                Double(update[base]), Double(update[base + 1]), Double(update[base + 2]), Double(update[base + 3]),
                Double(update[base + 4]), Double(update[base + 5]), Double(update[base + 6]), Double(update[base + 7]))
            lanes += values * values
        }
        var total = lanes.sum()
        for index in 8 * whole..<update.count { total += Double(update[index]) * Double(update[index]) }
        return total.squareRoot()
    }

    /// Adds one customer's contribution to `accumulator`, modulo 2^64.
    ///
    /// The vector is s_t·g·min(1, (1 − 2^−20)·C_t/|g|) with s_t = R/C_t, rounded at random to integers; it is redrawn up
    /// to ``maximumRedraws`` times while its exact squared norm exceeds D0², then truncated towards zero and checked
    /// again. Whatever fails, or is not finite, contributes zero in every coordinate, ride-alongs included.
    /// - Parameters:
    ///   - update: d coordinates; another count contributes zero.
    ///   - rideAlongs: one value in −1...1 per weight, clamped to that range; value·weight is rounded at random.
    ///   - coins: the round's rounding coins. How many a customer draws depends on her data; the next customer goes on with
    ///     fresh words all the same, so the customers' roundings are independent.
    ///   - accumulator: at least ``ContributionBound/vectorCount`` elements; the rest stays as it is.
    public mutating func contribute(
        update: [Float], rideAlongs: [Double], coins: inout KeyedRandomGenerator, into accumulator: inout [Int64]
    ) {
        contribute(
            update: update, norm: Self.norm(of: update), rideAlongs: rideAlongs, coins: &coins, into: &accumulator)
    }

    /// The same for a caller that has the norm already (an adaptive clip's indicator needs it too).
    /// - Parameter norm: ``norm(of:)`` of `update`. A wrong norm can only make the contribution zero or smaller; it
    ///   cannot loosen the bound.
    public mutating func contribute(
        update: [Float], norm: Double, rideAlongs: [Double], coins: inout KeyedRandomGenerator,
        into accumulator: inout [Int64]
    ) {
        precondition(accumulator.count >= bound.vectorCount, "the accumulator is shorter than the vector")
        guard update.count == bound.dimension, rideAlongs.count == scalars.count,
            let scale = scale(norm: norm), drawRideAlongs(rideAlongs, &coins),
            drawUpdate(update, scale: scale, &coins)
        else { return }
        for index in rounded.indices { accumulator[index] &+= Int64(rounded[index]) }
        for index in scalars.indices { accumulator[bound.dimension + index] &+= scalars[index] }
    }

    /// s_t·min(1, (1 − 2^−20)·C_t/|g|), or nothing if the customer must contribute zero.
    private func scale(norm: Double) -> Double? {
        guard norm.isFinite, norm >= 0, clipNorm.isNormal, clipNorm > 0 else { return nil }
        let factor = norm > 0 ? min(1, (1 - 0x1p-20) * clipNorm / norm) : 1
        let scale = Double(bound.radius) / clipNorm * factor
        return scale.isFinite ? scale : nil
    }

    private mutating func drawRideAlongs(_ values: [Double], _ coins: inout KeyedRandomGenerator) -> Bool {
        var allFinite = true
        for index in scalars.indices {
            let coin = Double(coins.next() >> 32) * 0x1p-32
            let value = values[index]
            if !value.isFinite {
                allFinite = false
                continue
            }
            let weight = bound.rideAlongWeights[index]
            let target = max(-1, min(1, value)) * Double(weight)
            scalars[index] = max(-weight, min(weight, Int64((target + coin).rounded(.down))))
        }
        return allFinite
    }

    private mutating func drawUpdate(
        _ update: [Float], scale: Double, _ coins: inout KeyedRandomGenerator
    ) -> Bool {
        for _ in 0...Self.maximumRedraws {
            round(update, scale: scale, &coins)
            if isWithinBound() { return true }
        }
        for index in rounded.indices {
            rounded[index] = Int32(Self.confine(Double(update[index]) * scale).rounded(.towardZero))
        }
        return isWithinBound()
    }

    /// Keeps a scaled coordinate convertible to 32 bits, a NaN too. One that is cut here fails the norm check: D0 < 2^29.
    @inline(__always)
    private static func confine(_ value: Double) -> Double {
        let low = value > -0x1p30 ? value : -0x1p30
        return low < 0x1p30 ? low : 0x1p30
    }

    /// ⌊y + u⌋ for a uniform u of 32 bits: up with probability frac(y), to within 2^−32.
    ///
    /// Branch-free, so that it vectorises: a coin becomes u − 1/2 by writing its bits under the exponent of 2^20, and
    /// adding 1.5·2^52 rounds to the nearest integer and leaves it in the low bits.
    private mutating func round(_ update: [Float], scale: Double, _ coins: inout KeyedRandomGenerator) {
        for index in coinWords.indices { coinWords[index] = coins.next() }
        for pair in 0..<bound.dimension / 2 {
            let word = coinWords[pair]
            rounded[2 * pair] = Self.round(update[2 * pair], scale, word & 0xFFFF_FFFF)
            rounded[2 * pair + 1] = Self.round(update[2 * pair + 1], scale, word >> 32)
        }
        if !bound.dimension.isMultiple(of: 2) {
            let last = bound.dimension - 1
            rounded[last] = Self.round(update[last], scale, coinWords[last / 2] & 0xFFFF_FFFF)
        }
    }

    @inline(__always)
    private static func round(_ coordinate: Float, _ scale: Double, _ coin: UInt64) -> Int32 {
        let centred = Double(bitPattern: 0x4130_0000_0000_0000 | coin) - (0x1p20 + 0.5)
        let shifted = confine(Double(coordinate) * scale) + centred + 0x1.8p52
        return Int32(truncatingIfNeeded: shifted.bitPattern)
    }

    /// Σ r² ≤ D0², exactly: squares below 2^62, their halves summed apart, joined in 128 bits; stops at the first block
    /// that passes the bound.
    private func isWithinBound() -> Bool {
        var total: UInt128 = 0
        var start = 0
        while start < rounded.count {
            let end = min(rounded.count, start + 4096)
            var low: UInt64 = 0
            var high: UInt64 = 0
            for index in start..<end {
                let magnitude = UInt64(rounded[index].magnitude)
                let square = magnitude &* magnitude
                low &+= square & 0xFFFF_FFFF
                high &+= square >> 32
            }
            total += UInt128(low) + UInt128(high) << 32
            if total > UInt128(bound.squaredUpdateBound) { return false }
            start = end
        }
        return true
    }
}
