// From a certified session to the next model: fold the survivors' uploads, take the masks out, store the noisy sum, apply
// the server optimiser to it, or to the robust average of the round's groups, release once, and destroy what could be
// unmasked again.

import Consent
import Cryptography
import Glibc
import Learning
import Rounds
import SecureAggregation
import Storage
import Vectors
import WireFormat

extension CoordinatorService {
    /// Opens the sum of a session whose shares are in, and releases the model that follows. Safe to repeat.
    func openSum(of session: Digest) async throws {
        guard let live = try await store.transact({ state, _ in state.attempts[session] }) else { return }
        if live.attempt.state == .unmasking {
            let sum: [Int64]
            do {
                sum = try await fold(live.attempt.session)
            } catch let error as SecureAggregationError {
                log.event("round.unmask-failed", ["reason": error.description])
                // Only a secret that does not keep its commitment is a dealer's fault; the rest is ours.
                guard case .badShare = error else { return try await abandon(session, reason: .storageFault) }
                // Whoever is to blame is in no later round: each bad dealer costs one round at most.
                let faults = live.attempt.session.dealerFaults()
                let now = clock.nowMilliseconds()
                try await store.transact { state, connection in
                    for fault in faults {
                        try state.record(fault, session: session, nowMilliseconds: now, connection)
                    }
                }
                return try await abandon(session, reason: .badDealer)
            } catch let error as StorageError where !error.isFatal {
                log.event("round.unmask-failed", ["reason": error.description])
                return try await abandon(session, reason: .storageFault)
            }
            try await storeAggregate(sum, of: session)
        }
        try await release(session)
    }

    /// The wrapping sum of the survivors' words, unmasked and decoded, on every core. Memory: the sum, and two chunks a core.
    private func fold(_ session: CoordinatorSession) async throws -> [Int64] {
        let plan = try session.unmaskPlan()
        let chunks = try await uploads.chunks(of: session.sessionID)
        let envelopes = session.uploads
        let words = try await plan.openSum(workers: activeCores()) { position, chunk, take in
            guard let envelope = envelopes[position] else { throw SecureAggregationError.unknown("upload") }
            // Compared with the envelope's digests when the upload was acknowledged; sealed under its name since.
            let bytes = try await chunks.readAcknowledged(folder: String(envelope.upload.body.node), index: chunk)
            try take(bytes.span)
        }
        let parameters = session.parameters.body
        return try parameters.layout.unpackSum(words, dimension: parameters.dimension)
    }

    private func storeAggregate(_ sum: [Int64], of session: Digest) async throws {
        let bytes = NoisySum.encode(sum)
        let now = clock.nowMilliseconds()
        let random = random
        try await store.transact { state, connection in
            guard let live = state.attempts[session] else { return }
            var attempt = live.attempt
            let effects = try attempt.aggregated(nowMilliseconds: now)
            try connection.execute(
                "INSERT INTO aggregate VALUES (?, ?, ?)", session.bytes, bytes, NoisySum.digest(bytes).bytes)
            try state.perform(
                effects, of: session, attempt: attempt, nowMilliseconds: now, random: random, connection)
        }
    }

    /// One stored sum.
    private struct StoredSum: Sendable {
        let session: Digest
        let live: LiveAttempt
        let bytes: [UInt8]
    }

    /// Everything a release is a function of.
    private struct ReleaseInputs: Sendable {
        let task: TaskState
        let round: UInt64
        /// One, or those of the groups in the order of their charges.
        let sums: [StoredSum]
    }

    /// What the stored sums of a round become.
    private struct RoundMean {
        let means: [Double]
        /// Of every sum, in order.
        let verdicts: [GroupAlarm.Verdict]
    }

