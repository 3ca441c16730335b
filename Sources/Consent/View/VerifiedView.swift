// The type that a gate and a cohort ask for: it cannot be made without the checks, so they cannot be forgotten.

import Cryptography

/// A view whose signature, root, order and rows were checked.
public struct VerifiedView: Sendable {
    /// The view.
    public let view: ConsentView
    /// Its rows, strictly ascending by handle.
    public let rows: [ViewRow]

    /// Checks a view.
    ///
    /// - Parameters:
    ///   - signature: the ledger key's signature of ``ConsentView/statement``.
    ///   - origin: the log's name.
    ///   - node: the node that the view must be of.
    ///   - pinned: the checkpoint that the view must be of; its signatures were verified by the caller.
    ///   - previousPinned: the size that the round says the previous one pinned; nil for a view that no round rests on.
    /// - Throws: ``ConsentError``: a wrong origin, node, checkpoint, signature or root, a row that is none, or rows that
    ///   do not ascend.
    public init(
        verifying view: ConsentView, signature: [UInt8], by ledgerKey: Ed25519PublicKey, origin: String, node: UInt32,
        pinned: PinnedCheckpoint, previousPinned: Int?
    ) throws(ConsentError) {
        guard view.origin == origin else { throw .viewMismatch(field: "origin") }
        guard view.node == node else { throw .viewMismatch(field: "node") }
        guard view.pinned == pinned else { throw .viewMismatch(field: "pinned checkpoint") }
        guard previousPinned.map({ $0 == view.previousPinned }) ?? true else {
            throw .viewMismatch(field: "previously pinned size")
        }
        try view.statement.verify(signature: signature, by: ledgerKey)
        var rows: [ViewRow] = []
        rows.reserveCapacity(view.rowCount)
        for position in 0..<view.rowCount {
            let row = try view.row(at: position)
            if let last = rows.last, last.handle >= row.handle {
                throw .invalid(field: "rows", expected: "strictly ascending handles")
            }
            rows.append(row)
        }
        guard SortedTree(leaves: view.rowBytes, width: ViewRow.byteCount).root == view.viewRoot else {
            throw .viewMismatch(field: "root")
        }
        self.view = view
        self.rows = rows
    }
}
