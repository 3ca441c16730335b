// Replacing a file so that after any crash either the old bytes or the new ones are there: write a sibling, flush it,
// rename it over the old name, flush the folder (Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014).

import Glibc
import Locking

/// Small files that are replaced as a whole: a key, a configuration, an agent's state.
public enum DurableFile {
    private static let counter = Locked(0)

    /// Replaces `path` with `bytes`, or creates it, durably. Blocks for two flushes of the disk.
    ///
    /// When it returns, the new bytes survive a power cut. When it throws, `path` has its old bytes, or, if the flush of
    /// the folder failed, one of the two.
    /// - Parameters:
    ///   - mode: Permissions of the new file, whatever the umask.
    ///   - faults: For tests.
    /// - Throws: ``StorageError``.
    public static func replace(
        _ path: String, with bytes: [UInt8], mode: UInt32 = 0o600, faults: StorageFaults = .none
    ) throws(StorageError) {
        let fileSystem = FileSystem(faults: faults)
        let temporary = try writeTemporary(path, bytes, mode: mode, fileSystem)
        do throws(StorageError) {
            try fileSystem.rename(temporary, to: path)
        } catch {
            unlink(temporary)
            throw error
        }
        try fileSystem.flushFolder(fileSystem.parent(path))
    }

    /// Creates `path` with `bytes`, durably, unless it exists: of two callers at once, one creates it. Blocks for two flushes.
    /// - Returns: whether this call created it.
    /// - Throws: ``StorageError``.
    public static func create(
        _ path: String, with bytes: [UInt8], mode: UInt32 = 0o600, faults: StorageFaults = .none
    ) throws(StorageError) -> Bool {
        let fileSystem = FileSystem(faults: faults)
        let temporary = try writeTemporary(path, bytes, mode: mode, fileSystem)
        defer { unlink(temporary) }
        // link(2) refuses an existing name, which rename(2) would replace.
        guard try fileSystem.link(temporary, to: path) else { return false }
        try fileSystem.flushFolder(fileSystem.parent(path))
        return true
    }

    /// Writes and flushes a sibling of `path`.
    private static func writeTemporary(
        _ path: String, _ bytes: [UInt8], mode: UInt32, _ fileSystem: FileSystem
    ) throws(StorageError) -> String {
        let folder = fileSystem.parent(path)
        let prefix = "." + (path.split(separator: "/").last.map(String.init) ?? "") + "."
        try removeLeftovers(prefix, folder, fileSystem)
        let number = counter.withLock { counter in
            counter += 1
            return counter
        }
        let temporary = "\(folder)/\(prefix)\(getpid())-\(number).tmp"
        try fileSystem.writeNew(temporary, bytes, mode: mode)
        return temporary
    }

    /// Reads a whole file of at most `limit` bytes. Blocks. Symbolic links are not followed.
    /// - Throws: ``StorageError/notFound(_:)``, ``StorageError/tooLarge(name:limit:)`` and other ``StorageError``.
    public static func read(_ path: String, limit: Int) throws(StorageError) -> [UInt8] {
        try FileSystem().read(path, limit: limit)
    }

    /// Removes a file durably; absent is fine. Blocks for one flush.
    /// - Throws: ``StorageError``.
    public static func remove(_ path: String, faults: StorageFaults = .none) throws(StorageError) {
        let fileSystem = FileSystem(faults: faults)
        try fileSystem.remove(path)
        try fileSystem.flushFolder(fileSystem.parent(path))
    }

    /// Removes the temporary files of processes that died between writing and renaming.
    private static func removeLeftovers(
        _ prefix: String, _ folder: String, _ fileSystem: FileSystem
    ) throws(StorageError) {
        for name in try fileSystem.names(in: folder) where name.hasPrefix(prefix) && name.hasSuffix(".tmp") {
            let owner = name.dropFirst(prefix.count).prefix { $0 != "-" }
            if let process = pid_t(owner), process > 0, kill(process, 0) == -1, errno == ESRCH {
                try fileSystem.remove("\(folder)/\(name)")
            }
        }
    }
}
