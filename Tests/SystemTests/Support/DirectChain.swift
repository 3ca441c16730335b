// A coordinator called in memory: its real storage, state and handlers, with a clock that the test turns and nodes that do
// what the test says. Nothing runs by itself, so a crash can be put between any two steps.

import Consent
import Cryptography
import Foundation
import HTTPServer
import Identity
import Rounds
import SecureAggregation
import Storage
import Testing
import WireFormat

@testable import Coordinator

/// One chain. Used by one task at a time.
final class DirectChain {
    let keys: TestKeys
    let folder: TestFolder
    let clock: ManualClock
    private(set) var service: CoordinatorService
    var nodes: [ScriptedNode]
    var epoch: Epoch?
    /// The plan of the task that ``prepare()`` runs.
    private(set) var plan: ValidatedPlan
    private var generation = 0

    static let deadlines = AttemptDeadlines(collecting: 60_000, labelling: 60_000, revealing: 60_000)

    /// A new chain: an open epoch, nothing else.
    /// - Parameters:
    ///   - keys: the chain's.
    ///   - folder: where everything is kept; a new one if nil.
    init(keys: TestKeys = .shared, folder: TestFolder? = nil) async throws {
        self.keys = keys
        self.folder = try folder ?? TestFolder()
        clock = ManualClock(nowMilliseconds: keys.nowMilliseconds)
        let chain = keys
        nodes = try chain.stores.indices.map { try ScriptedNode(index: $0, chain: chain) }
        plan = try ValidatedPlan(verifying: try chain.plan(), owner: chain.anchors.planOwnerKey)
        service = try await Self.open(self.folder("data-0"), keys: keys, clock: clock)
    }

    private init(copying prepared: Prepared) async throws {
        folder = try TestFolder()
        keys = prepared.keys
        clock = ManualClock(nowMilliseconds: keys.nowMilliseconds)
        nodes = prepared.nodes
        epoch = prepared.epoch
        plan = prepared.plan
        try TestFolder.image(of: prepared.folder("data-0"), at: "\(folder.path)/data-0")
        service = try await Self.open("\(folder.path)/data-0", keys: keys, clock: clock)
    }

    private struct Prepared: Sendable {
        let keys: TestKeys
        let folder: TestFolder
        let nodes: [ScriptedNode]
        let epoch: Epoch
        let plan: ValidatedPlan
    }

    private static let preparation = Task { try await prepare(.shared) }
    private static let groupedPreparation = Task { try await prepare(.grouped, trim: 1) }

    /// - Parameter trim: asks for groups of 18 and this trim.
    private static func prepare(_ keys: TestKeys, trim: Int? = nil) async throws -> Prepared {
        // Kept for the whole process, so below the folder that goes with it.
        let chain = try await DirectChain(keys: keys, folder: try TestFolder(below: keys.folder))
        try await chain.enlist()
        try await chain.startTask(
            try keys.plan(subCohorts: trim.map { SubCohortSettings(groupSize: 18, trim: $0) }))
        await chain.service.store.database.close()
        return Prepared(
            keys: chain.keys, folder: chain.folder, nodes: chain.nodes, epoch: try #require(chain.epoch),
            plan: chain.plan)
    }

    /// A copy of a chain that is ready for rounds: the epoch closed, every node with prekeys, an approved task with all
    /// its rounds asked for. Made once, because dealing prekeys takes longer than most tests.
    static func ready() async throws -> DirectChain {
        try await DirectChain(copying: try await preparation.value)
    }

    /// The same for a chain of 54 stores whose task sums its rounds in three groups and drops one mean at each end.
    static func readyInGroups() async throws -> DirectChain {
        try await DirectChain(copying: try await groupedPreparation.value)
    }

    static func configuration(_ data: String, keys: TestKeys = .shared) -> CoordinatorConfiguration {
        var configuration = CoordinatorConfiguration(
            dataDirectory: data, keysDirectory: keys.coordinatorFolder)
        configuration.deadlines = deadlines
        configuration.openPatienceMilliseconds = 1_000
        configuration.helloPatienceMilliseconds = 1_000
        return configuration
    }

    private static func open(
        _ data: String, keys: TestKeys, clock: ManualClock
    ) async throws -> CoordinatorService {
        try await CoordinatorService(configuration: configuration(data, keys: keys), clock: clock)
    }

    var dataFolder: String { "\(folder.path)/data-\(generation)" }

    /// Kills the coordinator and starts another one on what its disk held at that moment.
    /// - Parameter change: what happens to the folder in between.
    func crash(_ change: (String) throws -> Void = { _ in }) async throws {
        let old = service
        let source = dataFolder
        generation += 1
        try TestFolder.image(of: source, at: dataFolder)
        try change(dataFolder)
        service = try await Self.open(dataFolder, keys: keys, clock: clock)
        await old.store.database.close()
    }

    /// A copy of the coordinator's folder as it is now.
    func backup() throws -> String {
        let path = folder("backup-\(UUID().uuidString)")
        try TestFolder.image(of: dataFolder, at: path)
        return path
    }

    // MARK: Calls

    /// Calls an operation as `peer`.
    func call(
        _ peer: PeerIdentity?, _ method: HTTPMethod, _ path: String, query: [String: String] = [:], body: [UInt8] = []
    ) async -> HTTPResponse {
        await API(service: service).handle(
            HTTPRequest(
                method: method, path: path.split(separator: "/").map(String.init), query: query, requestID: "test",
                body: body, peer: peer))
    }

