import Cryptography
import Foundation
import Storage
import TestSupport
import Testing

@Suite struct ContentStoreTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test(arguments: [false, true]) func contentRoundTrips(isSealed: Bool) async throws {
        let key = isSealed ? try SecretBytes.random(count: 32) : nil
        let store = try ContentStore(directory: folder("c"), sealingKey: key)
        for size in [0, 1, 4_096, 100_000] {
            let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            let digest = try await store.put(bytes)
            #expect(digest == SHA256.hash(bytes))
            try await store.put(bytes, expecting: digest)
            #expect(try await store.read(digest) == bytes)
            #expect(store.contains(digest))
            let stored = try Data(contentsOf: URL(filePath: folder("c/\(digest.hex.prefix(2))/\(digest.hex)")))
            #expect(stored.count == size + (isSealed ? 28 : 0))
            if size > 1 { #expect(([UInt8](stored) == bytes) == !isSealed) }
        }
        #expect(folder.files.count == 4)
    }

    @Test func whatIsAskedForIsChecked() async throws {
        let store = try ContentStore(directory: folder("c"), maximumByteCount: 10)
        let digest = SHA256.hash([1])
        await #expect(throws: StorageError.digestMismatch(digest.hex)) { try await store.put([2], expecting: digest) }
        await #expect(throws: StorageError.notFound(digest.hex)) { try await store.read(digest) }
        let long = [UInt8](repeating: 0, count: 11)
        await #expect(throws: StorageError.tooLarge(name: SHA256.hash(long).hex, limit: 10)) {
            try await store.put(long)
        }
        #expect(folder.files.isEmpty)
    }

    @Test func damageIsNoticedAndHealedByStoringAgain() async throws {
        let store = try ContentStore(directory: folder("c"))
        let digest = try await store.put([1, 2, 3])
        try Data([1, 2, 4]).write(to: URL(filePath: folder(folder.files[0])))
        await #expect(throws: StorageError.digestMismatch(digest.hex)) { try await store.read(digest) }
        try await store.put([1, 2, 3])
        #expect(try await store.read(digest) == [1, 2, 3])
    }

    @Test func aSealedFileOpensOnlyUnderItsKeyAndName() async throws {
        let store = try ContentStore(directory: folder("c"), sealingKey: try SecretBytes.random(count: 32))
        let first = try await store.put([1])
        let second = try await store.put([2])
        let paths = [first, second].map { folder("c/\($0.hex.prefix(2))/\($0.hex)") }
        try FileManager.default.removeItem(atPath: paths[0])
        try FileManager.default.copyItem(atPath: paths[1], toPath: paths[0])
        await #expect(throws: StorageError.authenticationFailed(first.hex)) { try await store.read(first) }
        let other = try ContentStore(directory: folder("c"), sealingKey: try SecretBytes.random(count: 32))
        await #expect(throws: StorageError.authenticationFailed(second.hex)) { try await other.read(second) }
        #expect(throws: StorageError.self) {
            try ContentStore(directory: folder("d"), sealingKey: SecretBytes(copying: [1]))
        }
    }

    @Test func aSweepTakesTheOldAndUnreferred() async throws {
        let store = try ContentStore(directory: folder("c"))
        let kept = try await store.put([1])
        let orphan = try await store.put([2])
        let young = try await store.put([3])
        let renewed = try await store.put([4])
        let hourAgo = Date(timeIntervalSinceNow: -3_600)
        for digest in [kept, orphan, renewed] {
            try FileManager.default.setAttributes(
                [.modificationDate: hourAgo], ofItemAtPath: folder("c/\(digest.hex.prefix(2))/\(digest.hex)"))
        }
        try await store.put([4])  // its commit may be under way now
        let cutoff = Int64((Date().timeIntervalSince1970 - 60) * 1_000)
        #expect(try await store.sweep(olderThanMilliseconds: cutoff) { $0 == kept } == 1)
        #expect([kept, orphan, young, renewed].map { store.contains($0) } == [true, false, true, true])
        try await store.delete(kept)
        try await store.delete(kept)
        #expect(!store.contains(kept))
    }

    @Test func leftoversOfACrashAreCleared() async throws {
        _ = try ContentStore(directory: folder("c"))
        try Data([1]).write(to: URL(filePath: folder("c/.tmp/7")))
        _ = try ContentStore(directory: folder("c"))
        #expect(folder.files.isEmpty)
    }

    @Test func manyTasksStoreTheSameAndOthers() async throws {
        let store = try ContentStore(directory: folder("c"))
        try await withThrowingTaskGroup { tasks in
            for task in 0..<64 { tasks.addTask { try await store.put([UInt8(task % 16), 1]) } }
            try await tasks.waitForAll()
        }
        #expect(folder.files.count == 16)
    }
}

