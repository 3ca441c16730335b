// Folders that tests leave no trace of.

import Foundation

/// A folder of mode 0700, removed when the object goes. In memory where the system has such a place: these tests copy
/// folders to play a crash, and do not wait for disks.
final class TestFolder: Sendable {
    let path: String

    init() throws {
        let memory = "/dev/shm"
        let root = FileManager.default.isWritableFile(atPath: memory) ? memory : NSTemporaryDirectory()
        path = "\(root)/concord-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    /// A folder that goes with `parent`.
    init(below parent: TestFolder) throws {
        path = parent(UUID().uuidString)
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The path of `name` in this folder.
    func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

    /// Every regular file below, with its bytes.
    func files() -> [(path: String, bytes: [UInt8])] { Self.files(below: path) }

    /// Every regular file below `folder`, with its bytes.
    static func files(below folder: String) -> [(path: String, bytes: [UInt8])] {
        let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        return names.sorted().compactMap { name in
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: "\(folder)/\(name)", isDirectory: &isFolder),
                !isFolder.boolValue, let data = FileManager.default.contents(atPath: "\(folder)/\(name)")
            else { return nil }
            return ("\(folder)/\(name)", [UInt8](data))
        }
    }

    /// Copies a folder as a crash would leave it: every file as it is on the disk now, logs included.
    static func image(of source: String, at target: String) throws {
        let manager = FileManager.default
        try manager.createDirectory(atPath: target, withIntermediateDirectories: false)
        for name in (manager.enumerator(atPath: source)?.compactMap { $0 as? String } ?? []).sorted() {
            let attributes = try manager.attributesOfItem(atPath: "\(source)/\(name)")
            if attributes[.type] as? FileAttributeType == .typeDirectory {
                try manager.createDirectory(atPath: "\(target)/\(name)", withIntermediateDirectories: true)
                try manager.setAttributes([.posixPermissions: 0o700], ofItemAtPath: "\(target)/\(name)")
            } else if !name.hasSuffix("-shm"), let data = manager.contents(atPath: "\(source)/\(name)") {
                try data.write(to: URL(filePath: "\(target)/\(name)"))
                try manager.setAttributes([.posixPermissions: 0o600], ofItemAtPath: "\(target)/\(name)")
            }
        }
        try manager.setAttributes([.posixPermissions: 0o700], ofItemAtPath: target)
    }
}
