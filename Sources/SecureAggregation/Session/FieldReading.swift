// How keys, digests and node indices are read from CBOR: checked at the moment they enter.

import Cryptography
import WireFormat

extension MessageReader {
    mutating func digest(_ key: UInt64, _ name: String) throws(WireFormatError) -> Digest {
        let bytes = try bytes(key, name, count: Digest.byteCount)
        do { return try Digest(bytes) } catch { throw .unexpected(field: name, expected: "a digest") }
    }

    mutating func x25519Key(_ key: UInt64, _ name: String) throws(WireFormatError) -> X25519PublicKey {
        try Self.x25519Key(field(key, name), name)
    }

    /// Absent, or a key that passes every check.
    mutating func optionalX25519Key(_ key: UInt64, _ name: String) throws(WireFormatError) -> X25519PublicKey? {
        guard let value = optionalField(key) else { return nil }
        return try Self.x25519Key(value, name)
    }

    private static func x25519Key(_ value: CBORValue, _ name: String) throws(WireFormatError) -> X25519PublicKey {
        guard case .bytes(let bytes) = value, let publicKey = try? X25519PublicKey(bytes) else {
            throw .unexpected(field: name, expected: "a canonical X25519 key of large order")
        }
        return publicKey
    }

    mutating func ed25519Key(_ key: UInt64, _ name: String) throws(WireFormatError) -> Ed25519PublicKey {
        let bytes = try bytes(key, name, count: 32)
        do { return try Ed25519PublicKey(bytes) } catch {
            throw .unexpected(field: name, expected: "a canonical Ed25519 key of large order")
        }
    }

    mutating func keystreamCipher(_ key: UInt64, _ name: String) throws(WireFormatError) -> KeystreamCipher {
        let known = KeystreamCipher.allCases.map(\.rawValue)
        guard
            let cipher = KeystreamCipher(rawValue: try unsigned(key, name, in: (known.min() ?? 0)...(known.max() ?? 0)))
        else { throw .unexpected(field: name, expected: "a known generator") }
        return cipher
    }

    mutating func nodeIndex(_ key: UInt64, _ name: String) throws(WireFormatError) -> NodeIndex {
        NodeIndex(try unsigned(key, name, in: 0...UInt64(NodeIndex.max)))
    }

    mutating func digests(_ key: UInt64, _ name: String, maximum: Int) throws(WireFormatError) -> [Digest] {
        try array(key, name, maximum: maximum) { (value) throws(WireFormatError) -> Digest in
            guard case .bytes(let bytes) = value, let digest = try? Digest(bytes) else {
                throw .unexpected(field: name, expected: "digests")
            }
            return digest
        }
    }
}

extension CBORValue {
    func nodeIndex(_ name: String) throws(WireFormatError) -> NodeIndex {
        guard case .unsigned(let value) = self, value <= UInt64(NodeIndex.max) else {
            throw .unexpected(field: name, expected: "a node index")
        }
        return NodeIndex(value)
    }
}

/// Big-endian bytes of an integer, for hashes and key derivation.
func bigEndian(_ value: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
}

/// Big-endian bytes of an integer, for hashes and key derivation.
func bigEndian(_ value: UInt64) -> [UInt8] {
    [56, 48, 40, 32, 24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
}
