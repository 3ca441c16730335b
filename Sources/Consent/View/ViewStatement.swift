// One line about a view: small enough to log in clear for every node and round, and without a single customer in it.

import Cryptography
import WireFormat

/// What the ledger's key signs, and what the log shows as the system record `view_root`.
public struct ViewStatement: WireMessage, Hashable {
    /// Name of the log.
    public let origin: String
    /// Register index of the node.
    public let node: UInt32
    /// The checkpoint whose state the view is.
    public let pinned: PinnedCheckpoint
    /// The size that the previous round pinned.
    public let previousPinned: Int
    /// The checkpoint's time, milliseconds since 1970 UTC.
    public let asOfMilliseconds: Int64
    /// RFC 6962 root over the rows.
    public let viewRoot: Digest

    init(
        origin: String, node: UInt32, pinned: PinnedCheckpoint, previousPinned: Int, asOfMilliseconds: Int64,
        viewRoot: Digest
    ) {
        self.origin = origin
        self.node = node
        self.pinned = pinned
        self.previousPinned = previousPinned
        self.asOfMilliseconds = asOfMilliseconds
        self.viewRoot = viewRoot
    }

    private static let signatureDomain = [UInt8]("concord-consent/1/view\0".utf8)

    /// Signs the statement: Ed25519 over `"concord-consent/1/view" 0 ‖ CBOR`.
    /// - Throws: ``ConsentError/cryptography(_:)``.
    public func signature(by key: Ed25519PrivateKey) throws(ConsentError) -> [UInt8] {
        try ConsentError.cryptographic { () throws(CryptographyError) in
            try key.signature(for: Self.signatureDomain + encoded())
        }
    }

    /// Checks a signature of the ledger's key.
    /// - Throws: ``ConsentError/signatureInvalid(_:)``.
    public func verify(signature: [UInt8], by key: Ed25519PublicKey) throws(ConsentError) {
        guard key.isValid(signature: signature, for: Self.signatureDomain + encoded()) else {
            throw .signatureInvalid("the view statement")
        }
    }

    /// Reads a row that a proof shows to be in the view.
    /// - Throws: ``ConsentError`` unless the proof is of this view and the row is the subject's.
    public func verify(_ proof: ProvenLeaf, showsRowOf handle: SubjectHandle) throws(ConsentError) -> ViewRow {
        let row = try ViewRow(decoding: proof.leaf)
        guard row.handle == handle else { throw .notProven("the row is the subject's") }
        try proof.verify(root: viewRoot)
        return row
    }

    /// Checks a proof that the view has no row of a subject. It rests on the rows being in order, which whoever holds
    /// the view has checked (``VerifiedView``).
    /// - Throws: ``ConsentError``.
    public func verify(_ proof: AbsenceProof, showsNoRowOf handle: SubjectHandle) throws(ConsentError) {
        try proof.verify(key: handle.bytes, width: ViewRow.byteCount, root: viewRoot)
    }

    /// The message's name in the CDDL.
    public static let messageName = "view-statement"

    /// The message as a CBOR map with numbered fields.
    public var cborValue: CBORValue {
        .message(
            (1, .text(origin)), (2, .unsigned(UInt64(node))), (3, pinned.cborValue),
            (4, CBORValue(Int64(previousPinned))), (5, CBORValue(asOfMilliseconds)), (6, .digest(viewRoot)))
    }

    /// Reads the message from its fields.
    /// - Throws: `WireFormatError`.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        origin = try fields.text(1, "origin", maximum: 255)
        node = UInt32(try fields.unsigned(2, "node", in: 0...UInt64(UInt32.max)))
        pinned = try fields.message(3, "pinned")
        previousPinned = try fields.integer(4, "previousPinned", in: 0...pinned.size)
        asOfMilliseconds = try fields.milliseconds(5, "asOf")
        viewRoot = try fields.digest(6, "viewRoot")
    }
}
