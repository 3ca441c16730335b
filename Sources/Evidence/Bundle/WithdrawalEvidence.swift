// What shows that a customer who had taken consent back was outside a later round: her withdrawal is in the log, the
// node's view at the pinned checkpoint does not say "given", and the set the node committed to does not have her.

import Consent
import Cryptography
import WireFormat

/// One customer, one round. Personal data: it names a data subject and opens a node's cohort salt, so it goes into a
/// bundle only for a reader who is entitled to it. Holds whatever came from outside; ``EvidenceVerifier`` judges it.
public struct WithdrawalEvidence: WireMessage {
    /// The message's name in the CDDL.
    public static let messageName = "withdrawal-evidence"

    /// What a node's view says about a subject.
    public enum Standing: Equatable, Sendable {
        /// The view has this row of hers.
        case row(ProvenLeaf)
        /// The view has no row of hers.
        case absent(AbsenceProof)
    }

    /// The data subject.
    public let handle: SubjectHandle
    /// The event that took consent back, opened.
    public let event: LogEntryEvidence
    /// The round she was outside of.
    public let round: UInt32
    /// Register index of the node, her home store's.
    public let node: UInt32
    /// The node's view at the checkpoint that the round pinned.
    public let statement: ViewStatement
    /// 64 bytes: the log key's signature of ``statement``.
    public let statementSignature: [UInt8]
    /// Her standing in that view.
    public let standing: Standing
    /// Shows that the committed eligible set does not have her.
    public let cohortAbsence: CohortAbsence

    /// Collects the proofs about one customer in one round.
    public init(
        handle: SubjectHandle, event: LogEntryEvidence, round: UInt32, node: UInt32, statement: ViewStatement,
        statementSignature: [UInt8], standing: Standing, cohortAbsence: CohortAbsence
    ) {
        self.handle = handle
        self.event = event
        self.round = round
        self.node = node
        self.statement = statement
        self.statementSignature = statementSignature
        self.standing = standing
        self.cohortAbsence = cohortAbsence
    }

    /// The message as a CBOR map with numbered fields.
    public var cborValue: CBORValue {
        var row: ProvenLeaf?
        var absence: AbsenceProof?
        switch standing {
        case .row(let leaf): row = leaf
        case .absent(let proof): absence = proof
        }
        return .message(
            (1, .bytes(handle.bytes)), (2, event.cborValue), (3, .unsigned(UInt64(round))),
            (4, .unsigned(UInt64(node))), (5, statement.cborValue), (6, .bytes(statementSignature)),
            (7, row?.cborValue), (8, absence?.cborValue), (9, cohortAbsence.cborValue))
    }

    /// Reads the proofs, unverified.
    /// - Throws: `WireFormatError`.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        let handleBytes = try fields.bytes(1, "handle", count: SubjectHandle.byteCount)
        do { handle = try SubjectHandle(handleBytes) } catch {
            throw .unexpected(field: "\(Self.messageName).handle", expected: "16 bytes")
        }
        event = try fields.message(2, "event")
        round = UInt32(try fields.unsigned(3, "round", in: 0...UInt64(UInt32.max)))
        node = try fields.node(4, "node")
        statement = try fields.message(5, "statement")
        statementSignature = try fields.bytes(6, "statementSignature", count: 64)
        let row: ProvenLeaf? = try fields.optionalMessage(7)
        let absence: AbsenceProof? = try fields.optionalMessage(8)
        switch (row, absence) {
        case (let row?, nil): standing = .row(row)
        case (nil, let absence?): standing = .absent(absence)
        default:
            throw .unexpected(field: "\(Self.messageName).standing", expected: "a row or an absence, not both")
        }
        cohortAbsence = try fields.message(9, "cohortAbsence")
    }
}
