// The customers a node may sample from in one round, fixed before any coin is drawn: specification, section 9. Who was
// sampled is nobody's business and nowhere recorded: a count of it alone would undo the privacy the coins bought.

import Cryptography

/// The eligible set of one node in one round, as a tree of salted leaves.
public struct Cohort: Sendable {
    private let tree: SortedTree
    private let salt: CohortSalt
    private let node: UInt32
    private let pinnedSize: Int
    private let viewRoot: Digest

    /// Takes the subjects of a view whose training is permitted at the view's own time.
    /// - Parameters:
    ///   - view: the node's view of exactly the checkpoint that the round pinned.
    ///   - salt: fresh for this round.
    public init(_ view: VerifiedView, salt: CohortSalt) {
        let time = view.view.asOfMilliseconds
        let leaves = view.rows.filter { $0.permitsTraining(atMilliseconds: time) }.map { salt.leaf(of: $0.handle) }
        tree = SortedTree(leaves: leaves.sorted().flatMap(\.bytes), width: Digest.byteCount)
        self.salt = salt
        node = view.view.node
        pinnedSize = view.view.pinned.size
        viewRoot = view.view.viewRoot
    }

    /// The root of the tree.
    public var root: Digest { tree.root }

    /// What the node signs before it uploads.
    public func commitment(for attempt: AttemptReference) -> CohortCommitment {
        CohortCommitment(
            node: node, attempt: attempt, pinnedSize: pinnedSize, viewRoot: viewRoot, cohortRoot: root,
            saltCommitment: salt.commitment)
    }

    /// Shows that a subject was eligible; nil if she was not.
    /// - Throws: ``ConsentError/proof(_:)`` never for a tree of this type.
    public func opening(of handle: SubjectHandle) throws(ConsentError) -> CohortOpening? {
        try tree.membership(of: salt.leaf(of: handle).bytes).map { CohortOpening(salt: salt, leaf: $0) }
    }

    /// Shows that a subject was not eligible; nil if she was.
    /// - Throws: ``ConsentError/proof(_:)`` never for a tree of this type.
    public func absence(of handle: SubjectHandle) throws(ConsentError) -> CohortAbsence? {
        try tree.absence(of: salt.leaf(of: handle).bytes).map { CohortAbsence(salt: salt, proof: $0) }
    }
}
