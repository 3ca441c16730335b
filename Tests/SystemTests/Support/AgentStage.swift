// A chain of scripted nodes with one real agent among them, turn by turn: the coordinator answers over mutual TLS, and what
// nobody asks for does not happen.

import ChainKeys
import Cryptography
import Foundation
import HTTPServer
import Identity
import Rounds
import SecureAggregation
import Storage

@testable import Coordinator
@testable import EdgeAgent

/// Store 0 of a chain that is ready for rounds, as an agent.
final class AgentStage {
    let chain: DirectChain
    let folder: TestFolder
    private let serving: Serving
    private let server: HTTPServer
    private var configuration: AgentConfiguration

    /// What the server answers from; a crash puts another one there.
    private final class Serving: @unchecked Sendable {
        // Proof for @unchecked Sendable: `service` and `log` are touched only under `lock`.
        private let lock = NSLock()
        private var service: CoordinatorService
        private var log: [String] = []
        init(_ service: CoordinatorService) { self.service = service }
        var requests: [String] {
            get { lock.withLock { log } }
            set { lock.withLock { log = newValue } }
        }
        func note(_ request: HTTPRequest) {
            lock.withLock { log.append("\(request.method) " + request.path.joined(separator: "/")) }
        }
        var current: CoordinatorService {
            get { lock.withLock { service } }
            set { lock.withLock { service = newValue } }
        }
    }

    /// What the agent knows of the keys that the chain has of its store.
    enum Past {
        /// Its agreement key and its prekeys.
        case whole
        /// Its agreement key only.
        case noPrekeys
        /// Nothing: its disk was replaced.
        case nothing
    }

    init(_ past: Past = .whole) async throws {
        let chain = try await DirectChain.ready()
        self.chain = chain
        folder = try TestFolder()
        for name in ["state", "sales", "consent"] {
            try FileManager.default.createDirectory(
                atPath: folder(name), withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        }
        // Agents read the machine's clock.
        chain.clock.advance(milliseconds: EdgeAgent.nowMilliseconds() - chain.clock.nowMilliseconds())
        let serving = Serving(chain.service)
        self.serving = serving
        var settings = ServerConfiguration()
        settings.maximumBodyBytes = 16 << 20
        server = try HTTPServer(
            configuration: settings, files: TLSFiles(folder: "\(chain.keys.coordinatorFolder)/tls"),
            handler: { request in
                serving.note(request)
                return await API(service: serving.current).handle(request)
            })
        configuration = AgentConfiguration(
            coordinator: "https://127.0.0.1:\(try server.start())", keysDirectory: chain.keys.storeFolder(0).path,
            stateDirectory: folder("state"), transactionsDirectory: folder("sales"),
            consentDirectory: folder("consent"))
        // The key folder is shared by every chain of this process; the counter belongs to this one.
        configuration.bootCounterPath = folder("boot-counter")
        if past != .nothing { try await remember(prekeys: past == .whole) }
    }

    private func remember(prekeys: Bool) async throws {
        let database = try Database(path: folder("state/agent.sqlite"), schema: AgentSchema.schema, readers: 1)
        let node = chain.nodes[0]
        try await database.write { connection in
            try connection.execute(
                "INSERT INTO epoch(number, agreement_key) VALUES (1, ?)",
                node.keys.agreementKey.rawRepresentation.unprotectedCopy())
            for prekey in node.prekeys.values.sorted(by: { $0.sequence < $1.sequence }) where prekeys {
                try connection.execute(
                    "INSERT INTO prekey(sequence, epoch, secret, digest, delivered) VALUES (?, 1, ?, ?, 1)",
                    Int64(prekey.sequence), prekey.privateKey.rawRepresentation.unprotectedCopy(),
                    prekey.bundle.prekey.body.digest.bytes)
            }
        }
        await database.close()
    }

    /// Runs `body` with an agent that starts before and ends after it, as a process would.
    @discardableResult
    func withAgent<Value>(
        clock: any Swift.Clock<Duration> = SteppedClock(), random: any RandomSource = SystemRandomSource(),
        _ body: (EdgeAgent) async throws -> Value
    ) async throws -> Value {
        let agent = try await EdgeAgent(configuration: configuration, random: random, slotClock: clock)
        do {
            let value = try await body(agent)
            await agent.store.database.close()
            return value
        } catch {
            await agent.store.database.close()
            throw error
        }
    }

    /// Kills the coordinator; the next one answers on the same port.
    func crash(_ change: (String) throws -> Void = { _ in }) async throws {
        try await chain.crash(change)
        serving.current = chain.service
    }

    func stop() async { await server.stop() }

    /// What was asked since the last call, in order: method and path.
    func takeRequests() -> [String] {
        defer { serving.requests = [] }
        return serving.requests
    }

    /// Copies the state folder, while no agent runs.
    func copyState(to name: String) throws {
        try FileManager.default.copyItem(atPath: folder("state"), toPath: folder(name))
    }

    /// Puts a copy in the place of the state folder, while no agent runs.
    func putBackState(from name: String) throws {
        try FileManager.default.removeItem(atPath: folder("state"))
        try FileManager.default.moveItem(atPath: folder(name), toPath: folder("state"))
    }

    /// Names in the agent's state folder that begin with `prefix`.
    func stateFiles(_ prefix: String, in name: String = "state") throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder(name)).filter { $0.hasPrefix(prefix) }.sorted()
    }
}

/// A clock that moves only when something sleeps or when it is pushed.
final class SteppedClock: Swift.Clock, @unchecked Sendable {
    // Proof for @unchecked Sendable: `elapsed` and `wakeups` are touched only under `lock`.
    struct Instant: InstantProtocol {
        let offset: Duration
        func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        func duration(to other: Instant) -> Duration { other.offset - offset }
        static func < (one: Instant, two: Instant) -> Bool { one.offset < two.offset }
    }

    private let lock = NSLock()
    private var elapsed = Duration.zero
    private var wakeups: [(from: Duration, to: Duration)] = []
    private let whileAsleep: @Sendable () async throws -> Void

    /// - Parameter whileAsleep: runs in every sleep; what it throws, the sleep throws.
    init(whileAsleep: @escaping @Sendable () async throws -> Void = {}) { self.whileAsleep = whileAsleep }

    var now: Instant { Instant(offset: lock.withLock { elapsed }) }
    var minimumResolution: Duration { .zero }
    /// Every sleep: when it began, and when it ended.
    var sleeps: [(from: Duration, to: Duration)] { lock.withLock { wakeups } }

    func advance(by duration: Duration) { lock.withLock { elapsed += duration } }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        try await whileAsleep()
        lock.withLock {
            wakeups.append((elapsed, deadline.offset))
            elapsed = max(elapsed, deadline.offset)
        }
    }
}

/// Randomness that takes time: how a test makes a computation long.
struct SlowRandomSource: RandomSource {
    let clock: SteppedClock
    let delay: Duration

    func secretBytes(count: Int) throws(CryptographyError) -> SecretBytes {
        clock.advance(by: delay)
        return try SystemRandomSource().secretBytes(count: count)
    }
}
