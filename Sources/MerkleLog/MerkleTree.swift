// An append-only RFC 6962 tree in memory that serves roots, proofs and tiles of every size it has ever had.
//
// Only complete subtrees are kept, level by level, each level one flat byte array: they never change once written, and
// every other hash is a fold over at most log2(n) of them. 64 bytes a leaf in all, and no object per node.

import Cryptography

/// A Merkle tree of leaf hashes. A value: a copy is a snapshot, cheap until one of the two grows.
///
/// Appending costs amortised one node hash; roots and proofs of any size cost O(log n).
public struct MerkleTree: Sendable {
    /// `levels[h]` holds, left to right, the 32-byte hashes of the complete subtrees of 2^h leaves.
    private var levels: [[UInt8]] = [[]]
    /// Number of leaves.
    public private(set) var count = 0

    /// The empty tree.
    public init() {}

    /// A tree of leaf hashes in order. Pass ``MerkleTreeHash/leaf(_:)`` of each entry, never the entry's plain hash.
    public init(leafHashes: [Digest]) {
        levels[0].reserveCapacity(leafHashes.count * Digest.byteCount)
        append(leafHashes: leafHashes)
    }

    /// Appends one leaf hash; amortised O(1).
    public mutating func append(leafHash: Digest) {
        levels[0].append(contentsOf: leafHash.bytes)
        count += 1
        if count.isMultiple(of: 2) {
            var hasher = TreeHasher()
            completeNodes(with: &hasher)
        }
    }

    /// Appends leaf hashes in order; amortised one node hash for each.
    public mutating func append(leafHashes: some Sequence<Digest>) {
        var hasher = TreeHasher()
        for leafHash in leafHashes {
            levels[0].append(contentsOf: leafHash.bytes)
            count += 1
            completeNodes(with: &hasher)
        }
    }

    /// Hashes entries and appends them in order, for replaying a log: the leaf hashes are those of
    /// ``MerkleTreeHash/leaf(_:)``.
    public mutating func append(entries: some Sequence<[UInt8]>) {
        var hasher = TreeHasher()
        for entry in entries {
            levels[0].append(contentsOf: hasher.leaf(entry).bytes)
            count += 1
            completeNodes(with: &hasher)
        }
    }

    /// A level whose length became even has just completed a pair, and the pair completes a node one level up.
    private mutating func completeNodes(with hasher: inout TreeHasher) {
        var level = 0
        var nodes = count
        while nodes.isMultiple(of: 2) {
            let parent = hasher.node(of: levels[level].suffix(2 * Digest.byteCount))
            level += 1
            nodes /= 2
            if level == levels.count { levels.append([]) }
            levels[level].append(contentsOf: parent.bytes)
        }
    }

    /// The root over all leaves; ``MerkleTreeHash/emptyRoot`` without any.
    public var root: Digest { rangeHash(from: 0, to: count) }

    /// The root the tree had when it held `size` leaves.
    /// - Throws: ``MerkleLogError/sizeOutOfRange`` unless `size` is in 0...``count``.
    public func root(size: Int) throws(MerkleLogError) -> Digest {
        try check(size: size)
        return rangeHash(from: 0, to: size)
    }

    /// The leaf hash at `index`.
    /// - Throws: ``MerkleLogError/indexOutOfRange`` unless `index` is in 0..<``count``.
    public func leafHash(at index: Int) throws(MerkleLogError) -> Digest {
        guard index >= 0, index < count else { throw .indexOutOfRange }
        return subtreeHash(level: 0, index: index)
    }

    /// The audit path of RFC 6962 section 2.1.1 for leaf `index` in the tree of the first `size` leaves.
    /// - Throws: ``MerkleLogError/sizeOutOfRange`` unless `size` is in 0...``count``; ``MerkleLogError/indexOutOfRange``
    ///   unless `index` is in 0..<`size`.
    public func inclusionProof(index: Int, size: Int) throws(MerkleLogError) -> InclusionProof {
        try check(size: size)
        guard index >= 0, index < size else { throw .indexOutOfRange }
        var hashes: [Digest] = []
        var start = 0
        var end = size
        while end - start > 1 {
            let middle = start + largestPowerOfTwo(below: end - start)
            if index < middle {
                hashes.append(rangeHash(from: middle, to: end))
                end = middle
            } else {
                hashes.append(rangeHash(from: start, to: middle))
                start = middle
            }
        }
        return InclusionProof(index: index, treeSize: size, hashes: hashes.reversed())
    }

