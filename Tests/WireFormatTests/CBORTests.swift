// The deterministic profile against RFC 8949: its own examples, what the profile refuses of them, and the property that
// accepted bytes are exactly the bytes the encoder writes.

import Testing
import WireFormat

/// Bytes written in hexadecimal, for examples quoted from the RFC.
func bytes(_ hexadecimal: String) -> [UInt8] {
    var result: [UInt8] = []
    var high: UInt8?
    for character in hexadecimal where character != " " {
        guard let digit = character.hexDigitValue else { continue }
        if let first = high {
            result.append(first << 4 | UInt8(digit))
            high = nil
        } else {
            high = UInt8(digit)
        }
    }
    return result
}

struct CBORExample: Sendable, CustomTestStringConvertible {
    let encoding: String
    let value: CBORValue
    var testDescription: String { encoding }
}

struct RefusedExample: Sendable, CustomTestStringConvertible {
    let encoding: String
    let why: String
    var testDescription: String { "\(why): \(encoding)" }
}

struct CBORTests {
    /// RFC 8949 appendix A, the examples inside the profile.
    static let published: [CBORExample] = [
        .init(encoding: "00", value: .unsigned(0)), .init(encoding: "01", value: .unsigned(1)),
        .init(encoding: "0a", value: .unsigned(10)), .init(encoding: "17", value: .unsigned(23)),
        .init(encoding: "1818", value: .unsigned(24)), .init(encoding: "1819", value: .unsigned(25)),
        .init(encoding: "1864", value: .unsigned(100)), .init(encoding: "1903e8", value: .unsigned(1000)),
        .init(encoding: "1a000f4240", value: .unsigned(1_000_000)),
        .init(encoding: "1b000000e8d4a51000", value: .unsigned(1_000_000_000_000)),
        .init(encoding: "1bffffffffffffffff", value: .unsigned(.max)),
        .init(encoding: "20", value: CBORValue(-1)), .init(encoding: "29", value: CBORValue(-10)),
        .init(encoding: "3863", value: CBORValue(-100)), .init(encoding: "3903e7", value: CBORValue(-1000)),
        .init(encoding: "f4", value: .boolean(false)), .init(encoding: "f5", value: .boolean(true)),
        .init(encoding: "f6", value: .null), .init(encoding: "40", value: .bytes([])),
        .init(encoding: "4401020304", value: .bytes([1, 2, 3, 4])), .init(encoding: "60", value: .text("")),
        .init(encoding: "6161", value: .text("a")), .init(encoding: "6449455446", value: .text("IETF")),
        .init(encoding: "62225c", value: .text("\"\\")), .init(encoding: "62c3bc", value: .text("\u{fc}")),
        .init(encoding: "63e6b0b4", value: .text("\u{6c34}")),
        .init(encoding: "64f0908591", value: .text("\u{10151}")), .init(encoding: "80", value: .array([])),
        .init(encoding: "83010203", value: .array([.unsigned(1), .unsigned(2), .unsigned(3)])),
        .init(
            encoding: "8301820203820405",
            value: .array([
                .unsigned(1), .array([.unsigned(2), .unsigned(3)]), .array([.unsigned(4), .unsigned(5)]),
            ])),
        .init(
            encoding: "98190102030405060708090a0b0c0d0e0f101112131415161718181819",
            value: .array((1...25).map { .unsigned($0) })),
        .init(encoding: "a0", value: .map([])),
        .init(encoding: "a201020304", value: .map([.init(1, .unsigned(2)), .init(3, .unsigned(4))])),
    ]

    @Test(arguments: published) func publishedExamplesAgree(example: CBORExample) throws {
        #expect(try CBORDecoder.decode(bytes(example.encoding)) == example.value)
        #expect(example.value.encoded() == bytes(example.encoding))
    }

    /// RFC 8949 appendix A outside the profile, section 4.2.1 (deterministic encoding) and appendix F (not well-formed).
    static let refused: [RefusedExample] = [
        .init(encoding: "c249010000000000000000", why: "bignum"),
        .init(encoding: "3bffffffffffffffff", why: "below -2^63"),
        .init(encoding: "3b8000000000000000", why: "one below -2^63"),
        .init(encoding: "f90000", why: "half float"), .init(encoding: "fa47c35000", why: "single float"),
        .init(encoding: "fb3ff199999999999a", why: "double float"), .init(encoding: "f7", why: "undefined"),
        .init(encoding: "f0", why: "simple 16"), .init(encoding: "f8ff", why: "simple 255"),
        .init(encoding: "f814", why: "false in two bytes"), .init(encoding: "c11a514b67b0", why: "tag"),
        .init(encoding: "d74401020304", why: "tag"), .init(encoding: "5f42010243030405ff", why: "indefinite bytes"),
        .init(encoding: "7f657374726561646d696e67ff", why: "indefinite text"),
        .init(encoding: "9fff", why: "indefinite array"), .init(encoding: "bf61610161629f0203ffff", why: "indefinite"),
        .init(encoding: "a26161016162820203", why: "text keys"), .init(encoding: "a12001", why: "negative key"),
        .init(encoding: "a203040102", why: "keys descend"), .init(encoding: "a201020103", why: "duplicate key"),
        .init(encoding: "1800", why: "long head"), .init(encoding: "1817", why: "long head"),
        .init(encoding: "190018", why: "long head"), .init(encoding: "1900ff", why: "long head"),
        .init(encoding: "1a0000ffff", why: "long head"), .init(encoding: "1b00000000ffffffff", why: "long head"),
        .init(encoding: "5800", why: "long head of bytes"), .init(encoding: "7801 61", why: "long head of text"),
        .init(encoding: "980101", why: "long head of array"), .init(encoding: "b8010101", why: "long head of map"),
        .init(encoding: "a1180101", why: "long head of key"), .init(encoding: "3800", why: "long head of negative"),
        .init(encoding: "1c", why: "reserved"), .init(encoding: "1d", why: "reserved"),
        .init(encoding: "1e", why: "reserved"), .init(encoding: "1f", why: "reserved"),
        .init(encoding: "ff", why: "break"), .init(encoding: "", why: "nothing"),
        .init(encoding: "0000", why: "two items"), .init(encoding: "61ff", why: "not UTF-8"),
        .init(encoding: "63eda080", why: "surrogate"), .init(encoding: "62c080", why: "overlong UTF-8"),
    ]

