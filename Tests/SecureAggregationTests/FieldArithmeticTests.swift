// The field and the secret sharing on top of it, against wide integers and exhaustively where it is small.

import Cryptography
import TestSupport
import Testing

@testable import SecureAggregation

struct Mersenne61Tests {
    private static let modulus = UInt128(Mersenne61.modulus)
    private static let edges: [UInt64] = [
        0, 1, 2, 3, 7, 8, 1 << 31, (1 << 52) - 1, 1 << 60, (1 << 61) - 3, (1 << 61) - 2, (1 << 61) - 1, 1 << 61,
        (1 << 61) + 1, (1 << 62) - 1, 1 << 62, (1 << 63) - 1, 1 << 63, .max - 7, .max - 1, .max,
    ]

    private static func words(_ count: Int) throws -> [UInt64] {
        var stream = try KeystreamGenerator(key: SecretBytes(copying: [UInt8](repeating: 61, count: 32)))
        return try edges + stream.next(count: count)
    }

    @Test func arithmeticAgreesWithWideIntegers() throws {
        let words = try Self.words(60)
        var wrong = 0
        for left in words {
            let a = Mersenne61(left)
            let wideA = UInt128(left) % Self.modulus
            if UInt128(a.value) != wideA { wrong += 1 }
            for right in words {
                let b = Mersenne61(right)
                let wideB = UInt128(right) % Self.modulus
                if UInt128((a + b).value) != (wideA + wideB) % Self.modulus { wrong += 1 }
                if UInt128((a - b).value) != (wideA + Self.modulus - wideB) % Self.modulus { wrong += 1 }
                if UInt128((a * b).value) != wideA * wideB % Self.modulus { wrong += 1 }
            }
        }
        #expect(wrong == 0)
    }

    @Test func everyElementButZeroHasAnInverse() throws {
        for word in try Self.words(20) {
            let element = Mersenne61(word)
            #expect(element * element.inverse == Mersenne61(element.value == 0 ? 0 : 1))
        }
    }
}

struct ShamirSharingTests {
    private static let secret = SecretBytes(copying: (0..<32).map { UInt8(truncatingIfNeeded: 255 - 7 * $0) })

    private static func split(threshold: Int, count: Int, seed: UInt8 = 1) throws -> [SecretShare] {
        var generator = try KeyedRandomGenerator(key: SecretBytes(copying: [UInt8](repeating: seed, count: 32)))
        return try ShamirSharing.split(secret, threshold: threshold, count: count, generator: &generator)
    }

    private static func subsets(of count: Int, size: Int) -> [[Int]] {
        (0..<(1 << count)).filter { $0.nonzeroBitCount == size }.map { mask in
            (0..<count).filter { mask >> $0 & 1 == 1 }
        }
    }

    @Test func everySubsetOfQuorumSizeJoins() throws {
        for count in 1...7 {
            for threshold in 1...count {
                let shares = try Self.split(threshold: threshold, count: count)
                #expect(shares.count == count)
                for subset in Self.subsets(of: count, size: threshold) {
                    let joined = try ShamirSharing.join(subset.map { ($0, shares[$0]) }, threshold: threshold)
                    #expect(joined == Self.secret)
                }
            }
        }
    }

    @Test func orderAndSurplusDoNotMatter() throws {
        let shares = try Self.split(threshold: 3, count: 6)
        let all = shares.enumerated().map { (position: $0.offset, share: $0.element) }
        #expect(try ShamirSharing.join(all.reversed(), threshold: 3) == Self.secret)
        #expect(try ShamirSharing.join(all, threshold: 3) == Self.secret)
    }

    @Test(arguments: [0x00, 0xff, 0x80, 0x01] as [UInt8]) func extremeSecretsSurvive(byte: UInt8) throws {
        let secret = SecretBytes(copying: [UInt8](repeating: byte, count: 32))
        var generator = try KeyedRandomGenerator(key: Self.secret)
        let shares = try ShamirSharing.split(secret, threshold: 2, count: 3, generator: &generator)
        #expect(try ShamirSharing.join([(0, shares[0]), (2, shares[2])], threshold: 2) == secret)
    }

