// Shamir's secret sharing (Shamir 1979, "How to share a secret") of 32-byte secrets over GF(2^61 − 1): five limbs of
// 52 bits, so that a limb out of range after interpolation betrays a wrong share.

import Cryptography

/// Splitting and joining of secrets. The holder at position u evaluates at x = u + 1.
///
/// No branch and no memory access depends on a secret: the work is a function of the threshold and the number of holders.
public enum ShamirSharing {
    static let limbBits = 52
    static let limbMask: UInt64 = (1 << UInt64(limbBits)) - 1
    /// 256 − 4 · 52 bits are left for the last limb.
    static let lastLimbMask: UInt64 = (1 << 48) - 1
    /// More holders than any committee has; keeps x-coordinates far below the modulus.
    static let maximumCount = 1 << 20

    /// Splits a 32-byte secret so that any `threshold` of `count` shares give it back and fewer say nothing.
    ///
    /// The generator gives the coefficients limb by limb, from the linear one up, and nothing else in between.
    /// - Parameters:
    ///   - secret: 32 bytes.
    ///   - generator: keyed for this one secret.
    /// - Throws: ``SecureAggregationError/malformed(_:)`` for a secret of another length or an impossible threshold.
    public static func split(
        _ secret: SecretBytes, threshold: Int, count: Int, generator: inout KeyedRandomGenerator
    ) throws(SecureAggregationError) -> [SecretShare] {
        guard secret.count == 32, threshold >= 1, threshold <= count, count < maximumCount else {
            throw .malformed("secret or threshold")
        }
        let limbCount = SecretShare.limbCount
        var values = [Mersenne61](repeating: Mersenne61(0), count: count * limbCount)
        var coefficients = [Mersenne61](repeating: Mersenne61(0), count: threshold)
        defer {
            wipe(&values)
            wipe(&coefficients)
        }
        for limb in 0..<limbCount {
            coefficients[0] = Self.limb(limb, of: secret)
            for degree in stride(from: 1, to: threshold, by: 1) { coefficients[degree] = uniform(from: &generator) }
            for holder in 0..<count {
                let point = Mersenne61(UInt64(holder + 1))
                var value = Mersenne61(0)
                for degree in stride(from: threshold - 1, through: 0, by: -1) {
                    value = value * point + coefficients[degree]
                }
                values[holder * limbCount + limb] = value
            }
        }
        return (0..<count).map { SecretShare(values[$0 * limbCount..<($0 + 1) * limbCount]) }
    }

    /// A uniform field element: the upper 61 bits of the next word that are not p, which one word in 2^61 is.
    private static func uniform(from generator: inout KeyedRandomGenerator) -> Mersenne61 {
        var value = generator.next() >> 3
        while value == Mersenne61.modulus { value = generator.next() >> 3 }
        return Mersenne61(value)
    }

    /// Joins at least `threshold` shares, given with their holders' positions; the first `threshold` are used.
    /// - Throws: ``SecureAggregationError/tooFew(_:have:need:)``, ``SecureAggregationError/malformed(_:)`` if two shares
    ///   name one position or a position is out of range, or ``SecureAggregationError/badShare(_:)`` if the limbs are out of
    ///   range, which only wrong shares cause.
    public static func join(
        _ shares: [(position: Int, share: SecretShare)], threshold: Int
    ) throws(SecureAggregationError) -> SecretBytes {
        var joiner = SecretJoiner(threshold: threshold)
        return try joiner.join(shares)
    }

    /// Joins shares with weights from ``lagrangeWeights(positions:)``: one set of responders opens many secrets.
    static func join(_ shares: [SecretShare], weights: [Mersenne61]) throws(SecureAggregationError) -> SecretBytes {
        var sums = [Mersenne61](repeating: Mersenne61(0), count: SecretShare.limbCount)
        defer { wipe(&sums) }
        for (share, weight) in zip(shares, weights) {
            for limb in sums.indices { sums[limb] = sums[limb] + weight * share.limb(limb) }
        }
        guard sums.allSatisfy({ $0.value <= limbMask }), sums[4].value <= lastLimbMask else {
            throw .badShare("joined secret")
        }
        return SecretBytes(count: 32) { (output: inout MutableSpan<UInt8>) in
            for bit in 0..<256 {
                let limb = sums[bit / limbBits].value
                output[bit / 8] |= UInt8((limb >> UInt64(bit % limbBits)) & 1) << UInt8(bit % 8)
            }
        }
    }

    /// λ_i = Π_{j≠i} x_j / (x_j − x_i): interpolation at zero for holders at distinct `positions`.
    static func lagrangeWeights(positions: [Int]) -> [Mersenne61] {
        let points = positions.map { Mersenne61(UInt64($0 + 1)) }
        return points.enumerated().map { index, point in
            var numerator = Mersenne61(1)
            var denominator = Mersenne61(1)
            for (other, value) in points.enumerated() where other != index {
                numerator = numerator * value
                denominator = denominator * (value - point)
            }
            return numerator * denominator.inverse
        }
    }

    /// Bits 52·index ..< 52·index + 52 of the secret as a little-endian number.
    private static func limb(_ index: Int, of secret: SecretBytes) -> Mersenne61 {
        secret.withSpan { bytes in
            var value: UInt64 = 0
            for bit in stride(from: 0, to: min(limbBits, 256 - limbBits * index), by: 1) {
                let position = limbBits * index + bit
                value |= UInt64((bytes[position / 8] >> UInt8(position % 8)) & 1) << UInt64(bit)
            }
            return Mersenne61(value)
        }
    }
}

/// Joins many secrets that were shared with one threshold. In general the same holders answer for all of them, so the
/// interpolation weights, which only depend on who answered, are kept from one secret to the next.
struct SecretJoiner {
    let threshold: Int
    private var positions: [Int] = []
    private var weights: [Mersenne61] = []

    init(threshold: Int) { self.threshold = threshold }

    /// As ``ShamirSharing/join(_:threshold:)``.
    mutating func join(
        _ shares: [(position: Int, share: SecretShare)]
    ) throws(SecureAggregationError) -> SecretBytes {
        guard shares.count >= threshold, threshold >= 1 else {
            throw .tooFew("shares", have: shares.count, need: threshold)
        }
        let used = shares.prefix(threshold)
        let answered = used.map(\.position)
        if answered != positions {
            guard answered.allSatisfy((0..<ShamirSharing.maximumCount).contains),
                Set(answered).count == threshold
            else { throw .malformed("positions of shares") }
            weights = ShamirSharing.lagrangeWeights(positions: answered)
            positions = answered
        }
        return try ShamirSharing.join(used.map(\.share), weights: weights)
    }
}
