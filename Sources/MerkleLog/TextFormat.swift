// What the C2SP text formats share: lines that end in a newline, decimal numbers with one spelling, base64 of fixed
// meaning. All work on UTF-8 bytes, because Swift's characters would join "\r\n" and compare by canonical equivalence.

import Cryptography

/// Reads a text line by line.
struct LineReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    /// Whether every byte has been read.
    var isAtEnd: Bool { rest.isEmpty }

    /// What has not been read.
    var remainder: ArraySlice<UInt8> { rest }

    /// The next line without its newline; nil if no newline is left.
    mutating func next() -> ArraySlice<UInt8>? {
        guard let newline = rest.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        defer { rest = rest[(newline + 1)...] }
        return rest[..<newline]
    }
}

extension ArraySlice where Element == UInt8 {
    /// The bytes as text. Callers cut at ASCII bytes of valid UTF-8 only, so nothing is ever repaired.
    var text: String { String(decoding: self, as: UTF8.self) }

    /// What follows `prefix`, or nil if it does not come first.
    func dropping(prefix: String) -> ArraySlice<UInt8>? {
        starts(with: prefix.utf8) ? dropFirst(prefix.utf8.count) : nil
    }

    /// A non-negative decimal number in its only spelling: no sign, no leading zero, at most `Int.max`.
    var decimal: Int? {
        guard let first, count == 1 || first != UInt8(ascii: "0") else { return nil }
        var value = 0
        for character in self {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(character) else { return nil }
            let (shifted, tooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflow) = shifted.addingReportingOverflow(Int(character - UInt8(ascii: "0")))
            if tooLarge || overflow { return nil }
            value = sum
        }
        return value
    }

    /// The bytes behind canonical base64 text.
    var base64Decoded: [UInt8]? { try? Base64.decode(text) }

    /// The digest behind canonical base64 text.
    var base64Digest: Digest? {
        guard let bytes = base64Decoded else { return nil }
        return try? Digest(bytes)
    }

    /// Whether the bytes hold no ASCII control character but newline, the rule for all signed notes.
    var isPrintable: Bool { allSatisfy { $0 >= 0x20 || $0 == UInt8(ascii: "\n") } }
}

extension UInt32 {
    /// The number that four bytes hold, most significant first.
    init(mostSignificantFirst bytes: ArraySlice<UInt8>) {
        self = bytes.reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// The number's four bytes, most significant first.
    var mostSignificantFirst: [UInt8] {
        stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: self >> $0) }
    }
}
