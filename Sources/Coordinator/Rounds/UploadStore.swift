// Where masked uploads live between their receipt and the release: chunks sealed under a key of the attempt's own.
// Destroying the key destroys the uploads, in every copy of the folder.

import Cryptography
import FoundationEssentials
import Storage

/// The chunk stores of live sessions.
actor UploadStore {
    private let folder: String
    private let dataKeys: DataKeyStore
    private let random: any RandomSource
    private var open: [Digest: Task<ChunkStore, any Error>] = [:]
    /// Sessions that may have a key or a folder.
    private(set) var sessions: Set<Digest> = []

    init(folder: String, dataKeys: DataKeyStore, random: any RandomSource) {
        self.folder = folder
        self.dataKeys = dataKeys
        self.random = random
    }

    /// The chunks of a session; its key is drawn at first use.
    func chunks(of session: Digest) async throws -> ChunkStore {
        // The task is registered before anything is awaited: callers that come together share one key and one store.
        if let task = open[session] { return try await task.value }
        sessions.insert(session)
        let (dataKeys, random, directory) = (dataKeys, random, path(session))
        let task = Task {
            let key: SecretBytes
            do {
                key = try await dataKeys.open(session.hex)
            } catch StorageError.keyDestroyed {
                key = try await dataKeys.create(session.hex)
            }
            return try ChunkStore(
                directory: directory, sealingKey: key, maximumByteCount: 2 << 20, randomness: random)
        }
        open[session] = task
        do { return try await task.value } catch {
            open[session] = nil
            throw error
        }
    }

    /// Ends the life of a session's uploads: the key first, then the files.
    func destroy(_ session: Digest) async throws {
        open[session] = nil
        try await dataKeys.destroy(session.hex)
        let path = path(session)
        if FileManager.default.fileExists(atPath: path) { try FileManager.default.removeItem(atPath: path) }
        sessions.remove(session)
    }

    /// Destroys what a crash left behind: everything that belongs to no live session.
    func sweep(keeping live: Set<Digest>) async throws {
        sessions.formUnion(live)
        let keep = Set(live.map(\.hex))
        var names = Set(try await dataKeys.names())
        names.formUnion((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
        for name in names.subtracting(keep) {
            if let session = try? Digest(hex: name) { try await destroy(session) }
        }
    }

    private func path(_ session: Digest) -> String { "\(folder)/\(session.hex)" }
}
