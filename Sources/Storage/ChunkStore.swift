// The chunks of uploads under way, named by (folder, index): one folder a node, one store an attempt, sealed under the
// attempt's own key, so that destroying one key ends the life of every masked update of the attempt.

import Cryptography

/// Numbered files in named folders. A number, once acknowledged, has one content: the same bytes again are acknowledged
/// again, other bytes are a conflict.
///
/// Safe to use from any task. Every call runs on file threads of its own; what `put` has acknowledged survives a power
/// cut. After a failed flush the store refuses to write until the process restarts.
public struct ChunkStore: Sendable {
    private let files: AtomicFiles

    /// Opens or creates a store. Blocks for a few flushes of the disk.
    /// - Parameters:
    ///   - directory: Its folder, used by this store alone; the parent must exist.
    ///   - sealingKey: 32 bytes, in general from ``DataKeyStore``; `nil` stores plain bytes.
    ///   - maximumByteCount: Longest chunk, in bytes.
    ///   - randomness: Nonces of sealed files.
    ///   - faults: For tests.
    /// - Throws: ``StorageError``.
    public init(
        directory: String, sealingKey: SecretBytes?, maximumByteCount: Int = 1 << 24,
        randomness: any RandomSource = SystemRandomSource(), faults: StorageFaults = .none
    ) throws(StorageError) {
        files = try AtomicFiles(
            root: directory, maximumByteCount: maximumByteCount,
            sealing: sealingKey.map { .init(key: $0, randomness: randomness) }, faults: faults)
    }

    /// Stores a chunk durably.
    /// - Parameters:
    ///   - digest: SHA-256 of `bytes`, checked.
    ///   - folder: 1 to 128 letters, digits, `-`, `_`, `.`; no leading full stop.
    ///   - index: From 0.
    /// - Throws: ``StorageError/digestMismatch(_:)``, ``StorageError/conflict(_:)`` if other bytes are stored there,
    ///   ``StorageError/invalidName`` and other ``StorageError``: then nothing was acknowledged.
    public func put(
        _ bytes: [UInt8], expecting digest: Digest, folder: String, index: Int
    ) async throws(StorageError) {
        try await FileWorkers.shared.run { () throws(StorageError) in
            let location = try location(folder, index)
            guard SHA256.hash(bytes) == digest else { throw .digestMismatch(location.name) }
            try files.put(bytes, digest, at: location, existing: .conflict)
        }
    }

    /// A chunk's bytes, checked against their digest.
    /// - Throws: ``StorageError/notFound(_:)``, ``StorageError/digestMismatch(_:)``,
    ///   ``StorageError/authenticationFailed(_:)`` and other ``StorageError``.
    public func read(folder: String, index: Int, expecting digest: Digest) async throws(StorageError) -> [UInt8] {
        try await FileWorkers.shared.run { () throws(StorageError) in
            let location = try location(folder, index)
            let bytes = try files.read(location)
            guard SHA256.hash(bytes) == digest else { throw .digestMismatch(location.name) }
            return bytes
        }
    }

    /// A chunk's bytes as they were acknowledged, from a sealed store: the seal binds them to their name, so they need not
    /// be hashed again.
    /// - Throws: ``StorageError/notFound(_:)``, ``StorageError/authenticationFailed(_:)``, also from a store without a
    ///   sealing key, and other ``StorageError``.
    public func readAcknowledged(folder: String, index: Int) async throws(StorageError) -> [UInt8] {
        try await FileWorkers.shared.run { () throws(StorageError) in
            let location = try location(folder, index)
            guard files.isSealed else { throw .authenticationFailed(location.name) }
            return try files.read(location)
        }
    }

    /// The indices stored in a folder, in order; none if it is absent.
    /// - Throws: ``StorageError``.
    public func indices(in folder: String) async throws(StorageError) -> [Int] {
        try await FileWorkers.shared.run { () throws(StorageError) in
            let folder = try location(folder, 0).folder
            return try files.fileSystem.names(in: "\(files.root)/\(folder)").compactMap { Int($0) }.sorted()
        }
    }

    /// The folders that exist, in order.
    /// - Throws: ``StorageError``.
    public func folders() async throws(StorageError) -> [String] {
        try await FileWorkers.shared.run { () throws(StorageError) in try files.folders() }
    }

    /// Removes a folder with its chunks, durably; absent is fine.
    /// - Throws: ``StorageError``.
    public func removeFolder(_ folder: String) async throws(StorageError) {
        try await FileWorkers.shared.run { () throws(StorageError) in
            try files.removeFolder(try location(folder, 0).folder)
        }
    }

    /// Removes the whole store from the disk. Do not use it afterwards.
    /// - Throws: ``StorageError``.
    public func removeAll() async throws(StorageError) {
        try await FileWorkers.shared.run { () throws(StorageError) in
            for folder in try files.folders() { try files.removeFolder(folder) }
            try files.removeFolder(".tmp")
            try files.fileSystem.removeFolder(files.root)
            try files.fileSystem.flushFolder(files.fileSystem.parent(files.root))
        }
    }

    private func location(_ folder: String, _ index: Int) throws(StorageError) -> AtomicFiles.Location {
        guard index >= 0 else { throw .invalidName }
        return try AtomicFiles.Location(folder: folder, name: "\(index)")
    }
}
