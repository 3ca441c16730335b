// A Merkle tree over leaves of one width in strictly ascending order: it proves what it has and what it has not.

import Cryptography
import MerkleLog

/// The prover's side of ``ProvenLeaf`` and ``AbsenceProof``.
struct SortedTree: Sendable {
    private let leaves: [UInt8]
    private let width: Int
    private let tree: MerkleTree
    let root: Digest

    /// - Parameters:
    ///   - leaves: leaves of `width` bytes one after the other, strictly ascending; checked by the caller.
    init(leaves: [UInt8], width: Int) {
        self.leaves = leaves
        self.width = width
        tree = MerkleTree(
            leafHashes: stride(from: 0, to: leaves.count, by: width).map {
                MerkleTreeHash.leaf(Array(leaves[$0..<$0 + width]))
            })
        root = tree.root
    }

    var count: Int { leaves.count / width }

    /// The leaf that starts with `key`; nil if there is none.
    func membership(of key: [UInt8]) throws(ConsentError) -> ProvenLeaf? {
        let position = firstPosition(notBelow: key)
        guard position < count, leaf(position).starts(with: key) else { return nil }
        return try proven(position)
    }

    /// The neighbours of `key`; nil if a leaf starts with it.
    func absence(of key: [UInt8]) throws(ConsentError) -> AbsenceProof? {
        let position = firstPosition(notBelow: key)
        if position < count, leaf(position).starts(with: key) { return nil }
        return AbsenceProof(
            lower: position > 0 ? try proven(position - 1) : nil,
            upper: position < count ? try proven(position) : nil)
    }

    /// The leaf at a position, with its proof.
    func proven(_ position: Int) throws(ConsentError) -> ProvenLeaf {
        let proof = try ConsentError.merkle { () throws(MerkleLogError) in
            try tree.inclusionProof(index: position, size: count)
        }
        return ProvenLeaf(leaf: Array(leaf(position)), proof: proof)
    }

    private func leaf(_ position: Int) -> ArraySlice<UInt8> { leaves[position * width..<(position + 1) * width] }

    private func firstPosition(notBelow key: [UInt8]) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = low + (high - low) / 2
            if leaf(middle).prefix(key.count).lexicographicallyPrecedes(key) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
