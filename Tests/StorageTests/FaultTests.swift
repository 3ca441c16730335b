// Every n-th file operation fails, for n = 0, 1, 2, … until a run needs fewer: whatever failed, nothing acknowledged is
// lost, nothing partial is visible, and nothing is acknowledged after a failed flush.

import Cryptography
import Foundation
import Storage
import Testing

/// Remembers which file operations ran.
private final class Operations: @unchecked Sendable {
    // Proof for @unchecked Sendable: `seen` is touched only while `lock` is held.
    private let lock = NSLock()
    private var seen: [StorageFaults.Operation] = []

    var faults: StorageFaults {
        StorageFaults { operation in
            self.lock.withLock { self.seen.append(operation) }
            return nil
        }
    }

    func take() -> [StorageFaults.Operation] {
        lock.withLock {
            defer { seen = [] }
            return seen
        }
    }
}

@Suite struct FaultTests {
    enum Kind: String, CaseIterable { case content, chunk }

    struct Disk: Sendable, CustomTestStringConvertible {
        let code: Int32
        let isSticky: Bool
        var testDescription: String { "errno \(code), \(isSticky ? "for good" : "once")" }
        static let all = [EIO, ENOSPC].flatMap { code in [false, true].map { Disk(code: code, isSticky: $0) } }
    }

    @Test(arguments: Kind.allCases, Disk.all)
    func everyFault(kind: Kind, disk: Disk) async throws {
        let (code, isSticky) = (disk.code, disk.isSticky)
        let key = try SecretBytes.random(count: 32)
        var failures = 0
        var cleanRuns = 0
        for n in 0..<60 where cleanRuns == 0 {
            let folder = try TemporaryFolder()
            let faults = StorageFaults.failing(nth: n, errorCode: code, sticky: isSticky)
            var acknowledged: [Int] = []
            var fatal: StorageError?
            do {
                let put = try putter(kind, folder, key, faults)
                for item in 0..<4 {
                    for _ in 0..<2 {  // a caller that was refused tries again, one that was served repeats itself
                        do throws(StorageError) {
                            try await put(item)
                            #expect(fatal == nil, "acknowledged after \(String(describing: fatal))")
                            acknowledged.append(item)
                        } catch {
                            failures += 1
                            if error.isFatal { fatal = fatal ?? error }
                        }
                    }
                }
            } catch {
                failures += 1  // the store could not be opened
            }
            if acknowledged.count == 8 { cleanRuns += 1 }
            try await checkAfterRestart(kind, folder, key, acknowledged)
        }
        #expect(failures > 0)
        #expect(cleanRuns == 1, "the loop must reach an n beyond the last operation")
    }

    /// A process killed at any point cannot show a missing flush: only a power cut would. So the order itself is checked.
    @Test(arguments: Kind.allCases) func theOrderOfFlushes(kind: Kind) async throws {
        let folder = try TemporaryFolder()
        let operations = Operations()
        let put = try putter(kind, folder, try SecretBytes.random(count: 32), operations.faults)
        _ = operations.take()
        try await put(0)
        #expect(
            operations.take() == [
                .open, .flushFolder,  // the folder, and its name in the root
                .open, .write, .flush, .rename, .flushFolder,
            ])
        // Said to be stored already: whoever stored it may have died before the flush of the folder.
        try await put(0)
        #expect(operations.take() == [.open, .flushFolder])
    }

    private func content(_ item: Int) -> [UInt8] { [UInt8](repeating: UInt8(item), count: 1_000 + item) }

    private func putter(
        _ kind: Kind, _ folder: TemporaryFolder, _ key: SecretBytes, _ faults: StorageFaults
    ) throws(StorageError) -> (Int) async throws(StorageError) -> Void {
        switch kind {
        case .content:
            let store = try ContentStore(directory: folder("s"), sealingKey: key, faults: faults)
            return { item async throws(StorageError) in _ = try await store.put(self.content(item)) }
        case .chunk:
            let store = try ChunkStore(directory: folder("s"), sealingKey: key, faults: faults)
            return { item async throws(StorageError) in
                let bytes = self.content(item)
                try await store.put(bytes, expecting: SHA256.hash(bytes), folder: "node", index: item)
            }
        }
    }

    /// Every visible file is whole, and every acknowledged one is there.
    private func checkAfterRestart(
        _ kind: Kind, _ folder: TemporaryFolder, _ key: SecretBytes, _ acknowledged: [Int]
    ) async throws {
        let visible = folder.files
        switch kind {
        case .content:
            let store = try ContentStore(directory: folder("s"), sealingKey: key)
            for name in visible {
                let digest = try Digest(hex: String(try #require(name.split(separator: "/").last)))
                _ = try await store.read(digest)
            }
            for item in acknowledged { #expect(try await store.read(SHA256.hash(content(item))) == content(item)) }
        case .chunk:
            let store = try ChunkStore(directory: folder("s"), sealingKey: key)
            for index in try await store.indices(in: "node") {
                _ = try await store.read(folder: "node", index: index, expecting: SHA256.hash(content(index)))
            }
            for item in acknowledged {
                let bytes = try await store.read(folder: "node", index: item, expecting: SHA256.hash(content(item)))
                #expect(bytes == content(item))
            }
        }
    }
}