@Suite struct ChunkStoreTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func aChunkHasOneContentForEver() async throws {
        let store = try ChunkStore(directory: folder("a"), sealingKey: try SecretBytes.random(count: 32))
        let (one, two) = ([UInt8]("one".utf8), [UInt8]("two".utf8))
        try await store.put(one, expecting: SHA256.hash(one), folder: "node-1", index: 0)
        try await store.put(one, expecting: SHA256.hash(one), folder: "node-1", index: 0)
        await #expect(throws: StorageError.conflict("0")) {
            try await store.put(two, expecting: SHA256.hash(two), folder: "node-1", index: 0)
        }
        await #expect(throws: StorageError.digestMismatch("1")) {
            try await store.put(two, expecting: SHA256.hash(one), folder: "node-1", index: 1)
        }
        try await store.put(two, expecting: SHA256.hash(two), folder: "node-1", index: 11)
        try await store.put(two, expecting: SHA256.hash(two), folder: "node-2", index: 2)
        #expect(try await store.read(folder: "node-1", index: 0, expecting: SHA256.hash(one)) == one)
        await #expect(throws: StorageError.digestMismatch("0")) {
            try await store.read(folder: "node-1", index: 0, expecting: SHA256.hash(two))
        }
        #expect(try await store.indices(in: "node-1") == [0, 11])
        #expect(try await store.indices(in: "node-9") == [])
        #expect(try await store.folders() == ["node-1", "node-2"])
        try await store.removeFolder("node-1")
        #expect(try await store.folders() == ["node-2"])
        try await store.put(two, expecting: SHA256.hash(two), folder: "node-1", index: 0)
        try await store.removeAll()
        #expect(!FileManager.default.fileExists(atPath: folder("a")))
    }

    @Test func ofManyDifferentContentsOneWins() async throws {
        let store = try ChunkStore(directory: folder("a"), sealingKey: nil)
        let winners = await withTaskGroup(of: UInt8?.self) { tasks in
            for task in UInt8(0)..<32 {
                tasks.addTask {
                    do {
                        try await store.put([task], expecting: SHA256.hash([task]), folder: "n", index: 0)
                        return task
                    } catch {
                        return nil
                    }
                }
            }
            return await tasks.reduce(into: [UInt8]()) { winners, task in if let task { winners.append(task) } }
        }
        let winner = try #require(winners.first)
        #expect(winners.count == 1)
        #expect(try await store.read(folder: "n", index: 0, expecting: SHA256.hash([winner])) == [winner])
    }

    @Test(arguments: ["", ".", "..", "a/b", ".hidden", "a\0b", "é", String(repeating: "a", count: 129)])
    func namesCannotLeaveTheStore(name: String) async throws {
        let store = try ChunkStore(directory: folder("a"), sealingKey: nil)
        await #expect(throws: StorageError.invalidName) {
            try await store.put([1], expecting: SHA256.hash([1]), folder: name, index: 0)
        }
        await #expect(throws: StorageError.invalidName) { try await store.removeFolder(name) }
        await #expect(throws: StorageError.invalidName) {
            try await store.put([1], expecting: SHA256.hash([1]), folder: "n", index: -1)
        }
    }
}

@Suite struct DataKeyStoreTests {
    /// Two keys under one name would leave sealed files that no key opens.
    @Test func ofManyCallersAtOnceOneCreatesTheKey() async throws {
        let keys = try DataKeyStore(directory: folder("keys"), wrappingKey: wrappingKey)
        for round in 0..<10 {
            let created = await withTaskGroup(of: SecretBytes?.self) { group in
                for _ in 0..<8 { group.addTask { try? await keys.create("round-\(round)") } }
                return await group.reduce(into: [SecretBytes]()) { if let key = $1 { $0.append(key) } }
            }
            #expect(created.count == 1)
            #expect(try await keys.open("round-\(round)") == created.first)
        }
    }

    @Test func aDestroyedKeyTakesTheChunksWithIt() async throws {
        let folder = try TemporaryFolder()
        let wrappingKey = try SecretBytes.random(count: 32)
        let keys = try DataKeyStore(directory: folder("keys"), wrappingKey: wrappingKey)
        let key = try await keys.create("attempt-1")
        await #expect(throws: StorageError.conflict("attempt-1")) { try await keys.create("attempt-1") }
        #expect(try await keys.open("attempt-1") == key)
        #expect(try await keys.create("attempt-2") != key)
        #expect(try await keys.names() == ["attempt-1", "attempt-2"])

        let store = try ChunkStore(directory: folder("a"), sealingKey: key)
        try await store.put([9], expecting: SHA256.hash([9]), folder: "n", index: 0)
        try await keys.destroy("attempt-1")
        try await keys.destroy("attempt-1")
        await #expect(throws: StorageError.keyDestroyed("attempt-1")) { try await keys.open("attempt-1") }
        #expect(folder.files == ["a/n/0", "keys/attempt-2.key"])

        let stranger = try DataKeyStore(directory: folder("keys"), wrappingKey: try SecretBytes.random(count: 32))
        await #expect(throws: StorageError.authenticationFailed("attempt-2")) { try await stranger.open("attempt-2") }
        await #expect(throws: StorageError.invalidName) { try await keys.create("../x") }
        await #expect(throws: StorageError.invalidName) { try await keys.create("") }
    }

