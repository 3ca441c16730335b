// Proof that one leaf is in a tree: RFC 6962 section 2.1.1, verified in the way of RFC 9162 section 2.1.3.2.

import Cryptography

/// The audit path from a leaf to the root. Holds whatever came from outside; only ``verify(leafHash:root:)`` judges it.
public struct InclusionProof: Equatable, Sendable {
    /// Zero-based position of the leaf.
    public let index: Int
    /// Number of leaves in the tree the root belongs to.
    public let treeSize: Int
    /// Sibling hashes from the leaf's up to the root's child.
    public let hashes: [Digest]

    /// Wraps a proof from anywhere, unchecked.
    public init(index: Int, treeSize: Int, hashes: [Digest]) {
        self.index = index
        self.treeSize = treeSize
        self.hashes = hashes
    }

    /// Returns if the tree of ``treeSize`` leaves with this root has `leafHash` at ``index``; total on all input.
    /// - Throws: ``MerkleLogError/indexOutOfRange``, ``MerkleLogError/proofLength(expected:actual:)`` or
    ///   ``MerkleLogError/rootMismatch``.
    public func verify(leafHash: Digest, root: Digest) throws(MerkleLogError) {
        guard index >= 0, index < treeSize else { throw .indexOutOfRange }
        let shape = PathShape(index: index, lastIndex: treeSize - 1)
        guard hashes.count == shape.inner + shape.border else {
            throw .proofLength(expected: shape.inner + shape.border, actual: hashes.count)
        }
        let inner = hashes.prefix(shape.inner)
        let border = hashes.suffix(shape.border)
        var hasher = TreeHasher()
        let edge = hasher.foldInner(leafHash, inner, index: index)
        guard hasher.foldBorder(edge, border) == root else { throw .rootMismatch }
    }
}

/// How a path from a leaf to the root splits: `inner` steps below the point where it meets the path of the last leaf,
/// where siblings may lie on either side, then `border` steps along the right edge, where they all lie to the left.
struct PathShape {
    let inner: Int
    let border: Int

    /// - Parameters:
    ///   - index: 0 or more.
    ///   - lastIndex: The tree's last leaf, not below `index`.
    init(index: Int, lastIndex: Int) {
        inner = Int.bitWidth - (index ^ lastIndex).leadingZeroBitCount
        border = (index >> inner).nonzeroBitCount
    }
}

extension TreeHasher {
    /// Climbs from `seed` with siblings on the side that the bits of `index` say.
    mutating func foldInner(_ seed: Digest, _ siblings: ArraySlice<Digest>, index: Int) -> Digest {
        var hash = seed
        var position = index
        for sibling in siblings {
            hash = position & 1 == 0 ? node(hash, sibling) : node(sibling, hash)
            position >>= 1
        }
        return hash
    }

    /// Climbs from `seed` with every sibling to the left.
    mutating func foldBorder(_ seed: Digest, _ siblings: ArraySlice<Digest>) -> Digest {
        var hash = seed
        for sibling in siblings { hash = node(sibling, hash) }
        return hash
    }
}
