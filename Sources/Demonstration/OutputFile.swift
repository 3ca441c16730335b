// Writing a file piece by piece.

import Glibc

/// A file being written.
final class OutputFile {
    private let descriptor: Int32
    private let path: String

    init(path: String) throws {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        if descriptor < 0 { throw DemonstrationFailure("cannot write \(path)") }
    }

    deinit { close(descriptor) }

    func write(_ bytes: [UInt8]) throws {
        var position = 0
        while position < bytes.count {
            let count = bytes[position...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count <= 0 { throw DemonstrationFailure("cannot write \(path)") }
            position += count
        }
    }
}