    @Test func aWrongShareGivesAnotherSecretOrIsDetected() throws {
        let shares = try Self.split(threshold: 3, count: 5)
        var detected = 0
        for byte in 0..<SecretShare.byteCount {
            var altered = shares[1].rawRepresentation.unprotectedCopy()
            altered[byte] ^= 1
            guard let wrong = try? SecretShare(SecretBytes(copying: altered)) else { continue }
            do {
                let joined = try ShamirSharing.join([(0, shares[0]), (1, wrong), (2, shares[2])], threshold: 3)
                #expect(joined != Self.secret)
            } catch {
                #expect(error == .badShare("joined secret"))
                detected += 1
            }
        }
        // The range of the limbs catches some; the dealer's commitments, checked before joining, catch all.
        #expect(detected > 0)
    }

    /// For every secret there is exactly one polynomial through fewer than l given shares; so the joint values of l − 1
    /// shares say nothing. Seen from outside: their bytes are uniform whatever the secret.
    @Test(arguments: [0x00, 0xff] as [UInt8]) func fewerThanQuorumSharesAreUniform(byte: UInt8) throws {
        let secret = SecretBytes(copying: [UInt8](repeating: byte, count: 32))
        var generator = try KeyedRandomGenerator(key: SecretBytes(copying: [UInt8](repeating: 3, count: 32)))
        var counts = [[Int]](repeating: [Int](repeating: 0, count: 16), count: 2)
        var joint = [Int](repeating: 0, count: 16)
        let samples = 1500
        for _ in 0..<samples {
            let shares = try ShamirSharing.split(secret, threshold: 3, count: 2 + 1, generator: &generator)
            for limb in 0..<SecretShare.limbCount {
                let high = (0..<2).map { Int(shares[$0].limb(limb).value >> 57) }
                counts[0][high[0]] += 1
                counts[1][high[1]] += 1
                joint[(high[0] >> 2) << 2 | high[1] >> 2] += 1
            }
        }
        // Chi-square with 15 degrees of freedom exceeds 37.7 once in a thousand; the key is fixed.
        for observed in counts + [joint] {
            let expected = Double(samples * SecretShare.limbCount) / 16
            let statistic = observed.reduce(0.0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
            #expect(statistic < 37.7)
        }
    }

    @Test func coefficientsOfTwoSecretsDiffer() throws {
        let first = try Self.split(threshold: 2, count: 2, seed: 1)
        let second = try Self.split(threshold: 2, count: 2, seed: 2)
        #expect(first != second)
    }

    @Test func impossibleRequestsAreRefused() throws {
        #expect(throws: SecureAggregationError.self) { try Self.split(threshold: 0, count: 3) }
        #expect(throws: SecureAggregationError.self) { try Self.split(threshold: 4, count: 3) }
        #expect(throws: SecureAggregationError.self) { try Self.split(threshold: 1, count: 1 << 20) }
        var generator = try KeyedRandomGenerator(key: Self.secret)
        for length in [0, 31, 33] {
            let secret = SecretBytes(copying: [UInt8](repeating: 1, count: length))
            #expect(throws: SecureAggregationError.malformed("secret or threshold")) {
                try ShamirSharing.split(secret, threshold: 1, count: 1, generator: &generator)
            }
        }
        let shares = try Self.split(threshold: 2, count: 3)
        #expect(throws: SecureAggregationError.tooFew("shares", have: 1, need: 2)) {
            try ShamirSharing.join([(0, shares[0])], threshold: 2)
        }
        for positions in [[1, 1], [-1, 1], [0, 1 << 20], [Int.max, 0], [Int.min, 0]] {
            #expect(throws: SecureAggregationError.malformed("positions of shares")) {
                try ShamirSharing.join([(positions[0], shares[0]), (positions[1], shares[1])], threshold: 2)
            }
        }
    }

    @Test func unreducedOrShortSharesAreRefused() throws {
        for length in [0, 39, 41] {
            #expect(throws: SecureAggregationError.malformed("share")) {
                try SecretShare(SecretBytes(copying: [UInt8](repeating: 0, count: length)))
            }
        }
        for limb in 0..<5 {
            var bytes = [UInt8](repeating: 0, count: 40)
            bytes.replaceSubrange(8 * limb..<8 * limb + 8, with: [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f])
            #expect(throws: SecureAggregationError.malformed("share")) {
                try SecretShare(SecretBytes(copying: bytes))
            }
            bytes[8 * limb] = 0xfe
            #expect(throws: Never.self) { try SecretShare(SecretBytes(copying: bytes)) }
        }
    }

    @Test func sharesDoNotPrint() throws {
        let share = try Self.split(threshold: 2, count: 2)[0]
        #expect("\(share)" == "<redacted>" && Mirror(reflecting: share).children.isEmpty)
    }
}
