import Cryptography
import MerkleLog
import Testing

@Suite struct MerkleTreeTests {
    @Test func hashesFollowTheirPrefixes() throws {
        // RFC 6962 reference tree: the root of the single empty leaf, and the empty tree's.
        #expect(MerkleTreeHash.leaf([]).hex == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d")
        #expect(MerkleTreeHash.emptyRoot.hex == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        let left = MerkleTreeHash.leaf([])
        let right = MerkleTreeHash.leaf([0])
        #expect(
            MerkleTreeHash.node(left, right).hex == "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125")
        #expect(MerkleTreeHash.node(left, right) != MerkleTreeHash.node(right, left))
    }

    @Test func everyProofOfSmallTreesIsTheRFCsOwnAndVerifies() throws {
        let leaves = (0..<40).map(decimalLeaf)
        let tree = MerkleTree(leafHashes: leaves)
        for size in 0...leaves.count {
            let root = ReferenceTree.root(leaves[..<size])
            #expect(try tree.root(size: size) == root)
            for index in 0..<size {
                let proof = try tree.inclusionProof(index: index, size: size)
                #expect(proof.hashes == ReferenceTree.path(index, leaves[..<size]))
                try proof.verify(leafHash: leaves[index], root: root)
            }
            for oldSize in stride(from: 1, through: size, by: 1) {
                let proof = try tree.consistencyProof(from: oldSize, to: size)
                #expect(proof.hashes == ReferenceTree.consistency(oldSize, leaves[..<size]))
                try proof.verify(oldRoot: ReferenceTree.root(leaves[..<oldSize]), newRoot: root)
            }
        }
    }

    @Test func aTreeGrowsTheSameOneByOneAndAtOnce() throws {
        let leaves = (0..<600).map(decimalLeaf)
        var grown = MerkleTree()
        #expect(grown.root == MerkleTreeHash.emptyRoot)
        for (index, leaf) in leaves.enumerated() {
            grown.append(leafHash: leaf)
            #expect(grown.count == index + 1)
        }
        let snapshot = grown
        grown.append(leafHash: leaves[0])
        #expect(snapshot.count == 600)
        #expect(snapshot.root == MerkleTree(leafHashes: leaves).root)
        #expect(snapshot.root == ReferenceTree.root(leaves[...]))
        var replayed = MerkleTree()
        replayed.append(entries: (0..<600).map { [UInt8](String($0).utf8) })
        #expect(replayed.count == 600)
        #expect(replayed.root == snapshot.root)
        #expect(try grown.root(size: 600) == snapshot.root)
        #expect(grown.root != snapshot.root)
        #expect(try snapshot.leafHash(at: 599) == leaves[599])
    }

    @Test(arguments: [UInt8(1), 2, 3]) func noProofSurvivesASingleChange(seed: UInt8) throws {
        var random = try KeyedRandomGenerator(key: SecretBytes(copying: SHA256.hash([seed]).bytes))
        let size = 2 + Int(random.uniform(below: 900))
        let tree = MerkleTree(leafHashes: (0..<size).map(decimalLeaf))
        let index = Int(random.uniform(below: UInt64(size)))
        let oldSize = 1 + Int(random.uniform(below: UInt64(size - 1)))

        let inclusion = try tree.inclusionProof(index: index, size: size)
        let leaf = try tree.leafHash(at: index)
        try inclusion.verify(leafHash: leaf, root: tree.root)
        let consistency = try tree.consistencyProof(from: oldSize, to: size)
        let oldRoot = try tree.root(size: oldSize)
        try consistency.verify(oldRoot: oldRoot, newRoot: tree.root)

        for bit in 0..<256 {
            #expect(throws: MerkleLogError.rootMismatch) {
                try inclusion.verify(leafHash: leaf.flipping(bit: bit), root: tree.root)
            }
            #expect(throws: MerkleLogError.rootMismatch) {
                try inclusion.verify(leafHash: leaf, root: tree.root.flipping(bit: bit))
            }
            #expect(throws: MerkleLogError.rootMismatch) {
                try consistency.verify(oldRoot: oldRoot.flipping(bit: bit), newRoot: tree.root)
            }
            #expect(throws: MerkleLogError.rootMismatch) {
                try consistency.verify(oldRoot: oldRoot, newRoot: tree.root.flipping(bit: bit))
            }
            for position in inclusion.hashes.indices {
                var hashes = inclusion.hashes
                hashes[position] = try hashes[position].flipping(bit: bit)
                let changed = InclusionProof(index: index, treeSize: size, hashes: hashes)
                #expect(throws: MerkleLogError.rootMismatch) { try changed.verify(leafHash: leaf, root: tree.root) }
            }
            for position in consistency.hashes.indices {
                var hashes = consistency.hashes
                hashes[position] = try hashes[position].flipping(bit: bit)
                let changed = ConsistencyProof(oldSize: oldSize, newSize: size, hashes: hashes)
                #expect(throws: MerkleLogError.rootMismatch) {
                    try changed.verify(oldRoot: oldRoot, newRoot: tree.root)
                }
            }
        }
    }

    @Test func aProofIsForOneLeafOnly() throws {
        let leaves = (0..<23).map(decimalLeaf)
        let tree = MerkleTree(leafHashes: leaves)
        for index in leaves.indices {
            let proof = try tree.inclusionProof(index: index, size: 23)
            for other in leaves.indices where other != index {
                let moved = InclusionProof(index: other, treeSize: 23, hashes: proof.hashes)
                #expect(throws: MerkleLogError.self) { try moved.verify(leafHash: leaves[index], root: tree.root) }
                #expect(throws: MerkleLogError.rootMismatch) {
                    try proof.verify(leafHash: leaves[other], root: tree.root)
                }
            }
        }
    }

    @Test func sizesAndIndicesOutsideTheTreeAreRefused() {
        let tree = MerkleTree(leafHashes: (0..<5).map(decimalLeaf))
        for size in [-1, 6, .max, .min] {
            #expect(throws: MerkleLogError.sizeOutOfRange) { try tree.root(size: size) }
            #expect(throws: MerkleLogError.sizeOutOfRange) { try tree.inclusionProof(index: 0, size: size) }
            #expect(throws: MerkleLogError.sizeOutOfRange) { try tree.consistencyProof(from: 1, to: size) }
        }
        for index in [-1, 5, .max, .min] {
            #expect(throws: MerkleLogError.indexOutOfRange) { try tree.inclusionProof(index: index, size: 5) }
            #expect(throws: MerkleLogError.indexOutOfRange) { try tree.leafHash(at: index) }
        }
        #expect(throws: MerkleLogError.indexOutOfRange) { try tree.inclusionProof(index: 0, size: 0) }
        #expect(throws: MerkleLogError.sizeOutOfRange) { try tree.consistencyProof(from: 4, to: 3) }
        #expect(throws: MerkleLogError.sizeOutOfRange) { try tree.consistencyProof(from: -1, to: 3) }
        #expect(throws: MerkleLogError.consistencyWithEmptyTree) { try tree.consistencyProof(from: 0, to: 3) }
    }

    @Test func verifiersAreTotal() {
        let hash = decimalLeaf(0)
        let numbers = [Int.min, -1, 0, 1, 2, 3, 1 << 40, .max - 1, .max]
        for first in numbers {
            for second in numbers {
                for count in [0, 1, 62, 63, 64, 200] {
                    let hashes = [Digest](repeating: hash, count: count)
                    let inclusion = InclusionProof(index: first, treeSize: second, hashes: hashes)
                    let consistency = ConsistencyProof(oldSize: first, newSize: second, hashes: hashes)
                    // One leaf under its own hash as root is the only true statement among all of these, and equal
                    // trees with equal roots.
                    let isLeaf = first == 0 && second == 1 && count == 0
                    let isSame = first == second && first > 0 && count == 0
                    #expect(((try? inclusion.verify(leafHash: hash, root: hash)) != nil) == isLeaf)
                    #expect(((try? consistency.verify(oldRoot: hash, newRoot: hash)) != nil) == isSame)
                }
            }
        }
    }

    @Test func theEmptyTreeProvesNothing() throws {
        let empty = MerkleTreeHash.emptyRoot
        let junk = decimalLeaf(1)
        let nothing = try MerkleTree().consistencyProof(from: 0, to: 0)
        try nothing.verify(oldRoot: empty, newRoot: empty)
        #expect(throws: MerkleLogError.rootMismatch) { try nothing.verify(oldRoot: junk, newRoot: junk) }
        #expect(throws: MerkleLogError.rootMismatch) { try nothing.verify(oldRoot: empty, newRoot: junk) }
        let growth = ConsistencyProof(oldSize: 0, newSize: 1, hashes: [])
        #expect(throws: MerkleLogError.consistencyWithEmptyTree) { try growth.verify(oldRoot: empty, newRoot: junk) }
        let inclusion = InclusionProof(index: 0, treeSize: 0, hashes: [])
        #expect(throws: MerkleLogError.indexOutOfRange) { try inclusion.verify(leafHash: empty, root: empty) }
    }
}
