// The sum of thousands of uploads, opened on every core in memory that does not grow with their number: uploads are read
// chunk by chunk and added up, and masks are expanded tile by tile, tiles outside and seeds inside, so that the words
// being summed stay in a core's cache while every seed's stream passes over them.

import Cryptography

extension UnmaskPlan {
    /// Reads one chunk (``VectorChunks``) of the upload at a roster position, and hands its bytes to `take` from the first to
    /// the last: at once, or in pieces of whole words, which stay in cache if they are short. Called from several tasks at
    /// once. The bytes must be those that the digests in the envelope name.
    public typealias ChunkReader =
        @Sendable (
            _ position: Int, _ chunk: Int, _ take: (Span<UInt8>) throws -> Void
        ) async throws -> Void

    /// Folds the survivors' uploads and takes the masks out.
    ///
    /// Memory: the sum (8 bytes a word), and for each worker a chunk of words and what `readChunk` holds. The result does not
    /// depend on `workers`.
    /// - Parameter workers: tasks to run side by side, 1 or more; the number of cores.
    /// - Returns: ``wordCount`` words: the packed sum of the survivors' vectors.
    /// - Throws: what `readChunk` throws; ``SecureAggregationError/malformed(_:)`` for a chunk of another length, or if a
    ///   primitive fails. No partial sum leaves.
    public func openSum(
        workers: Int, readingChunk readChunk: @escaping ChunkReader
    ) async throws -> [UInt64] {
        let workers = max(1, workers)
        var sum = [UInt64](repeating: 0, count: wordCount)
        try await forEachUnit(foldUnits(workers: workers), workers: workers) { unit in
            { try await unit.fold(readingChunk: readChunk) }
        } collecting: { unit, part in
            var target = sum.mutableSpan
            for index in part.indices { target[unit.words.lowerBound &+ index] &+= part[index] }
        }
        let masks = try await derivingMasks(workers: workers)
        try await forEachUnit(Self.tiles(wordCount: wordCount, workers: workers), workers: workers) { tile in
            let folded = Array(sum[tile])
            return {
                var part = folded
                try masks.remove(from: &part, wordOffset: tile.lowerBound)
                return part
            }
        } collecting: { tile, part in
            var target = sum.mutableSpan
            for index in part.indices { target[tile.lowerBound &+ index] = part[index] }
        }
        return sum
    }

    /// A chunk of some of the survivors.
    private struct FoldUnit: Sendable {
        let chunk: Int
        let words: Range<Int>
        let positions: ArraySlice<Int>

        func fold(readingChunk readChunk: ChunkReader) async throws -> [UInt64] {
            var part = [UInt64](repeating: 0, count: words.count)
            for position in positions {
                var added = 0
                try await readChunk(position, chunk) { bytes in
                    guard bytes.count.isMultiple(of: 8), bytes.count / 8 <= part.count - added else {
                        throw SecureAggregationError.malformed("vector chunk")
                    }
                    try LittleEndianWords.add(bytes, to: &part, at: added)
                    added += bytes.count / 8
                }
                guard added == part.count else { throw SecureAggregationError.malformed("vector chunk") }
            }
            return part
        }
    }

    /// One unit a chunk; for a short vector, which has fewer chunks than would keep the workers equally busy, the
    /// survivors are divided as well.
    private func foldUnits(workers: Int) -> [FoldUnit] {
        let chunks = VectorChunks.count(wordCount: wordCount)
        // Four units a worker keep them busy to the end; each more is one more pass over a chunk.
        let wanted = chunks >= 4 * workers ? 1 : (4 * workers + chunks - 1) / max(1, chunks)
        let length = max(1, (survivorPositions.count + wanted - 1) / wanted)
        return (0..<chunks).flatMap { chunk in
            stride(from: 0, to: survivorPositions.count, by: length).map { start in
                FoldUnit(
                    chunk: chunk, words: VectorChunks.range(chunk, wordCount: wordCount),
                    positions: survivorPositions[start..<min(start + length, survivorPositions.count)])
            }
        }
    }

    private func derivingMasks(workers: Int) async throws -> SessionMasks {
        var pairs: [MaskTerm] = []
        try await forEachUnit(dropped, workers: workers) { node in
            { try node.terms(sessionID: sessionID) }
        } collecting: { _, terms in
            pairs += terms
        }
        return SessionMasks(wordCount: wordCount, generator: generator, terms: selfMasks + pairs)
    }

    /// Even ranges that cover `wordCount` words: at most ``MaskExpander/tileWords`` each, equally long, as many for each
    /// worker.
    static func tiles(wordCount: Int, workers: Int) -> [Range<Int>] {
        guard wordCount > 0 else { return [] }
        let fewest = (wordCount + MaskExpander.tileWords - 1) / MaskExpander.tileWords
        let count = (fewest + workers - 1) / workers * workers
        let length = max(2, ((wordCount + count - 1) / count + 1) / 2 * 2)
        return stride(from: 0, to: wordCount, by: length).map { $0..<min($0 + length, wordCount) }
    }
}

/// Does the work of every unit, at most `workers` at a time, and hands each result to `collect` as it comes. `begin` makes a
/// unit's work when its turn comes: what it copies lives no longer than the unit.
private func forEachUnit<Unit: Sendable, Value: Sendable>(
    _ units: [Unit], workers: Int, beginning begin: (Unit) -> @Sendable () async throws -> Value,
    collecting collect: (Unit, Value) throws -> Void
) async throws {
    try await withThrowingTaskGroup(of: (Int, Value).self) { group in
        var next = 0
        func start() {
            guard next < units.count else { return }
            let index = next
            let work = begin(units[index])
            next += 1
            group.addTask { (index, try await work()) }
        }
        for _ in 0..<workers { start() }
        while let (index, value) = try await group.next() {
            start()
            try collect(units[index], value)
        }
    }
}
