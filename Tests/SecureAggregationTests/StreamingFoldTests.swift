import Cryptography
import Testing
import Vectors

@testable import SecureAggregation

/// The sum as a coordinator opens it: from chunks, on several workers, in whatever pieces a reader hands over.
struct StreamingFoldTests {
    /// A session whose shares are in, with vectors of two chunks, the second of them short.
    private struct Opened {
        let plan: UnmaskPlan
        let chunks: [[[UInt8]]]
        let sum: [UInt64]

        init(_ generator: KeystreamCipher) throws {
            var scenario = try AggregationScenario(
                dimension: 6 * 131_072 - 590, layout: .threeBy21, generator: generator)
            var session = try scenario.session()
            let dimension = scenario.plan.dimension
            let words = try scenario.collect(&session, dropped: [5]) { node in
                [Int64](unsafeUninitializedCapacity: dimension) { values, count in
                    for index in 0..<dimension { values[index] = Int64(node) * 31 - Int64(index % 1009) }
                    count = dimension
                }
            }
            let opened = try scenario.finish(&session, words: words)
            sum = scenario.plan.layout.pack(opened)
            plan = try session.unmaskPlan()
            chunks = session.roster.entries.map { entry in
                let vector = words[entry.node] ?? []
                return (0..<VectorChunks.count(wordCount: vector.count)).map {
                    VectorChunks.encode(vector[VectorChunks.range($0, wordCount: vector.count)])
                }
            }
        }
    }

    private static let made = Result { try Opened(.aes256Counter) }
    private static let madeWithChaCha20 = Result { try Opened(.chaCha20) }

    @Test(
        "any number of workers, any pieces", arguments: KeystreamCipher.allCases,
        [(1, Int.max), (2, 1 << 16), (3, 264), (16, 4_104)])
    func opensTheSameSum(generator: KeystreamCipher, split: (workers: Int, pieceByteCount: Int)) async throws {
        let opened = try (generator == .chaCha20 ? Self.madeWithChaCha20 : Self.made).get()
        let (workers, pieceByteCount) = split
        #expect(opened.chunks[0].count == 2 && opened.plan.wordCount == opened.sum.count)
        let sum = try await opened.plan.openSum(workers: workers) { position, chunk, take in
            let bytes = opened.chunks[position][chunk]
            let length = min(pieceByteCount, bytes.count)
            for start in stride(from: 0, to: bytes.count, by: length) {
                try take(bytes.span.extracting(start..<min(start + length, bytes.count)))
            }
        }
        #expect(sum == opened.sum)
    }

    /// Lengths of pieces, beyond or short of the chunk's own where they are not positive.
    @Test(arguments: [[], [0, 8], [0, 7], [-8], [-1], [-8, 16], [7, -7]])
    func refusesAChunkOfAnotherLength(lengths: [Int]) async throws {
        let opened = try Self.made.get()
        await #expect(throws: SecureAggregationError.malformed("vector chunk")) {
            _ = try await opened.plan.openSum(workers: 2) { position, chunk, take in
                let bytes = opened.chunks[position][chunk]
                guard position == 9, chunk == 1 else { return try take(bytes.span) }
                for length in lengths {
                    let piece = [UInt8](repeating: 1, count: length > 0 ? length : bytes.count + length)
                    try take(piece.span)
                }
            }
        }
    }

    @Test func whatTheReaderThrowsEndsTheFold() async throws {
        struct Unreadable: Error {}
        let opened = try Self.made.get()
        await #expect(throws: Unreadable.self) {
            _ = try await opened.plan.openSum(workers: 2) { position, chunk, take in
                if position == 11 { throw Unreadable() }
                let bytes = opened.chunks[position][chunk]
                try take(bytes.span)
            }
        }
    }
}
