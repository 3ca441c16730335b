// Reading messages with numbered fields: every field is named, typed and bounded, and nothing is skipped.

import Testing
import WireFormat

private struct Inner: WireMessage {
    static let messageName = "inner"
    let flag: Bool
    var cborValue: CBORValue { .message((1, .boolean(flag))) }
    init(flag: Bool) { self.flag = flag }
    init(reading fields: inout MessageReader) throws(WireFormatError) { flag = try fields.boolean(1, "flag") }
}

private struct Outer: WireMessage {
    static let messageName = "outer"
    var count: UInt64 = 7
    var small = 3
    var digest: [UInt8] = [1, 2, 3, 4]
    var blob: [UInt8] = [9]
    var name = "abc"
    var list: [UInt64] = [5, 6]
    var inner = Inner(flag: true)
    var note: UInt64?

    var cborValue: CBORValue {
        .message(
            (1, .unsigned(count)), (2, .unsigned(UInt64(small))), (3, .bytes(digest)), (4, .bytes(blob)),
            (5, .text(name)), (6, .array(list.map { .unsigned($0) })), (7, inner.cborValue),
            (8, note.map { .unsigned($0) }))
    }

    init() {}
    init(reading fields: inout MessageReader) throws(WireFormatError) {
        count = try fields.unsigned(1, "count")
        small = try fields.integer(2, "small", in: 1...5)
        digest = try fields.bytes(3, "digest", count: 4)
        blob = try fields.bytes(4, "blob", maximum: 2)
        name = try fields.text(5, "name", maximum: 4)
        list = try fields.array(6, "list", maximum: 3) { (value) throws(WireFormatError) -> UInt64 in
            guard case .unsigned(let number) = value else { throw .unexpected(field: "list", expected: "numbers") }
            return number
        }
        inner = try fields.message(7, "inner")
        if let value = fields.optionalField(8) {
            guard case .unsigned(let number) = value else { throw .unexpected(field: "note", expected: "a number") }
            note = number
        }
    }
}

/// The message with one field replaced, or left out.
private func altered(_ key: UInt64, _ value: CBORValue?) -> CBORValue {
    guard case .map(let entries) = Outer().cborValue else { return .null }
    var kept = entries.filter { $0.key != key }
    if let value { kept.append(.init(key, value)) }
    return .map(kept.sorted { $0.key < $1.key })
}

struct MessageReaderTests {
    @Test func messagesRoundTripWithAndWithoutOptionalFields() throws {
        var message = Outer()
        #expect(try Outer(decoding: message.encoded()) == message)
        message.note = 4
        #expect(try Outer(decoding: message.encoded()) == message)
    }

    @Test(arguments: 1...7 as ClosedRange<UInt64>) func aMissingFieldIsNamed(key: UInt64) {
        let names = ["count", "small", "digest", "blob", "name", "list", "inner"]
        #expect(throws: WireFormatError.missing(field: "outer." + names[Int(key) - 1])) {
            try Outer(cborValue: altered(key, nil))
        }
    }

    @Test func anUnknownFieldIsRefused() {
        #expect(throws: WireFormatError.unknownField(9, message: "outer")) {
            try Outer(cborValue: altered(9, .null))
        }
        #expect(throws: WireFormatError.missing(field: "outer.count")) {
            try Outer(cborValue: altered(0, .null))
        }
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>) func anotherTypeIsRefused(key: UInt64) {
        let wrong: CBORValue = key == 5 ? .bytes([0x61]) : .text("a")
        #expect(throws: WireFormatError.self) { try Outer(cborValue: altered(key, wrong)) }
        #expect(throws: WireFormatError.self) { try Outer(cborValue: altered(key, .null)) }
    }

    @Test func boundsAreKept() {
        let refused: [(UInt64, CBORValue)] = [
            (1, .unsigned(1 << 63)), (1, CBORValue(-1)), (2, .unsigned(0)), (2, .unsigned(6)), (2, .unsigned(.max)),
            (3, .bytes([1, 2, 3])), (3, .bytes([1, 2, 3, 4, 5])), (4, .bytes([1, 2, 3])), (5, .text("abcde")),
            (5, .text("\u{6c34}\u{6c34}")), (6, .array([.unsigned(1), .unsigned(1), .unsigned(1), .unsigned(1)])),
            (6, .array([.null])), (7, .map([])), (7, .map([.init(1, .boolean(true)), .init(2, .null)])),
        ]
        for (key, value) in refused {
            #expect(throws: WireFormatError.self) { try Outer(cborValue: altered(key, value)) }
        }
        let accepted: [(UInt64, CBORValue)] = [
            (1, .unsigned((1 << 63) - 1)), (2, .unsigned(1)), (2, .unsigned(5)), (4, .bytes([])), (4, .bytes([1, 2])),
            (5, .text("abcd")), (6, .array([])),
        ]
        for (key, value) in accepted {
            #expect(throws: Never.self) { try Outer(cborValue: altered(key, value)) }
        }
    }

    @Test func whatIsNotAMapIsNotAMessage() {
        for value: CBORValue in [.null, .array([]), .unsigned(1), .bytes([0xa0])] {
            #expect(throws: WireFormatError.unexpected(field: "outer", expected: "a map")) {
                try Outer(cborValue: value)
            }
        }
    }

    @Test func errorsSayWhereAndNeverWhat() {
        let secret = "a secret that must not be printed"
        #expect(throws: WireFormatError.self) { try Outer(cborValue: altered(5, .text(secret))) }
        do { _ = try Outer(cborValue: altered(5, .text(secret))) } catch {
            #expect(error.description == "outer.name is too large")
        }
    }
}
