// The Merkle tree hash of RFC 6962 section 2.1: one prefix byte for leaves, another for nodes, so that no leaf can pass
// for a node (second-preimage resistance). RFC 9162 keeps the same tree.

import Cryptography

/// Leaf and node hashes of an RFC 6962 tree over SHA-256.
public enum MerkleTreeHash {
    /// `SHA-256(0x00 ‖ data)`, RFC 6962 section 2.1.
    /// - Parameter data: One log entry, of any length.
    public static func leaf(_ data: [UInt8]) -> Digest {
        var hasher = SHA256.Hasher()
        hasher.update([0x00])
        hasher.update(data)
        return hasher.finalize()
    }

    /// `SHA-256(0x01 ‖ left ‖ right)`, RFC 6962 section 2.1.
    public static func node(_ left: Digest, _ right: Digest) -> Digest {
        var hasher = TreeHasher()
        return hasher.node(left, right)
    }

    /// The root of a tree without leaves: `SHA-256("")`, RFC 6962 section 2.1.
    public static let emptyRoot = SHA256.hash([])
}

/// Leaf and node hashes with one OpenSSL context and one buffer: making those costs more than hashing a node.
struct TreeHasher: ~Copyable {
    private var hasher = SHA256.Hasher()
    private let leafPrefix: [UInt8] = [0x00]
    private var nodeInput = [0x01] + [UInt8](repeating: 0, count: 2 * Digest.byteCount)

    /// As ``MerkleTreeHash/leaf(_:)``.
    mutating func leaf(_ data: [UInt8]) -> Digest {
        hasher.update(leafPrefix)
        hasher.update(data)
        return hasher.finalize()
    }

    /// As ``MerkleTreeHash/node(_:_:)``.
    mutating func node(_ left: Digest, _ right: Digest) -> Digest {
        nodeInput.replaceSubrange(1..<1 + Digest.byteCount, with: left.bytes)
        nodeInput.replaceSubrange((1 + Digest.byteCount)..., with: right.bytes)
        hasher.update(nodeInput)
        return hasher.finalize()
    }

    /// The parent of two siblings that lie side by side.
    /// - Parameter pair: 64 bytes, left then right.
    mutating func node(of pair: ArraySlice<UInt8>) -> Digest {
        nodeInput.replaceSubrange(1..., with: pair)
        hasher.update(nodeInput)
        return hasher.finalize()
    }
}
