// Opening and closing epochs, and the stock of prekeys.

import Cryptography
import Rounds
import SecureAggregation
import Storage
import WireFormat

extension CoordinatorState {
    /// Opens the next epoch if there is none, or the current one is over.
    /// - Returns: whether it did.
    func openEpochIfDue(
        nowMilliseconds: Int64, lengthMilliseconds: Int64, _ connection: borrowing SQLConnection
    ) throws -> Bool {
        if let epoch, nowMilliseconds < epoch.endsAtMilliseconds { return false }
        // Sessions of the old epoch must end first: their shares open under its keys only.
        guard attempts.isEmpty else { return false }
        let next = EpochState(
            number: (epoch?.number ?? 0) + 1, endsAtMilliseconds: nowMilliseconds + lengthMilliseconds,
            openedAtMilliseconds: nowMilliseconds, hellos: [:], announcement: nil, closed: nil)
        try willChange(connection)
        try connection.execute(
            "INSERT INTO epoch VALUES (?, ?, ?, NULL)", Int64(next.number), next.endsAtMilliseconds,
            next.openedAtMilliseconds)
        try connection.execute("DELETE FROM complaint")
        try connection.execute("DELETE FROM share_report")
        epoch = next
        unusedPrekeys = [:]
        verdicts = ShareVerdicts()
        leftOutNodes = []
        return true
    }

    /// Stores a node's hello.
    /// - Throws: ``Problem``, ``SecureAggregationError``.
    func receive(_ hello: SignedMessage<EpochHello>, _ connection: borrowing SQLConnection) throws {
        let body = hello.body
        guard var epoch, epoch.number == body.epoch, body.registerDigest == keys.register.digest else {
            throw Problem.gone("no such epoch is open")
        }
        guard let node = keys.register.node(body.node) else { throw Problem.notFound("node") }
        try hello.verify(by: node.protocolKey)
        if let stored = epoch.hellos[body.node] {
            guard stored == hello else { throw Problem.conflict("another hello of this node is stored") }
            return
        }
        guard epoch.closed == nil else { throw Problem.gone("the epoch is closed") }
        try willChange(connection)
        try connection.execute(
            "INSERT INTO hello VALUES (?, ?, ?)", Int64(body.epoch), Int(body.node), hello.encoded())
        epoch.hellos[body.node] = hello
        self.epoch = epoch
    }

    /// Closes the epoch's list of hellos when everyone is there, or a quorum is and the others had their time.
    /// - Returns: whether it did.
    func closeEpochIfDue(
        nowMilliseconds: Int64, patienceMilliseconds: Int64, _ connection: borrowing SQLConnection
    ) throws -> Bool {
        guard var epoch, epoch.closed == nil else { return false }
        let everyone = epoch.hellos.count == keys.register.nodes.count
        let patient = nowMilliseconds >= epoch.openedAtMilliseconds + patienceMilliseconds
        guard everyone || (patient && epoch.hellos.count >= keys.register.smallestMinAlive) else { return false }
        let announcement = EpochAnnouncement(
            registerDigest: keys.register.digest, epoch: epoch.number, endsAtMilliseconds: epoch.endsAtMilliseconds,
            hellos: epoch.hellos.sorted { $0.key < $1.key }.map(\.value))
        guard let closed = try? Epoch(verifying: announcement, register: keys.register) else { return false }
        try willChange(connection)
        try connection.execute(
            "UPDATE epoch SET announcement = ? WHERE number = ?", announcement.encoded(), Int64(epoch.number))
        epoch.announcement = announcement
        epoch.closed = closed
        self.epoch = epoch
        return true
    }

