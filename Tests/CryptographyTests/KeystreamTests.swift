// The mask stream is one sequence of words, however it is cut, sought or applied: chunks that are uploaded, folded and
// unmasked separately must meet the same words.

import Cryptography
import TestSupport
import Testing

struct KeystreamTests {
    private let key = SecretBytes(copying: [UInt8](0..<32))
    private static let length = 6000  // more than two scratch buffers, and odd ends of several kinds

    private func reference() throws -> [UInt64] {
        var stream = try KeystreamGenerator(key: key)
        return try stream.next(count: Self.length)
    }

    @Test(arguments: [1, 2, 3, 64, 1000, 2047, 2048, 2049, 4095, 4096, 5999, 6000])
    func anySplitIntoConsecutivePiecesGivesTheSameWords(piece: Int) throws {
        let reference = try reference()
        var stream = try KeystreamGenerator(key: key)
        var words = [UInt64](repeating: 0, count: Self.length)
        for start in stride(from: 0, to: Self.length, by: piece) {
            let end = min(start + piece, Self.length)
            words.replaceSubrange(start..<end, with: try stream.next(count: end - start))
        }
        #expect(words == reference)
    }

    @Test func randomSplitsGiveTheSameWords() throws {
        let reference = try reference()
        var cuts = try KeyedRandomGenerator(key: SecretBytes(copying: [UInt8](repeating: 5, count: 32)))
        for _ in 0..<20 {
            var stream = try KeystreamGenerator(key: key)
            var words: [UInt64] = []
            while words.count < Self.length {
                words += try stream.next(count: min(Int(cuts.uniform(below: 2500)) + 1, Self.length - words.count))
            }
            #expect(words == reference)
        }
    }

    @Test(arguments: [0, 2, 4, 1024, 2046, 2048, 2050, 4096, 5998]) func seekingMeetsTheSameWords(offset: Int) throws {
        let reference = try reference()
        var stream = try KeystreamGenerator()
        try stream.rekey(key, wordOffset: offset)
        #expect(try stream.next(count: Self.length - offset) == Array(reference[offset...]))
    }

    @Test func seekingFarGivesTheBlockOfThatNumber() throws {
        // Word 2^33 is block 2^32: the counter carries beyond 32 bits instead of repeating the stream.
        var far = try KeystreamGenerator()
        try far.rekey(key, wordOffset: 1 << 33)
        var beforeCarry = try KeystreamGenerator()
        try beforeCarry.rekey(key, wordOffset: (1 << 33) - 4)
        let crossing = try beforeCarry.next(count: 8)
        #expect(try far.next(count: 4) == Array(crossing[4...]))
        #expect(try reference().prefix(4) != crossing[4...])
    }

    @Test func keysAreIndependent() throws {
        var other = try KeystreamGenerator(key: SecretBytes(copying: [UInt8](1..<33)))
        #expect(try other.next(count: 8) != Array(reference().prefix(8)))
        #expect(throws: CryptographyError.wrongLength(of: "AES-256-CTR key", expected: 32, actual: 31)) {
            try other.rekey(SecretBytes(copying: [UInt8](0..<31)))
        }
    }

    @Test func boundedDrawsStayInRangeAndMeetEveryValue() throws {
        var generator = try KeyedRandomGenerator(key: key)
        var counts = [Int](repeating: 0, count: 10)
        for _ in 0..<20_000 { counts[Int(generator.uniform(below: 10))] += 1 }
        // Chi-square with nine degrees of freedom exceeds 27.88 once in a thousand; the key is fixed.
        let statistic = counts.reduce(0.0) { $0 + (Double($1) - 2000) * (Double($1) - 2000) / 2000 }
        #expect(statistic < 27.88)
        #expect(generator.uniform(below: 1) == 0)
    }
}
