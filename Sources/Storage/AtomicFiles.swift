// The rule every stored file follows: temporary file, fdatasync, rename or link, fsync of the folder, and only then the
// acknowledgement. No reader ever sees a part of a file. Optionally sealed with AES-256-GCM under the name.

import Cryptography
import Glibc
import Locking

/// Files in one level of folders below a root, complete or absent. Blocking; safe to use from several threads.
final class AtomicFiles: Sendable {
    /// The key and the source of nonces of sealed files.
    struct Sealing: Sendable {
        let key: SecretBytes
        let randomness: any RandomSource
    }

    /// What to do when a file of the name exists and its bytes are others.
    enum Existing {
        /// They are damaged: the name promises the content. Replace them.
        case replace
        /// They are somebody's acknowledged bytes: refuse.
        case conflict
    }

    /// Folder and name. Both come from digests and indices, or were checked by `init`.
    struct Location {
        let folder: String
        let name: String

        /// Accepts 1 to 128 letters, digits, `-`, `_` and `.` that do not begin with a full stop.
        init(folder: String, name: String) throws(StorageError) {
            for part in [folder, name] {
                let isPlain = part.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                        true
                    default: false
                    }
                }
                guard isPlain, (1...128).contains(part.utf8.count), !part.hasPrefix(".") else { throw .invalidName }
            }
            self.folder = folder
            self.name = name
        }

        /// Bound into the seal: a sealed file moved to another name does not open.
        var associatedData: [UInt8] { [UInt8]("concord/sealed-file/v1:\(folder)/\(name)".utf8) }
    }

    let root: String
    let fileSystem: FileSystem
    let maximumByteCount: Int
    private let sealing: Sealing?
    /// Its lock is also held for the moment in which a sweep decides about a file, and in which a repeated put renews the
    /// age of what it found: one of the two sees what the other did.
    private let state = Locked(State())

    private struct State {
        /// Folders whose own names this process has made durable.
        var durableFolders: Set<String> = []
        /// Set by a failure after which the state of the disk is unknown.
        var hasFailed = false
        /// Temporary files so far.
        var temporaryCount = 0
    }

    /// Creates the root folder and clears what an earlier process left half written.
    init(root: String, maximumByteCount: Int, sealing: Sealing?, faults: StorageFaults) throws(StorageError) {
        if let sealing, sealing.key.count != 32 {
            throw .sealingFailed(.wrongLength(of: "sealing key", expected: 32, actual: sealing.key.count))
        }
        self.root = root
        self.maximumByteCount = maximumByteCount
        self.sealing = sealing
        fileSystem = FileSystem(faults: faults)
        try fileSystem.makeFolder(root)
        try fileSystem.makeFolder(root + "/.tmp")
        for name in try fileSystem.names(in: root + "/.tmp") { try fileSystem.remove("\(root)/.tmp/\(name)") }
    }

    /// Whether files are encrypted and authenticated under their names.
    var isSealed: Bool { sealing != nil }

    func path(_ location: Location) -> String { "\(root)/\(location.folder)/\(location.name)" }

    /// Stores bytes under a name. On return they are durable, whether this call or an earlier one wrote them.
    func put(_ bytes: [UInt8], _ digest: Digest, at location: Location, existing: Existing) throws(StorageError) {
        guard bytes.count <= maximumByteCount else { throw .tooLarge(name: location.name, limit: maximumByteCount) }
        if state.withLock({ $0.hasFailed }) { throw .refusedAfterFailure }
        do throws(StorageError) {
            try makeFolder(location.folder)
            if try !verifyPresent(digest, location, existing),
                try !create(sealed(bytes, location), location, existing),
                try !verifyPresent(digest, location, existing)  // another call was faster: are its bytes the same?
            {
                throw .notFound(location.name)  // and its folder was removed meanwhile
            }
            try fileSystem.flushFolder("\(root)/\(location.folder)")
        } catch {
            if error.isFatal { state.withLock { $0.hasFailed = true } }
            throw error
        }
    }

    private func makeFolder(_ folder: String) throws(StorageError) {
        if state.withLock({ $0.durableFolders.contains(folder) }) { return }
        try fileSystem.makeFolder("\(root)/\(folder)")
        state.withLock { _ = $0.durableFolders.insert(folder) }
    }

    /// Whether the right bytes are stored already. Renews their age, so that a sweep under way leaves them.
    private func verifyPresent(
        _ digest: Digest, _ location: Location, _ existing: Existing
    ) throws(StorageError) -> Bool {
        let path = path(location)
        guard state.withLock({ _ in utimensat(AT_FDCWD, path, nil, 0) == 0 }) else { return false }
        do throws(StorageError) {
            if SHA256.hash(try read(location)) == digest { return true }
        } catch {
            switch error {
            case .notFound: return false
            case .authenticationFailed where existing == .replace, .tooLarge where existing == .replace: return false
            default: throw error
            }
        }
        if existing == .conflict { throw .conflict(location.name) }
        return false
    }

    /// Writes the file beside its place and moves it there. `false` if the name was taken meanwhile.
    private func create(_ bytes: [UInt8], _ location: Location, _ existing: Existing) throws(StorageError) -> Bool {
        let number = state.withLock { state in
            state.temporaryCount += 1
            return state.temporaryCount
        }
        let temporary = "\(root)/.tmp/\(number)"
        try fileSystem.writeNew(temporary, bytes, mode: 0o600)
        do throws(StorageError) {
            switch existing {
            case .replace: try fileSystem.rename(temporary, to: path(location))
            case .conflict:
                let isNew = try fileSystem.link(temporary, to: path(location))
                unlink(temporary)
                return isNew
            }
        } catch {
            unlink(temporary)
            throw error
        }
        return true
    }

    /// The stored bytes, opened if sealed. The caller compares the digest.
    func read(_ location: Location) throws(StorageError) -> [UInt8] {
        let overhead = sealing == nil ? 0 : AESGCM.nonceByteCount + AESGCM.tagByteCount
        let stored = try fileSystem.read(path(location), limit: maximumByteCount + overhead)
        guard let sealing else { return stored }
        guard stored.count >= overhead else { throw .authenticationFailed(location.name) }
        do {
            return try AESGCM.open(
                Array(stored[AESGCM.nonceByteCount...]), key: sealing.key,
                nonce: Array(stored[..<AESGCM.nonceByteCount]), authenticating: location.associatedData
            ).unprotectedCopy()
        } catch {
            throw .authenticationFailed(location.name)
        }
    }

    private func sealed(_ bytes: [UInt8], _ location: Location) throws(StorageError) -> [UInt8] {
        guard let sealing else { return bytes }
        do throws(CryptographyError) {
            let nonce = try sealing.randomness.publicBytes(count: AESGCM.nonceByteCount)
            return nonce
                + (try AESGCM.seal(
                    SecretBytes(copying: bytes), key: sealing.key, nonce: nonce,
                    authenticating: location.associatedData))
        } catch {
            throw .sealingFailed(error)
        }
    }

    /// Removes a file if it is older than `cutoffMilliseconds`. Returns whether it did.
    func remove(_ location: Location, olderThanMilliseconds cutoffMilliseconds: Int64) throws(StorageError) -> Bool {
        let path = path(location)
        return try state.withLock { (_) throws(StorageError) in
            guard let age = fileSystem.modificationMilliseconds(path), age < cutoffMilliseconds else { return false }
            try fileSystem.remove(path)
            return true
        }
    }

    /// Removes a folder and all files in it, durably; absent is fine.
    func removeFolder(_ folder: String) throws(StorageError) {
        let path = "\(root)/\(folder)"
        state.withLock { _ = $0.durableFolders.remove(folder) }
        for name in try fileSystem.names(in: path) { try fileSystem.remove("\(path)/\(name)") }
        try fileSystem.removeFolder(path)
        try fileSystem.flushFolder(root)
    }

    /// The folders below the root.
    func folders() throws(StorageError) -> [String] {
        try fileSystem.names(in: root).filter { !$0.hasPrefix(".") }.sorted()
    }
}
