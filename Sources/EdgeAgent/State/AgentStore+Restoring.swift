// What a node does when its store turns out to be missing or older than it should be. It cannot know what it promised in the
// time that is gone, so it promises nothing that could contradict it.

import Cryptography
import SecureAggregation
import Storage
import WireFormat

extension AgentStore {
    /// Compares store and counter, raises both durably, and takes the consequences if the store is missing or old. Comes
    /// before any networking and before stored uploads are looked at.
    /// - Returns: whether the store had lost something.
    /// - Throws: ``BootCounterError`` if the counter is missing and the store is not new: which of them is right cannot be told.
    func start(_ counter: BootCounter) async throws -> Bool {
        let file = try counter.read()
        let stored = try await database.read { connection in
            try connection.queryOne("SELECT number FROM boot_counter") { UInt64(try $0.integer(0)) } ?? 0
        }
        guard file != nil || stored == 0 else {
            throw BootCounterError(
                description:
                    "boot counter: the file is missing and the store is not new; put the file back, or write a "
                    + "number above \(stored) into it, and the node starts as one whose store was restored")
        }
        // The store goes first, so one that is new must not get ahead of a file that is not there.
        if file == nil { try counter.create() }
        let expected = file ?? 0
        // One more than the file is a stop between the two, or a write of the file that failed. The file has to follow before
        // the store goes on: two ahead would look like a counter that was put back.
        if stored == expected + 1 { try counter.raise(to: stored) }
        let isRestored = stored < expected || stored > expected + 1
        let number = max(stored, expected) + 1
        try await database.write { connection in
            try connection.execute("UPDATE boot_counter SET number = ?", Int64(number))
            guard isRestored else { return }
            try connection.execute(
                "INSERT INTO restoration(number, epoch) SELECT ?, coalesce(max(number), 0) FROM epoch", Int64(number))
            // Any of them may have been used in the time that is gone.
            try connection.execute(
                "UPDATE prekey SET session = zeroblob(32), secret = NULL, bundle = NULL WHERE session IS NULL")
            try connection.execute(
                "UPDATE session SET abandoned = 1, envelope = NULL WHERE receipt IS NULL AND abandoned = 0")
            try ConsentInbox.doubtIdentifiers(connection)
        }
        try counter.raise(to: number)
        return isRestored
    }

    /// Runs a transaction that promises something, and raises the counter before anything of it can be seen outside: a copy of
    /// the store from before it is then known to be old.
    /// - Throws: what `body` throws; ``BootCounterError`` if an earlier raise failed, since a store two ahead of its counter
    ///   could not be told from one whose counter was put back.
    func promise<Value: Sendable>(
        _ body: @escaping @Sendable (borrowing SQLConnection) throws -> Value
    ) async throws -> Value {
        try counter.requireWritable()
        let (value, number) = try await database.write { connection in
            let value = try body(connection)
            try connection.execute("UPDATE boot_counter SET number = number + 1")
            let number = try connection.queryOne("SELECT number FROM boot_counter") { UInt64(try $0.integer(0)) }
            return (value, number ?? 0)
        }
        try counter.raise(to: number)
        return value
    }

    /// The same for captures of consent, which do not wait for a counter that cannot be written: they count from the moment they
    /// are stored. Raised all the same, since a copy from before them gives their identifiers to other events.
    /// - Throws: as ``promise(_:)``, but not for an earlier raise that failed.
    func record<Value: Sendable>(
        _ body: @escaping @Sendable (borrowing SQLConnection) throws -> Value
    ) async throws -> Value {
        (try? counter.requireWritable()) == nil ? try await database.write(body) : try await promise(body)
    }

    /// Whether this node's seat is empty in an epoch: its store was restored in it, and may have forgotten locks.
    func isAbsent(fromCommitteeOf epoch: UInt64) async throws -> Bool {
        try await database.read { connection in
            try connection.queryOne(
                "SELECT 1 FROM restoration WHERE epoch >= ?", Int64(epoch), map: { _ in true }) ?? false
        }
    }

    /// Whether an attempt may belong to a round that this node answered in the time that its store has forgotten: a second
    /// attempt at a round of which the store does not know the first.
    func mayHaveForgotten(_ parameters: SessionParameters) async throws -> Bool {
        guard parameters.attempt > 1 else { return false }
        return try await database.read { connection in
            let isRestored = try connection.queryOne("SELECT 1 FROM restoration", map: { _ in true }) ?? false
            let isKnown = try connection.queryOne(
                "SELECT 1 FROM session WHERE job = ? AND round = ?", parameters.jobID.bytes,
                Int64(parameters.round), map: { _ in true })
            return isRestored && isKnown == nil
        }
    }

    /// Evidence against the coordinator, if this node answered another session as the attempt that is offered now.
    func equivocation(
        of offered: SignedMessage<SessionParameters>, register: Register, coordinatorKey: Ed25519PublicKey
    ) async throws -> FaultEvidence? {
        let parameters = offered.body
        let first = try await database.read { connection in
            try connection.queryOne(
                "SELECT parameters FROM session WHERE job = ? AND round = ? AND attempt = ? AND session <> ?",
                parameters.jobID.bytes, Int64(parameters.round), Int64(parameters.attempt),
                parameters.sessionID.bytes
            ) { try $0.optionalBlob(0).map { try SignedMessage<SessionParameters>(decoding: $0) } } ?? nil
        }
        guard let first else { return nil }
        let evidence = FaultEvidence(registerDigest: register.digest, fault: .equivocation(first, offered))
        // Not signed by the coordinator, or of another register: then it proves nothing, and the offer is refused anyway.
        guard (try? evidence.verify(register: register, coordinatorKey: coordinatorKey)) != nil else { return nil }
        return evidence
    }

    /// Rounds below `round` that a restored store must assume it charged: it does not know which of them it answered.
    static func assumedRounds(
        before round: UInt64, recorded: Set<UInt64>, _ connection: borrowing SQLConnection
    ) throws -> [UInt64] {
        let isRestored = try connection.queryOne("SELECT 1 FROM restoration", map: { _ in true }) ?? false
        guard isRestored, round > 1, round <= 1 << 20 else { return [] }
        return (1..<round).filter { !recorded.contains($0) }
    }

    /// The smallest sequence number a prekey may have: above every number ever used, also by a store that is gone. The epoch
    /// leads; after a restoration the counter follows, which grows faster than prekeys are used. It may be above
    /// `Prekey.maximumSequence`: an epoch is below 2^31 and a counter below 2^40, so it is below 2^64.
    static func sequenceFloor(epoch: UInt64, _ connection: borrowing SQLConnection) throws -> UInt64 {
        let restored = try connection.queryOne("SELECT max(number) FROM restoration") { try $0.optionalInteger(0) }
        return epoch << 32 + ((restored ?? nil).map { UInt64($0) << 12 } ?? 0)
    }
}
