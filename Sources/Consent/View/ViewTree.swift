// Proofs out of a view, for a customer ("your status when round R pinned this") or an auditor.

import Cryptography

/// The tree over a view's rows.
public struct ViewTree: Sendable {
    private let tree: SortedTree

    /// Builds the tree of a verified view: two hashes a row.
    public init(_ view: VerifiedView) { tree = SortedTree(leaves: view.view.rowBytes, width: ViewRow.byteCount) }

    /// The view's root.
    public var root: Digest { tree.root }

    /// Proof of a subject's row; nil if the view has none. Check it with ``ViewStatement/verify(_:showsRowOf:)``.
    /// - Throws: ``ConsentError/proof(_:)`` never for a tree of this type.
    public func row(of handle: SubjectHandle) throws(ConsentError) -> ProvenLeaf? {
        try tree.membership(of: handle.bytes)
    }

    /// Proof that the view has no row of a subject; nil if it has one. Check it with
    /// ``ViewStatement/verify(_:showsNoRowOf:)``. It shows the rows of two neighbours: for auditors, not for customers.
    /// - Throws: ``ConsentError/proof(_:)`` never for a tree of this type.
    public func absence(of handle: SubjectHandle) throws(ConsentError) -> AbsenceProof? {
        try tree.absence(of: handle.bytes)
    }
}