    /// Stores a node's prekey; the same bytes again are accepted again.
    /// - Throws: ``Problem``, ``SecureAggregationError``.
    func receive(_ bundle: PrekeyBundle, from node: NodeIndex, _ connection: borrowing SQLConnection) throws {
        guard bundle.prekey.body.node == node else { throw Problem.forbidden }
        guard let epoch, let closed = epoch.closed else { throw Problem.gone("the epoch is not closed yet") }
        let sequence = bundle.prekey.body.sequence
        let bytes = bundle.encoded()
        let stored = try connection.queryOne(
            "SELECT bundle FROM prekey WHERE node = ? AND sequence = ?", Int(node), Int64(sequence)
        ) { try $0.blob(0) }
        if let stored {
            guard stored == bytes else { throw Problem.conflict("another prekey has this sequence number") }
            return
        }
        try bundle.verify(register: keys.register, epoch: closed)
        // Those that members reject are of no use but stay until the epoch ends: they have a bound of their own.
        guard offerablePrekeys(of: node).count < Self.maximumPrekeyStock,
            unusedPrekeys[node, default: []].count < 4 * Self.maximumPrekeyStock
        else {
            throw Problem.refused("at most \(Self.maximumPrekeyStock) unused prekeys are kept")
        }
        // A copied key would stop every session it is in; it is refused here, where only its sender feels it.
        let key = bundle.prekey.body.publicKey.bytes
        let isCopy = try connection.queryOne("SELECT 1 FROM prekey WHERE public_key = ?", key, map: { _ in true })
        guard isCopy == nil else { throw Problem.conflict("another prekey has this public key") }
        try willChange(connection)
        try connection.execute(
            "INSERT INTO prekey VALUES (?, ?, ?, ?, ?, NULL)", Int(node), Int64(sequence), Int64(epoch.number), key,
            bytes)
        unusedPrekeys[node, default: []].append(sequence)
        verdicts.await(Deal(prekey: bundle.prekey).digest, .prekey(node: node, sequence: sequence))
    }

    /// Unused prekeys kept for one node.
    static let maximumPrekeyStock = 8

    /// Rebuilds epoch and prekey stock. Nothing that was signed for an epoch holds under another register, and nobody can sign it
    /// anew: an epoch that was begun under another one is over, and the next is due.
    func reloadEpoch(_ connection: borrowing SQLConnection) throws {
        epoch = nil
        unusedPrekeys = [:]
        let row = try connection.queryOne(
            "SELECT number, ends_at_ms, opened_at_ms, announcement FROM epoch ORDER BY number DESC LIMIT 1"
        ) { row in
            (
                number: try row.integer(0), ends: try row.integer(1), opened: try row.integer(2),
                announcement: try row.optionalBlob(3).map { try EpochAnnouncement(decoding: $0) }
            )
        }
        guard let row else { return }
        let hellos = try connection.query("SELECT node, message FROM hello WHERE epoch = ?", row.number) {
            (NodeIndex(try $0.integer(0)), try SignedMessage<EpochHello>(decoding: try $0.blob(1)))
        }
        let registers = hellos.map(\.1.body.registerDigest) + (row.announcement.map { [$0.registerDigest] } ?? [])
        guard registers.allSatisfy({ $0 == keys.register.digest }) else {
            epoch = EpochState(
                number: UInt64(row.number), endsAtMilliseconds: row.opened, openedAtMilliseconds: row.opened,
                hellos: [:], announcement: nil, closed: nil)
            return
        }
        epoch = EpochState(
            number: UInt64(row.number), endsAtMilliseconds: row.ends, openedAtMilliseconds: row.opened,
            hellos: Dictionary(uniqueKeysWithValues: hellos), announcement: row.announcement,
            closed: try row.announcement.map { try Epoch(verifying: $0, register: keys.register) })
        let stock = try connection.query(
            "SELECT node, sequence FROM prekey WHERE epoch = ? AND session IS NULL ORDER BY node, sequence", row.number
        ) { (NodeIndex(try $0.integer(0)), UInt64(try $0.integer(1))) }
        for (node, sequence) in stock { unusedPrekeys[node, default: []].append(sequence) }
    }
}
