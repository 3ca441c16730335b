// Masked uploads between their making and their receipt: sealed under a key of their own, destroyed with it.

import Cryptography
import FoundationEssentials
import SecureAggregation
import Storage

/// Stored uploads of this node.
struct PendingUploads: Sendable {
    private let folder: String
    private let keys: DataKeyStore
    private let random: any RandomSource

    init(folder: String, hedge: SecretBytes, random: any RandomSource) throws {
        self.folder = folder
        self.random = random
        let wrapping = try HKDF.deriveKey(from: hedge, salt: [], info: [UInt8]("concord-agent/1/upload-keys".utf8))
        keys = try DataKeyStore(directory: "\(folder)/upload-keys", wrappingKey: wrapping, randomness: random)
    }

    /// Stores the words of an upload durably.
    func store(_ upload: MaskedUpload, session: Digest) async throws {
        try await storeChunks(
            upload.envelope.chunkDigests.enumerated().lazy.map { index, digest in
                (digest, VectorChunks.encode(upload.words[VectorChunks.range(index, wordCount: upload.words.count)]))
            }, session: session)
    }

    /// Stores chunks under a new key.
    func storeChunks(_ chunks: some Sequence<(digest: Digest, bytes: [UInt8])>, session: Digest) async throws {
        let stored = try chunkStore(session, key: try await keys.create(session.hex))
        for (index, chunk) in chunks.enumerated() {
            try await stored.put(chunk.bytes, expecting: chunk.digest, folder: "words", index: index)
        }
    }

    /// A stored chunk.
    func chunk(_ index: Int, digest: Digest, session: Digest) async throws -> [UInt8] {
        try await chunkStore(session, key: try await keys.open(session.hex))
            .read(folder: "words", index: index, expecting: digest)
    }

    /// Destroys what a crash left behind: every upload that waits for no receipt.
    func sweep(keeping waiting: [Digest]) async throws {
        let keep = Set(waiting.map(\.hex))
        for name in try await keys.names() where !keep.contains(name) {
            if let session = try? Digest(hex: name) { try await shred(session) }
        }
    }

    /// Destroys a stored upload: the key first, then the files.
    func shred(_ session: Digest) async throws {
        try await keys.destroy(session.hex)
        let path = "\(folder)/upload-\(session.hex)"
        if FileManager.default.fileExists(atPath: path) { try FileManager.default.removeItem(atPath: path) }
    }

    private func chunkStore(_ session: Digest, key: SecretBytes) throws -> ChunkStore {
        try ChunkStore(
            directory: "\(folder)/upload-\(session.hex)", sealingKey: key, maximumByteCount: 2 << 20,
            randomness: random)
    }
}
