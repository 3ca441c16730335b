// RFC 6962 section 2.1 written down as it reads, recursion and all: slow, obvious, and no code in common with the tree
// under test but SHA-256.

import Cryptography
import MerkleLog

enum ReferenceTree {
    /// MTH(D[n]) over leaf hashes.
    static func root(_ leaves: ArraySlice<Digest>) -> Digest {
        switch leaves.count {
        case 0: return SHA256.hash([])
        case 1: return leaves[leaves.startIndex]
        default:
            let split = leaves.startIndex + splitSize(leaves.count)
            return SHA256.hash([1] + root(leaves[..<split]).bytes + root(leaves[split...]).bytes)
        }
    }

    /// PATH(m, D[n]).
    static func path(_ index: Int, _ leaves: ArraySlice<Digest>) -> [Digest] {
        guard leaves.count > 1 else { return [] }
        let size = splitSize(leaves.count)
        let split = leaves.startIndex + size
        return index < size
            ? path(index, leaves[..<split]) + [root(leaves[split...])]
            : path(index - size, leaves[split...]) + [root(leaves[..<split])]
    }

    /// PROOF(m, D[n]) = SUBPROOF(m, D[n], true).
    static func consistency(_ oldSize: Int, _ leaves: ArraySlice<Digest>, whole: Bool = true) -> [Digest] {
        if oldSize == leaves.count { return whole ? [] : [root(leaves)] }
        let size = splitSize(leaves.count)
        let split = leaves.startIndex + size
        return oldSize <= size
            ? consistency(oldSize, leaves[..<split], whole: whole) + [root(leaves[split...])]
            : consistency(oldSize - size, leaves[split...], whole: false) + [root(leaves[..<split])]
    }

    private static func splitSize(_ count: Int) -> Int {
        var size = 1
        while size * 2 < count { size *= 2 }
        return size
    }
}

/// Leaf hash number `index` of the trees in these tests: the entry is the number in decimal.
func decimalLeaf(_ index: Int) -> Digest { MerkleTreeHash.leaf([UInt8](String(index).utf8)) }

extension Digest {
    /// The digest with one of its 256 bits changed.
    func flipping(bit: Int) throws -> Digest {
        var changed = bytes
        changed[bit / 8] ^= 1 << (bit % 8)
        return try Digest(changed)
    }
}
