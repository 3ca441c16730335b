// An agent's state and its counter, to be copied, put back and broken.

import Foundation
import Storage
import Testing

@testable import EdgeAgent

/// An agent's store without its agent.
final class AgentDisk {
    let folder: TestFolder
    var counter: BootCounter { BootCounter(path: folder("counter")) }

    init() throws { folder = try TestFolder() }

    func open() throws -> AgentStore {
        AgentStore(
            database: try Database(path: folder("agent.sqlite"), schema: AgentSchema.schema, readers: 1),
            counter: counter)
    }

    /// Starts and stops once, doing `work` in between.
    /// - Parameter faults: of the counter's file.
    @discardableResult
    func run(
        faults: StorageFaults = .none, _ work: (AgentStore) async throws -> Void = { _ in }
    ) async throws -> Bool {
        let counter = BootCounter(path: folder("counter"), faults: faults)
        let store = AgentStore(
            database: try Database(path: folder("agent.sqlite"), schema: AgentSchema.schema, readers: 1),
            counter: counter)
        do {
            let restored = try await store.start(counter)
            try await work(store)
            await store.database.close()
            return restored
        } catch {
            await store.database.close()
            throw error
        }
    }

    func copy(to name: String) throws {
        for suffix in ["", "-wal", "-shm"] {
            let source = folder("agent.sqlite\(suffix)")
            guard FileManager.default.fileExists(atPath: source) else { continue }
            try FileManager.default.copyItem(atPath: source, toPath: folder("\(name)\(suffix)"))
        }
    }

    func restore(from name: String?) throws {
        for suffix in ["", "-wal", "-shm"] {
            try? FileManager.default.removeItem(atPath: folder("agent.sqlite\(suffix)"))
            guard let name, FileManager.default.fileExists(atPath: folder("\(name)\(suffix)")) else { continue }
            try FileManager.default.copyItem(
                atPath: folder("\(name)\(suffix)"), toPath: folder("agent.sqlite\(suffix)"))
        }
    }

    func number() throws -> UInt64 { try #require(try counter.read()) }

    /// The number in the store.
    func storedNumber() async throws -> UInt64 {
        let store = try open()
        let number = try await store.database.read { connection in
            try connection.queryOne("SELECT number FROM boot_counter") { UInt64(try $0.integer(0)) }
        }
        await store.database.close()
        return try #require(number)
    }
}
