// What the coordinator keeps in memory: a mirror of the database, confined to the database's writer thread. The database
// is the truth; the mirror is rebuilt from it whenever their revisions differ, which happens at start and after a
// transaction that memory followed but the disk did not.

import Consent
import Cryptography
import DifferentialPrivacy
import MerkleLog
import Rounds
import SecureAggregation
import Storage
import WireFormat

/// The mirror. Reached only through ``CoordinatorStore/transact(_:)``.
final class CoordinatorState {
    /// The database revision this mirror shows.
    private(set) var revision: Int64 = -1

    // The consent log.
    var tree = MerkleTree()
    var ledger = LedgerState()
    var sourceCounts: [UInt32: UInt64] = [:]
    var lastCheckpoint: StoredCheckpoint?

    // Epochs and prekeys.
    var epoch: EpochState?
    var unusedPrekeys: [NodeIndex: [UInt64]] = [:]

    // Tasks and live attempts.
    var tasks: [JobID: TaskState] = [:]
    var attempts: [Digest: LiveAttempt] = [:]
    var revokedCertificates: Set<Digest> = []

    // Faults that were proved, and what committee members said about shares.
    var faults: [StoredFault] = []
    var verdicts = ShareVerdicts()
    /// Nodes whose shares kept a round of this epoch from being opened, without proof against them.
    var leftOutNodes: Set<NodeIndex> = []

    // Volatile: who asked for work when, by the coordinator's clock. Lost at a restart without harm.
    var lastSeen: [NodeIndex: Int64] = [:]
    var quarantined = false

    let keys: CoordinatorKeys
    let deadlines: AttemptDeadlines
    /// Since when ``lastSeen`` is kept: before that, a node that did not ask is not a node that is away.
    let startedMilliseconds: Int64

    init(keys: CoordinatorKeys, deadlines: AttemptDeadlines, startedMilliseconds: Int64) {
        self.keys = keys
        self.deadlines = deadlines
        self.startedMilliseconds = startedMilliseconds
    }

    /// Announces a change: bumps the revision in the database and here. Call before the first change of a transaction; if
    /// the transaction fails, the revisions differ and the mirror is rebuilt.
    /// - Throws: ``Problem`` 503 in quarantine: a log that lost entries must not grow, or it says two things about one size.
    func willChange(_ connection: borrowing SQLConnection) throws {
        if quarantined { throw Problem.quarantined }
        try connection.execute("UPDATE meta SET value = value + 1 WHERE name = 'revision'")
        revision += 1
    }

    /// Rebuilds the mirror if the database moved without it.
    func synchronise(_ connection: borrowing SQLConnection) throws {
        let stored = try connection.queryOne("SELECT value FROM meta WHERE name = 'revision'") { try $0.integer(0) }
        guard let stored, stored != revision else { return }
        try reloadLedger(connection)
        try reloadEpoch(connection)
        try reloadTasks(connection)
        try reloadAttempts(connection)
        revokedCertificates = Set(
            try connection.query("SELECT certificate FROM revoked") { try $0.digest(0) })
        try reloadFaults(connection)
        try reloadVerdicts(connection)
        revision = stored
    }
}

/// The database and its mirror.
final class CoordinatorStore: Sendable {
    let database: Database
    // Proof for nonisolated(unsafe): the state is touched only inside `Database.write` closures, which run one after another
    // on the database's writer thread.
    private nonisolated(unsafe) let state: CoordinatorState

    init(database: Database, state: CoordinatorState) {
        self.database = database
        self.state = state
    }

    /// Runs `body` against an up-to-date mirror inside a durable transaction. What it returns is shown to the caller only
    /// after the commit, so an answer never precedes the state it speaks of.
    func transact<Value: Sendable>(
        _ body: @escaping @Sendable (CoordinatorState, borrowing SQLConnection) throws -> Value
    ) async throws -> Value {
        try await database.write { [self] connection in
            try state.synchronise(connection)
            return try body(state, connection)
        }
    }
}

/// The newest signed checkpoint.
struct StoredCheckpoint: Equatable, Sendable {
    let size: Int
    let root: Digest
    let note: String
    let atMilliseconds: Int64
}

/// The current epoch.
struct EpochState: Sendable {
    let number: UInt64
    let endsAtMilliseconds: Int64
    let openedAtMilliseconds: Int64
    var hellos: [NodeIndex: SignedMessage<EpochHello>]
    var announcement: EpochAnnouncement?
    /// Verified, once closed.
    var closed: Epoch?
}

/// One job.
struct TaskState: Sendable {
    let plan: ValidatedPlan
    let signedPlan: SignedMessage<TrainingPlan>
    let proposedBy: String
    var approvedBy: String?
    var stoppedBy: String?
    var roundsRequested: Int
    /// Digest of the newest model.
    var model: Digest
    /// Digest of the server optimiser's state, after the first round.
    var optimizer: Digest?
    var budget: PrivacyBudget
    /// Highest round number that was opened.
    var lastRound: UInt64
    /// Attempts that round had.
    var lastRoundAttempts: UInt64
    /// Whether that round is finished: released, or void beyond retry.
    var lastRoundFinished: Bool
    /// Rounds that released a model.
    var releasedRounds: Int
    /// Consent size that the latest opened round pinned.
    var lastPinned: Int
    /// When the latest attempt ended.
    var lastEndedMilliseconds: Int64
}

/// An attempt that is not final.
struct LiveAttempt: Sendable {
    let job: JobID
    let eligibleCustomers: Int
    var attempt: Attempt
    /// Nodes whose cohort commitment is stored.
    var committedCohorts: Set<NodeIndex>
    var votedMembers: Set<NodeIndex>
    var revealedMembers: Set<NodeIndex>
    /// The certificates that uploads came with.
    var uploadCertificates: [NodeIndex: Digest] = [:]
    /// The view a node of this session gets.
    let pin: ViewPin
}

/// What a view is a function of.
struct ViewPin: Hashable, Sendable {
    let size: Int
    let previousSize: Int
    let asOfMilliseconds: Int64
}
