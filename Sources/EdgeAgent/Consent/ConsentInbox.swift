// From capture files to the ledger: every act becomes an event in the agent's own database first (durable, idempotent),
// acts against training take effect at once, and the events then go up in batches until each has its log index.

import Consent
import Cryptography
import FoundationEssentials
import Glibc
import Rounds
import SecureAggregation
import Storage
import WireFormat

/// The node's consent captures.
struct ConsentInbox: Sendable {
    let store: AgentStore
    let handleKey: HandleKey
    let chain: String
    let node: NodeIndex
    let folder: String
    let random: any RandomSource

    /// The handle of a customer of this chain.
    func handle(of customerID: String) throws -> SubjectHandle {
        try handleKey.handle(tenant: chain, namespace: "loyalty", canonicalID: customerID)
    }

    /// Takes in files that were not seen before, in name order. A file is taken whole, in one transaction; a refused one
    /// does not hold up the others.
    /// - Returns: what was wrong with files that are not taken in. While there is any, somebody's withdrawal may be in it,
    ///   and the node takes no offer.
    /// - Throws: an error of the file system if the folder cannot be read, or of storage.
    func takeIn() async throws -> [CaptureFileError] {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".csv") }.sorted()
        let seen = Dictionary(
            uniqueKeysWithValues: try await store.database.read { connection in
                try connection.query("SELECT name, bytes FROM capture_file") { (try $0.text(0), try $0.integer(1)) }
            })
        var refused: [CaptureFileError] = []
        for name in names {
            let path = "\(folder)/\(name)"
            var status = stat()
            guard stat(path, &status) == 0 else { throw FileReadError(code: errno) }
            let size = Int64(status.st_size)
            if let taken = seen[name] {
                if taken != size {
                    refused.append(CaptureFileError(line: 0, field: "file", expected: "no change once it was taken in"))
                }
                continue
            }
            do {
                let data = try Data(contentsOf: URL(filePath: path))
                let captures = try CaptureFile.parse(String(decoding: data, as: UTF8.self))
                try await store(captures, file: name, byteCount: data.count)
            } catch let error as CaptureFileError {
                refused.append(error)
            }
        }
        return refused
    }

    private func store(_ captures: [ConsentCapture], file: String, byteCount: Int) async throws {
        let inbox = self
        try await store.record { connection in
            let boot = try inbox.bootIdentifier(connection)
            var sequence = try connection.queryOne("SELECT count(*) FROM consent_event") { try $0.integer(0) } ?? 0
            for (row, capture) in captures.enumerated() {
                sequence += 1
                let handle = try inbox.handle(of: capture.customerID)
                let identifier = try EventIdentifier.make(
                    source: inbox.node, boot: boot, sequence: UInt64(sequence))
                // What this store knows of the customer's earlier decisions is the causal past of this one.
                let heads = capture.kind.isDecision ? try inbox.heads(of: handle, connection) : []
                let event: ConsentEvent
                do {
                    event = try ConsentEvent(
                        capture.kind, of: handle, identifier: identifier, purposes: capture.purposes,
                        legalBasis: capture.kind == .granted ? .consent : nil, jurisdiction: capture.jurisdiction,
                        notice: capture.notice, channel: capture.channel, actor: .subject,
                        homeNode: capture.kind == .homeAssigned ? inbox.node : nil,
                        capturedAtMilliseconds: capture.capturedAtMilliseconds,
                        expiresAtMilliseconds: capture.expiresAtMilliseconds, seen: heads)
                } catch {
                    throw CaptureFileError(line: row + 2, field: "row", expected: "\(error)")
                }
                try connection.execute(
                    "INSERT INTO consent_event(identifier, handle, training, payload) VALUES (?, ?, ?, ?)",
                    identifier.bytes, handle.bytes, Self.trainingDecision(capture), event.encoded())
            }
            try connection.execute("INSERT INTO capture_file VALUES (?, ?)", file, byteCount)
        }
    }

    /// The last decision of a customer captured here; each event names the one before, so this is the head.
    private func heads(
        of handle: SubjectHandle, _ connection: borrowing SQLConnection
    ) throws -> [EventIdentifier] {
        let payloads = try connection.query(
            "SELECT payload FROM consent_event WHERE handle = ? ORDER BY number DESC LIMIT 16", handle.bytes
        ) { try $0.blob(0) }
        for payload in payloads {
            let event = try ConsentEvent(decoding: payload)
            if event.kind.isDecision { return [event.identifier] }
        }
        return []
    }

    /// A random name for this database's life, or since the ledger last objected to a name after a restoration.
    func bootIdentifier(_ connection: borrowing SQLConnection) throws -> [UInt8] {
        if let stored = try connection.queryOne("SELECT identifier FROM boot", map: { try $0.blob(0) }) {
            return stored
        }
        let identifier = try random.publicBytes(count: 16)
        try connection.execute("INSERT INTO boot VALUES (1, ?, 1)", identifier)
        return identifier
    }

    /// Sends events that have no log index yet.
    /// - Returns: how many were acknowledged.
    func deliver(to client: CoordinatorClient) async throws -> Int {
        var delivered = 0
        while true {
            let batch = try await store.database.read { connection in
                try connection.query(
                    "SELECT number, payload FROM consent_event WHERE position IS NULL ORDER BY number LIMIT ?",
                    EventBatch.maximumEvents / 2
                ) { (number: try $0.integer(0), payload: try $0.blob(1)) }
            }
            guard !batch.isEmpty else { return delivered }
            let receipts: EventReceipts
            do { receipts = try await client.post(EventBatch(events: batch.map(\.payload))) } catch {
                // The ledger has other events under these names. With the same names it would refuse this batch for ever, and
                // every withdrawal behind it.
                guard case CoordinatorRefusal.status(409, _) = error, try await renameUndelivered() else { throw error }
                continue
            }
            guard receipts.indices.count == batch.count else { throw CoordinatorRefusal.malformed(operation: "events") }
            try await store.database.write { connection in
                for (row, index) in zip(batch, receipts.indices) {
                    try connection.execute(
                        "UPDATE consent_event SET position = ? WHERE number = ?", Int64(index), row.number)
                }
            }
            delivered += batch.count
        }
    }

    /// What an act says about training: 0 nothing, 1 yes, 2 no.
    private static func trainingDecision(_ capture: ConsentCapture) -> Int {
        guard capture.purposes.contains(where: { $0.purpose == .trainFederated }) else { return 0 }
        return capture.kind == .granted ? 1 : 2
    }

    /// Customers whose latest decision captured here is against training. They are left out whatever a view says: that
    /// the ledger has the decision is only the coordinator's word.
    func localRemovals() async throws -> [SubjectHandle] {
        try await store.database.read { connection in
            try connection.query(
                """
                SELECT e.handle FROM consent_event e WHERE e.training = 2 AND NOT EXISTS (
                    SELECT 1 FROM consent_event later
                    WHERE later.handle = e.handle AND later.training <> 0 AND later.number > e.number)
                """
            ) { try SubjectHandle(try $0.blob(0)) }
        }
    }
}
