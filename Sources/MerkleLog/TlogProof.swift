// A receipt anyone can check offline: an entry's position, its inclusion proof and the signed checkpoint, in one text
// file. Format: c2sp.org/tlog-proof@v1; by convention the file's name ends in ".tlog-proof".

import Cryptography

/// An offline proof that a log holds an entry. Holds whatever came from outside; only ``verify(leafHash:keys:)``
/// judges it.
public struct TlogProof: Equatable, Sendable {
    /// The first line of every proof.
    public static let header = "c2sp.org/tlog-proof@v1"
    /// More hashes than any tree of at most 2^63 leaves needs are refused while reading.
    public static let maximumHashCount = 63

    /// Zero-based position of the entry in the log.
    public let index: Int
    /// Sibling hashes from the leaf's up to the root's child.
    public let hashes: [Digest]
    /// The checkpoint as the log published it, perhaps with cosignatures of witnesses.
    public let signedCheckpoint: SignedNote
    /// What ``signedCheckpoint`` says, unverified.
    public let checkpoint: Checkpoint
    /// Data of the application that nothing authenticates; never empty.
    public let extra: [UInt8]?

    /// Puts a proof together from what a log serves.
    /// - Throws: ``MerkleLogError/malformed(_:field:)`` if the note is no checkpoint or `extra` is empty;
    ///   ``MerkleLogError/indexOutOfRange``; ``MerkleLogError/proofLength(expected:actual:)`` unless the proof is for
    ///   the checkpoint's size; ``MerkleLogError/tooLarge(_:limit:)``.
    public init(
        inclusion: InclusionProof, signedCheckpoint: SignedNote, extra: [UInt8]? = nil
    ) throws(MerkleLogError) {
        try self.init(
            index: inclusion.index, hashes: inclusion.hashes, signedCheckpoint: signedCheckpoint, extra: extra)
        guard checkpoint.size == inclusion.treeSize else { throw .sizeOutOfRange }
    }

    private init(
        index: Int, hashes: [Digest], signedCheckpoint: SignedNote, extra: [UInt8]?
    ) throws(MerkleLogError) {
        guard index >= 0 else { throw .indexOutOfRange }
        guard hashes.count <= TlogProof.maximumHashCount else {
            throw .tooLarge(.proof, limit: TlogProof.maximumHashCount)
        }
        guard extra != [] else { throw .malformed(.proof, field: "extra") }
        self.index = index
        self.hashes = hashes
        self.signedCheckpoint = signedCheckpoint
        self.checkpoint = try Checkpoint(parsing: signedCheckpoint.text)
        self.extra = extra
    }

    /// Parses a proof file.
    /// - Throws: ``MerkleLogError/malformed(_:field:)`` or ``MerkleLogError/tooLarge(_:limit:)``, also for the
    ///   checkpoint inside.
    public init(parsing text: String) throws(MerkleLogError) {
        // The extra data is bounded with the rest, so that reading costs no more than a bounded multiple of the limit.
        guard text.utf8.count <= 2 * SignedNote.maximumByteCount else {
            throw .tooLarge(.proof, limit: 2 * SignedNote.maximumByteCount)
        }
        var lines = LineReader([UInt8](text.utf8)[...])
        guard lines.next()?.elementsEqual(TlogProof.header.utf8) == true else {
            throw .malformed(.proof, field: "header")
        }
        var line = lines.next()
        var extra: [UInt8]?
        if let encoded = line?.dropping(prefix: "extra ") {
            guard let decoded = encoded.base64Decoded else { throw .malformed(.proof, field: "extra") }
            extra = decoded
            line = lines.next()
        }
        guard let index = line?.dropping(prefix: "index ")?.decimal else { throw .malformed(.proof, field: "index") }
        var hashes: [Digest] = []
        while let line = lines.next(), !line.isEmpty {
            guard hashes.count < TlogProof.maximumHashCount else {
                throw .tooLarge(.proof, limit: TlogProof.maximumHashCount)
            }
            guard let hash = line.base64Digest else { throw .malformed(.proof, field: "hash") }
            hashes.append(hash)
        }
        try self.init(
            index: index, hashes: hashes, signedCheckpoint: SignedNote(parsing: lines.remainder.text), extra: extra)
    }

    /// The proof file, as ``init(parsing:)`` reads it.
    public var encoded: String {
        var text = TlogProof.header + "\n"
        if let extra { text += "extra \(Base64.encode(extra))\n" }
        text += "index \(index)\n"
        for hash in hashes { text += Base64.encode(hash.bytes) + "\n" }
        return text + "\n" + signedCheckpoint.encoded
    }

    /// The inclusion proof that the file carries.
    public var inclusion: InclusionProof {
        InclusionProof(index: index, treeSize: checkpoint.size, hashes: hashes)
    }

    /// Returns the checkpoint if the log that one of `keys` names has signed it and holds `leafHash` at ``index``.
    /// - Throws: as ``Checkpoint/init(verifying:with:)`` and ``InclusionProof/verify(leafHash:root:)``.
    @discardableResult
    public func verify(leafHash: Digest, keys: [NoteVerifierKey]) throws(MerkleLogError) -> Checkpoint {
        let checkpoint = try Checkpoint(verifying: signedCheckpoint, with: keys)
        try inclusion.verify(leafHash: leafHash, root: checkpoint.root)
        return checkpoint
    }

    /// The same for an entry's data, hashed as ``MerkleTreeHash/leaf(_:)`` does.
    /// - Throws: as ``verify(leafHash:keys:)``.
    @discardableResult
    public func verify(data: [UInt8], keys: [NoteVerifierKey]) throws(MerkleLogError) -> Checkpoint {
        try verify(leafHash: MerkleTreeHash.leaf(data), keys: keys)
    }
}
