// Whole files into memory, with a limit: what is read here was handed over by a stranger.

import CommandLineKit
import Glibc

/// Reads regular files.
enum BoundedFile {
    /// Largest file, in bytes: about a million commitments of nodes.
    static let maximumByteCount = 2 << 30

    /// Reads a whole file.
    /// - Throws: `CommandFailure` with exit code 2.
    static func read(_ path: String) throws(CommandFailure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path, errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure(path, errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw CommandFailure("\(path) is not a regular file") }
        guard status.st_size <= maximumByteCount else {
            throw CommandFailure("\(path) is larger than \(maximumByteCount) bytes")
        }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var filled = 0
        while filled < bytes.count {
            let count = bytes.withUnsafeMutableBytes { buffer in
                Glibc.read(descriptor, buffer.baseAddress.map { $0 + filled }, buffer.count - filled)
            }
            if count < 0, errno == EINTR { continue }
            if count < 0 { throw failure(path, errno) }
            if count == 0 { throw CommandFailure("\(path) became shorter while it was read") }
            filled += count
        }
        return bytes
    }

    private static func failure(_ path: String, _ code: Int32) -> CommandFailure {
        CommandFailure("\(path): \(String(cString: strerror(code)))")
    }
}
