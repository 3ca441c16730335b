// Data keys that can be destroyed. Files sealed under a key are erased by erasing 32 bytes: faster and surer than
// overwriting gigabytes, and it reaches the copies in a backup taken without the wrapping key (NIST SP 800-88 Rev. 1,
// section 2.6, "cryptographic erase").

import Cryptography

/// Named 256-bit keys, each in a file of its own, sealed with AES-256-GCM under a wrapping key the store does not hold
/// on disk.
///
/// Destroying a key overwrites its file in place before removing it. A flash disk or a copying file system may keep the
/// old block for a while; whoever reads it still needs the wrapping key. Safe to use from any task.
public struct DataKeyStore: Sendable {
    private let directory: String
    private let wrappingKey: SecretBytes
    private let randomness: any RandomSource
    private let faults: StorageFaults
    private static let wrappedByteCount = AESGCM.nonceByteCount + 32 + AESGCM.tagByteCount

    /// Opens or creates a store. Blocks for a flush of the disk.
    /// - Parameters:
    ///   - directory: Its folder; the parent must exist.
    ///   - wrappingKey: 32 bytes, kept apart from the data directory.
    ///   - randomness: New keys and nonces.
    ///   - faults: For tests.
    /// - Throws: ``StorageError``.
    public init(
        directory: String, wrappingKey: SecretBytes, randomness: any RandomSource = SystemRandomSource(),
        faults: StorageFaults = .none
    ) throws(StorageError) {
        try FileSystem(faults: faults).makeFolder(directory)
        self.directory = directory
        self.wrappingKey = wrappingKey
        self.randomness = randomness
        self.faults = faults
    }

    /// Draws a key and stores it durably before returning it.
    /// - Parameter name: 1 to 120 letters, digits, `-`, `_`, `.`; no leading full stop.
    /// - Throws: ``StorageError/conflict(_:)`` if the name has a key, and other ``StorageError``.
    public func create(_ name: String) async throws(StorageError) -> SecretBytes {
        try await FileWorkers.shared.run { () throws(StorageError) in
            let path = try path(name)
            let key: SecretBytes
            let wrapped: [UInt8]
            do throws(CryptographyError) {
                key = try randomness.secretBytes(count: 32)
                let nonce = try randomness.publicBytes(count: AESGCM.nonceByteCount)
                wrapped =
                    nonce + (try AESGCM.seal(key, key: wrappingKey, nonce: nonce, authenticating: associatedData(name)))
            } catch {
                throw .sealingFailed(error)
            }
            // Two keys under one name would leave files that no key opens: the second caller must lose.
            guard try DurableFile.create(path, with: wrapped, faults: faults) else { throw .conflict(name) }
            return key
        }
    }

    /// The key of a name.
    /// - Throws: ``StorageError/keyDestroyed(_:)`` if there is none; ``StorageError/authenticationFailed(_:)`` if it was
    ///   altered or the wrapping key is another; other ``StorageError``.
    public func open(_ name: String) async throws(StorageError) -> SecretBytes {
        try await FileWorkers.shared.run { () throws(StorageError) in
            let wrapped: [UInt8]
            do throws(StorageError) {
                wrapped = try FileSystem(faults: faults).read(try path(name), limit: Self.wrappedByteCount)
            } catch .notFound {
                throw .keyDestroyed(name)
            }
            // All zeros is a destruction that a crash interrupted between overwriting and removing.
            if wrapped.allSatisfy({ $0 == 0 }) { throw .keyDestroyed(name) }
            guard wrapped.count == Self.wrappedByteCount else { throw .authenticationFailed(name) }
            do {
                return try AESGCM.open(
                    Array(wrapped[AESGCM.nonceByteCount...]), key: wrappingKey,
                    nonce: Array(wrapped[..<AESGCM.nonceByteCount]), authenticating: associatedData(name))
            } catch {
                throw .authenticationFailed(name)
            }
        }
    }

    /// Destroys a key: everything sealed under it is unreadable from now on. Absent is fine, so it can be repeated.
    /// - Throws: ``StorageError``: then the key may still exist. Repeat.
    public func destroy(_ name: String) async throws(StorageError) {
        try await FileWorkers.shared.run { () throws(StorageError) in
            let path = try path(name)
            let fileSystem = FileSystem(faults: faults)
            do throws(StorageError) {
                try fileSystem.overwriteWithZeros(path)
            } catch .notFound {
                return
            }
            try fileSystem.remove(path)
            try fileSystem.flushFolder(directory)
        }
    }

    /// The names that have keys, in order.
    /// - Throws: ``StorageError``.
    public func names() async throws(StorageError) -> [String] {
        try await FileWorkers.shared.run { () throws(StorageError) in
            try FileSystem(faults: faults).names(in: directory).filter { $0.hasSuffix(".key") && !$0.hasPrefix(".") }
                .map { String($0.dropLast(4)) }.sorted()
        }
    }

    private func path(_ name: String) throws(StorageError) -> String {
        let location = try AtomicFiles.Location(folder: "keys", name: name + ".key")
        guard !name.isEmpty else { throw .invalidName }
        return "\(directory)/\(location.name)"
    }

    private func associatedData(_ name: String) -> [UInt8] { [UInt8]("concord/data-key/v1:\(name)".utf8) }
}
