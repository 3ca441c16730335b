// Sums of many streams, and words as bytes: whatever is grouped and cut inside, the result is that of one word after the other.

import Cryptography
import TestSupport
import Testing

struct KeystreamSumTests {
    private static let length = 3000  // more than five blocks, with an odd end
    private static let original = (0..<UInt64(length)).map { $0 &* 0x9e37_79b9_7f4a_7c15 }

    private static func key(_ number: Int) -> SecretBytes {
        SecretBytes(copying: [UInt8](repeating: UInt8(number), count: 32))
    }

    /// Word by word, with one stream at a time.
    private static func expected(
        adding added: [SecretBytes], subtracting subtracted: [SecretBytes], in range: Range<Int>, wordOffset: Int
    ) throws -> [UInt64] {
        var words = original
        for (keys, sign) in [(added, UInt64(1)), (subtracted, UInt64.max)] {
            for key in keys {
                var stream = try KeystreamGenerator()
                try stream.rekey(key, wordOffset: wordOffset)
                for (index, word) in zip(range, try stream.next(count: range.count)) { words[index] &+= sign &* word }
            }
        }
        return words
    }

    @Test(arguments: [(0, 0), (1, 0), (0, 1), (3, 2), (4, 4), (5, 7), (9, 0), (0, 8)])
    func theSumIsThatOfSingleStreams(added: Int, subtracted: Int) throws {
        let plus = (0..<added).map { Self.key($0 + 1) }
        let minus = (0..<subtracted).map { Self.key($0 + 101) }
        for (range, offset) in [(0..<Self.length, 0), (10..<2711, 0), (0..<1, 4), (100..<100, 2), (5..<1029, 1 << 33)] {
            var words = Self.original
            var sum = try KeystreamSum(.aes256Counter)
            try sum.apply(adding: plus, subtracting: minus, to: &words, in: range, wordOffset: offset)
            let expected = try Self.expected(adding: plus, subtracting: minus, in: range, wordOffset: offset)
            #expect(words == expected, "\(range) at \(offset)")
        }
    }

    @Test func oneStreamAddedAndSubtractedLeavesNothing() throws {
        var words = Self.original
        var sum = try KeystreamSum(.aes256Counter)
        try sum.apply(
            adding: [Self.key(1), Self.key(2)], subtracting: [Self.key(2), Self.key(1)], to: &words,
            in: 0..<Self.length, wordOffset: 0)
        #expect(words == Self.original)
    }

    /// RFC 8439, appendix A.1, test vectors 1 and 2: a key and a nonce of zeros, blocks 0 and 1.
    @Test func chaCha20IsThePublishedStream() throws {
        let blocks = try Hex.decode(
            "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
                + "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586"
                + "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed"
                + "29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f")
        let published = try LittleEndianWords.decode(blocks)
        for offset in 0..<16 {
            var words = [UInt64](repeating: 0, count: 16 - offset)
            var sum = try KeystreamSum(.chaCha20)
            try sum.apply(
                adding: [Self.key(0)], subtracting: [], to: &words, in: 0..<words.count, wordOffset: offset)
            #expect(words == Array(published[offset...]), "from word \(offset)")
        }
    }

    @Test(arguments: KeystreamCipher.allCases, [(1, 1), (3, 2), (4, 5)])
    func anyRangeIsThatPartOfTheWhole(cipher: KeystreamCipher, counts: (Int, Int)) throws {
        let plus = (0..<counts.0).map { Self.key($0 + 1) }
        let minus = (0..<counts.1).map { Self.key($0 + 101) }
        var whole = Self.original
        var sum = try KeystreamSum(cipher)
        try sum.apply(adding: plus, subtracting: minus, to: &whole, in: 0..<Self.length, wordOffset: 0)
        #expect(whole != Self.original)
        var parts = Self.original
        for range in [0..<2, 2..<9, 9..<520, 520..<523, 523..<2048, 2048..<Self.length] {
            try sum.apply(adding: plus, subtracting: minus, to: &parts, in: range, wordOffset: range.lowerBound)
        }
        #expect(parts == whole)
        // Far into the stream: the counter's upper half counts too.
        var far = Self.original
        try sum.apply(adding: plus, subtracting: minus, to: &far, in: 0..<Self.length, wordOffset: 1 << 34)
        #expect(far != whole)
    }

    @Test func aKeyOfAnotherLengthIsRefused() throws {
        var words = Self.original
        var sum = try KeystreamSum(.aes256Counter)
        #expect(throws: CryptographyError.wrongLength(of: "AES-256-CTR key", expected: 32, actual: 31)) {
            try sum.apply(
                adding: [SecretBytes(copying: [UInt8](0..<31))], subtracting: [], to: &words, in: 0..<2, wordOffset: 0)
        }
    }

    // MARK: Words as bytes

    @Test func wordsTravelAsLittleEndianBytes() throws {
        let words: [UInt64] = [0x0102_0304_0506_0708, .max, 0]
        let bytes = LittleEndianWords.encode(words[...])
        #expect(
            bytes == [8, 7, 6, 5, 4, 3, 2, 1] + [UInt8](repeating: 255, count: 8) + [UInt8](repeating: 0, count: 8))
        #expect(try LittleEndianWords.decode(bytes) == words)
        #expect(throws: CryptographyError.malformedEncoding("words")) { try LittleEndianWords.decode([1, 2, 3]) }
    }

    @Test func bytesAreAddedWhereTheyBelongOrNotAtAll() throws {
        var sum: [UInt64] = [1, .max, 3, 4]
        let bytes = LittleEndianWords.encode([5, 6][...])
        try LittleEndianWords.add(bytes.span, to: &sum, at: 1)
        #expect(sum == [1, 4, 9, 4])
        // A span that does not start at zero, nor on a multiple of eight.
        try LittleEndianWords.add(([0, 0, 0] + bytes).span.extracting(3...), to: &sum, at: 2)
        #expect(sum == [1, 4, 14, 10])
        for (drop, start) in [(0, 3), (0, -1), (1, 0), (0, 5)] {
            #expect(throws: CryptographyError.self) {
                try LittleEndianWords.add(bytes.span.extracting(drop...), to: &sum, at: start)
            }
        }
        #expect(sum == [1, 4, 14, 10])
    }

    // MARK: Secret tags

    @Test func theTagIsTheOneOfGCM() throws {
        // McGrew and Viega, "The Galois/Counter Mode of Operation", test case 13: empty everything under a zero key.
        let zero = SecretBytes(copying: [UInt8](repeating: 0, count: 32))
        let published = try Hex.decode("530f8afbc74536b9a963b4f1c4cb738b")
        #expect(try AESGCM.secretTag(of: [], key: zero) == SecretBytes(copying: published))
        let words = (0..<(1 << 20) + 5).map { UInt64($0) &* 0x9e37_79b9_7f4a_7c15 }
        let sealed = try AESGCM.seal(
            SecretBytes(copying: []), key: Self.key(3), nonce: [UInt8](repeating: 0, count: 12),
            authenticating: LittleEndianWords.encode(words[...]))
        #expect(try AESGCM.secretTag(of: words, key: Self.key(3)) == SecretBytes(copying: sealed))
    }
}
