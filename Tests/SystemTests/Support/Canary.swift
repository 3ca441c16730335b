// Searching bytes for secrets in the forms in which they leak.

import Cryptography
import Foundation

/// A secret to look for.
struct Canary: Sendable {
    let name: String
    /// The bytes as they are, and as hexadecimal and Base64 text.
    let forms: [[UInt8]]

    init(_ name: String, bytes: [UInt8], textOnly: Bool = false) {
        self.name = name
        let hex = Hex.encode(bytes)
        forms =
            (textOnly ? [] : [bytes]) + [[UInt8](hex.utf8), [UInt8](hex.uppercased().utf8)]
            // Without its last digits, which depend on what follows.
            + [[UInt8](Base64.encode(bytes).utf8.prefix(bytes.count * 4 / 3 - 1))]
    }

    init(_ name: String, text: String) {
        self.name = name
        forms = [[UInt8](text.utf8), [UInt8](Hex.encode([UInt8](text.utf8)).utf8)]
    }

    /// Whether any form occurs in `data`.
    func occurs(in data: Data) -> Bool { forms.contains { data.range(of: Data($0)) != nil } }
}

/// Sends the process's standard error to a file for a while. Lines of tests that run beside it go there too.
final class StandardErrorCapture {
    private let path: String
    private let saved: Int32

    init(path: String) {
        self.path = path
        saved = dup(STDERR_FILENO)
        let file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        dup2(file, STDERR_FILENO)
        close(file)
    }

    /// Ends the capture and lets everything pass after all.
    /// - Returns: everything that was written.
    func finish() -> Data {
        dup2(saved, STDERR_FILENO)
        close(saved)
        let log = FileManager.default.contents(atPath: path) ?? Data()
        FileHandle.standardError.write(log)
        return log
    }
}
