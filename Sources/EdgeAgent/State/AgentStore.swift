// The agent's durable state, one method a fact. Every method returns after the fact is on the disk.

import Consent
import Cryptography
import DifferentialPrivacy
import MerkleLog
import Rounds
import SecureAggregation
import Storage
import WireFormat

/// The agent's database.
struct AgentStore: Sendable {
    let database: Database
    let counter: BootCounter

    // MARK: Epochs and prekeys

    /// This node's agreement key of an epoch, drawn at first use.
    func agreementKey(epoch: UInt64, random: any RandomSource) async throws -> X25519PrivateKey {
        try await database.write { connection in
            let stored = try connection.queryOne(
                "SELECT agreement_key FROM epoch WHERE number = ?", Int64(epoch)
            ) { try $0.optionalBlob(0) }
            if let stored {
                guard let bytes = stored else { throw SecureAggregationError.tooLate("the epoch") }
                return try X25519PrivateKey(SecretBytes(copying: bytes))
            }
            let key = try X25519PrivateKey(try random.secretBytes(count: 32))
            // Keys of past epochs go before the new one is used: that is the window of forward secrecy.
            try connection.execute("UPDATE epoch SET agreement_key = NULL WHERE number < ?", Int64(epoch))
            try connection.execute("UPDATE prekey SET secret = NULL WHERE epoch < ?", Int64(epoch))
            try connection.execute(
                "INSERT INTO epoch(number, agreement_key) VALUES (?, ?)", Int64(epoch),
                key.rawRepresentation.unprotectedCopy())
            return key
        }
    }

    /// Pins an epoch's announcement: the first root seen is the only one.
    func pin(_ announcement: EpochAnnouncement, root: Digest) async throws {
        try await database.write { connection in
            let stored = try connection.queryOne(
                "SELECT root FROM epoch WHERE number = ?", Int64(announcement.epoch)
            ) { try $0.optionalDigest(0) }
            guard let stored else { throw SecureAggregationError.unknown("epoch") }
            if let stored {
                guard stored == root else { throw SecureAggregationError.conflict("the epoch's root") }
                return
            }
            try connection.execute(
                "UPDATE epoch SET announcement = ?, root = ?, ends_at_ms = ? WHERE number = ?", announcement.encoded(),
                root.bytes, announcement.endsAtMilliseconds, Int64(announcement.epoch))
        }
    }

    /// Erases the secrets of epochs that are over for longer than a committee may still be asked. The end is the one that
    /// was announced, so a coordinator that never opens another epoch does not keep them alive.
    /// - Returns: whether there was anything to erase.
    func eraseEndedEpochs(nowMilliseconds: Int64) async throws -> Bool {
        let end = nowMilliseconds - CommitteeMember.graceMilliseconds
        let isDue = try await database.read { connection in
            try connection.queryOne(
                "SELECT 1 FROM epoch WHERE ends_at_ms < ? AND agreement_key IS NOT NULL", end, map: { _ in true })
                ?? false
        }
        guard isDue else { return false }
        try await database.write { connection in
            try connection.execute(
                """
                UPDATE prekey SET secret = NULL WHERE epoch IN (SELECT number FROM epoch WHERE ends_at_ms < ?)
                """, end)
            try connection.execute("UPDATE epoch SET agreement_key = NULL WHERE ends_at_ms < ?", end)
        }
        return true
    }

    /// The pinned announcement of an epoch.
    func announcement(epoch: UInt64) async throws -> EpochAnnouncement? {
        try await database.read { connection in
            try connection.queryOne("SELECT announcement FROM epoch WHERE number = ?", Int64(epoch)) {
                try $0.optionalBlob(0).map { try EpochAnnouncement(decoding: $0) }
            } ?? nil
        }
    }