    /// Calls an operation that must succeed.
    @discardableResult
    func success(
        _ peer: PeerIdentity?, _ method: HTTPMethod, _ path: String, query: [String: String] = [:], body: [UInt8] = [],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> [UInt8] {
        let response = await call(peer, method, path, query: query, body: body)
        try #require(
            (200..<300).contains(response.status), "\(path): \(String(decoding: response.body, as: UTF8.self))",
            sourceLocation: sourceLocation)
        return response.body
    }

    func person(_ role: Role) throws -> PeerIdentity { try TestKeys.peer(keys.person(role)) }

    func tick() async throws { try await service.tick() }

    // MARK: Preparation

    /// Every node says hello, delivers `prekeys` prekeys and asks for work once.
    /// - Parameter late: how many of the last nodes come only after the epoch's list was closed.
    func enlist(prekeys: Int = 3, late: Int = 0) async throws {
        try await tick()
        for index in nodes.indices.dropLast(late) {
            let hello = try nodes[index].hello(epoch: 1, register: keys.register)
            try await success(nodes[index].peer, .post, "v1/epochs/1/hellos", body: hello.encoded())
        }
        if late > 0 { clock.advance(milliseconds: 2_000) }
        try await tick()
        let bytes = try await success(nodes[0].peer, .get, "v1/epochs/current")
        let epoch = try Epoch(verifying: try EpochAnnouncement(decoding: bytes), register: keys.register)
        self.epoch = epoch
        for index in nodes.indices {
            for _ in 0..<prekeys {
                let bundle = try nodes[index].dealPrekey(register: keys.register, epoch: epoch)
                try await success(nodes[index].peer, .post, "v1/prekeys", body: bundle.encoded())
            }
        }
    }

    /// Puts a task in place and asks for all its rounds.
    @discardableResult
    func startTask(
        _ signed: SignedMessage<TrainingPlan>? = nil, rounds: Int = TestKeys.rounds
    ) async throws -> JobID {
        let engineer = try person(.engineer)
        try await success(engineer, .post, "v1/models", body: try TestKeys.initialModel())
        let signed = try signed ?? keys.plan()
        plan = try ValidatedPlan(verifying: signed, owner: keys.anchors.planOwnerKey)
        try await success(engineer, .post, "v1/tasks", body: signed.encoded())
        let job = plan.jobID
        try await success(try person(.officer), .post, "v1/tasks/\(job)/approval")
        try await success(engineer, .post, "v1/tasks/\(job)/rounds", body: [UInt8]("{\"total\":\(rounds)}".utf8))
        return job
    }

    // MARK: Looking

    /// The numbers of rows in every table: what "nothing was stored" compares.
    func rowCounts() async throws -> [String: Int] {
        try await service.store.database.read { connection in
            var counts: [String: Int] = [:]
            for row in try connection.query(Self.countStatement, map: { (try $0.text(0), Int(try $0.integer(1))) }) {
                counts[row.0] = row.1
            }
            return counts
        }
    }

    private static let countStatement: StaticString = """
        SELECT 'ledger', count(*) FROM ledger UNION ALL SELECT 'subject', count(*) FROM subject
        UNION ALL SELECT 'vault', count(*) FROM vault UNION ALL SELECT 'event', count(*) FROM event_identifier
        UNION ALL SELECT 'hello', count(*) FROM hello UNION ALL SELECT 'prekey', count(*) FROM prekey
        UNION ALL SELECT 'task', count(*) FROM task UNION ALL SELECT 'attempt', count(*) FROM attempt
        UNION ALL SELECT 'cohort', count(*) FROM cohort UNION ALL SELECT 'upload', count(*) FROM upload
        UNION ALL SELECT 'survivors', count(*) FROM survivors UNION ALL SELECT 'vote', count(*) FROM vote
        UNION ALL SELECT 'reservation', count(*) FROM reservation UNION ALL SELECT 'charge', count(*) FROM charge
        UNION ALL SELECT 'reveal', count(*) FROM reveal UNION ALL SELECT 'aggregate', count(*) FROM aggregate
        UNION ALL SELECT 'release', count(*) FROM release UNION ALL SELECT 'fault', count(*) FROM fault
        UNION ALL SELECT 'share_report', count(*) FROM share_report
        """

    /// The state of every attempt, in order.
    func attemptStates() async throws -> [String] {
        try await service.store.database.read { connection in
            try connection.query("SELECT state FROM attempt ORDER BY round, number, group_index") { try $0.text(0) }
        }
    }

    /// The sums that were stored, in order of their rounds.
    func sums() async throws -> [[Int64]] {
        try await service.store.database.read { connection in
            try connection.query(
                "SELECT g.sum FROM aggregate g JOIN attempt a ON a.session = g.session ORDER BY a.round, a.group_index"
            ) { try NoisySum.decode(try $0.blob(0)) }
        }
    }

    /// Nodes that evidence convicts.
    var quarantinedNodes: Set<NodeIndex> {
        get async throws { try await service.store.transact { state, _ in state.quarantinedNodes } }
    }

    var quarantined: Bool {
        get async throws { try await service.store.transact { state, _ in state.quarantined } }
    }
}
