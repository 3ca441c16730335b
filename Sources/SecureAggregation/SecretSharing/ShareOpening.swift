// One leaf of a dealt package, opened under the root that the dealer signed (RFC 6962, section 2.1.1). Both the commitment
// and the ciphertext are in the leaf: whoever carries a package about cannot change either and blame the dealer for it.

import Cryptography
import MerkleLog
import WireFormat

extension SharePackage {
    /// What one committee member needs to hold its dealer to a share: the leaf at its position, and the path to the root.
    public struct Opening: WireMessage {
        /// The message's name in the CDDL.
        public static let messageName = "share-opening"

        /// h_u.
        public let commitment: Digest
        /// The ciphertext addressed to the member; empty if the member had no agreement key in the epoch.
        public let ciphertext: [UInt8]
        /// Sibling hashes from the leaf's up to the root's child.
        public let path: [Digest]

        /// No committee needs a longer path: 2^14 leaves are more than a package may have.
        static let maximumPathCount = 14

        /// Describes an opening, unchecked.
        public init(commitment: Digest, ciphertext: [UInt8], path: [Digest]) {
            self.commitment = commitment
            self.ciphertext = ciphertext
            self.path = path
        }

        /// The message as CBOR.
        public var cborValue: CBORValue {
            .message(
                (1, .bytes(commitment.bytes)), (2, .bytes(ciphertext)), (3, .array(path.map { .bytes($0.bytes) })))
        }

        /// Reads an opening, unverified.
        /// - Throws: ``WireFormatError``.
        public init(reading fields: inout MessageReader) throws(WireFormatError) {
            commitment = try fields.digest(1, "commitment")
            let bytes = try fields.bytes(2, "ciphertext", maximum: SharePackage.ciphertextByteCount)
            guard bytes.isEmpty || bytes.count == SharePackage.ciphertextByteCount else {
                throw .unexpected(
                    field: "share-opening.ciphertext", expected: "\(SharePackage.ciphertextByteCount) bytes or none")
            }
            ciphertext = bytes
            path = try fields.digests(3, "share-opening.path", maximum: Self.maximumPathCount)
        }

        /// Throws unless this is the leaf at `position` of the `count` leaves under `root`, which its dealer signed.
        /// - Throws: ``SecureAggregationError/notUnderSignedRoot(_:)``: somebody other than the dealer made it.
        public func verify(root: Digest, position: Int, count: Int) throws(SecureAggregationError) {
            do {
                try InclusionProof(index: position, treeSize: count, hashes: path).verify(
                    leafHash: SharePackage.leafHash(commitment: commitment, ciphertext: ciphertext), root: root)
            } catch {
                throw .notUnderSignedRoot("share")
            }
        }

        /// Whether `share` is the one that the dealer committed to for `holder`.
        public func matches(_ share: SecretShare, context: ShareContext, holder: Int) -> Bool {
            SharePackage.commitment(to: share, context: context, holder: holder) == commitment
        }
    }

    /// The leaf at committee position `holder`, or nil if there is none.
    public func opening(of holder: Int) -> Opening? {
        commitments.indices.contains(holder) ? opening(of: holder, in: tree) : nil
    }

    /// The same from a tree that was built before.
    /// - Parameter holder: in 0 ..< the number of leaves.
    func opening(of holder: Int, in tree: MerkleTree) -> Opening {
        Opening(
            commitment: commitments[holder], ciphertext: ciphertext(of: holder),
            path: (try? tree.inclusionProof(index: holder, size: tree.count))?.hashes ?? [])
    }

    /// The tree whose root the dealer signs.
    var tree: MerkleTree {
        MerkleTree(
            leafHashes: zip(commitments, ciphertexts).map { Self.leafHash(commitment: $0, ciphertext: $1) })
    }

    /// The hash of a leaf h_u ‖ SHA-256(ciphertext).
    static func leafHash(commitment: Digest, ciphertext: [UInt8]) -> Digest {
        MerkleTreeHash.leaf(commitment.bytes + SHA256.hash(ciphertext).bytes)
    }
}
