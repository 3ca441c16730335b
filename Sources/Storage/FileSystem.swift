// The few file operations everything here is made of, with their error codes checked and faults injected. Each takes a
// path and leaves no descriptor open.

import Glibc

/// Blocking file operations. Names in errors are the last path component.
struct FileSystem: Sendable {
    let faults: StorageFaults

    init(faults: StorageFaults = .none) { self.faults = faults }

    /// Creates a new file with `bytes`, flushed to the disk; its name is not yet. On an error no file remains.
    func writeNew(_ path: String, _ bytes: [UInt8], mode: UInt32) throws(StorageError) {
        try inject(.open, path)
        let descriptor = retrying { open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode_t(mode)) }
        guard descriptor >= 0 else { throw failure("open", path) }
        do throws(StorageError) {
            defer { Glibc.close(descriptor) }
            // The process's umask must not decide about a file's mode.
            guard fchmod(descriptor, mode_t(mode)) == 0 else { throw failure("chmod", path) }
            try write(bytes, to: descriptor, path)
            try inject(.flush, path)
            guard fdatasync(descriptor) == 0 else { throw failure("flush", path, isFlush: true) }
        } catch {
            unlink(path)
            throw error
        }
    }

    private func write(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws(StorageError) {
        let injected = faults.errorCode(.write)
        let end = injected == nil ? bytes.count : bytes.count / 2  // a failing disk has often taken a part
        var written = 0
        while written < end {
            let count = bytes.withUnsafeBytes { buffer in
                retrying { Glibc.write(descriptor, buffer.baseAddress.map { $0 + written }, end - written) }
            }
            guard count > 0 else { throw failure("write", path) }
            written += count
        }
        if let injected { throw failure("write", path, code: injected) }
    }

    /// Reads a whole file of at most `limit` bytes.
    func read(_ path: String, limit: Int) throws(StorageError) -> [UInt8] {
        try inject(.open, path)
        let descriptor = retrying { open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) }
        guard descriptor >= 0 else { throw failure("open", path) }
        defer { Glibc.close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure("stat", path) }
        guard status.st_size <= limit else { throw .tooLarge(name: name(path), limit: limit) }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var position = 0
        while position < bytes.count {
            let count = bytes.withUnsafeMutableBytes { buffer in
                retrying { Glibc.read(descriptor, buffer.baseAddress.map { $0 + position }, buffer.count - position) }
            }
            guard count >= 0 else { throw failure("read", path) }
            if count == 0 { break }  // shortened meanwhile: the caller's digest will tell
            position += count
        }
        bytes.removeLast(bytes.count - position)
        return bytes
    }

    /// Gives a file another name, replacing what has it.
    func rename(_ old: String, to new: String) throws(StorageError) {
        try inject(.rename, new)
        guard Glibc.rename(old, new) == 0 else { throw failure("rename", new) }
    }

    /// Gives a file a second name; `false` if that name is taken. Unlike `rename` it never replaces.
    func link(_ old: String, to new: String) throws(StorageError) -> Bool {
        try inject(.rename, new)
        if Glibc.link(old, new) == 0 { return true }
        if errno == EEXIST { return false }
        throw failure("link", new)
    }

    /// Makes the names in a folder durable.
    func flushFolder(_ path: String) throws(StorageError) {
        try inject(.flushFolder, path)
        let descriptor = retrying { open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard descriptor >= 0 else { throw failure("open folder", path) }
        defer { Glibc.close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("flush folder", path, isFlush: true) }
    }

    /// Creates a folder (mode 0700) unless it exists, and makes its name durable either way: a process that died between
    /// the two steps has left the second to us.
    func makeFolder(_ path: String) throws(StorageError) {
        try inject(.open, path)
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw failure("create folder", path) }
        try flushFolder(parent(path))
    }

    /// Removes a file; absent is fine. The name is gone for good after ``flushFolder(_:)``.
    func remove(_ path: String) throws(StorageError) {
        try inject(.remove, path)
        guard unlink(path) == 0 || errno == ENOENT else { throw failure("remove", path) }
    }

    /// Removes an empty folder; absent is fine.
    func removeFolder(_ path: String) throws(StorageError) {
        try inject(.remove, path)
        guard rmdir(path) == 0 || errno == ENOENT else { throw failure("remove folder", path) }
    }

    /// Overwrites an existing file with zeros, in place, and flushes it: the last words of a key.
    func overwriteWithZeros(_ path: String) throws(StorageError) {
        try inject(.open, path)
        let descriptor = retrying { open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC) }
        guard descriptor >= 0 else { throw failure("open", path) }
        defer { Glibc.close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure("stat", path) }
        try write([UInt8](repeating: 0, count: Int(status.st_size)), to: descriptor, path)
        try inject(.flush, path)
        guard fdatasync(descriptor) == 0 else { throw failure("flush", path, isFlush: true) }
    }

    /// Creates an empty file unless it exists, and makes its name durable.
    func createIfAbsent(_ path: String, mode: UInt32) throws(StorageError) {
        let descriptor = retrying { open(path, O_RDWR | O_CREAT | O_CLOEXEC, mode_t(mode)) }
        guard descriptor >= 0 else { throw failure("open", path) }
        Glibc.close(descriptor)
        try flushFolder(parent(path))
    }

    /// Flushes an existing file and its name.
    func flush(_ path: String) throws(StorageError) {
        let descriptor = retrying { open(path, O_RDONLY | O_CLOEXEC) }
        guard descriptor >= 0 else { throw failure("open", path) }
        defer { Glibc.close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("flush", path, isFlush: true) }
        try flushFolder(parent(path))
    }

    /// The names in a folder, without `.` and `..`, in no order; none if the folder is absent.
    func names(in path: String) throws(StorageError) -> [String] {
        guard let folder = opendir(path) else {
            if errno == ENOENT { return [] }
            throw failure("list", path)
        }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    /// When a file was last written, in milliseconds since 1970 UTC; `nil` if it is absent.
    func modificationMilliseconds(_ path: String) -> Int64? {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        return Int64(status.st_mtim.tv_sec) * 1_000 + Int64(status.st_mtim.tv_nsec) / 1_000_000
    }

    func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// The folder of a path.
    func parent(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private func name(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

    private func inject(_ operation: StorageFaults.Operation, _ path: String) throws(StorageError) {
        if let code = faults.errorCode(operation) {
            let isFlush = operation == .flush || operation == .flushFolder
            throw failure(operation.rawValue, path, code: code, isFlush: isFlush)
        }
    }

    /// Repeats a call that a signal interrupted.
    private func retrying<Number: SignedInteger>(_ call: () -> Number) -> Number {
        while true {
            let result = call()
            if result != -1 || errno != EINTR { return result }
        }
    }

    /// Names the failure. A flush that failed is never retried: the kernel may have dropped the pages it could not write
    /// and report success the next time (Rebello et al., "Can Applications Recover from fsync Failures?", ATC 2020).
    private func failure(
        _ operation: String, _ path: String, code: Int32 = errno, isFlush: Bool = false
    ) -> StorageError {
        switch code {
        case ENOSPC where !isFlush, EDQUOT where !isFlush: .diskFull
        case ENOENT: .notFound(name(path))
        case _ where isFlush, EIO: .ioFailure(operation: operation, code: code)
        default: .fileSystem(operation: operation, code: code)
        }
    }
}