    @Test(arguments: 0..<8) func aDestructionThatFailedCanBeRepeated(n: Int) async throws {
        let folder = try TemporaryFolder()
        let wrappingKey = try SecretBytes.random(count: 32)
        let keys = try DataKeyStore(directory: folder("keys"), wrappingKey: wrappingKey)
        _ = try await keys.create("k")
        let failing = try DataKeyStore(
            directory: folder("keys"), wrappingKey: wrappingKey, faults: .failing(nth: n + 2, errorCode: EIO))
        let failed = await (try? failing.destroy("k")) == nil
        #expect(failed == (n < 5), "open, write, flush, remove, flush of the folder")
        try await keys.destroy("k")
        await #expect(throws: StorageError.keyDestroyed("k")) { try await keys.open("k") }
    }
}

@Suite struct DurableFileTests {
    @Test func replacingIsAllOrNothingAtEveryFault() throws {
        let folder = try TemporaryFolder()
        let path = folder("state")
        try DurableFile.replace(path, with: [1], mode: 0o640)
        var faulted = 0
        for n in 0..<20 {
            for code in [EIO, ENOSPC] {
                let before = try DurableFile.read(path, limit: 100)
                let after = [UInt8](repeating: UInt8(n), count: n + 2)
                do {
                    try DurableFile.replace(path, with: after, faults: .failing(nth: n, errorCode: code))
                    #expect(try DurableFile.read(path, limit: 100) == after)
                } catch {
                    faulted += 1
                    let found = try DurableFile.read(path, limit: 100)
                    #expect(found == before || found == after)
                    if code == ENOSPC, n < 2 { #expect(error == .diskFull) }
                }
                #expect(folder.files == ["state"], "no temporary file remains")
            }
        }
        #expect(faulted == 2 * 5, "open, write, flush, rename, flush of the folder")
    }

    @Test func permissionsAreThoseAskedFor() throws {
        let folder = try TemporaryFolder()
        for mode in [UInt32(0o600), 0o644] {
            try DurableFile.replace(folder("f"), with: [1], mode: mode)
            let attributes = try FileManager.default.attributesOfItem(atPath: folder("f"))
            #expect(attributes[.posixPermissions] as? Int == Int(mode))
        }
    }

    @Test func readingIsBoundedAndFollowsNoLink() throws {
        let folder = try TemporaryFolder()
        try DurableFile.replace(folder("f"), with: [1, 2, 3])
        #expect(try DurableFile.read(folder("f"), limit: 3) == [1, 2, 3])
        #expect(throws: StorageError.tooLarge(name: "f", limit: 2)) { try DurableFile.read(folder("f"), limit: 2) }
        try FileManager.default.createSymbolicLink(atPath: folder("link"), withDestinationPath: folder("f"))
        #expect(throws: StorageError.self) { try DurableFile.read(folder("link"), limit: 3) }
        try DurableFile.remove(folder("f"))
        try DurableFile.remove(folder("f"))
        #expect(throws: StorageError.notFound("f")) { try DurableFile.read(folder("f"), limit: 3) }
    }

    @Test func leftoversOfDeadProcessesAreRemoved() throws {
        let folder = try TemporaryFolder()
        // The first number is above the largest process id of Linux; process 1 lives.
        try Data([1]).write(to: URL(filePath: folder(".state.999999999-1.tmp")))
        try Data([1]).write(to: URL(filePath: folder(".state.1-1.tmp")))
        try DurableFile.replace(folder("state"), with: [1])
        #expect(folder.files == [".state.1-1.tmp", "state"])
    }
}

@Suite struct DataDirectoryLockTests {
    @Test func oneHolderAtATime() throws {
        let folder = try TemporaryFolder()
        let path = folder("data")
        do {
            let lock = try DataDirectoryLock(path: path)
            #expect(throws: StorageError.directoryLocked(path: path, holder: getpid())) {
                try DataDirectoryLock(path: path)
            }
            withExtendedLifetime(lock) {}
        }
        #expect(try DataDirectoryLock(path: path).path == path)
    }

    @Test func anotherProcessIsRefused() async throws {
        let folder = try TemporaryFolder()
        let path = folder("data")
        let lock = try DataDirectoryLock(path: path)
        await #expect(processExitsWith: .exitCode(7)) { [path = path as String] in
            do {
                _ = try DataDirectoryLock(path: path)
            } catch StorageError.directoryLocked {
                exit(7)
            }
        }
        withExtendedLifetime(lock) {}
    }

    @Test func aDirectoryOthersCanReadIsRefused() throws {
        let folder = try TemporaryFolder()
        let path = folder("data")
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o750])
        #expect(throws: StorageError.self) { try DataDirectoryLock(path: path) }
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
        #expect(try DataDirectoryLock(path: path).path == path)
        try FileManager.default.createSymbolicLink(atPath: folder("link"), withDestinationPath: path)
        #expect(throws: StorageError.unsafeDirectory(path: folder("link"), reason: "no directory")) {
            try DataDirectoryLock(path: folder("link"))
        }
        try Data().write(to: URL(filePath: folder("file")))
        #expect(throws: StorageError.self) { try DataDirectoryLock(path: folder("file")) }
    }
}
