// The coordinator put together: storage, keys, the driver that keeps rounds moving, and the API in front.

import ChainKeys
import Cryptography
import FoundationEssentials
import Glibc
import HTTPServer
import Identity
import Locking
import MerkleLog
import Rounds
import SecureAggregation
import Storage

/// One running coordinator. Safe to use from any task.
public final class CoordinatorService: Sendable {
    let configuration: CoordinatorConfiguration
    let clock: any Clock
    let random: any RandomSource
    let log: EventLog
    let keys: CoordinatorKeys
    let nodesByName: [String: NodeIndex]
    let store: CoordinatorStore
    let models: ContentStore
    let uploads: UploadStore
    let headPath: String
    let writtenHead = Locked(0)
    /// Faults that were written to the log.
    let announcedFaults = Locked(0)
    /// Failures of a pass that were written to the log, with their times: a pass comes many times a second.
    let reportedFailures = Locked<[String: Int64]>([:])
    let metrics = Metrics()
    private let lock: DataDirectoryLock

    /// Opens the data directory, which one process at a time may hold, and replays what is stored.
    /// - Throws: `StorageError`, `ConfigurationError`, or an error of the key files; nothing is served then.
    public init(
        configuration: CoordinatorConfiguration, clock: any Clock = SystemClock(),
        random: any RandomSource = SystemRandomSource()
    ) async throws {
        self.configuration = configuration
        self.clock = clock
        self.random = random
        log = EventLog(component: "coordinator", clock: clock)
        keys = try CoordinatorKeys(folder: configuration.keysDirectory)
        nodesByName = Dictionary(uniqueKeysWithValues: keys.register.nodes.map { ($0.name, $0.index) })
        let data = configuration.dataDirectory
        lock = try DataDirectoryLock(path: data)
        let database = try Database(path: "\(data)/coordinator.sqlite", schema: CoordinatorSchema.schema)
        store = CoordinatorStore(
            database: database,
            state: CoordinatorState(
                keys: keys, deadlines: configuration.deadlines, startedMilliseconds: clock.nowMilliseconds()))
        models = try ContentStore(directory: "\(data)/models")
        uploads = UploadStore(
            folder: "\(data)/uploads",
            dataKeys: try DataKeyStore(
                directory: "\(data)/upload-keys", wrappingKey: keys.keyEncryptionKey, randomness: random),
            random: random)
        try Self.makeFolder("\(data)/uploads")
        headPath = configuration.signedHeadPath ?? "\(data)/signed-head"
        try await recover()
        let faults = try await store.transact { state, _ in state.faults.count }
        announcedFaults.withLock { $0 = faults }
    }

    private static func makeFolder(_ path: String) throws {
        if !FileManager.default.fileExists(atPath: path) {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        }
    }

    /// After any stop: replay, destroy uploads of finished sessions, and compare the stored log with the head kept apart.
    private func recover() async throws {
        let (live, size) = try await store.transact { state, _ in (Set(state.attempts.keys), state.tree.count) }
        try await uploads.sweep(keeping: live)
        let bytes: [UInt8]
        // Only its absence may be passed over: a head that cannot be read is not the same as none.
        do { bytes = try DurableFile.read(headPath, limit: 65_536) } catch StorageError.notFound { return }
        let note = try SignedNote(parsing: String(decoding: bytes, as: UTF8.self))
        let head = try Checkpoint(verifying: note, with: [keys.ledgerSigner.verifierKey])
        let consistent = try await store.transact { state, _ in
            head.size <= state.tree.count && (try? state.tree.root(size: head.size)) == head.root
        }
        if !consistent {
            log.event("ledger.behind-head", ["stored": String(size), "signed": String(head.size)])
            try await store.transact { state, _ in state.quarantined = true }
        }
    }

    /// Serves until `stop` is called.
    /// - Parameter announce: told the ports once both listeners accept connections.
    public func run(
        until stopped: @escaping @Sendable () async -> Void,
        announce: @escaping @Sendable (_ port: UInt16, _ healthPort: UInt16?) -> Void
    ) async throws {
        var settings = ServerConfiguration()
        settings.address = configuration.address
        settings.port = configuration.port
        settings.maximumBodyBytes = Operation.allCases.map(\.rule.maximumBody).max() ?? 0
        settings.routeBodyLimit = { method, path in Operation.bodyLimit(method: method, path: path) }
        let api = API(service: self)
        let server = try HTTPServer(
            configuration: settings, files: TLSFiles(folder: "\(configuration.keysDirectory)/tls"),
            handler: { await api.handle($0) })
        let port = try server.start()
        var health: PlainHTTPListener?
        var healthPort: UInt16?
        if let configured = configuration.healthPort {
            var settings = ServerConfiguration()
            settings.port = configured
            let listener = try PlainHTTPListener(configuration: settings) { await api.handleHealth($0) }
            healthPort = try listener.start()
            health = listener
        }
        announce(port, healthPort)
        log.event("started", ["port": String(port)])
        let driver = Task { await self.drive() }
        await stopped()
        driver.cancel()
        _ = await driver.value
        await server.stop()
        await health?.stop()
        await store.database.close()
        log.event("stopped")
    }

    /// Ticks until cancelled. A failing tick is logged and tried again: storage may come back. A storage that cannot be
    /// trusted any more ends the process, because nothing may be acknowledged on it.
    private func drive() async {
        while !Task.isCancelled {
            do {
                try await tick()
            } catch let error as StorageError where error.isFatal {
                log.event("storage.fatal", ["reason": error.description])
                exit(70)
            } catch {
                log.event("tick.failed", ["reason": Problem(error).detail])
            }
            try? await Task.sleep(for: .milliseconds(50))
        }
    }
}
