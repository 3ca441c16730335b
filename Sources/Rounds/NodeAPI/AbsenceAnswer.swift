// A store's answer to an auditor: this customer was not in the set this node committed to for that round.

import Consent
import Cryptography
import WireFormat

/// One customer's absence from one node's cohort in one round. Personal data, for whoever is entitled to ask: it names a
/// data subject and opens the node's cohort salt of that round.
public struct AbsenceAnswer: WireMessage {
    /// The message's name in the CDDL.
    public static let messageName = "absence-answer"

    /// The data subject.
    public let handle: SubjectHandle
    /// The round.
    public let round: UInt32
    /// The node.
    public let node: UInt32
    /// The node's view at the checkpoint the round pinned.
    public let statement: ViewStatement
    /// The ledger key's signature of the statement, 64 bytes.
    public let statementSignature: [UInt8]
    /// Her row in that view, if it has one.
    public let row: ProvenLeaf?
    /// Proof that the view has no row of hers, otherwise.
    public let rowAbsence: AbsenceProof?
    /// Proof that the committed cohort does not have her.
    public let cohortAbsence: CohortAbsence

    /// Opens a node's records of a round for one customer.
    /// - Throws: ``ConsentError``; ``ConsentError/notProven(_:)`` if she was in the cohort.
    public init(
        handle: SubjectHandle, round: UInt32, view: VerifiedView, statementSignature: [UInt8], salt: CohortSalt
    ) throws(ConsentError) {
        self.handle = handle
        self.round = round
        node = view.view.node
        statement = view.view.statement
        self.statementSignature = statementSignature
        let tree = ViewTree(view)
        row = try tree.row(of: handle)
        rowAbsence = row == nil ? try tree.absence(of: handle) : nil
        guard let absence = try Cohort(view, salt: salt).absence(of: handle) else {
            throw .notProven("the customer was not in the cohort")
        }
        cohortAbsence = absence
    }

    /// The message as CBOR.
    public var cborValue: CBORValue {
        .message(
            (1, .bytes(handle.bytes)), (2, .unsigned(UInt64(round))), (3, .unsigned(UInt64(node))),
            (4, statement.cborValue), (5, .bytes(statementSignature)), (6, row?.cborValue),
            (7, rowAbsence?.cborValue), (8, cohortAbsence.cborValue))
    }

    /// Reads an answer, unverified.
    /// - Throws: ``WireFormatError``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        let bytes = try fields.bytes(1, "handle", count: SubjectHandle.byteCount)
        do { handle = try SubjectHandle(bytes) } catch {
            throw .unexpected(field: "absence-answer.handle", expected: "16 bytes")
        }
        round = UInt32(try fields.unsigned(2, "round", in: 0...UInt64(UInt32.max)))
        node = UInt32(try fields.unsigned(3, "node", in: 0...UInt64(UInt32.max)))
        statement = try fields.message(4, "statement")
        statementSignature = try fields.bytes(5, "statementSignature", count: 64)
        if let value = fields.optionalField(6) { row = try ProvenLeaf(cborValue: value) } else { row = nil }
        if let value = fields.optionalField(7) {
            rowAbsence = try AbsenceProof(cborValue: value)
        } else {
            rowAbsence = nil
        }
        cohortAbsence = try fields.message(8, "cohortAbsence")
        guard (row == nil) != (rowAbsence == nil) else {
            throw .unexpected(field: "absence-answer", expected: "a row or an absence, not both")
        }
    }
}