    /// Makes and stores prekeys until `stock` are unused, and returns the bundles that are not delivered yet.
    /// - Throws: ``SecureAggregationError/alreadyUsed(_:)`` if there is no number left.
    func prekeys(
        stock: Int, epoch: Epoch, make: @escaping @Sendable (UInt64) throws -> PreparedPrekey
    ) async throws -> [(sequence: UInt64, bundle: PrekeyBundle)] {
        let unused = try await database.read { connection in
            try connection.queryOne(
                "SELECT count(*) FROM prekey WHERE epoch = ? AND session IS NULL", Int64(epoch.number)
            ) { Int(try $0.integer(0)) } ?? 0
        }
        if unused < stock {
            // A promise: a copy of the store from before it would give the same numbers to other prekeys.
            try await promise { connection in
                for _ in unused..<stock { try Self.deal(epoch: epoch, make: make, connection) }
            }
        }
        return try await database.read { connection in
            try connection.query(
                "SELECT sequence, bundle FROM prekey WHERE epoch = ? AND delivered = 0 AND session IS NULL",
                Int64(epoch.number)
            ) { (UInt64(try $0.integer(0)), try PrekeyBundle(decoding: try $0.blob(1))) }
        }
    }

    /// Makes and stores the next prekey.
    private static func deal(
        epoch: Epoch, make: (UInt64) throws -> PreparedPrekey, _ connection: borrowing SQLConnection
    ) throws {
        // AUTOINCREMENT never gives a number twice, even after rows are deleted.
        let last = try connection.queryOne(
            "SELECT seq FROM sqlite_sequence WHERE name = 'prekey'"
        ) { try $0.integer(0) }
        let floor = try sequenceFloor(epoch: epoch.number, connection)
        let sequence = max(UInt64(last ?? 0) + 1, floor)
        guard sequence <= Prekey.maximumSequence else {
            throw SecureAggregationError.alreadyUsed("the last prekey sequence")
        }
        let prepared = try make(sequence)
        try connection.execute(
            "INSERT INTO prekey(sequence, epoch, secret, digest, bundle) VALUES (?, ?, ?, ?, ?)",
            Int64(prepared.sequence), Int64(epoch.number),
            prepared.privateKey.rawRepresentation.unprotectedCopy(),
            prepared.bundle.prekey.body.digest.bytes, prepared.bundle.encoded())
    }

    /// The coordinator has this prekey.
    func delivered(_ sequence: UInt64) async throws {
        try await database.write { connection in
            try connection.execute(
                "UPDATE prekey SET delivered = 1, bundle = NULL WHERE sequence = ?", Int64(sequence))
        }
    }

    /// Digests of this node's unused prekeys.
    func unusedPrekeys() async throws -> [UInt64: Digest] {
        let rows = try await database.read { connection in
            try connection.query("SELECT sequence, digest FROM prekey WHERE session IS NULL") {
                (UInt64(try $0.integer(0)), try $0.digest(1))
            }
        }
        return Dictionary(uniqueKeysWithValues: rows)
    }

    // MARK: Sessions

    /// What is known of a session.
    enum SessionRecord: Sendable {
        /// Never seen.
        case new
        /// Its prekey is burned and no upload was stored: a crash between the two. It stays unanswered.
        case burned
        /// The upload is stored and waits for its receipt.
        case stored(UploadEnvelope)
        /// Finished.
        case closed
    }

    func record(of session: Digest) async throws -> SessionRecord {
        try await database.read { connection in
            let row = try connection.queryOne(
                "SELECT envelope, receipt IS NOT NULL OR abandoned FROM session WHERE session = ?", session.bytes
            ) { (try $0.optionalBlob(0), try $0.boolean(1)) }
            guard let row else { return .new }
            if row.1 { return .closed }
            guard let envelope = row.0 else { return .burned }
            return .stored(try UploadEnvelope(decoding: envelope))
        }
    }

    /// Root of the epoch in which this node contributed to an earlier attempt of a round, if it did.
    func earlierEpochRoot(job: JobID, round: UInt64) async throws -> Digest? {
        try await database.read { connection in
            try connection.queryOne(
                """
                SELECT e.root FROM session s JOIN prekey p ON p.sequence = s.sequence JOIN epoch e ON e.number = p.epoch
                WHERE s.job = ? AND s.round = ? LIMIT 1
                """, job.bytes, Int64(round)
            ) { try $0.optionalDigest(0) } ?? nil
        }
    }

