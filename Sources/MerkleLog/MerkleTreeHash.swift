// The Merkle tree hash of RFC 6962 section 2.1: one prefix byte for leaves, another for nodes, so that no leaf can pass
// for a node (second-preimage resistance). RFC 9162 keeps the same tree.

import Cryptography

/// Leaf and node hashes of an RFC 6962 tree over SHA-256.
public enum MerkleTreeHash {
    /// `SHA-256(0x00 ‖ data)`, RFC 6962 section 2.1.
    /// - Parameter data: One log entry, of any length.
    public static func leaf(_ data: [UInt8]) -> Digest {
        SHA256.hash(concatenating: [[0x00], data])
    }

    /// `SHA-256(0x01 ‖ left ‖ right)`, RFC 6962 section 2.1.
    public static func node(_ left: Digest, _ right: Digest) -> Digest {
        SHA256.hash(concatenating: [[0x01], left.bytes, right.bytes])
    }

    /// The root of a tree without leaves: `SHA-256("")`, RFC 6962 section 2.1.
    public static let emptyRoot = SHA256.hash([])
}

/// Hashes pairs of adjacent nodes with one context and one buffer, for trees that grow by many leaves.
struct NodeHasher: ~Copyable {
    private var hasher = SHA256.Hasher()
    private var input = [0x01] + [UInt8](repeating: 0, count: 2 * Digest.byteCount)

    /// The parent of two siblings that lie side by side.
    /// - Parameter pair: 64 bytes, left then right.
    mutating func parent(of pair: ArraySlice<UInt8>) -> Digest {
        input.replaceSubrange(1..., with: pair)
        hasher.update(input)
        return hasher.finalize()
    }
}
