// Where masked uploads live between their receipt and the release: chunks sealed under a key of the attempt's own.
// Destroying the key destroys the uploads, in every copy of the folder.

import Cryptography
import FoundationEssentials
import SecureAggregation
import Storage

/// The chunk stores of live sessions.
actor UploadStore {
    private let folder: String
    private let dataKeys: DataKeyStore
    private let random: any RandomSource
    private var open: [Digest: Task<ChunkStore, any Error>] = [:]
    /// Digests of chunks that this process stored and acknowledged, by session, node and index. Lost at a restart without harm:
    /// the chunk is then read and hashed again.
    private var acknowledged: [Digest: [NodeIndex: [Int: Digest]]] = [:]
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

    /// Stores a chunk durably under the digest that the node names.
    func put(_ bytes: [UInt8], digest: Digest, session: Digest, node: NodeIndex, index: Int) async throws {
        let store = try await chunks(of: session)
        try await store.put(bytes, expecting: digest, folder: String(node), index: index)
        // A session that was given up meanwhile has no entry that would ever be removed.
        if open[session] != nil { acknowledged[session, default: [:]][node, default: [:]][index] = digest }
    }

    /// Throws unless every chunk of an upload is stored durably under its digest. One that this process acknowledged is: stored
    /// chunks never change.
    /// - Throws: ``Problem`` naming the chunk that is missing, `StorageError`.
    func requireStored(_ digests: [Digest], session: Digest, node: NodeIndex) async throws {
        let known = acknowledged[session]?[node] ?? [:]
        for (index, digest) in digests.enumerated() where known[index] != digest {
            try await requireStored(digest, session: session, node: node, index: index)
        }
    }

    private func requireStored(_ digest: Digest, session: Digest, node: NodeIndex, index: Int) async throws {
        let store = try await chunks(of: session)
        do {
            _ = try await store.read(folder: String(node), index: index, expecting: digest)
        } catch {
            if case .notFound = error { throw Problem.refused("chunk \(index) is not stored") }
            throw error
        }
    }

    /// Ends the life of a session's uploads: the key first, then the files.
    func destroy(_ session: Digest) async throws {
        let opening = open[session]
        open[session] = nil
        acknowledged[session] = nil
        // A store that is still being opened draws its key when it gets there: only then is everything there to destroy.
        _ = try? await opening?.value
        try await dataKeys.destroy(session.hex)
        let path = path(session)
        if FileManager.default.fileExists(atPath: path) { try FileManager.default.removeItem(atPath: path) }
        // An upload that was under way may have begun the session anew while this one waited: then there is more to destroy, and
        // whoever goes through ``sessions`` comes back for it.
        if open[session] == nil { sessions.remove(session) }
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
