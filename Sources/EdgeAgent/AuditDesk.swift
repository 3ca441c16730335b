// Answering an auditor from the node's own records, with the agent stopped or running: only reads.

import ChainKeys
import Consent
import Cryptography
import MerkleLog
import Rounds
import SecureAggregation
import Storage
import WireFormat

/// Why an auditor's question has no answer here.
public struct AuditError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Safe to log.
    public let description: String
}

/// Reads a node's records of past rounds.
public struct AuditDesk: Sendable {
    private let database: Database
    private let inbox: ConsentInbox
    private let ledgerKey: NoteVerifierKey

    /// Opens the records that `configuration` names.
    /// - Throws: errors of the key folder or of storage.
    public init(configuration: AgentConfiguration) throws {
        let folder = KeyFolder(path: configuration.keysDirectory)
        let anchors = try folder.anchors()
        database = try Database(
            path: "\(configuration.stateDirectory)/agent.sqlite", schema: AgentSchema.schema, readers: 1)
        ledgerKey = try NoteVerifierKey(parsing: anchors.ledgerVerifierKey)
        inbox = ConsentInbox(
            // Only read here, so nothing raises the counter.
            store: AgentStore(database: database, counter: BootCounter(path: configuration.counterPath)),
            handleKey: try HandleKey(try folder.handleKey()),
            chain: anchors.chain, node: 0, folder: configuration.consentDirectory, random: SystemRandomSource())
    }

    /// Shows that a customer was outside this node's cohort in a round.
    /// - Throws: ``AuditError`` if the node has no record of the round or she was in it.
    public func absence(ofCustomer customer: String, job: JobID, round: UInt64) async throws -> AbsenceAnswer {
        let record = try await database.read { connection in
            try connection.queryOne(
                """
                SELECT c.salt, c.view, c.view_signature FROM cohort c JOIN session s ON s.session = c.session
                WHERE s.job = ? AND s.round = ? ORDER BY s.attempt DESC LIMIT 1
                """, job.bytes, Int64(round)
            ) { (salt: try $0.blob(0), view: try $0.blob(1), signature: try $0.blob(2)) }
        }
        await database.close()
        guard let record else { throw AuditError(description: "this node has no record of that round") }
        let view = try ConsentView(decoding: record.view)
        let verified = try VerifiedView(
            verifying: view, signature: record.signature, by: ledgerKey.publicKey, origin: ledgerKey.name,
            node: view.node, pinned: view.pinned, previousPinned: nil)
        do {
            return try AbsenceAnswer(
                handle: try inbox.handle(of: customer), round: UInt32(truncatingIfNeeded: round), view: verified,
                statementSignature: record.signature, salt: try CohortSalt(record.salt))
        } catch ConsentError.notProven {
            throw AuditError(description: "the customer was in this node's cohort of that round")
        }
    }
}