    /// Charges a round to this node's budget, once, and returns the charge's number.
    /// - Throws: `BudgetError` if the plan's rounds are used up or the round is out of order.
    func charge(_ plan: ValidatedPlan, round: UInt64, cap: UInt64?) async throws -> UInt64 {
        try await promise { connection in
            let charges = try connection.query("SELECT job, round, number, planned_rounds, micro_zcdp FROM charge") {
                (
                    job: try $0.blob(0), round: UInt64(try $0.integer(1)), number: UInt64(try $0.integer(2)),
                    planned: UInt64(try $0.integer(3)), cost: UInt64(try $0.integer(4))
                )
            }
            let rows = charges.filter { $0.job == plan.jobID.bytes }
            let cost = plan.accountant.microZCDPPerRound
            let planned = UInt64(plan.plan.roundCount)
            // Every job this node ever answered counts towards its cap: a new plan is no new budget.
            var jobs = Dictionary(grouping: charges, by: \.job).compactMapValues { rows in
                rows.first.map {
                    NodeBudget.Job(
                        plannedRounds: $0.planned, microZCDPPerRound: $0.cost, chargedRounds: Set(rows.map(\.round)))
                }
            }
            // A store that forgot charges must not find room under the cap that is not there.
            let assumed = try Self.assumedRounds(before: round, recorded: Set(rows.map(\.round)), connection)
            if !assumed.isEmpty, rows.allSatisfy({ $0.round < round }) {
                jobs[plan.jobID.bytes] = NodeBudget.Job(
                    plannedRounds: rows.first?.planned ?? planned, microZCDPPerRound: rows.first?.cost ?? cost,
                    chargedRounds: Set(rows.map(\.round) + assumed))
            }
            var budget = try NodeBudget(jobs: jobs, capMicroZCDP: cap)
            let isNew = try budget.charge(
                job: plan.jobID.bytes, round: round, plannedRounds: planned, microZCDPPerRound: cost)
            if !isNew, let number = rows.first(where: { $0.round == round })?.number { return number }
            for charged in assumed + [round] {
                try connection.execute(
                    "INSERT INTO charge(job, round, planned_rounds, micro_zcdp) VALUES (?, ?, ?, ?)",
                    plan.jobID.bytes, Int64(charged), Int64(planned), Int64(cost))
            }
            return UInt64(connection.lastInsertedRowID)
        }
    }

    /// Burns a prekey for a session and returns its private key, for this one use.
    /// - Throws: ``SecureAggregationError/alreadyUsed(_:)``.
    func burn(
        _ sequence: UInt64, for signed: SignedMessage<SessionParameters>
    ) async throws -> X25519PrivateKey {
        let parameters = signed.body
        return try await promise { connection in
            let secret = try connection.queryOne(
                "SELECT secret FROM prekey WHERE sequence = ? AND session IS NULL", Int64(sequence)
            ) { try $0.optionalBlob(0) }
            guard let secret, let bytes = secret else { throw SecureAggregationError.alreadyUsed("own prekey") }
            let session = parameters.sessionID
            try connection.execute(
                "UPDATE prekey SET session = ?, secret = NULL WHERE sequence = ?", session.bytes, Int64(sequence))
            do {
                try connection.execute(
                    """
                    INSERT INTO session(session, job, round, attempt, sequence, parameters) VALUES (?, ?, ?, ?, ?, ?)
                    """, session.bytes, parameters.jobID.bytes, Int64(parameters.round), Int64(parameters.attempt),
                    Int64(sequence), signed.encoded())
            } catch let error as StorageError {
                if case .constraint = error { throw SecureAggregationError.alreadyUsed("this attempt") }
                throw error
            }
            return try X25519PrivateKey(SecretBytes(copying: bytes))
        }
    }

    func storeEnvelope(_ envelope: UploadEnvelope, session: Digest) async throws {
        try await database.write { connection in
            try connection.execute(
                "UPDATE session SET envelope = ? WHERE session = ?", envelope.encoded(), session.bytes)
        }
    }

    func storeReceipt(_ receipt: SignedMessage<UploadReceipt>) async throws {
        try await database.write { connection in
            try connection.execute(
                "UPDATE session SET receipt = ?, envelope = NULL WHERE session = ?", receipt.encoded(),
                receipt.body.sessionID.bytes)
        }
    }

    func abandon(_ session: Digest) async throws {
        try await database.write { connection in
            try connection.execute(
                "UPDATE session SET abandoned = 1, envelope = NULL WHERE session = ?", session.bytes)
        }
    }

    /// Sessions whose stored upload waits for a receipt.
    func unfinishedSessions() async throws -> [Digest] {
        try await database.read { connection in
            try connection.query(
                "SELECT session FROM session WHERE receipt IS NULL AND abandoned = 0"
            ) { try $0.digest(0) }
        }
    }

