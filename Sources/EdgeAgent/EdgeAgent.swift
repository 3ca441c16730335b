// The store node: asks for work, and does it. Every step is durable before the next, so the process may be killed at any
// point; whatever it then cannot finish, the round finishes without it.

import ChainKeys
import Consent
import Cryptography
import FoundationEssentials
import Glibc
import Locking
import MerkleLog
import Rounds
import SecureAggregation
import Storage
import WireFormat

/// One running agent. Not for concurrent use: ``run(until:)`` is its only loop.
public final class EdgeAgent: Sendable {
    let configuration: AgentConfiguration
    let anchors: TrustAnchors
    let register: Register
    let node: NodeIndex
    let folder: KeyFolder
    let store: AgentStore
    let client: CoordinatorClient
    let inbox: ConsentInbox
    let data: CustomerData
    let ledgerKey: NoteVerifierKey
    let random: any RandomSource
    let log: AgentLog
    let uploads: PendingUploads
    let slotClock: any Clock<Duration>
    private let protocolKey: Ed25519PrivateKey
    private let hedge: SecretBytes
    /// The epoch's agreement key with the agreements it made, and the list it was verified with: both serve the whole epoch.
    private let epochInHand = Locked(EpochInHand())
    private let lock: DataDirectoryLock

    /// Opens the state folder, which one process at a time may hold, verifies the register and reads the transactions.
    /// - Throws: errors of the key folder, of storage, or an import error naming line and field.
    public init(
        configuration: AgentConfiguration, random: any RandomSource = SystemRandomSource(),
        slotClock: any Clock<Duration> = ContinuousClock()
    ) async throws {
        self.configuration = configuration
        self.random = random
        self.slotClock = slotClock
        folder = KeyFolder(path: configuration.keysDirectory)
        let anchors = try folder.anchors()
        self.anchors = anchors
        register = try folder.register(anchors: anchors).body
        let protocolKey = try folder.protocolKey()
        self.protocolKey = protocolKey
        guard let own = register.nodes.first(where: { $0.protocolKey == protocolKey.publicKey }) else {
            throw KeyFolderError.file("protocol.key", reason: "is not in the register")
        }
        node = own.index
        hedge = try folder.hedge()
        log = AgentLog(store: own.name)
        ledgerKey = try NoteVerifierKey(parsing: anchors.ledgerVerifierKey)
        lock = try DataDirectoryLock(path: configuration.stateDirectory)
        let database = try Database(
            path: "\(configuration.stateDirectory)/agent.sqlite", schema: AgentSchema.schema, readers: 1)
        let counter = BootCounter(path: configuration.counterPath)
        store = AgentStore(database: database, counter: counter)
        if try await store.start(counter) { log.event("store.restored") }
        uploads = try PendingUploads(folder: configuration.stateDirectory, hedge: hedge, random: random)
        try await uploads.sweep(keeping: try await store.storedSessions())
        client = try CoordinatorClient(coordinator: configuration.coordinator, tls: folder.tls)
        inbox = ConsentInbox(
            store: store, handleKey: try HandleKey(try folder.handleKey()), chain: anchors.chain, node: own.index,
            folder: configuration.consentDirectory, random: random)
        let handles = inbox
        data = try CustomerData(
            folder: configuration.transactionsDirectory, maximumSkippedRows: configuration.maximumSkippedRows ?? 0,
            handle: { try handles.handle(of: $0) })
    }

    /// Works until `stopped` returns true.
    public func run(until stopped: @escaping @Sendable () -> Bool) async {
        log.event("started")
        while !stopped() {
            var pause = configuration.pollMilliseconds ?? 5_000
            do {
                pause = min(pause, try await turn())
            } catch {
                // Whatever went wrong is public: networks, refusals, deadlines. Data never decides what happens here.
                log.event("turn.failed", ["reason": "\(error)"])
            }
            try? await Task.sleep(for: .milliseconds(pause))
        }
        await store.database.close()
        log.event("stopped")
    }

