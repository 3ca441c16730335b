// Masked uploads on disk, as the coordinator has them when it starts to unmask.

import Cryptography
import FoundationEssentials
import Glibc
import SecureAggregation
import Storage

/// A folder of chunks, plain or sealed. Removed with everything in it by ``remove()``.
struct ChunkFolder: Sendable {
    private let path: String
    /// The coordinator's own store, for sealed chunks.
    private let store: ChunkStore?

    init(in parent: String, sealed: Bool) throws {
        path = "\(parent)/concord-benchmark-\(getpid())"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        store =
            sealed
            ? try ChunkStore(
                directory: path + "/sealed", sealingKey: .random(count: 32), maximumByteCount: 2 << 20) : nil
    }

    func write(_ words: [UInt64], digests: [Digest], position: Int) async throws {
        for index in digests.indices {
            let bytes = VectorChunks.encode(words[VectorChunks.range(index, wordCount: words.count)])
            if let store {
                try await store.put(bytes, expecting: digests[index], folder: "\(position)", index: index)
            } else {
                try Data(bytes).write(to: URL(filePath: name(position, index)))
            }
        }
    }

    /// Hands over a chunk: whole if it is sealed, because nothing is let out before its tag is checked; otherwise in pieces
    /// that stay in the second-level cache between being read and being added.
    func read(position: Int, chunk: Int, _ take: (Span<UInt8>) throws -> Void) async throws {
        guard let store else { return try readPieces(position, chunk, take) }
        let bytes = try await store.readAcknowledged(folder: "\(position)", index: chunk)
        try take(bytes.span)
    }

    private static let pieceByteCount = 1 << 16

    private func readPieces(_ position: Int, _ chunk: Int, _ take: (Span<UInt8>) throws -> Void) throws {
        let descriptor = open(name(position, chunk), O_RDONLY)
        guard descriptor >= 0 else { throw BenchmarkError.disk("a chunk cannot be opened") }
        defer { close(descriptor) }
        var piece = [UInt8](repeating: 0, count: Self.pieceByteCount)
        while true {
            let got = piece.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if got == 0 { return }
            guard got > 0 else { throw BenchmarkError.disk("a chunk cannot be read") }
            try take(piece.span.extracting(..<got))
        }
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }

    private func name(_ position: Int, _ chunk: Int) -> String { "\(path)/\(position)-\(chunk)" }
}

/// Why a benchmark could not run.
public enum BenchmarkError: Error, Equatable, CustomStringConvertible {
    /// The disk refused.
    case disk(String)
    /// OpenSSL refused a primitive that was to be timed.
    case primitive
    /// A request that cannot be met.
    case request(String)

    /// Says what and what would do.
    public var description: String {
        switch self {
        case .disk(let why): "disk: \(why)"
        case .primitive: "OpenSSL refused a primitive that was to be timed"
        case .request(let why): why
        }
    }
}
