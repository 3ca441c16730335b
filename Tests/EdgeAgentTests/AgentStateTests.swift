// What a node forgets, when, and what it must not forget.

import Cryptography
import Foundation
import SecureAggregation
import Storage
import TestSupport
import Testing

@testable import EdgeAgent

@Suite struct AgentStateTests {
    // MARK: Epochs

    /// Secrets end with the announced end of their epoch and the committee's grace, with or without another epoch.
    @Test func endedEpochsAreErased() async throws {
        let state = try AgentState()
        let ends: [Int64] = [1_000_000, 2_000_000]
        for (number, end) in zip(1..., ends) {
            try await state.store.database.write { connection in
                try connection.execute(
                    "INSERT INTO epoch(number, agreement_key, ends_at_ms) VALUES (?, zeroblob(32), ?)", number, end)
                try connection.execute(
                    "INSERT INTO prekey(sequence, epoch, secret, digest) VALUES (?, ?, zeroblob(32), zeroblob(32))",
                    number, number)
            }
        }
        // An epoch that nobody announced has no end yet.
        try await state.store.database.write { connection in
            _ = try connection.execute("INSERT INTO epoch(number, agreement_key) VALUES (3, zeroblob(32))")
        }
        func kept() async throws -> (epochs: [Int64], prekeys: [Int64]) {
            try await state.store.database.read { connection in
                (
                    try connection.query("SELECT number FROM epoch WHERE agreement_key IS NOT NULL ORDER BY number") {
                        try $0.integer(0)
                    },
                    try connection.query("SELECT sequence FROM prekey WHERE secret IS NOT NULL ORDER BY sequence") {
                        try $0.integer(0)
                    }
                )
            }
        }
        let grace = CommitteeMember.graceMilliseconds
        #expect(grace > 0)
        for (now, erased, epochs, prekeys) in [
            (ends[0], false, [1, 2, 3], [1, 2]), (ends[0] + grace, false, [1, 2, 3], [1, 2]),
            (ends[0] + grace + 1, true, [2, 3], [2]), (ends[1] + grace + 1, true, [3], []),
        ] as [(Int64, Bool, [Int64], [Int64])] {
            #expect(try await state.store.eraseEndedEpochs(nowMilliseconds: now) == erased)
            let left = try await kept()
            #expect(left.epochs == epochs, "at \(now)")
            #expect(left.prekeys == prekeys, "at \(now)")
        }
        // An erased key does not come back as a new one under the same number.
        await #expect(throws: SecureAggregationError.self) {
            try await state.store.agreementKey(epoch: 1, random: SystemRandomSource())
        }
    }

    // MARK: Uploads

    private func names(_ folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }

    /// A sweep leaves the uploads that wait for a receipt, readable, and no key and no byte of any other.
    @Test func sweepingUploads() async throws {
        let state = try AgentState()
        let folder = "\(state.path)/state"
        let hedge = SecretBytes(copying: [UInt8](repeating: 3, count: 32))
        let uploads = try PendingUploads(folder: folder, hedge: hedge, random: SystemRandomSource())
        let sessions = (0..<3).map { SHA256.hash([UInt8($0)]) }
        let bytes = VectorChunks.encode([1, 2, 3][...])
        for session in sessions {
            try await uploads.storeChunks([(SHA256.hash(bytes), bytes)], session: session)
        }
        try Data("kept".utf8).write(to: URL(filePath: "\(folder)/upload-keys/no-session"))
        try await uploads.sweep(keeping: [sessions[1]])
        #expect(
            names(folder).filter { $0.hasPrefix("upload-") } == ["upload-\(sessions[1].hex)", "upload-keys"].sorted())
        #expect(names("\(folder)/upload-keys").filter { $0.contains(sessions[0].hex) }.isEmpty)
        #expect(try await uploads.chunk(0, digest: SHA256.hash(bytes), session: sessions[1]) == bytes)
        for gone in [sessions[0], sessions[2]] {
            await #expect(throws: StorageError.self) {
                try await uploads.chunk(0, digest: SHA256.hash(bytes), session: gone)
            }
        }
        try await uploads.sweep(keeping: [])
        #expect(names(folder).filter { $0.hasPrefix("upload-") } == ["upload-keys"])
    }

    /// What waits for a receipt: a stored envelope that was neither acknowledged nor given up.
    @Test func whatAnUploadWaitsFor() async throws {
        let state = try AgentState()
        let sessions = (0..<4).map { SHA256.hash([UInt8($0)]) }
        for (number, session) in sessions.enumerated() {
            try await state.store.database.write { connection in
                if number == 0 { try connection.execute("INSERT INTO epoch(number) VALUES (1)") }
                try connection.execute(
                    "INSERT INTO prekey(sequence, epoch, digest) VALUES (?, 1, zeroblob(32))", number + 1)
                try connection.execute(
                    """
                    INSERT INTO session(session, job, round, attempt, sequence, envelope, receipt)
                    VALUES (?, zeroblob(16), ?, 1, ?, ?, ?)
                    """, session.bytes, number + 1, number + 1, number == 0 ? nil : [UInt8]([1]),
                    number == 1 ? [UInt8]([1]) : nil)
            }
        }
        try await state.store.abandon(sessions[2])
        #expect(try await state.store.storedSessions() == [sessions[3]])
        #expect(try await Set(state.store.unfinishedSessions()) == [sessions[0], sessions[3]])
        guard case .closed = try await state.store.record(of: sessions[2]) else {
            Issue.record("an abandoned session is closed")
            return
        }
        guard case .burned = try await state.store.record(of: sessions[0]) else {
            Issue.record("a session without an upload is burned")
            return
        }
    }

    // MARK: Committee locks

    /// Promises of every kind come back as they were made, and a contradiction of any is refused by the table itself.
    @Test func locksOfEveryKindAreKept() async throws {
        let state = try AgentState()
        let one = SHA256.hash([1])
        let two = SHA256.hash([2])
        func promises(_ target: Digest) -> [LockChange] {
            [
                .label(session: one, label: target), .prekey(node: 70_000, sequence: 9, session: target),
                .round(job: .init(planDigest: one), round: 3, opening: target),
                .groupRound(job: .init(planDigest: one), round: 3, group: 0, opening: target),
                .groupRound(job: .init(planDigest: one), round: 3, group: 300_000, opening: target),
                .groupRound(job: .init(planDigest: one), round: 4, group: 0, opening: target),
                .groupEpoch(job: .init(planDigest: one), round: 3, epochRoot: target),
            ]
        }
        try await state.store.store(promises(one))
        // Looked up by what would contradict them; a promise of another name is not read.
        try await state.store.store([.label(session: two, label: one)])
        let locks = try await state.store.locks(promises(two))
        #expect(!locks.contains(.label(session: two, label: one)))
        #expect(
            try await state.store.locks([.label(session: two, label: two)]).contains(.label(session: two, label: one)))
        for promise in promises(one) { #expect(locks.contains(promise), "\(promise)") }
        for promise in promises(two) {
            #expect(!locks.permits(promise), "\(promise)")
            await #expect(throws: (any Error).self) { try await state.store.store([promise]) }
        }
        #expect(
            locks.permits(.groupRound(job: .init(planDigest: one), round: 3, group: 1, opening: two)))
    }
}
