// A leaf of one of the two sorted trees (the rows of a view, the salted leaves of a cohort) with its path to the root.

import Cryptography
import MerkleLog
import WireFormat

/// A leaf and its inclusion proof. Holds whatever came from outside; verification judges it.
public struct ProvenLeaf: WireMessage {
    /// The leaf's bytes.
    public let leaf: [UInt8]
    /// Its place and the hashes to the root.
    public let proof: InclusionProof

    /// Longest leaf, in bytes: a cohort's leaves have 32, a view's 24.
    static let maximumLeafByteCount = 32
    /// A tree of 2^63 leaves is 63 levels high.
    private static let maximumPathByteCount = 63 * Digest.byteCount

    init(leaf: [UInt8], proof: InclusionProof) {
        self.leaf = leaf
        self.proof = proof
    }

    /// Checks the leaf against a root.
    func verify(root: Digest) throws(ConsentError) {
        try ConsentError.merkle { () throws(MerkleLogError) in
            try proof.verify(leafHash: MerkleTreeHash.leaf(leaf), root: root)
        }
    }

    /// The message's name in the CDDL.
    public static let messageName = "proven-leaf"

    /// The message as a CBOR map with numbered fields.
    public var cborValue: CBORValue {
        .message(
            (1, .bytes(leaf)), (2, CBORValue(Int64(proof.index))), (3, CBORValue(Int64(proof.treeSize))),
            (4, .bytes(proof.hashes.flatMap(\.bytes))))
    }

    /// Reads the message from its fields.
    /// - Throws: `WireFormatError`.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        leaf = try fields.bytes(1, "leaf", maximum: Self.maximumLeafByteCount)
        let index = try fields.integer(2, "index")
        let size = try fields.integer(3, "size")
        let path = try fields.bytes(4, "path", maximum: Self.maximumPathByteCount)
        var hashes: [Digest] = []
        for start in stride(from: 0, to: path.count, by: Digest.byteCount) {
            do {
                hashes.append(try Digest(path[start..<min(start + Digest.byteCount, path.count)]))
            } catch {
                throw .unexpected(field: "\(Self.messageName).path", expected: "hashes of 32 bytes")
            }
        }
        proof = InclusionProof(index: index, treeSize: size, hashes: hashes)
    }
}
