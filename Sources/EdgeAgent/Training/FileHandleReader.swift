// Reading a file in pieces.

import Glibc

/// A file that cannot be read; carries the system's error number, not the path.
struct FileReadError: Error, CustomStringConvertible {
    let code: Int32
    var description: String { "file cannot be read (errno \(code))" }
}

/// Delivers a file in chunks of 1 MiB.
final class FileHandleReader {
    private let descriptor: Int32

    init(path: String) throws(FileReadError) {
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 { throw FileReadError(code: errno) }
    }

    deinit { close(descriptor) }

    /// The next chunk, or nil at the end.
    func next() throws(FileReadError) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        let count = read(descriptor, &buffer, buffer.count)
        if count < 0 { throw FileReadError(code: errno) }
        if count == 0 { return nil }
        buffer.removeLast(buffer.count - count)
        return buffer
    }
}
