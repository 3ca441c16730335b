// Published vectors, reference values and sample data live beside the checkout, in ../shared, and are not part of it.
// A test that needs them is enabled only when they are there, and says so when they are not.

import Foundation

/// Finds reference material beside the checkout.
public enum ReferenceData {
    /// The checkout's own root folder.
    public static let packageRoot = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// `../shared`, or the folder that the environment variable CONCORD_SHARED names.
    public static let root =
        ProcessInfo.processInfo.environment["CONCORD_SHARED"].map { URL(filePath: $0) }
        ?? packageRoot.deletingLastPathComponent().appending(path: "shared")

    /// Whether `path` exists below ``root``: the condition of a test that needs it.
    public static func isPresent(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.appending(path: path).path)
    }

    /// The bytes of a reference file.
    /// - Throws: an error of Foundation if the file cannot be read.
    public static func bytes(_ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: root.appending(path: path)))
    }

    /// The text of a reference file.
    /// - Throws: an error of Foundation if the file cannot be read or is not UTF-8.
    public static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// What a test prints when it is disabled for lack of `path`.
    public static func absence(of path: String) -> String { "reference data absent: ../shared/\(path)" }
}
