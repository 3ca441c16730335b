// Key files: written whole or not at all, readable by their owner alone, refused when anyone else could have read or
// replaced them. The checks are made on the open descriptor, so there is no gap between looking and reading.

import Cryptography
import Glibc

/// Why a key file is refused. Names the kind of file ("TLS private key"), never its path or content: safe to log.
public enum SecretFileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// There is no such file.
    case missing(kind: String)
    /// Writing would replace a file, and replacing was not asked for.
    case alreadyExists(kind: String)
    /// Group or others may read, write or execute it.
    case accessibleByOthers(kind: String)
    /// It belongs to another user.
    case foreignOwner(kind: String)
    /// It is a link, a folder, a pipe or a device.
    case notRegular(kind: String)
    /// It is longer than ``SecretFile/maximumBytes``.
    case tooLarge(kind: String)
    /// The system refused the named call.
    case failed(kind: String, call: String, code: Int32)

    /// Safe to log.
    public var description: String {
        switch self {
        case .missing(let kind): "\(kind) file is missing"
        case .alreadyExists(let kind): "\(kind) file exists already"
        case .accessibleByOthers(let kind): "\(kind) file is accessible by others; its mode must be 0600 or stricter"
        case .foreignOwner(let kind): "\(kind) file belongs to another user"
        case .notRegular(let kind): "\(kind) file is not a regular file"
        case .tooLarge(let kind): "\(kind) file is too large"
        case .failed(let kind, let call, let code): "\(kind) file: \(call) failed with error \(code)"
        }
    }
}

/// Reads and writes files that hold a secret. Blocking; may be called from any thread.
public enum SecretFile {
    /// No key file is longer: 1 MiB.
    public static let maximumBytes = 1 << 20

    /// Writes `secret` with mode 0600, durably: temporary file, fsync, rename (or link), fsync of the folder.
    /// A crash leaves the old file or the new one, never a part.
    /// - Parameter kind: what the file is, for errors: "TLS private key".
    /// - Parameter replacing: whether an existing file may be replaced; otherwise it is an error.
    public static func write(
        _ secret: SecretBytes, to path: String, kind: String, replacing: Bool = false
    ) throws(SecretFileError) {
        try secret.withUnsafeBytes { (bytes) throws(SecretFileError) in
            try DurableFile.write(bytes, to: path, mode: 0o600, kind: kind, replacing: replacing)
        }
    }

    /// Reads a secret after checking that the open file is regular, owned by this process's user, closed to everyone
    /// else, and at most ``maximumBytes`` long. Symbolic links are refused.
    /// - Parameter kind: what the file is, for errors.
    public static func read(_ path: String, kind: String) throws(SecretFileError) -> SecretBytes {
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw DurableFile.openError(kind) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .failed(kind: kind, call: "fstat", code: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notRegular(kind: kind) }
        guard status.st_uid == geteuid() else { throw .foreignOwner(kind: kind) }
        guard status.st_mode & 0o077 == 0 else { throw .accessibleByOthers(kind: kind) }
        guard status.st_size <= maximumBytes else { throw .tooLarge(kind: kind) }
        return try SecretBytes(count: status.st_size) { (buffer) throws(SecretFileError) in
            var done = 0
            while done < buffer.count {
                let count = Glibc.read(descriptor, buffer.baseAddress?.advanced(by: done), buffer.count - done)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw .failed(kind: kind, call: "read", code: count < 0 ? errno : EIO) }
                done += count
            }
        }
    }
}