    /// One turn: captures, epoch, prekeys, then every item of work.
    /// - Returns: milliseconds until the coordinator wants to be asked again.
    func turn() async throws -> Int {
        if try await store.eraseEndedEpochs(nowMilliseconds: Self.nowMilliseconds()) {
            epochInHand.withLock { $0 = EpochInHand() }
        }
        try await removeErased()
        // Before any network: an act against training counts from the moment it is stored here.
        let refused = try await inbox.takeIn()
        for error in refused { log.event("captures.refused", ["reason": error.description]) }
        let list = try await client.work()
        if let head = try await store.head(), UInt64(head.pinned.size) > list.ledgerSize {
            // The log is shorter than a checkpoint its own key signed. Whoever can prove that, must say so.
            try await client.postSeen(checkpoint: head.note)
        }
        guard list.epoch > 0 else {
            await deliverCaptures()
            return Int(list.pollAfterMilliseconds)
        }
        let keys = try await nodeKeys(epoch: list.epoch)
        if !list.helloStored, list.epochRoot == nil { try await sayHello(epoch: list.epoch, keys: keys) }
        // The hello goes first: an epoch that closes without this node leaves it out until the next.
        await deliverCaptures()
        guard list.epochRoot != nil, let epoch = try await currentEpoch(list, keys: keys) else {
            return Int(list.pollAfterMilliseconds)
        }
        // A capture file that cannot be read may hold a withdrawal: no offer is taken until it can.
        let order = WorkOrder(list.items, takesOffers: refused.isEmpty)
        for item in order.items {
            do {
                try await perform(item, keys: keys, epoch: epoch, batches: order.checkBatches)
            } catch {
                log.event("work.failed", ["kind": "\(item.kind)", "reason": "\(error)"])
            }
        }
        try await settle(except: Set(list.items.filter { $0.kind == .offer }.map(\.sessionID)))
        try await refillPrekeys(list, keys: keys, epoch: epoch)
        return Int(list.pollAfterMilliseconds)
    }

    /// What was erased just now and in the turn before (agreement keys, prekeys' private keys) leaves the disk: until its log is
    /// emptied, a database still holds the old pages in one of its files.
    private func removeErased() async throws {
        do { try await store.database.checkpoint() } catch StorageError.busy {
            // Another process reads. The next turn tries again.
            log.event("secrets.still-in-log")
        }
    }

    /// Sends captures; a ledger that refuses or is away does not keep this node from its other work.
    private func deliverCaptures() async {
        do { _ = try await inbox.deliver(to: client) } catch {
            log.event("captures.undelivered", ["reason": "\(error)"])
        }
    }

    private func sayHello(epoch: UInt64, keys: NodeKeys) async throws {
        let hello = EpochHello(
            registerDigest: register.digest, epoch: epoch, node: node, agreementKey: keys.agreementKey.publicKey)
        try await client.post(try SignedMessage(signing: hello, key: keys.protocolKey))
    }

    /// This node's keys in an epoch. The store has the last word: a key that it erased is not used from memory.
    private func nodeKeys(epoch: UInt64) async throws -> NodeKeys {
        let stored: X25519PrivateKey
        do { stored = try await store.agreementKey(epoch: epoch, random: random) } catch {
            epochInHand.withLock { $0 = EpochInHand() }
            throw error
        }
        let key = epochInHand.withLock { inHand in
            // The same key, but the one that remembers what it agreed.
            if let kept = inHand.agreementKey, kept.publicKey == stored.publicKey { return kept }
            inHand = EpochInHand(agreementKey: stored)
            return stored
        }
        return NodeKeys(protocolKey: protocolKey, agreementKey: key, hedge: hedge)
    }

    /// The epoch, verified, its root pinned at first sight; nil if this node cannot take part in it.
    private func currentEpoch(_ list: WorkList, keys: NodeKeys) async throws -> Epoch? {
        let verified = epochInHand.withLock { $0.epoch }
        if let verified, verified.number == list.epoch, verified.root == list.epochRoot {
            return mayUse(verified, keys: keys) ? verified : nil
        }
        let epoch = try await verifiedEpoch(list)
        epochInHand.withLock { $0.epoch = epoch }
        guard let epoch else { return nil }
        return mayUse(epoch, keys: keys) ? epoch : nil
    }

