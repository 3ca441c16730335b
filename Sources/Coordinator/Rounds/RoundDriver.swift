// What happens without a request: epochs open and close, rounds open, uploads are sealed when due, checkpoints are signed.
// All of it is driven from stored state and may be repeated, so a restart simply goes on.

import Consent
import Cryptography
import DifferentialPrivacy
import Locking
import MerkleLog
import Rounds
import SecureAggregation
import Storage
import WireFormat

extension CoordinatorService {
    /// One pass over everything that may be due.
    func tick() async throws {
        let now = clock.nowMilliseconds()
        let configuration = configuration
        let random = random
        let uploaded = await uploads.sessions
        let pass = try await store.transact { state, connection -> (due: [Digest], live: Set<Digest>)? in
            // On a log that lost entries nothing moves: every further signature would contradict one that is out there.
            if state.quarantined { return nil }
            _ = try state.openEpochIfDue(
                nowMilliseconds: now, lengthMilliseconds: configuration.epochMilliseconds, connection)
            _ = try state.closeEpochIfDue(
                nowMilliseconds: now, patienceMilliseconds: configuration.helloPatienceMilliseconds, connection)
            for (session, live) in state.attempts {
                var attempt = live.attempt
                let effects = attempt.tick(nowMilliseconds: now, excluding: state.uploadsToLeaveOut(of: live))
                try state.perform(
                    effects, of: session, attempt: attempt, nowMilliseconds: now, random: random, connection)
            }
            let due = state.attempts.filter { [.unmasking, .aggregated].contains($0.value.attempt.state) }.map(\.key)
            return (due, Set(state.attempts.keys))
        }
        guard let pass else { return }
        try await isolated("faults.not-announced") { try await announceFaults() }
        for session in pass.due { try await isolated("round.sum-not-opened") { try await openSum(of: session) } }
        // Sessions that were given up: their masked uploads have no further use, and do not wait for the next restart.
        for session in uploaded.subtracting(pass.live) {
            try await isolated("uploads.not-destroyed") { try await uploads.destroy(session) }
        }
        try await openRounds(nowMilliseconds: now)
        try await publishCheckpointIfDue(nowMilliseconds: now)
    }

    private func openRounds(nowMilliseconds now: Int64) async throws {
        let configuration = configuration
        let random = random
        let jobs = try await store.transact { state, _ in state.tasks.keys.sorted { $0.description < $1.description } }
        for job in jobs {
            try await isolated("round.not-opened") {
                let opened = try await store.transact { state, connection in
                    try state.openRoundIfDue(
                        job, nowMilliseconds: now, configuration: configuration, random: random, connection)
                }
                for session in opened { log.event("round.opened", ["session": String(session.hex.prefix(8))]) }
            }
        }
    }

    /// Does one session's or one task's part of a pass: its trouble is logged, at most once a minute for the same reason, and
    /// is not the others'.
    /// - Throws: only what no part can go on after.
    private func isolated(_ failure: StaticString, _ body: () async throws -> Void) async throws {
        do { try await body() } catch let error as StorageError where error.isFatal {
            throw error
        } catch {
            let reason = Problem(error).detail
            let now = clock.nowMilliseconds()
            let isNew = reportedFailures.withLock { reported in
                reported = reported.filter { now - $0.value < 60_000 }
                return reported.updateValue(reported["\(failure) \(reason)"] ?? now, forKey: "\(failure) \(reason)")
                    == nil
            }
            if isNew { log.event(failure, ["reason": reason]) }
        }
    }

    /// Signs a checkpoint over entries that have waited a second, so receipts become provable.
    private func publishCheckpointIfDue(nowMilliseconds now: Int64) async throws {
        let newest = try await store.transact { state, connection -> StoredCheckpoint? in
            guard state.tree.count > state.lastCheckpoint?.size ?? 0,
                now - (state.lastCheckpoint?.atMilliseconds ?? 0) >= 1_000
            else { return state.lastCheckpoint }
            try state.willChange(connection)
            return try state.publishCheckpoint(nowMilliseconds: now, connection)
        }
        guard let newest else { return }
        // A second place for the newest signed head: a database restored from a backup is then found to be behind it.
        guard writtenHead.withLock({ $0 }) != newest.size else { return }
        try DurableFile.replace(headPath, with: [UInt8](newest.note.utf8))
        writtenHead.withLock { $0 = newest.size }
    }

    /// Gives an attempt up and destroys its uploads.
    func abandon(_ session: Digest, reason: VoidReason) async throws {
        let now = clock.nowMilliseconds()
        let random = random
        try await store.transact { state, connection in
            guard let live = state.attempts[session] else { return }
            var attempt = live.attempt
            let effects = attempt.abandon(reason)
            try state.perform(
                effects, of: session, attempt: attempt, nowMilliseconds: now, random: random, connection)
        }
        try await uploads.destroy(session)
    }
}
