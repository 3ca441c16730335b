// What the messages of this target read beyond the common readers: enumerations, digests and optional fields.

import Cryptography
import WireFormat

extension MessageReader {
    /// Takes the code of an enumeration with byte codes.
    mutating func enumeration<Code: RawRepresentable<UInt8>>(
        _ key: UInt64, _ name: String, message: String
    ) throws(WireFormatError) -> Code {
        guard let code = Code(rawValue: UInt8(try unsigned(key, name, in: 0...255))) else {
            throw .unexpected(field: "\(message).\(name)", expected: "a registered code")
        }
        return code
    }

    /// Takes a 32-byte digest.
    mutating func digest(_ key: UInt64, _ name: String) throws(WireFormatError) -> Digest {
        let bytes = try bytes(key, name, count: Digest.byteCount)
        do { return try Digest(bytes) } catch { throw .unexpected(field: name, expected: "32 bytes") }
    }

    /// Takes a time in milliseconds since 1970 UTC that fits 48 bits.
    mutating func milliseconds(_ key: UInt64, _ name: String) throws(WireFormatError) -> Int64 {
        Int64(try unsigned(key, name, in: 0...UInt64(LedgerLeaf.maximumMilliseconds)))
    }

    /// Reads field `key` with `read` if it is there. `read` gets a reader that holds this field alone.
    mutating func optional<Value>(
        _ key: UInt64, message: String, _ read: (inout MessageReader) throws(WireFormatError) -> Value
    ) throws(WireFormatError) -> Value? {
        guard let value = optionalField(key) else { return nil }
        var field = try MessageReader(.message((key, value)), message: message)
        return try read(&field)
    }
}

extension CBORValue {
    /// A digest as a byte string.
    static func digest(_ digest: Digest) -> CBORValue { .bytes(digest.bytes) }
    /// The code of an enumeration.
    static func code(_ value: some RawRepresentable<UInt8>) -> CBORValue { .unsigned(UInt64(value.rawValue)) }
}
