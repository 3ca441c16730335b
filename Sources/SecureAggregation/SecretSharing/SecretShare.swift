// A share of a 32-byte secret, as it is encrypted to its holder and later revealed.

import Cryptography

/// One holder's share of a 32-byte secret: five field elements, 40 bytes. Secret until the committee reveals it.
public struct SecretShare: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    /// Bytes of an encoded share.
    public static let byteCount = 40
    static let limbCount = 5

    let bytes: SecretBytes

    /// Five limbs, each as eight little-endian bytes.
    init(_ limbs: ArraySlice<Mersenne61>) {
        bytes = SecretBytes(count: SecretShare.byteCount) { (output: inout MutableSpan<UInt8>) in
            for (index, limb) in limbs.enumerated() {
                for byte in 0..<8 {
                    output[8 * index + byte] = UInt8(truncatingIfNeeded: limb.value >> UInt64(8 * byte))
                }
            }
        }
    }

    /// Reads a share.
    /// - Throws: ``SecureAggregationError/malformed(_:)`` unless it is 40 bytes of reduced field elements.
    public init(_ bytes: SecretBytes) throws(SecureAggregationError) {
        guard bytes.count == SecretShare.byteCount else { throw .malformed("share") }
        self.bytes = bytes
        for index in 0..<SecretShare.limbCount where limbValue(index) >= Mersenne61.modulus {
            throw .malformed("share")
        }
    }

    private func limbValue(_ index: Int) -> UInt64 {
        bytes.withSpan { span in
            var word: UInt64 = 0
            for byte in 0..<8 { word |= UInt64(span[8 * index + byte]) << UInt64(8 * byte) }
            return word
        }
    }

    /// The limb at `index` in 0 ..< 5.
    func limb(_ index: Int) -> Mersenne61 { Mersenne61(limbValue(index)) }

    /// The 40 bytes, for encryption to a committee member or for a reveal.
    public var rawRepresentation: SecretBytes { bytes }

    /// Safe to log: carries no secret and no customer data.
    public var description: String { "<redacted>" }
    /// Empty: reflection finds nothing to print.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
