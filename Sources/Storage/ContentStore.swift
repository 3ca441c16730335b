// Content-addressed files: a file's name is the SHA-256 of its bytes, so a name, once acknowledged, means one content for
// ever, storing twice is storing once, and any reader can check what it reads.

import Cryptography

/// Files named by their SHA-256, in folders named by its first byte: `ab/abcd…`. (256 folders keep every folder small for
/// millions of files, and their names are made durable only once each.)
///
/// Safe to use from any task. Every call runs on file threads of its own; what ``put(_:)`` has acknowledged survives a
/// power cut. After a failed flush the store refuses to write until the process restarts.
public struct ContentStore: Sendable {
    private let files: AtomicFiles

    /// Opens or creates a store. Blocks for a few flushes of the disk.
    /// - Parameters:
    ///   - directory: Its folder, used by this store alone; the parent must exist.
    ///   - sealingKey: 32 bytes if the files are to be sealed at rest. The digest stays that of the plain bytes.
    ///   - maximumByteCount: Longest content, in bytes.
    ///   - randomness: Nonces of sealed files.
    ///   - faults: For tests.
    /// - Throws: ``StorageError``.
    public init(
        directory: String, sealingKey: SecretBytes? = nil, maximumByteCount: Int = 1 << 28,
        randomness: any RandomSource = SystemRandomSource(), faults: StorageFaults = .none
    ) throws(StorageError) {
        files = try AtomicFiles(
            root: directory, maximumByteCount: maximumByteCount,
            sealing: sealingKey.map { .init(key: $0, randomness: randomness) }, faults: faults)
    }

    /// Stores bytes durably and returns their digest. Storing what is there already only makes sure of it; a damaged copy
    /// is replaced.
    /// - Throws: ``StorageError``: then nothing was acknowledged and no part of a file is visible.
    @discardableResult
    public func put(_ bytes: [UInt8]) async throws(StorageError) -> Digest {
        try await FileWorkers.shared.run { () throws(StorageError) in
            let digest = SHA256.hash(bytes)
            try files.put(bytes, digest, at: try location(digest), existing: .replace)
            return digest
        }
    }

    /// Stores bytes that must have a known digest.
    /// - Throws: ``StorageError/digestMismatch(_:)`` if they have another, and as ``put(_:)``.
    public func put(_ bytes: [UInt8], expecting digest: Digest) async throws(StorageError) {
        try await FileWorkers.shared.run { () throws(StorageError) in
            guard SHA256.hash(bytes) == digest else { throw .digestMismatch(digest.hex) }
            try files.put(bytes, digest, at: try location(digest), existing: .replace)
        }
    }

    /// The bytes of a digest, checked against it.
    /// - Throws: ``StorageError/notFound(_:)``, ``StorageError/digestMismatch(_:)``,
    ///   ``StorageError/authenticationFailed(_:)`` and other ``StorageError``.
    public func read(_ digest: Digest) async throws(StorageError) -> [UInt8] {
        try await FileWorkers.shared.run { () throws(StorageError) in
            let bytes = try files.read(try location(digest))
            guard SHA256.hash(bytes) == digest else { throw .digestMismatch(digest.hex) }
            return bytes
        }
    }

    /// Whether a file of this digest exists; its bytes are not checked. Blocks only for a look-up of the name.
    public func contains(_ digest: Digest) -> Bool {
        guard let location = try? location(digest) else { return false }
        return files.fileSystem.exists(files.path(location))
    }

    /// Removes a content durably; absent is fine.
    /// - Throws: ``StorageError``.
    public func delete(_ digest: Digest) async throws(StorageError) {
        try await FileWorkers.shared.run { () throws(StorageError) in
            let location = try location(digest)
            guard try files.remove(location, olderThanMilliseconds: .max) else { return }
            try files.fileSystem.flushFolder("\(files.root)/\(location.folder)")
        }
    }

    /// Removes contents that nothing refers to: stored by a process that died before its database commit.
    /// - Parameters:
    ///   - cutoffMilliseconds: Files stored, or stored again, after this time (milliseconds since 1970 UTC) stay: their
    ///     commit may be under way.
    ///   - isKept: Whether the database refers to a digest; called on a file thread.
    /// - Returns: How many were removed.
    /// - Throws: ``StorageError``.
    @discardableResult
    public func sweep(
        olderThanMilliseconds cutoffMilliseconds: Int64, keeping isKept: @escaping @Sendable (Digest) -> Bool
    ) async throws(StorageError) -> Int {
        try await FileWorkers.shared.run { () throws(StorageError) in
            var removed = 0
            for folder in try files.folders() {
                for name in try files.fileSystem.names(in: "\(files.root)/\(folder)") {
                    guard let digest = try? Digest(hex: name), !isKept(digest) else { continue }
                    let location = try AtomicFiles.Location(folder: folder, name: name)
                    if try files.remove(location, olderThanMilliseconds: cutoffMilliseconds) { removed += 1 }
                }
            }
            return removed
        }
    }

    private func location(_ digest: Digest) throws(StorageError) -> AtomicFiles.Location {
        try AtomicFiles.Location(folder: Hex.encode(digest.bytes.prefix(1)), name: digest.hex)
    }
}
