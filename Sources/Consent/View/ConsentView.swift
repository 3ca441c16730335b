// What one store gets to know: its own customers, as of one checkpoint. Specification, section 7.

import Cryptography
import WireFormat

/// The state of a node's home customers as of one pinned checkpoint. Unverified: see ``VerifiedView``.
public struct ConsentView: WireMessage {
    /// Most rows of a view: 100 MB on the wire, far more than one store has customers.
    public static let maximumRows = 1 << 22

    /// Name of the log, the first line of its checkpoints.
    public let origin: String
    /// Register index of the node.
    public let node: UInt32
    /// The checkpoint whose state this is.
    public let pinned: PinnedCheckpoint
    /// The size that the previous round pinned: moves since then leave a gap.
    public let previousPinned: Int
    /// The checkpoint's time, at which expiries were judged; milliseconds since 1970 UTC.
    public let asOfMilliseconds: Int64
    /// The rows' bytes, ascending by handle.
    public let rowBytes: [UInt8]
    /// RFC 6962 root over the rows.
    public let viewRoot: Digest

    /// Makes a view of rows.
    /// - Parameters:
    ///   - rows: strictly ascending by handle.
    /// - Throws: ``ConsentError/invalid(field:expected:)``.
    init(
        origin: String, node: UInt32, pinned: PinnedCheckpoint, previousPinned: Int, asOfMilliseconds: Int64,
        rows: [ViewRow]
    ) throws(ConsentError) {
        guard rows.count <= Self.maximumRows else { throw .invalid(field: "rows", expected: "at most 2^22 rows") }
        guard (1...255).contains(origin.utf8.count) else { throw .invalid(field: "origin", expected: "1...255 bytes") }
        guard (0...LedgerLeaf.maximumMilliseconds).contains(asOfMilliseconds) else {
            throw .invalid(field: "asOf", expected: "a time of 48 bits")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(rows.count * ViewRow.byteCount)
        for row in rows { row.append(to: &bytes) }
        self.origin = origin
        self.node = node
        self.pinned = pinned
        self.previousPinned = previousPinned
        self.asOfMilliseconds = asOfMilliseconds
        rowBytes = bytes
        viewRoot = SortedTree(leaves: bytes, width: ViewRow.byteCount).root
    }

    /// Number of rows.
    public var rowCount: Int { rowBytes.count / ViewRow.byteCount }

    /// The row at a position.
    /// - Throws: ``ConsentError/invalid(field:expected:)`` outside 0..<``rowCount``, or if the bytes are no row.
    public func row(at position: Int) throws(ConsentError) -> ViewRow {
        guard (0..<rowCount).contains(position) else { throw .invalid(field: "position", expected: "a row's") }
        return try ViewRow(decoding: rowBytes[position * ViewRow.byteCount..<(position + 1) * ViewRow.byteCount])
    }

    /// What the ledger's key signs, and the log shows, about this view.
    public var statement: ViewStatement {
        ViewStatement(
            origin: origin, node: node, pinned: pinned, previousPinned: previousPinned,
            asOfMilliseconds: asOfMilliseconds, viewRoot: viewRoot)
    }

    /// The message's name in the CDDL.
    public static let messageName = "consent-view"

    /// The message as a CBOR map with numbered fields.
    public var cborValue: CBORValue {
        .message(
            (1, .text(origin)), (2, .unsigned(UInt64(node))), (3, pinned.cborValue),
            (4, CBORValue(Int64(previousPinned))), (5, CBORValue(asOfMilliseconds)), (6, .bytes(rowBytes)),
            (7, .digest(viewRoot)))
    }

    /// Reads the message from its fields.
    /// - Throws: `WireFormatError`. Rows are judged by ``VerifiedView``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        origin = try fields.text(1, "origin", maximum: 255)
        node = UInt32(try fields.unsigned(2, "node", in: 0...UInt64(UInt32.max)))
        pinned = try fields.message(3, "pinned")
        previousPinned = try fields.integer(4, "previousPinned", in: 0...pinned.size)
        asOfMilliseconds = try fields.milliseconds(5, "asOf")
        rowBytes = try fields.bytes(6, "rows", maximum: Self.maximumRows * ViewRow.byteCount)
        guard rowBytes.count.isMultiple(of: ViewRow.byteCount) else {
            throw .unexpected(field: "\(Self.messageName).rows", expected: "rows of 24 bytes")
        }
        viewRoot = try fields.digest(7, "viewRoot")
    }
}

extension ConsentView: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Safe to log: the node and the size, no rows.
    public var description: String { "<view of node \(node) at \(pinned.size)>" }
    /// The same as ``description``.
    public var debugDescription: String { description }
    /// Empty: reflection finds nothing to print.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
