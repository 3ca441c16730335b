// The exact discrete Gaussian: P[X = x] ∝ exp(−x²/(2s²)) on the integers. Algorithms 2 and 3 of Canonne, Kamath,
// Steinke 2020 (arXiv 2004.00010): rejection from a discrete Laplace, integers only.
//
// Two choices of ours keep it fast and exact. The Laplace scale is a power of two near s instead of ⌊s⌋ + 1 (algorithm 3
// is correct for every scale; acceptance changes by at most 14 %), so that its coins need no division. And each
// acceptance coin's γ is brought to 64 binary digits and an exact remainder by one hardware division.

import Cryptography

/// Draws from N_Z(0, s²) for an integer s².
///
/// Running time depends on the values drawn, so draw ahead of the round, not inside an observable reply. Immutable and
/// `Sendable`; the generator carries the state.
///
/// Exactness: every comparison is exact. The only draws cut off are proposals that would be accepted with probability
/// below exp(−2^16), a distance no other part of the mechanism comes near.
public struct DiscreteGaussianSampler: Equatable, Sendable {
    /// Largest variance parameter: 2^48, that is s up to 16.7 million grid units.
    public static let maximumVariance: UInt64 = 1 << 48

    /// The variance parameter s². The variance itself is below it by less than one part in 10^6 from s² = 1 on.
    public let variance: UInt64
    /// log2 of the Laplace scale t.
    private let scaleBits: UInt64

    /// A sampler for variance parameter `variance`.
    /// - Parameter variance: 1...``maximumVariance``.
    /// - Throws: ``MechanismError/varianceOutOfRange``.
    public init(variance: UInt64) throws(MechanismError) {
        guard (1...Self.maximumVariance).contains(variance) else { throw .varianceOutOfRange }
        self.variance = variance
        // The power of two nearest to s in ratio: the least k with variance ≤ 2·4^k.
        var bits: UInt64 = 0
        while variance > 2 << (2 * bits) { bits += 1 }
        scaleBits = bits
    }

    /// One draw.
    @inline(__always)
    public func sample(_ generator: inout KeyedRandomGenerator) -> Int64 {
        let k = scaleBits
        let scale = UInt64(1) << k
        while true {
            // Discrete Laplace of scale t = 2^k: magnitude U + t·V, U accepted with exp(−U/t), V geometric with 1/e.
            let word = generator.next()
            let offset = word & (scale &- 1)
            if k > 0 {
                let ratio = ExactFraction(word: offset << (64 &- k))
                if !ExactExponential.flip(minus: ratio, &generator) { continue }
            }
            var blocks: UInt64 = 0
            while blocks < Self.blockLimit, ExactExponential.flipMinusOne(&generator) { blocks &+= 1 }
            if blocks == Self.blockLimit { continue }
            let magnitude = offset &+ (blocks << k)
            let isNegative = word >> 63 == 1
            if isNegative && magnitude == 0 { continue }

            // Accept with exp(−γ), γ = (magnitude − s²/t)²/(2s²) = a²/(2^(2k+1)·s²) for the integer a.
            let left = magnitude << k
            let a = left > variance ? left &- variance : variance &- left
            if accept(a, k, &generator) {
                return isNegative ? 0 &- Int64(bitPattern: magnitude) : Int64(bitPattern: magnitude)
            }
        }
    }

    /// Blocks of the Laplace beyond which acceptance is below exp(−2^16): magnitude 2^14·t, with t² ≥ s²/2.
    private static let blockLimit: UInt64 = 1 << 14

    @inline(__always)
    private func accept(_ a: UInt64, _ k: UInt64, _ generator: inout KeyedRandomGenerator) -> Bool {
        // γ·2^64 = a²·2^(63−2k) / s². k ≤ 24, so the shift is at least 15; a < 2^63 by the block limit.
        let shift = 63 &- 2 &* k
        let square = a.multipliedFullWidth(by: a)
        // An a² that the shift would push out of 128 bits means γ ≥ 2^64/s² ≥ 2^16.
        if UInt64(square.high.leadingZeroBitCount) < shift { return false }
        let high = square.high << shift | square.low >> (64 &- shift)
        let low = square.low << shift
        var whole: UInt64 = 0
        var rest = high
        if high >= variance { (whole, rest) = high.quotientAndRemainder(dividingBy: variance) }
        while whole > 0 {
            if !ExactExponential.flipMinusOne(&generator) { return false }
            whole &-= 1
        }
        let (word, remainder) = variance.dividingFullWidth((rest, low))
        let fraction = ExactFraction(word: word, remainder: remainder, divisor: variance)
        return ExactExponential.flip(minus: fraction, &generator)
    }

    /// `count` independent draws.
    public func samples(count: Int, _ generator: inout KeyedRandomGenerator) -> [Int64] {
        var values = [Int64](repeating: 0, count: max(0, count))
        addSamples(to: &values, &generator)
        return values
    }

    /// Adds an independent draw to every element of `values`, modulo 2^64: never traps.
    public func addSamples(to values: inout [Int64], _ generator: inout KeyedRandomGenerator) {
        for index in values.indices { values[index] &+= sample(&generator) }
    }
}