    /// The epoch's list as this node pinned it, or as it is announced now; nil if that is of another epoch.
    private func verifiedEpoch(_ list: WorkList) async throws -> Epoch? {
        if let stored = try await store.announcement(epoch: list.epoch) {
            let epoch = try Epoch(verifying: stored, register: register)
            guard epoch.root == list.epochRoot else { throw SecureAggregationError.conflict("the epoch's root") }
            return epoch
        }
        let announcement = try await client.currentEpoch()
        guard announcement.epoch == list.epoch else { return nil }
        let epoch = try Epoch(verifying: announcement, register: register)
        try await store.pin(announcement, root: epoch.root)
        return epoch
    }

    /// Whether this node can take part in an epoch: its own key is in the list, or it came when the list was closed, and its
    /// prekeys carry the key. With another key in the list, from before its disk was replaced, nothing it deals could be
    /// opened: it waits for the next epoch.
    private func mayUse(_ epoch: Epoch, keys: NodeKeys) -> Bool {
        epoch.agreementKeys[node].map { $0 == keys.agreementKey.publicKey } ?? true
    }

    /// Ends what a crash left open: a stored upload is sent once more for its receipt, or learns that the round went on; a
    /// burned prekey without an upload stays unanswered.
    private func settle(except offered: Set<Digest>) async throws {
        for session in try await store.unfinishedSessions() where !offered.contains(session) {
            do {
                switch try await store.record(of: session) {
                case .stored(let envelope): try await send(envelope, session: session)
                case .burned: try await giveUp(session)
                case .new, .closed: break
                }
            } catch {
                log.event("session.unsettled", ["reason": "\(error)"])
            }
        }
    }

    private func refillPrekeys(_ list: WorkList, keys: NodeKeys, epoch: Epoch) async throws {
        let (node, register, random) = (node, register, random)
        let undelivered = try await store.prekeys(stock: configuration.prekeyStock ?? 3, epoch: epoch) { sequence in
            try PreparedPrekey(
                sequence: sequence, node: node, keys: keys, register: register, epoch: epoch, random: random)
        }
        for prekey in undelivered {
            try await client.post(prekey.bundle)
            try await store.delivered(prekey.sequence)
        }
    }

    private func perform(_ item: WorkItem, keys: NodeKeys, epoch: Epoch, batches: Int) async throws {
        // A seat whose holder may have forgotten locks is empty until the next epoch.
        if item.kind != .offer, try await store.isAbsent(fromCommitteeOf: epoch.number) { return }
        switch item.kind {
        case .offer: try await takePart(in: item.sessionID, keys: keys, epoch: epoch)
        case .vote: try await vote(in: item.sessionID, keys: keys, epoch: epoch)
        case .reveal: try await reveal(in: item.sessionID, keys: keys, epoch: epoch)
        case .shareCheck: try await checkShares(keys: keys, epoch: epoch, batches: batches)
        }
    }

    /// The plan, verified under its owner's key.
    func plan(_ digest: Digest) async throws -> ValidatedPlan {
        let plan = try ValidatedPlan(verifying: try await client.plan(digest), owner: anchors.planOwnerKey)
        guard plan.digest == digest else { throw SecureAggregationError.mismatch(field: "planDigest") }
        guard plan.plan.corruptMax == register.corruptMax else {
            throw SecureAggregationError.mismatch(field: "corruptMax")
        }
        return plan
    }

    func context(_ plan: ValidatedPlan, epoch: Epoch) -> SessionContext {
        SessionContext(
            register: register, epoch: epoch, coordinatorKey: anchors.coordinatorKey, plan: plan.facts,
            nowMilliseconds: Self.nowMilliseconds())
    }

    static func nowMilliseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}

/// What one epoch's turns share. Gone from memory when the store erases the key.
private struct EpochInHand: Sendable {
    var agreementKey: X25519PrivateKey?
    var epoch: Epoch?
}
