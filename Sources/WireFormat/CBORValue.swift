// The data model of Concord's messages: the part of CBOR (RFC 8949) that deterministic encoding needs and no more.
// No floats, no tags, no indefinite lengths: a value has exactly one encoding, so signed bytes are the sent bytes.

/// A CBOR data item of the profile in Protocols/wire-format.md.
public enum CBORValue: Equatable, Sendable {
    /// Major type 0, 0 ... 2^64 − 1.
    case unsigned(UInt64)
    /// Major type 1: the value −1 − n, for n in 0 ... 2^63 − 1.
    case negative(UInt64)
    /// Major type 2.
    case bytes([UInt8])
    /// Major type 3, valid UTF-8.
    case text(String)
    /// Major type 4.
    case array([CBORValue])
    /// Major type 5 with unsigned keys in strictly ascending order, which is also the bytewise order of their encodings.
    case map([MapEntry])
    /// Simple values 20 and 21.
    case boolean(Bool)
    /// Simple value 22.
    case null

    /// One entry of a map; Concord's messages number their fields.
    public struct MapEntry: Equatable, Sendable {
        /// The field number.
        public let key: UInt64
        /// The field.
        public let value: CBORValue
        /// Pairs a field number with its value.
        public init(_ key: UInt64, _ value: CBORValue) {
            self.key = key
            self.value = value
        }
    }

    /// A signed integer.
    public init(_ integer: Int64) {
        self = integer >= 0 ? .unsigned(UInt64(integer)) : .negative(UInt64(-1 - integer))
    }
}

/// Why bytes are not a message. Never carries the bytes.
public enum WireFormatError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The input ended inside an item.
    case truncated
    /// Bytes follow the item.
    case trailingBytes
    /// The item is valid CBOR but not in deterministic form, or outside the profile.
    case notDeterministic(String)
    /// Arrays and maps nest deeper than ``CBORDecoder/maximumDepth``.
    case tooDeep
    /// A length is larger than the input or than the field allows.
    case tooLarge(field: String)
    /// A field has another type or value than its message requires.
    case unexpected(field: String, expected: String)
    /// A required field is missing.
    case missing(field: String)
    /// A field number this version does not know. Unknown fields are refused, never skipped: they would be signed unread.
    case unknownField(UInt64, message: String)

    /// Safe to log: carries no secret and no customer data.
    public var description: String {
        switch self {
        case .truncated: "message is truncated"
        case .trailingBytes: "bytes follow the message"
        case .notDeterministic(let why): "not deterministic CBOR: \(why)"
        case .tooDeep: "message nests too deeply"
        case .tooLarge(let field): "\(field) is too large"
        case .unexpected(let field, let expected): "\(field): expected \(expected)"
        case .missing(let field): "\(field) is missing"
        case .unknownField(let key, let message): "\(message) has no field \(key)"
        }
    }
}
