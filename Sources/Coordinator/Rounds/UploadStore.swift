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
    private var open: [Digest: ChunkStore] = [:]
    /// Sessions that may have a key or a folder.
    private(set) var sessions: Set<Digest> = []

    init(folder: String, dataKeys: DataKeyStore, random: any RandomSource) {
        self.folder = folder
        self.dataKeys = dataKeys
        self.random = random
    }

    /// The chunks of a session; its key is drawn at first use.
    func chunks(of session: Digest) async throws -> ChunkStore {
        if let store = open[session] { return store }
        sessions.insert(session)
        let key: SecretBytes
        do {
            key = try await dataKeys.open(session.hex)
        } catch StorageError.keyDestroyed {
            key = try await dataKeys.create(session.hex)
        }
        // Another caller may have come this far while we waited.
        if let store = open[session] { return store }
        let store = try ChunkStore(
            directory: path(session), sealingKey: key, maximumByteCount: 2 << 20, randomness: random)
        open[session] = store
        return store
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
