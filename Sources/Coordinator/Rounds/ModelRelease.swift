// From a certified session to the next model: fold the survivors' uploads, take the masks out, store the noisy sum, apply
// the server optimiser, release once, and destroy what could be unmasked again.

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
        let words = try await plan.openSum(workers: activeCores()) { position, chunk in
            guard let envelope = envelopes[position] else { throw SecureAggregationError.unknown("upload") }
            // Compared with the envelope's digests when the upload was acknowledged; sealed under its name since.
            return try await chunks.readAcknowledged(folder: String(envelope.upload.body.node), index: chunk)
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

    private struct ReleaseInputs: Sendable {
        let live: LiveAttempt
        let task: TaskState
        let sum: [UInt8]
    }

    /// Applies the server optimiser to the stored sum and releases the model, once.
    private func release(_ session: Digest) async throws {
        let inputs = try await store.transact { state, connection -> ReleaseInputs? in
            guard let live = state.attempts[session], live.attempt.state == .aggregated,
                let task = state.tasks[live.job],
                let sum = try connection.queryOne(
                    "SELECT sum FROM aggregate WHERE session = ?", session.bytes, map: { try $0.blob(0) })
            else { return nil }
            return ReleaseInputs(live: live, task: task, sum: sum)
        }
        guard let inputs else { return }
        let plan = inputs.task.plan
        let sum = try NoisySum.decode(inputs.sum)
        let customers = inputs.live.eligibleCustomers
        var model = try ModelFile(decoding: try await models.read(inputs.task.model)).model
        var optimizer = try await storedOptimizer(inputs.task)
        try optimizer.step(&model, averageUpdate: plan.averageUpdate(sum: sum, customers: customers))
        let round = inputs.live.attempt.session.parameters.body.round
        let modelDigest = try await models.put(
            try ModelFile(
                model: model, vocabulary: plan.plan.job.vocabulary, constants: plan.plan.job.constants,
                facts: ["job": plan.jobID.description, "round": String(round), "plan": plan.digest.hex]
            ).encoded())
        let optimizerDigest = try await models.put(optimizer.encoded())
        let averages = plan.rideAlongAverages(sum: sum, customers: customers)
        let rideAlongs = zip(TrainingPlan.rideAlongNames, averages).map { "\"\($0)\":\($1)" }
        try await storeRelease(
            session, model: modelDigest, optimizer: optimizerDigest, sumDigest: NoisySum.digest(inputs.sum),
            rideAlongs: "{\(rideAlongs.joined(separator: ","))}")
        try await uploads.destroy(session)
        log.event("round.released", ["session": String(session.hex.prefix(8)), "round": String(round)])
    }

    private func storedOptimizer(_ task: TaskState) async throws -> ServerOptimizer {
        guard let digest = task.optimizer else {
            return try task.plan.plan.job.makeServerOptimizer()
        }
        return try ServerOptimizer(decoding: try await models.read(digest))
    }

    private func storeRelease(
        _ session: Digest, model: Digest, optimizer: Digest, sumDigest: Digest, rideAlongs: String
    ) async throws {
        let now = clock.nowMilliseconds()
        let random = random
        try await store.transact { state, connection in
            guard let live = state.attempts[session], var task = state.tasks[live.job],
                let survivors = live.attempt.session.survivors
            else { return }
            var attempt = live.attempt
            let effects = try attempt.released(nowMilliseconds: now)
            let charge = try connection.queryOne(
                "SELECT number, position FROM charge WHERE session = ?", session.bytes
            ) { (number: try $0.integer(0), position: Int(try $0.integer(1))) }
            guard let charge else { throw Problem.storage }
            try state.willChange(connection)
            let event = RoundEvent.modelReleased(
                try ModelReleased(
                    attempt: try live.reference(session), survivorDigest: survivors.digest, sumDigest: sumDigest,
                    modelDigest: model, parentModelDigest: task.model, chargeIndex: charge.position))
            let position = try state.appendPublic(
                .round, payload: event.encoded(), nowMilliseconds: now, random: random, connection)
            let round = attempt.session.parameters.body.round
            try connection.execute(
                "INSERT INTO release VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", live.job.bytes, Int64(round), session.bytes,
                charge.number, task.model.bytes, model.bytes, rideAlongs, now, position)
            try connection.execute(
                "UPDATE task SET model = ?, optimizer = ? WHERE job = ?", model.bytes, optimizer.bytes, live.job.bytes)
            // The shares have served: with the uploads gone too, nothing here can be unmasked again.
            try connection.execute("DELETE FROM reveal WHERE session = ?", session.bytes)
            task.model = model
            task.optimizer = optimizer
            task.releasedRounds += 1
            state.tasks[live.job] = task
            try state.perform(
                effects, of: session, attempt: attempt, nowMilliseconds: now, random: random, connection)
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
