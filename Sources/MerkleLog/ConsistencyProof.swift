// Proof that a tree extends an older one without changing it: RFC 6962 section 2.1.2, verified in the way of RFC 9162
// section 2.1.4.2.

import Cryptography

/// What links two roots of one append-only log. Holds whatever came from outside; only ``verify(oldRoot:newRoot:)``
/// judges it.
public struct ConsistencyProof: Equatable, Sendable {
    /// Number of leaves of the older tree.
    public let oldSize: Int
    /// Number of leaves of the newer tree.
    public let newSize: Int
    /// Node hashes in the order of RFC 6962 section 2.1.2.
    public let hashes: [Digest]

    /// Wraps a proof from anywhere, unchecked.
    public init(oldSize: Int, newSize: Int, hashes: [Digest]) {
        self.oldSize = oldSize
        self.newSize = newSize
        self.hashes = hashes
    }

    /// Returns if the newer tree begins with the whole older tree; total on all input.
    ///
    /// Equal sizes need equal roots and no hashes, and two empty trees the empty root. An empty older tree with a
    /// newer one that is not empty is refused: such a proof would accept any newer root.
    /// - Throws: ``MerkleLogError/sizeOutOfRange``, ``MerkleLogError/consistencyWithEmptyTree``,
    ///   ``MerkleLogError/proofLength(expected:actual:)`` or ``MerkleLogError/rootMismatch``.
    public func verify(oldRoot: Digest, newRoot: Digest) throws(MerkleLogError) {
        guard oldSize >= 0, oldSize <= newSize else { throw .sizeOutOfRange }
        if oldSize == newSize {
            guard hashes.isEmpty else { throw .proofLength(expected: 0, actual: hashes.count) }
            guard oldRoot == newRoot, oldSize > 0 || oldRoot == MerkleTreeHash.emptyRoot else { throw .rootMismatch }
            return
        }
        guard oldSize > 0 else { throw .consistencyWithEmptyTree }

        // The walk starts at the largest complete subtree that ends the older tree. Where that is the whole older
        // tree, its root is known and left out of the proof.
        let level = oldSize.trailingZeroBitCount
        let seedIsOldRoot = oldSize == 1 << level
        let shape = PathShape(index: oldSize - 1, lastIndex: newSize - 1)
        let inner = shape.inner - level
        let expected = inner + shape.border + (seedIsOldRoot ? 0 : 1)
        guard hashes.count == expected, let seed = seedIsOldRoot ? oldRoot : hashes.first else {
            throw .proofLength(expected: expected, actual: hashes.count)
        }
        let path = hashes.dropFirst(seedIsOldRoot ? 0 : 1)
        let index = (oldSize - 1) >> level
        let innerPath = path.prefix(inner)
        let borderPath = path.dropFirst(inner)

        // Towards the older root only left siblings exist; towards the newer one, all do.
        var hasher = TreeHasher()
        var oldHash = seed
        var position = index
        for sibling in innerPath {
            if position & 1 == 1 { oldHash = hasher.node(sibling, oldHash) }
            position >>= 1
        }
        oldHash = hasher.foldBorder(oldHash, borderPath)
        guard oldHash == oldRoot else { throw .rootMismatch }
        let edge = hasher.foldInner(seed, innerPath, index: index)
        guard hasher.foldBorder(edge, borderPath) == newRoot else { throw .rootMismatch }
    }
}
