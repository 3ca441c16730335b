// A total decoder: any input gives a value or a typed error, in time and memory linear in the input. What it accepts is
// exactly what the encoder writes.

/// Decodes the deterministic profile.
public struct CBORDecoder {
    /// An item may be enclosed in at most this many arrays and maps; Concord's messages need four.
    public static let maximumDepth = 8

    /// Items reserved ahead of reading them. Nested counts may each claim all the rest of the input, so memory follows the
    /// items that are there, not the counts.
    private static let reservation = 256

    private let input: [UInt8]
    private var position = 0

    /// Decodes one item that must be the whole input.
    /// - Throws: ``WireFormatError``.
    public static func decode(_ input: [UInt8]) throws(WireFormatError) -> CBORValue {
        var decoder = CBORDecoder(input: input)
        let value = try decoder.item(depth: 0)
        if decoder.position != input.count { throw .trailingBytes }
        return value
    }

    private init(input: [UInt8]) { self.input = input }

    private mutating func item(depth: Int) throws(WireFormatError) -> CBORValue {
        if depth > Self.maximumDepth { throw .tooDeep }
        let (major, value) = try head()
        switch major {
        case 0: return .unsigned(value)
        case 1:
            if value > UInt64(Int64.max) { throw .notDeterministic("integer below −2^63") }
            return .negative(value)
        case 2: return .bytes(try take(value))
        case 3:
            let bytes = try take(value)
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw .notDeterministic("text is not UTF-8")
            }
            return .text(text)
        case 4:
            // An item is at least one byte, so a count above what is left cannot be honest.
            if value > UInt64(input.count - position) { throw .truncated }
            var items: [CBORValue] = []
            items.reserveCapacity(min(Int(value), Self.reservation))
            for _ in 0..<value { items.append(try item(depth: depth + 1)) }
            return .array(items)
        case 5:
            if value > UInt64(input.count - position) / 2 { throw .truncated }
            var entries: [CBORValue.MapEntry] = []
            entries.reserveCapacity(min(Int(value), Self.reservation))
            for _ in 0..<value {
                let (keyMajor, key) = try head()
                if keyMajor != 0 { throw .notDeterministic("map key is not an unsigned integer") }
                if let last = entries.last, last.key >= key { throw .notDeterministic("map keys do not ascend") }
                entries.append(.init(key, try item(depth: depth + 1)))
            }
            return .map(entries)
        case 7:
            switch value {
            case 20: return .boolean(false)
            case 21: return .boolean(true)
            case 22: return .null
            default: throw .notDeterministic("simple value or float")
            }
        default: throw .notDeterministic("tag")
        }
    }

    private mutating func head() throws(WireFormatError) -> (major: UInt8, value: UInt64) {
        let initial = try byte()
        let major = initial >> 5
        let info = initial & 31
        if info < 24 { return (major, UInt64(info)) }
        if info > 27 { throw .notDeterministic("indefinite length") }
        if major == 7 { throw .notDeterministic("simple value or float") }
        let width = 1 << Int(info - 24)
        var value: UInt64 = 0
        for _ in 0..<width { value = value << 8 | UInt64(try byte()) }
        // The value must not fit the next shorter head.
        let shortest: UInt64 = info == 24 ? 24 : 1 << UInt64(width * 4)
        if value < shortest { throw .notDeterministic("head is not the shortest") }
        return (major, value)
    }

    private mutating func byte() throws(WireFormatError) -> UInt8 {
        if position == input.count { throw .truncated }
        defer { position += 1 }
        return input[position]
    }

    private mutating func take(_ count: UInt64) throws(WireFormatError) -> [UInt8] {
        if count > UInt64(input.count - position) { throw .truncated }
        defer { position += Int(count) }
        return [UInt8](input[position..<position + Int(count)])
    }
}
