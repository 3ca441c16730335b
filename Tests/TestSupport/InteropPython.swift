// The Python that checks our formats with other people's code: named in CONCORD_PYTHON, made by `make interop`.

import Foundation

/// The interpreter of the interoperability tests.
public enum InteropPython {
    /// Its path, if one is named.
    public static let path = ProcessInfo.processInfo.environment["CONCORD_PYTHON"]

    /// Whether it can import `packages`.
    public static func has(_ packages: String...) -> Bool {
        (try? run(["-c", "import \(packages.joined(separator: ", "))"]).status) == 0
    }

    /// Why a test is disabled.
    public struct Absent: Error {}

    /// Runs it and returns its exit status and what it printed.
    public static func run(_ arguments: [String]) throws -> (status: Int32, output: String) {
        guard let path else { throw Absent() }
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }
}
