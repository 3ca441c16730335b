// What a disk can do to a coordinator: fill up, and come back from a backup.

import Consent
import Cryptography
import Foundation
import HTTPServer
import Identity
import MerkleLog
import Rounds
import Storage
import Testing
import WireFormat

@testable import Coordinator

@Suite struct LostDiskTests {
    @Test func fullDisk() async throws {
        let chain = try await DirectChain.ready()
        func post(_ first: UInt64) async throws -> HTTPResponse {
            let events = try (first..<first + 100).map { number in
                try BadRequestTests.event(
                    .homeAssigned, try BadRequestTests.handle("customer-\(number)", chain), number: number, home: 0
                ).encoded()
            }
            return await chain.call(chain.nodes[0].peer, .post, "v1/events", body: EventBatch(events: events).encoded())
        }
        #expect(try await post(1).status == 200)
        // SQLite then says that the file cannot grow, as it would on a file system without room.
        try await chain.service.store.database.write { connection in
            _ = try connection.query("PRAGMA max_page_count = 1") { _ in }
        }
        var acknowledged: UInt64 = 1
        var response = try await post(101)
        while response.status == 200, acknowledged < 3_000 {
            acknowledged += 100
            response = try await post(acknowledged + 100)
        }
        #expect(response.status == 507, "\(response.text)")
        #expect(response.problemCode == "storage-full")
        #expect(response.headers.contains { $0.name == "Retry-After" })
        let stored = Int(acknowledged) + 99
        #expect(try await chain.rowCounts()["event"] == stored, "everything acknowledged, nothing else")
        #expect(await chain.call(chain.nodes[0].peer, .get, "v1/register").status == 200, "reading goes on")
        try await chain.service.store.database.write { connection in
            _ = try connection.query("PRAGMA max_page_count = 1073741823") { _ in }
        }
        #expect(try await post(acknowledged + 100).status == 200, "the same batch again")
        #expect(try await chain.rowCounts()["event"] == stored + 100)
        try await chain.crash()
        #expect(try await chain.rowCounts()["event"] == stored + 100)
        try await chain.service.store.database.verifyIntegrity()
        try await chain.round()
        #expect(try await chain.attemptStates().first == "released")
    }

    /// The database is replaced by an older copy of itself, the rest of the folder is not.
    @Test func restoredDatabase() async throws {
        let chain = try await DirectChain.ready()
        try await chain.round()
        try await chain.tick()
        let backup = try chain.backup()
        chain.clock.advance(milliseconds: 2_000)
        try await chain.round()
        chain.clock.advance(milliseconds: 2_000)
        try await chain.tick()
        try await chain.crash { folder in
            for name in ["coordinator.sqlite", "coordinator.sqlite-wal"] {
                try? FileManager.default.removeItem(atPath: "\(folder)/\(name)")
                try? FileManager.default.copyItem(atPath: "\(backup)/\(name)", toPath: "\(folder)/\(name)")
            }
        }
        #expect(try await chain.quarantined)
        try await Self.expectStandstill(chain)
        try await chain.crash()
        #expect(try await chain.quarantined, "a restart is no way out")
        try await Self.expectStandstill(chain)
    }

    /// The whole folder is an older copy: only the nodes can know.
    @Test func restoredFolder() async throws {
        let chain = try await DirectChain.ready()
        try await chain.round()
        let backup = try chain.backup()
        chain.clock.advance(milliseconds: 2_000)
        try await chain.round()
        let seen = await chain.call(chain.nodes[5].peer, .get, "checkpoint").body
        try await chain.crash { folder in
            try FileManager.default.removeItem(atPath: folder)
            try TestFolder.image(of: backup, at: folder)
        }
        #expect(try await !chain.quarantined)
        try await chain.poll(0..<3)  // nodes that saw nothing newer
        #expect(try await !chain.quarantined)
        // A node's word alone stops nobody: the note must be one that the ledger's own key signed.
        let forged = String(decoding: seen, as: UTF8.self).replacing("\n", with: "0\n", maxReplacements: 2)
        #expect(await chain.call(chain.nodes[5].peer, .post, "v1/log/seen", body: [UInt8](forged.utf8)).status == 400)
        #expect(try await !chain.quarantined)
        #expect(await chain.call(chain.nodes[5].peer, .post, "v1/log/seen", body: seen).status == 204)
        #expect(try await chain.quarantined)
        try await Self.expectStandstill(chain)
    }

    /// In quarantine no round opens, nothing is signed, nothing is written, and everybody is told why.
    private static func expectStandstill(_ chain: DirectChain) async throws {
        let before = try await chain.rowCounts()
        let head = FileManager.default.contents(atPath: "\(chain.dataFolder)/signed-head")
        let checkpoint = await chain.call(try chain.person(.auditor), .get, "checkpoint").body
        for index in chain.nodes.indices {
            let response = await chain.call(chain.nodes[index].peer, .get, "v1/work")
            #expect(response.status == 503)
            #expect(response.problemCode == "quarantined")
        }
        chain.clock.advance(milliseconds: 120_000)
        try await chain.tick()
        let event = try BadRequestTests.event(
            .homeAssigned, try BadRequestTests.handle("customer-1", chain), number: 1, home: 0)
        let response = await chain.call(
            chain.nodes[0].peer, .post, "v1/events", body: EventBatch(events: [event.encoded()]).encoded())
        #expect(response.status == 503)
        let evidence = await chain.call(
            try chain.person(.auditor), .post, "v1/tasks/\(chain.plan.jobID)/evidence")
        #expect(evidence.status == 503)
        #expect(try await chain.rowCounts() == before)
        #expect(FileManager.default.contents(atPath: "\(chain.dataFolder)/signed-head") == head)
        #expect(await chain.call(try chain.person(.auditor), .get, "checkpoint").body == checkpoint)
        let status = await chain.call(try chain.person(.operator), .get, "v1/status")
        #expect(status.json["quarantined"] as? Bool == true)
    }

    @Test func unreadableHead() async throws {
        let chain = try await DirectChain.ready()
        try await chain.round()
        chain.clock.advance(milliseconds: 2_000)
        try await chain.tick()
        await #expect(throws: (any Error).self) {
            try await chain.crash { folder in
                try FileManager.default.removeItem(atPath: "\(folder)/signed-head")
                try FileManager.default.createDirectory(
                    atPath: "\(folder)/signed-head", withIntermediateDirectories: false)
            }
        }
    }
}
