// The counter tells a store that was put back from one that only stopped, or could not write, at a bad moment.

import Cryptography
import Foundation
import Locking
import SecureAggregation
import Storage
import Testing

@testable import EdgeAgent

@Suite struct BootCounterTests {
    private static let lock = LockChange.label(session: SHA256.hash([1]), label: SHA256.hash([2]))

    @Test func everyStartAndEveryPromiseRaisesTheCounter() async throws {
        let disk = try AgentDisk()
        #expect(try await disk.run() == false)
        let first = try disk.number()
        #expect(try await disk.run() == false)
        #expect(try disk.number() == first + 1)
        try await disk.run { store in
            let before = try disk.number()
            try await store.store([Self.lock])
            #expect(try disk.number() == before + 1)
            try await store.store([])
            #expect(try disk.number() == before + 1)
        }
        #expect(try await disk.run() == false)
    }

    @Test func aCopyFromBeforeTheLastStartIsNoticed() async throws {
        let disk = try AgentDisk()
        try await disk.run()
        try disk.copy(to: "copy")
        try await disk.run()
        try disk.restore(from: "copy")
        #expect(try await disk.run())
        // It stays one that has forgotten something, but it is not restored again.
        #expect(try await disk.run() == false)
    }

    /// Not only starts count: a copy that was made while the agent ran is older than the promises after it.
    @Test func aCopyFromTheSameRunIsNoticed() async throws {
        let disk = try AgentDisk()
        try await disk.run { store in
            try await store.store([Self.lock])
            try await store.database.write { _ in }
            try disk.copy(to: "copy")
            try await store.store([LockChange.label(session: SHA256.hash([3]), label: SHA256.hash([4]))])
        }
        try disk.restore(from: "copy")
        #expect(try await disk.run())
    }

    @Test func aMissingStoreIsNoticed() async throws {
        let disk = try AgentDisk()
        try await disk.run()
        try disk.restore(from: nil)
        #expect(try await disk.run())
    }

    /// A stop between store and counter is no restoration.
    @Test func aStopBetweenTheTwoIsNone() async throws {
        let disk = try AgentDisk()
        try await disk.run()
        let before = try Data(contentsOf: URL(filePath: disk.folder("counter")))
        try await disk.run()
        try before.write(to: URL(filePath: disk.folder("counter")))
        #expect(try await disk.run() == false)
        // Two behind is a counter that was put back: which of them is right cannot be told.
        try before.write(to: URL(filePath: disk.folder("counter")))
        #expect(try await disk.run())
    }

    /// Starts that cannot write the counter, however many, leave the store one ahead of it at most: the first start that can
    /// is that of a healthy node.
    @Test(arguments: [StorageFaults.Operation.rename, .write, .open]) func startsThatCannotWriteTheCounter(
        operation: StorageFaults.Operation
    ) async throws {
        let broken = StorageFaults { $0 == operation ? ENOSPC : nil }
        let fresh = try AgentDisk()
        for _ in 0..<3 { await #expect(throws: StorageError.self) { try await fresh.run(faults: broken) } }
        #expect(try await fresh.run() == false, "never started before")
        let disk = try AgentDisk()
        try await disk.run()
        let before = try disk.number()
        for _ in 0..<3 {
            await #expect(throws: StorageError.self) { try await disk.run(faults: broken) }
            #expect(try disk.number() == before)
            #expect(try await disk.storedNumber() <= before + 1)
        }
        #expect(try await disk.run() == false)
        #expect(try await disk.run() == false)
    }

    /// A promise whose counter cannot be written is the last of its process, also when the disk recovers: nothing of a second
    /// one is stored, and the next start is that of a healthy node.
    @Test func promisesThatCannotWriteTheCounter() async throws {
        let disk = try AgentDisk()
        try await disk.run()
        let isBroken = Locked(false)
        let faults = StorageFaults { $0 == .rename && isBroken.withLock { $0 } ? ENOSPC : nil }
        func lock(_ number: UInt8) -> LockChange {
            .label(session: SHA256.hash([number]), label: SHA256.hash([number]))
        }
        try await disk.run(faults: faults) { store in
            try await store.store([lock(1)])
            let before = try disk.number()
            isBroken.withLock { $0 = true }
            await #expect(throws: StorageError.self) { try await store.store([lock(2)]) }
            for number in UInt8(3)..<5 {
                isBroken.withLock { $0 = number < 4 }
                await #expect(throws: BootCounterError.self) { try await store.store([lock(number)]) }
            }
            #expect(try disk.number() == before)
            let locks = try await store.locks((UInt8(1)..<5).map { lock($0) })
            #expect(locks.contains(lock(1)))
            // It was stored and never seen outside.
            #expect(locks.contains(lock(2)))
            for number in UInt8(3)..<5 { #expect(!locks.contains(lock(number))) }
        }
        #expect(try await disk.run { try await $0.store([lock(5)]) } == false)
        #expect(try await disk.run() == false)
    }

    @Test func aMissingOrUnreadableCounterFailsClosed() async throws {
        let disk = try AgentDisk()
        try await disk.run()
        try FileManager.default.removeItem(atPath: disk.folder("counter"))
        await #expect(throws: BootCounterError.self) { try await disk.run() }
        #expect(!FileManager.default.fileExists(atPath: disk.folder("counter")), "and it stays so")
        for text in ["", "x", "-1", "18446744073709551616"] {
            try Data(text.utf8).write(to: URL(filePath: disk.folder("counter")))
            await #expect(throws: BootCounterError.self, "\(text)") { try await disk.run() }
        }
        // As the message says: a number above the store's, and the node starts as a restored one.
        try Data("99".utf8).write(to: URL(filePath: disk.folder("counter")))
        #expect(try await disk.run())
        #expect(try disk.number() == 100)
    }
}