    /// Sessions with a stored upload that waits for a receipt.
    func storedSessions() async throws -> [Digest] {
        try await database.read { connection in
            try connection.query(
                "SELECT session FROM session WHERE receipt IS NULL AND abandoned = 0 AND envelope IS NOT NULL"
            ) { try $0.digest(0) }
        }
    }

    // MARK: Committee locks

    /// The stored promises of the same names as `promises`, whatever they promise.
    func locks(_ promises: [LockChange]) async throws -> CommitteeLocks {
        let changes = try await database.read { connection in
            try promises.compactMap { promise -> LockChange? in
                let row = promise.row
                return try connection.queryOne(
                    "SELECT target FROM committee_lock WHERE kind = ? AND name = ? AND number = ?", row.kind, row.name,
                    row.number
                ) { try LockChange(kind: row.kind, name: row.name, number: row.number, target: try $0.digest(0)) }
            }
        }
        return try CommitteeLocks(restoring: changes)
    }

    /// Stores promises, all or none.
    func store(_ changes: [LockChange]) async throws {
        guard !changes.isEmpty else { return }
        try await promise { connection in
            for change in changes {
                let row = change.row
                // No OR REPLACE: a promise that contradicts an earlier one must fail here too.
                try connection.execute(
                    "INSERT INTO committee_lock VALUES (?, ?, ?, ?)", row.kind, row.name, row.number, row.target.bytes)
            }
        }
    }

    // MARK: The log's head

    /// The newest checkpoint this node has verified.
    func head() async throws -> (pinned: PinnedCheckpoint, note: String)? {
        try await database.read { connection in
            try connection.queryOne("SELECT size, root, note FROM head") {
                (try PinnedCheckpoint(size: Int(try $0.integer(0)), root: try $0.digest(1)), try $0.text(2))
            }
        }
    }

    func storeHead(_ head: PinnedCheckpoint, note: String) async throws {
        try await database.write { connection in
            try connection.execute(
                """
                INSERT INTO head VALUES (1, ?, ?, ?) ON CONFLICT(only) DO UPDATE
                SET size = excluded.size, root = excluded.root, note = excluded.note WHERE excluded.size > size
                """, head.size, head.root.bytes, note)
        }
    }

    // MARK: Cohorts

    func storeCohort(
        _ committed: CohortCommitted, salt: CohortSalt, view: ConsentView, signature: [UInt8], session: Digest
    ) async throws {
        try await database.write { connection in
            try connection.execute(
                "INSERT INTO cohort VALUES (?, ?, ?, ?, ?)", session.bytes, salt.bytes, view.encoded(), signature,
                committed.encoded())
        }
    }
}

extension LockChange {
    fileprivate var row: (kind: Int, name: [UInt8], number: Int64, target: Digest) {
        switch self {
        case .label(let session, let label): (1, session.bytes, 0, label)
        case .prekey(let node, let sequence, let session):
            (2, withUnsafeBytes(of: node.bigEndian) { [UInt8]($0) }, Int64(sequence), session)
        case .round(let job, let round, let opening): (3, job.bytes, Int64(round), opening)
        case .groupRound(let job, let round, let group, let opening):
            (4, job.bytes + withUnsafeBytes(of: UInt32(group).bigEndian) { [UInt8]($0) }, Int64(round), opening)
        case .groupEpoch(let job, let round, let root): (5, job.bytes, Int64(round), root)
        }
    }

    fileprivate init(kind: Int, name: [UInt8], number: Int64, target: Digest) throws {
        switch kind {
        case 1: self = .label(session: try Digest(name), label: target)
        case 2:
            self = .prekey(
                node: name.reduce(0) { $0 << 8 | NodeIndex($1) }, sequence: UInt64(number), session: target)
        case 3: self = .round(job: try JobID(name), round: UInt64(number), opening: target)
        case 4:
            self = .groupRound(
                job: try JobID(Array(name.prefix(16))), round: UInt64(number),
                group: name.dropFirst(16).reduce(0) { $0 << 8 | Int($1) }, opening: target)
        case 5: self = .groupEpoch(job: try JobID(name), round: UInt64(number), epochRoot: target)
        default: throw SecureAggregationError.malformed("stored committee lock")
        }
    }
}