    @Test(arguments: refused) func anythingElseIsRefused(example: RefusedExample) {
        #expect(throws: WireFormatError.self) { try CBORDecoder.decode(bytes(example.encoding)) }
    }

    @Test func theExtremesOfSignedIntegersRoundTrip() throws {
        for integer in [Int64.min, .min + 1, -1, 0, 1, .max] {
            let value = CBORValue(integer)
            #expect(try CBORDecoder.decode(value.encoded()) == value)
        }
        #expect(CBORValue(.min).encoded() == bytes("3b7fffffffffffffff"))
    }

    @Test func nestingEndsAtTheStatedDepth() throws {
        let allowed = [UInt8](repeating: 0x81, count: CBORDecoder.maximumDepth) + [0]
        #expect(throws: Never.self) { try CBORDecoder.decode(allowed) }
        #expect(throws: WireFormatError.tooDeep) { try CBORDecoder.decode([0x81] + allowed) }
        // A million levels must be refused before they are descended.
        #expect(throws: WireFormatError.tooDeep) {
            try CBORDecoder.decode([UInt8](repeating: 0x81, count: 1_000_000))
        }
        let maps = [[UInt8]](repeating: [0xa1, 0], count: CBORDecoder.maximumDepth + 1).flatMap(\.self) + [0]
        #expect(throws: WireFormatError.tooDeep) { try CBORDecoder.decode(maps) }
    }

    @Test(arguments: ["5b", "7b", "9b", "bb"], ["0000000100000000", "7fffffffffffffff", "ffffffffffffffff"])
    func lengthsBeyondTheInputAreRefusedBeforeAllocation(head: String, length: String) {
        #expect(throws: WireFormatError.truncated) { try CBORDecoder.decode(bytes(head + length) + [0, 0, 0]) }
    }

    @Test func nestedLengthsThatClaimTheWholeRestAreRefused() {
        // Eight arrays, each claiming every byte that is left: the claim is only honest for the innermost.
        var input: [UInt8] = []
        let size = 1 << 20
        for _ in 0..<CBORDecoder.maximumDepth {
            let left = UInt32(size - input.count - 5)
            input += [0x9a] + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: left >> $0) }
        }
        input += [UInt8](repeating: 0, count: size - input.count)
        #expect(throws: WireFormatError.truncated) { try CBORDecoder.decode(input) }
    }

    static let sample = CBORValue.map([
        .init(1, .text("r\u{fc}n")), .init(2, .array([.unsigned(23), .unsigned(24), CBORValue(-500), .null])),
        .init(24, .bytes([UInt8](0..<30))), .init(300, .map([.init(0, .boolean(true)), .init(7, .array([]))])),
        .init(.max, .unsigned(1 << 40)),
    ])

    @Test func everyTruncationIsRefused() throws {
        let encoding = Self.sample.encoded()
        #expect(try CBORDecoder.decode(encoding) == Self.sample)
        for length in 0..<encoding.count {
            #expect(throws: WireFormatError.self) { try CBORDecoder.decode([UInt8](encoding.prefix(length))) }
        }
    }

    @Test func acceptedBytesAreAlwaysTheOneEncoding() {
        let encoding = Self.sample.encoded()
        var accepted = 0
        for position in encoding.indices {
            for byte in UInt8.min...UInt8.max {
                var mutated = encoding
                mutated[position] = byte
                guard let value = try? CBORDecoder.decode(mutated) else { continue }
                accepted += 1
                #expect(value.encoded() == mutated)
            }
        }
        #expect(accepted > encoding.count, "the unchanged encoding counts once a position, mutations come on top")
    }

    @Test func randomBytesNeverTrap() {
        var state: UInt64 = 0x9e37_79b9_7f4a_7c15
        func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
        var accepted = 0
        for _ in 0..<20_000 {
            let input = (0..<Int(next() % 24)).map { _ in UInt8(truncatingIfNeeded: next() >> 24) }
            guard let value = try? CBORDecoder.decode(input) else { continue }
            accepted += 1
            #expect(value.encoded() == input)
        }
        #expect(accepted > 0)
    }
}