    /// The consistency proof of RFC 6962 section 2.1.2 between the trees of the first `oldSize` and `newSize` leaves.
    /// Equal sizes have the empty proof.
    /// - Throws: ``MerkleLogError/sizeOutOfRange`` unless 0 ≤ `oldSize` ≤ `newSize` ≤ ``count``;
    ///   ``MerkleLogError/consistencyWithEmptyTree`` if only `oldSize` is 0, which RFC 6962 leaves undefined.
    public func consistencyProof(
        from oldSize: Int, to newSize: Int
    ) throws(MerkleLogError) -> ConsistencyProof {
        try check(size: newSize)
        guard oldSize >= 0, oldSize <= newSize else { throw .sizeOutOfRange }
        guard oldSize > 0 || newSize == 0 else { throw .consistencyWithEmptyTree }
        var hashes: [Digest] = []
        var start = 0
        var end = newSize
        while oldSize != end {
            let middle = start + largestPowerOfTwo(below: end - start)
            if oldSize <= middle {
                hashes.append(rangeHash(from: middle, to: end))
                end = middle
            } else {
                hashes.append(rangeHash(from: start, to: middle))
                start = middle
            }
        }
        // Where the walk never turned right, the old tree is this very node and the verifier holds its root already.
        if start > 0 { hashes.append(rangeHash(from: start, to: end)) }
        return ConsistencyProof(oldSize: oldSize, newSize: newSize, hashes: hashes.reversed())
    }

    /// The hashes of the complete subtrees of 2^`level` leaves numbered `range`, side by side, 32 bytes each; nil if
    /// the tree does not have them all. Tiles are cut from this.
    func subtreeHashes(level: Int, _ range: Range<Int>) -> [UInt8]? {
        guard level >= 0, level < levels.count, range.lowerBound >= 0,
            range.upperBound <= levels[level].count / Digest.byteCount
        else { return nil }
        return [UInt8](levels[level][range.lowerBound * Digest.byteCount..<range.upperBound * Digest.byteCount])
    }

    private func check(size: Int) throws(MerkleLogError) {
        if size < 0 || size > count { throw .sizeOutOfRange }
    }

    /// MTH(D[start:end]) where `start` is a multiple of every power of two up to the first subtree's size, as in each
    /// split of RFC 6962: folds complete subtrees from the right.
    private func rangeHash(from start: Int, to end: Int) -> Digest {
        guard end > start else { return MerkleTreeHash.emptyRoot }
        let smallest = (end - start).trailingZeroBitCount
        var position = end - (1 << smallest)
        var hash = subtreeHash(level: smallest, index: position >> smallest)
        if position == start { return hash }  // complete itself, as most siblings in a proof are: nothing to hash
        var hasher = TreeHasher()
        while position > start {
            let level = (position - start).trailingZeroBitCount
            position -= 1 << level
            hash = hasher.node(subtreeHash(level: level, index: position >> level), hash)
        }
        return hash
    }

    private func subtreeHash(level: Int, index: Int) -> Digest {
        let start = index * Digest.byteCount
        do {
            return try Digest(levels[level][start..<start + Digest.byteCount])
        } catch {
            preconditionFailure("a slice of \(Digest.byteCount) bytes is a digest")  // no input reaches this
        }
    }
}

/// The largest power of two smaller than `count`, the split of RFC 6962 section 2.1. `count` is at least 2.
private func largestPowerOfTwo(below count: Int) -> Int {
    1 << (Int.bitWidth - 1 - (count - 1).leadingZeroBitCount)
}
