// Reading and writing messages with numbered fields. A reader names every field it takes; what is left over is an error.

/// A message with one deterministic encoding.
public protocol WireMessage: Equatable, Sendable {
    /// The message's name in the CDDL, used in errors.
    static var messageName: String { get }
    /// The message as a CBOR map with numbered fields.
    var cborValue: CBORValue { get }
    /// Reads the message from its fields.
    /// - Throws: ``WireFormatError``.
    init(reading fields: inout MessageReader) throws(WireFormatError)
}

extension WireMessage {
    /// The message's bytes: what is hashed, signed, stored and sent.
    public func encoded() -> [UInt8] { cborValue.encoded() }

    /// Decodes bytes from anywhere.
    /// - Throws: ``WireFormatError``; never traps.
    public init(decoding bytes: [UInt8]) throws(WireFormatError) {
        try self.init(cborValue: CBORDecoder.decode(bytes))
    }

    /// Reads a decoded item.
    /// - Throws: ``WireFormatError``.
    public init(cborValue: CBORValue) throws(WireFormatError) {
        var reader = try MessageReader(cborValue, message: Self.messageName)
        try self.init(reading: &reader)
        try reader.finish()
    }
}

/// Takes the fields of a message one by one, in ascending order of their numbers.
public struct MessageReader {
    private var entries: ArraySlice<CBORValue.MapEntry>
    private let message: String

    /// Opens a map.
    /// - Throws: ``WireFormatError/unexpected(field:expected:)`` if `value` is not a map.
    public init(_ value: CBORValue, message: String) throws(WireFormatError) {
        guard case .map(let entries) = value else { throw .unexpected(field: message, expected: "a map") }
        self.entries = entries[...]
        self.message = message
    }

    /// Takes field `key`, or nil if it is absent.
    public mutating func optionalField(_ key: UInt64) -> CBORValue? {
        guard let first = entries.first, first.key == key else { return nil }
        entries.removeFirst()
        return first.value
    }

    /// Takes field `key`.
    /// - Throws: ``WireFormatError/missing(field:)``.
    public mutating func field(_ key: UInt64, _ name: String) throws(WireFormatError) -> CBORValue {
        guard let value = optionalField(key) else { throw .missing(field: "\(message).\(name)") }
        return value
    }

    /// Takes an unsigned integer in `range`.
    /// - Throws: ``WireFormatError``.
    public mutating func unsigned(
        _ key: UInt64, _ name: String, in range: ClosedRange<UInt64> = 0...UInt64(Int64.max)
    ) throws(WireFormatError) -> UInt64 {
        guard case .unsigned(let value) = try field(key, name), range.contains(value) else {
            throw .unexpected(
                field: "\(message).\(name)", expected: "an integer in \(range.lowerBound)...\(range.upperBound)")
        }
        return value
    }

    /// Takes an unsigned integer in `range` as an `Int`.
    /// - Throws: ``WireFormatError``.
    public mutating func integer(
        _ key: UInt64, _ name: String, in range: ClosedRange<Int> = 0...Int.max
    ) throws(WireFormatError) -> Int {
        Int(try unsigned(key, name, in: UInt64(range.lowerBound)...UInt64(range.upperBound)))
    }

    /// Takes a byte string, of exactly `count` bytes if given, else of at most `maximum`.
    /// - Throws: ``WireFormatError``.
    public mutating func bytes(
        _ key: UInt64, _ name: String, count: Int? = nil, maximum: Int = 1 << 20
    ) throws(WireFormatError) -> [UInt8] {
        guard case .bytes(let value) = try field(key, name) else {
            throw .unexpected(field: "\(message).\(name)", expected: "a byte string")
        }
        if let count, value.count != count {
            throw .unexpected(field: "\(message).\(name)", expected: "\(count) bytes")
        }
        if value.count > maximum { throw .tooLarge(field: "\(message).\(name)") }
        return value
    }

    /// Takes a text of at most `maximum` UTF-8 bytes.
    /// - Throws: ``WireFormatError``.
    public mutating func text(_ key: UInt64, _ name: String, maximum: Int = 1024) throws(WireFormatError) -> String {
        guard case .text(let value) = try field(key, name) else {
            throw .unexpected(field: "\(message).\(name)", expected: "a text")
        }
        if value.utf8.count > maximum { throw .tooLarge(field: "\(message).\(name)") }
        return value
    }

    /// Takes a boolean.
    /// - Throws: ``WireFormatError``.
    public mutating func boolean(_ key: UInt64, _ name: String) throws(WireFormatError) -> Bool {
        guard case .boolean(let value) = try field(key, name) else {
            throw .unexpected(field: "\(message).\(name)", expected: "a boolean")
        }
        return value
    }

    /// Takes an array of at most `maximum` items and reads each.
    /// - Throws: ``WireFormatError``.
    public mutating func array<Element>(
        _ key: UInt64, _ name: String, maximum: Int = 100_000,
        _ read: (CBORValue) throws(WireFormatError) -> Element
    ) throws(WireFormatError) -> [Element] {
        guard case .array(let items) = try field(key, name) else {
            throw .unexpected(field: "\(message).\(name)", expected: "an array")
        }
        if items.count > maximum { throw .tooLarge(field: "\(message).\(name)") }
        var elements: [Element] = []
        elements.reserveCapacity(items.count)
        for item in items { elements.append(try read(item)) }
        return elements
    }

    /// Takes a nested message.
    /// - Throws: ``WireFormatError``.
    public mutating func message<Message: WireMessage>(
        _ key: UInt64, _ name: String, as type: Message.Type = Message.self
    ) throws(WireFormatError) -> Message {
        try Message(cborValue: try field(key, name))
    }

    /// Ends the message.
    /// - Throws: ``WireFormatError/unknownField(_:message:)`` if a field was not taken.
    public func finish() throws(WireFormatError) {
        if let extra = entries.first { throw .unknownField(extra.key, message: message) }
    }
}

extension CBORValue {
    /// A map with the fields that are present, numbered in ascending order.
    public static func message(_ fields: (UInt64, CBORValue?)...) -> CBORValue {
        .map(fields.compactMap { key, value in value.map { MapEntry(key, $0) } })
    }
}