    /// Applies the server optimiser to what the round's stored sums say and releases the model, once. A round in groups waits
    /// until every group has its sum or was given up.
    private func release(_ session: Digest) async throws {
        guard let inputs = try await releaseInputs(session) else { return }
        let plan = inputs.task.plan
        if let settings = plan.plan.subCohorts, inputs.sums.count < settings.fewestSums {
            for sum in inputs.sums { try await abandon(sum.session, reason: .tooFewGroups) }
            return
        }
        let mean = try Self.mean(of: inputs)
        var model = try ModelFile(decoding: try await models.read(inputs.task.model)).model
        var optimizer = try await storedOptimizer(inputs.task)
        try optimizer.step(&model, averageUpdate: plan.averageUpdate(means: mean.means))
        let modelDigest = try await models.put(
            try ModelFile(
                model: model, vocabulary: plan.plan.job.vocabulary, constants: plan.plan.job.constants,
                facts: ["job": plan.jobID.description, "round": String(inputs.round), "plan": plan.digest.hex]
            ).encoded())
        let optimizerDigest = try await models.put(optimizer.encoded())
        let rideAlongs = zip(TrainingPlan.rideAlongNames, plan.rideAlongAverages(means: mean.means))
            .map { "\"\($0)\":\($1)" }
        try await storeRelease(
            inputs, verdicts: mean.verdicts, model: modelDigest, optimizer: optimizerDigest,
            rideAlongs: "{\(rideAlongs.joined(separator: ","))}")
        for sum in inputs.sums { try await uploads.destroy(sum.session) }
        for (sum, verdict) in zip(inputs.sums, mean.verdicts) where verdict.isAlarmed {
            log.event(
                "round.sum-alarmed", ["session": String(sum.session.hex.prefix(8)), "round": String(inputs.round)])
        }
        log.event("round.released", ["session": String(session.hex.prefix(8)), "round": String(inputs.round)])
    }

    private func releaseInputs(_ session: Digest) async throws -> ReleaseInputs? {
        try await store.transact { state, connection in
            guard let live = state.attempts[session], live.attempt.state == .aggregated,
                let task = state.tasks[live.job]
            else { return nil }
            let parts = state.attempts.filter { $0.value.job == live.job }
            guard parts.allSatisfy({ $0.value.attempt.state == .aggregated }) else { return nil }
            let sums = try connection.query(
                """
                SELECT g.session, g.sum FROM attempt a JOIN aggregate g ON g.session = a.session
                    JOIN charge c ON c.session = a.session
                WHERE a.job = ? AND a.state = 'aggregated' ORDER BY c.number
                """, live.job.bytes
            ) { (session: try $0.digest(0), bytes: try $0.blob(1)) }
            return ReleaseInputs(
                task: task, round: live.attempt.session.parameters.body.round,
                sums: try sums.map { sum in
                    guard let part = parts[sum.session] else { throw Problem.storage }
                    return StoredSum(session: sum.session, live: part, bytes: sum.bytes)
                })
        }
    }

    private static func mean(of inputs: ReleaseInputs) throws -> RoundMean {
        let plan = inputs.task.plan
        guard plan.plan.subCohorts != nil else {
            guard let only = inputs.sums.first, inputs.sums.count == 1 else { throw Problem.storage }
            guard let survivors = only.live.attempt.session.survivors else { throw Problem.storage }
            let sum = try NoisySum.decode(only.bytes)
            let customers = only.live.eligibleCustomers
            return RoundMean(
                means: plan.mean(ofSum: sum, customers: customers),
                verdicts: [
                    try plan.verdict(onSum: sum, customers: customers, survivors: survivors.survivorCount)
                ])
        }
        let groups = try inputs.sums.map { stored in
            let session = stored.live.attempt.session
            guard let place = session.parameters.body.subCohort, let survivors = session.survivors else {
                throw Problem.storage
            }
            return OpenedGroup(
                index: place.index, survivors: survivors.survivorCount, customers: stored.live.eligibleCustomers,
                sum: try NoisySum.decode(stored.bytes))
        }
        let mean = try plan.robustMean(of: groups)
        return RoundMean(means: mean.means, verdicts: mean.verdicts)
    }

