// Atomic, durable replacement of one small file: the way certificates and keys reach the disk.

import Cryptography
import Glibc

enum DurableFile {
    /// Writes `bytes` to a fresh temporary file beside `path`, forces it to disk, then gives it its name.
    static func write(
        _ bytes: UnsafeRawBufferPointer, to path: String, mode: mode_t, kind: String, replacing: Bool
    ) throws(SecretFileError) {
        let temporary = "\(path).\(Hex.encode(try suffix(kind))).tmp"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw openError(kind) }
        do throws(SecretFileError) {
            defer { close(descriptor) }
            // The umask may have narrowed the mode; it is stated, not inherited.
            guard fchmod(descriptor, mode) == 0 else { throw failure(kind, "fchmod") }
            var done = 0
            while done < bytes.count {
                let count = Glibc.write(descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw failure(kind, "write") }
                done += count
            }
            guard fsync(descriptor) == 0 else { throw failure(kind, "fsync") }
        } catch {
            unlink(temporary)
            throw error
        }
        try publish(temporary, as: path, kind: kind, replacing: replacing)
        try synchroniseFolder(of: path, kind: kind)
    }

    /// `link` refuses an existing name where `rename` would replace it.
    private static func publish(
        _ temporary: String, as path: String, kind: String, replacing: Bool
    ) throws(SecretFileError) {
        if replacing {
            guard rename(temporary, path) == 0 else {
                let error = failure(kind, "rename")
                unlink(temporary)
                throw error
            }
        } else {
            let result = link(temporary, path)
            let error = errno == EEXIST ? SecretFileError.alreadyExists(kind: kind) : failure(kind, "link")
            unlink(temporary)
            if result != 0 { throw error }
        }
    }

    private static func synchroniseFolder(of path: String, kind: String) throws(SecretFileError) {
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(kind, "open folder") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure(kind, "fsync folder") }
    }

    private static func suffix(_ kind: String) throws(SecretFileError) -> [UInt8] {
        do {
            return try SystemRandomSource().publicBytes(count: 8)
        } catch {
            throw .failed(kind: kind, call: "random", code: EIO)
        }
    }

    static func openError(_ kind: String) -> SecretFileError {
        switch errno {
        case ENOENT: .missing(kind: kind)
        case EEXIST: .alreadyExists(kind: kind)
        case ELOOP: .notRegular(kind: kind)
        default: failure(kind, "open")
        }
    }

    private static func failure(_ kind: String, _ call: String) -> SecretFileError {
        .failed(kind: kind, call: call, code: errno)
    }
}
