// One process per data directory, and nobody else's eyes in it. SQLite's own locks would let a second coordinator in
// between two transactions, where it would deal noise and acknowledge uploads on its own.

import Glibc

/// Holds a data directory for this process, from `init` until the object goes, or the process dies in whatever way:
/// the kernel releases an `flock` with the last descriptor.
public final class DataDirectoryLock: Sendable {
    /// The directory.
    public let path: String
    private let descriptor: Int32

    /// Creates the directory (mode 0700; its parent must exist) if it is absent, checks it and locks it.
    ///
    /// Blocks for one flush of the disk at most, never for the lock.
    /// - Throws: ``StorageError/directoryLocked(path:holder:)`` if another process, or another object of this one, holds it;
    ///   ``StorageError/unsafeDirectory(path:reason:)`` if it is no directory, is a symbolic link, belongs to another user,
    ///   or has any permission for group or others.
    public init(path: String) throws(StorageError) {
        let fileSystem = FileSystem()
        if !fileSystem.exists(path) { try fileSystem.makeFolder(path) }
        try Self.check(path)
        let file = path + "/lock"
        let descriptor = open(file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .fileSystem(operation: "open lock file", code: errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            let holder = Self.holder(descriptor)
            close(descriptor)
            if code == EWOULDBLOCK { throw .directoryLocked(path: path, holder: holder) }
            throw .fileSystem(operation: "lock data directory", code: code)
        }
        // For the message a second process prints; the lock does not depend on it.
        let text = "\(getpid())\n"
        _ = ftruncate(descriptor, 0)
        _ = pwrite(descriptor, text, text.utf8.count, 0)
        self.path = path
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    private static func check(_ path: String) throws(StorageError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { throw .unsafeDirectory(path: path, reason: "it cannot be examined") }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw .unsafeDirectory(path: path, reason: "no directory") }
        guard status.st_uid == geteuid() else { throw .unsafeDirectory(path: path, reason: "it has another owner") }
        guard status.st_mode & 0o077 == 0 else {
            throw .unsafeDirectory(path: path, reason: "group or others have access; run chmod 700")
        }
    }

    private static func holder(_ descriptor: Int32) -> Int32? {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return nil }
        return Int32(String(decoding: bytes.prefix(count).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
    }
}