    private func storedOptimizer(_ task: TaskState) async throws -> ServerOptimizer {
        guard let digest = task.optimizer else {
            return try task.plan.plan.job.makeServerOptimizer()
        }
        return try ServerOptimizer(decoding: try await models.read(digest))
    }

    private func storeRelease(
        _ inputs: ReleaseInputs, verdicts: [GroupAlarm.Verdict], model: Digest, optimizer: Digest, rideAlongs: String
    ) async throws {
        let now = clock.nowMilliseconds()
        let random = random
        let job = inputs.task.plan.jobID
        try await store.transact { state, connection in
            guard var task = state.tasks[job] else { return }
            var parts: [(live: LiveAttempt, charge: Int64, group: ReleasedGroup)] = []
            for sum in inputs.sums {
                // Whoever released or gave up in between was first.
                guard let live = state.attempts[sum.session], live.attempt.state == .aggregated,
                    let survivors = live.attempt.session.survivors
                else { return }
                let charge = try connection.queryOne(
                    "SELECT number, position FROM charge WHERE session = ?", sum.session.bytes
                ) { (number: try $0.integer(0), position: Int(try $0.integer(1))) }
                guard let charge else { throw Problem.storage }
                let group = try ReleasedGroup(
                    session: sum.session, survivorDigest: survivors.digest, sumDigest: NoisySum.digest(sum.bytes),
                    chargeIndex: charge.position)
                parts.append((live, charge.number, group))
            }
            guard let first = parts.first else { throw Problem.storage }
            try state.willChange(connection)
            let event = RoundEvent.modelReleased(
                try ModelReleased(
                    attempt: try first.live.reference(first.group.session), survivorDigest: first.group.survivorDigest,
                    sumDigest: first.group.sumDigest, modelDigest: model, parentModelDigest: task.model,
                    chargeIndex: first.group.chargeIndex, otherGroups: parts.dropFirst().map(\.group)))
            let position = try state.appendPublic(
                .round, payload: event.encoded(), nowMilliseconds: now, random: random, connection)
            try connection.execute(
                "INSERT INTO release VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", job.bytes, Int64(inputs.round),
                first.group.session.bytes, first.charge, task.model.bytes, model.bytes, rideAlongs, now, position)
            for (sum, verdict) in zip(inputs.sums, verdicts) {
                try connection.execute(
                    "INSERT INTO group_verdict VALUES (?, ?, ?)", sum.session.bytes, verdict.normRatio,
                    verdict.coordinateRatio)
            }
            try connection.execute(
                "UPDATE task SET model = ?, optimizer = ? WHERE job = ?", model.bytes, optimizer.bytes, job.bytes)
            task.model = model
            task.optimizer = optimizer
            task.releasedRounds += 1
            state.tasks[job] = task
            for part in parts {
                // The shares have served: with the uploads gone too, nothing here can be unmasked again.
                try connection.execute("DELETE FROM reveal WHERE session = ?", part.group.session.bytes)
                var attempt = part.live.attempt
                let effects = try attempt.released(nowMilliseconds: now)
                try state.perform(
                    effects, of: part.group.session, attempt: attempt, nowMilliseconds: now, random: random,
                    connection)
            }
        }
    }
}

/// The noisy sum as it is stored and hashed: 8 bytes a coordinate, big-endian two's complement.
enum NoisySum {
    static func encode(_ sum: [Int64]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(sum.count * 8)
        for value in sum {
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: value >> Int64(shift)))
            }
        }
        return bytes
    }

    static func decode(_ bytes: [UInt8]) throws -> [Int64] {
        guard bytes.count.isMultiple(of: 8) else { throw Problem.storage }
        return stride(from: 0, to: bytes.count, by: 8).map { start in
            Int64(bitPattern: bytes[start..<start + 8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
        }
    }

    static func digest(_ bytes: [UInt8]) -> Digest { SHA256.tagged("noisy-sum", bytes) }
}

/// Cores that this process may use, 1 or more.
private func activeCores() -> Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }
