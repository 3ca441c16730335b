// From a customer's update to an integer vector whose norm is bounded for certain: clip, scale, round at random, and
// check the exact squared norm of what came out. Floating point happens before the check only, so no rounding error
// can loosen the bound (Mironov 2012's low-bit attack has nothing to read, and a wrong norm costs the customer's own
// contribution, not her privacy).

import Cryptography

/// Turns updates into integer contributions and adds them to an accumulator.
///
/// Not copyable and not thread-safe: it keeps scratch memory, so one value per thread. Nothing a caller can observe
/// depends on whether a contribution was accepted, redrawn, truncated or zeroed, except the accumulator, which is secret
/// until noised and masked, and the time taken, which a fixed reply slot covers.
public struct IntegerClip: ~Copyable {
    /// The job's bounds.
    public let bound: ContributionBound
    /// The round's clip norm C_t, in the update's own units. Public; it may change from round to round.
    public let clipNorm: Double

    /// Redraws before falling back to truncation.
    public static let maximumRedraws = 8

    private var rounded: [Int32]
    private var scalars: [Int64]
    /// A customer's own coins: one word a pair of coordinates, then one a ride-along.
    private var coinWords: [UInt64]
    private var coinStream: KeystreamGenerator

    /// Prepares a round.
    /// - Parameters:
    ///   - bound: the job's bounds.
    ///   - clipNorm: C_t. A clip norm that is zero, negative, subnormal, infinite or not a number is the coordinator's
    ///     fault and no reason to refuse visibly: every contribution is then the zero vector.
    /// - Throws: `CryptographyError` if no cipher context can be had, before anything depends on data.
    public init(bound: ContributionBound, clipNorm: Double) throws(CryptographyError) {
        self.bound = bound
        self.clipNorm = clipNorm
        rounded = [Int32](repeating: 0, count: bound.dimension)
        scalars = [Int64](repeating: 0, count: bound.rideAlongWeights.count)
        // An even number: a block of the stream holds two words.
        let words = (bound.dimension + 1) / 2 + scalars.count
        coinWords = [UInt64](repeating: 0, count: words + words % 2)
        coinStream = try KeystreamGenerator()
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
    ///   - coins: the round's rounding coins. Every call draws exactly four words, the key of this customer's own coins:
    ///     what another customer's data does to her redraws cannot reach this one.
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
        let key = Self.key(&coins)
        guard update.count == bound.dimension, rideAlongs.count == scalars.count, let scale = scale(norm: norm) else {
            return
        }
        do {
            try coinStream.rekey(key)
            if try !draw(update, scale: scale, rideAlongs) { return }
        } catch {
            return  // no coins, no contribution
        }
        for index in rounded.indices { accumulator[index] &+= Int64(rounded[index]) }
        for index in scalars.indices { accumulator[bound.dimension + index] &+= scalars[index] }
    }

    private static func key(_ coins: inout KeyedRandomGenerator) -> SecretBytes {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(32)
        for _ in 0..<4 {
            let word = coins.next()
            for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
        }
        defer { wipe(&bytes) }
        return SecretBytes(copying: bytes)
    }

    /// s_t·min(1, (1 − 2^−20)·C_t/|g|), or nothing if the customer must contribute zero.
    private func scale(norm: Double) -> Double? {
        guard norm.isFinite, norm >= 0, clipNorm.isNormal, clipNorm > 0 else { return nil }
        let factor = norm > 0 ? min(1, (1 - 0x1p-20) * clipNorm / norm) : 1
        let scale = Double(bound.radius) / clipNorm * factor
        return scale.isFinite ? scale : nil
    }

    /// Fills `rounded` and `scalars` with vectors inside the bound, or returns false.
    private mutating func draw(
        _ update: [Float], scale: Double, _ rideAlongs: [Double]
    ) throws(CryptographyError) -> Bool {
        try coinStream.fill(&coinWords)
        for index in scalars.indices {
            let value = rideAlongs[index]
            if !value.isFinite { return false }
            let weight = bound.rideAlongWeights[index]
            let coin = Double(coinWords[(bound.dimension + 1) / 2 + index] >> 32) * 0x1p-32
            let rounded = Int64((max(-1, min(1, value)) * Double(weight) + coin).rounded(.down))
            scalars[index] = max(-weight, min(weight, rounded))
        }
        for attempt in 0...Self.maximumRedraws {
            if attempt > 0 { try coinStream.fill(&coinWords) }
            Self.round(update, scale: scale, coins: coinWords, into: &rounded)
            if Self.isWithin(bound.squaredUpdateBound, rounded) { return true }
        }
        for index in rounded.indices {
            rounded[index] = Int32(Self.confine(Double(update[index]) * scale).rounded(.towardZero))
        }
        return Self.isWithin(bound.squaredUpdateBound, rounded)
    }

    /// Keeps a scaled coordinate convertible to 32 bits, a NaN too. One that is cut here fails the norm check: D0 < 2^29.
    @inline(__always)
    private static func confine(_ value: Double) -> Double {
        let low = value > -0x1p30 ? value : -0x1p30
        return low < 0x1p30 ? low : 0x1p30
    }

    /// ⌊y + u⌋ for a uniform u of 32 bits: up with probability frac(y), to within 2^−32.
    ///
    /// The low half of word i rounds coordinate i, the high half coordinate i + ⌈d/2⌉: both loops run straight through
    /// memory, without a branch, so that they vectorise. A coin becomes u − 1/2 by writing its bits under the exponent
    /// of 2^20; adding 1.5·2^52 rounds to the nearest integer and leaves it in the low bits.
    private static func round(
        _ update: [Float], scale: Double, coins: [UInt64], into rounded: inout [Int32]
    ) {
        let half = (update.count + 1) / 2
        let words = coins.span.extracting(first: half)
        let low = update.span.extracting(first: half)
        let high = update.span.extracting(droppingFirst: half)
        var target = rounded.mutableSpan
        for index in 0..<half { target[index] = round(low[index], scale, words[index] & 0xFFFF_FFFF) }
        for index in 0..<high.count { target[half + index] = round(high[index], scale, words[index] >> 32) }
    }

    @inline(__always)
    private static func round(_ coordinate: Float, _ scale: Double, _ coin: UInt64) -> Int32 {
        let centred = Double(bitPattern: 0x4130_0000_0000_0000 | coin) - (0x1p20 + 0.5)
        let shifted = confine(Double(coordinate) * scale) + centred + 0x1.8p52
        return Int32(truncatingIfNeeded: shifted.bitPattern)
    }

    /// Σ r² ≤ D0², exactly. A magnitude of 2^29 or more fails by itself, since D0 < 2^29; below it, 64 squares fit in 64
    /// bits, and the blocks are added in 128. Stops at the first block that passes the bound.
    private static func isWithin(_ squaredBound: UInt64, _ vector: [Int32]) -> Bool {
        let values = vector.span
        var total: UInt128 = 0
        var start = 0
        while start < values.count {
            let block = values.extracting(start..<min(values.count, start + 64))
            var peak: UInt32 = 0
            var sum: UInt64 = 0
            for index in 0..<block.count {
                let magnitude = block[index].magnitude
                peak |= magnitude
                sum &+= UInt64(magnitude) &* UInt64(magnitude)
            }
            if peak >= 1 << 29 { return false }
            total += UInt128(sum)
            if total > UInt128(squaredBound) { return false }
            start += 64
        }
        return true
    }
}
