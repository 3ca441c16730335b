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

    func read(position: Int, chunk: Int) async throws -> [UInt8] {
        if let store { return try await store.readAcknowledged(folder: "\(position)", index: chunk) }
        let descriptor = open(name(position, chunk), O_RDONLY)
        guard descriptor >= 0 else { throw BenchmarkError.disk("a chunk cannot be opened") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw BenchmarkError.disk("a chunk cannot be read") }
        let length = Int(status.st_size)
        let bytes = [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
            while count < length {
                let got = Glibc.read(descriptor, buffer.baseAddress?.advanced(by: count), length - count)
                if got <= 0 { break }
                count += got
            }
        }
        guard bytes.count == length else { throw BenchmarkError.disk("a chunk cannot be read") }
        return bytes
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
