// Shamir's secret sharing (Shamir 1979, "How to share a secret") of 32-byte secrets over GF(2^61 − 1): five limbs of
// 52 bits, so that a limb out of range after interpolation betrays a wrong share.

import Cryptography

/// One holder's share of a 32-byte secret: five field elements, 40 bytes. Secret until the committee reveals it.
public struct SecretShare: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    /// Bytes of an encoded share.
    public static let byteCount = 40

    let bytes: SecretBytes

    init(_ limbs: [Mersenne61]) {
        bytes = SecretBytes(
            copying: limbs.flatMap { limb in (0..<8).map { UInt8(truncatingIfNeeded: limb.value >> (8 * $0)) } })
    }

    /// Reads a share.
    /// - Throws: ``SecureAggregationError/malformed(_:)`` unless it is 40 bytes of reduced field elements.
    public init(_ bytes: SecretBytes) throws(SecureAggregationError) {
        guard bytes.count == SecretShare.byteCount else { throw .malformed("share") }
        self.bytes = bytes
        guard limbValues.allSatisfy({ $0 < Mersenne61.modulus }) else { throw .malformed("share") }
    }

    /// Five little-endian words.
    private var limbValues: [UInt64] {
        let copy = bytes.unprotectedCopy()
        return (0..<5).map { littleEndianWord(copy, at: 8 * $0) }
    }

    var limbs: [Mersenne61] { limbValues.map { Mersenne61($0) } }

    /// The 40 bytes, for encryption to a committee member or for a reveal.
    public var rawRepresentation: SecretBytes { bytes }

    /// Safe to log: carries no secret and no customer data.
    public var description: String { "<redacted>" }
    /// Empty: reflection finds nothing to print.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// Splitting and joining of secrets. The holder at position u evaluates at x = u + 1.
public enum ShamirSharing {
    static let limbBits: UInt64 = 52
    static let limbMask: UInt64 = (1 << limbBits) - 1

    /// Splits a 32-byte secret so that any `threshold` of `count` shares give it back and fewer say nothing.
    /// - Parameters:
    ///   - secret: 32 bytes.
    ///   - generator: a keyed generator that deals nothing else.
    /// - Throws: ``SecureAggregationError/malformed(_:)`` for a secret of another length or an impossible threshold.
    public static func split(
        _ secret: SecretBytes, threshold: Int, count: Int, generator: inout KeyedRandomGenerator
    ) throws(SecureAggregationError) -> [SecretShare] {
        guard secret.count == 32, threshold >= 1, threshold <= count, count < 1 << 20 else {
            throw .malformed("secret or threshold")
        }
        var polynomials: [[Mersenne61]] = []
        for limb in limbs(of: secret) {
            var coefficients = [limb]
            // Uniform below p: a bounded draw without bias.
            for _ in 1..<threshold { coefficients.append(Mersenne61(generator.uniform(below: Mersenne61.modulus))) }
            polynomials.append(coefficients)
        }
        return (1...count).map { x in
            let point = Mersenne61(UInt64(x))
            return SecretShare(
                polynomials.map { coefficients in
                    coefficients.reversed().reduce(Mersenne61(0)) { $0 * point + $1 }
                })
        }
    }

    /// Joins at least `threshold` shares, given with their holders' positions; the first `threshold` are used.
    /// - Throws: ``SecureAggregationError/tooFew(_:have:need:)``, or ``SecureAggregationError/badShare(_:)`` if the limbs
    ///   are out of range, which only wrong shares cause.
    public static func join(
        _ shares: [(position: Int, share: SecretShare)], threshold: Int
    ) throws(SecureAggregationError) -> SecretBytes {
        guard shares.count >= threshold, threshold >= 1 else {
            throw .tooFew("shares", have: shares.count, need: threshold)
        }
        let used = shares.prefix(threshold)
        let weights = lagrangeWeights(positions: used.map(\.position))
        return try join(used.map(\.share), weights: weights)
    }

    /// Joins shares with weights from ``lagrangeWeights(positions:)``: one set of responders opens many secrets.
    static func join(_ shares: [SecretShare], weights: [Mersenne61]) throws(SecureAggregationError) -> SecretBytes {
        var sums = [Mersenne61](repeating: Mersenne61(0), count: 5)
        for (share, weight) in zip(shares, weights) {
            for (limb, value) in share.limbs.enumerated() { sums[limb] = sums[limb] + weight * value }
        }
        guard sums.allSatisfy({ $0.value <= limbMask }), sums[4].value < 1 << 48 else {
            throw .badShare("joined secret")
        }
        var bytes = [UInt8](repeating: 0, count: 32)
        for bit in 0..<256 {
            let limb = sums[bit / 52].value
            bytes[bit / 8] |= UInt8((limb >> UInt64(bit % 52)) & 1) << UInt8(bit % 8)
        }
        defer { wipe(&bytes) }
        return SecretBytes(copying: bytes)
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

    /// The secret as a little-endian number, 52 bits a limb (48 in the last).
    private static func limbs(of secret: SecretBytes) -> [Mersenne61] {
        var bytes = secret.unprotectedCopy()
        defer { wipe(&bytes) }
        return (0..<5).map { limb in
            var value: UInt64 = 0
            for bit in 0..<52 where 52 * limb + bit < 256 {
                let position = 52 * limb + bit
                value |= UInt64((bytes[position / 8] >> UInt8(position % 8)) & 1) << UInt64(bit)
            }
            return Mersenne61(value)
        }
    }
}
