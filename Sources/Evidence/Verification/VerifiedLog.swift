// The log's side of a bundle: signed checkpoints that extend one another, and entries that the last of them contains.

import Consent
import Cryptography
import MerkleLog

/// The checkpoints of a bundle after verification.
struct VerifiedLog {
    /// By strictly ascending size; never empty.
    let checkpoints: [Checkpoint]
    /// The last one.
    let final: Checkpoint

    /// Verifies every checkpoint's signature, and that each extends the one before it.
    init(_ evidence: [CheckpointEvidence], key: NoteVerifierKey) throws(EvidenceError) {
        var checkpoints: [Checkpoint] = []
        for (position, item) in evidence.enumerated() {
            let place = EvidenceError.Place.checkpoint(position)
            let checkpoint = try EvidenceError.log(place, EvidenceFailure.checkpointRefused) {
                () throws(MerkleLogError) in
                guard let text = String(validating: item.noteBytes, as: UTF8.self) else {
                    throw .malformed(.note, field: "UTF-8")
                }
                return try Checkpoint(verifying: SignedNote(parsing: text), with: [key])
            }
            if let previous = checkpoints.last, previous.size >= checkpoint.size {
                throw EvidenceError(place, .checkpointOrder)
            }
            // Every log extends the empty one: there is nothing to prove, and only one root that it can have.
            if let previous = checkpoints.last, previous.size == 0, previous.root != MerkleTreeHash.emptyRoot {
                throw EvidenceError(place, .inconsistent(.rootMismatch))
            }
            if let previous = checkpoints.last, previous.size > 0 {
                try EvidenceError.log(place, EvidenceFailure.inconsistent) { () throws(MerkleLogError) in
                    try ConsistencyProof(
                        oldSize: previous.size, newSize: checkpoint.size, hashes: item.consistency
                    ).verify(oldRoot: previous.root, newRoot: checkpoint.root)
                }
            } else if !item.consistency.isEmpty {
                throw EvidenceError(
                    place, .inconsistent(.proofLength(expected: 0, actual: item.consistency.count)))
            }
            checkpoints.append(checkpoint)
        }
        guard let final = checkpoints.last else { throw EvidenceError(.file, .checkpointMissing) }
        self.checkpoints = checkpoints
        self.final = final
    }

    /// Whether the bundle has a checkpoint of this size and root.
    func contains(_ pinned: PinnedCheckpoint) -> Bool {
        var low = 0
        var high = checkpoints.count
        while low < high {
            let middle = low + (high - low) / 2
            if checkpoints[middle].size < pinned.size { low = middle + 1 } else { high = middle }
        }
        return low < checkpoints.count && checkpoints[low].size == pinned.size && checkpoints[low].root == pinned.root
    }

    /// Opens an entry and shows that the last checkpoint contains it.
    /// - Returns: the payload's own message.
    func open(
        _ evidence: LogEntryEvidence, category: LedgerLeaf.Category, place: EvidenceError.Place
    ) throws(EvidenceError) -> LedgerEntry {
        let leaf = try EvidenceError.consent(place, EvidenceFailure.leafRefused) { () throws(ConsentError) in
            try LedgerLeaf(decoding: evidence.leafBytes)
        }
        guard leaf.category == category else { throw EvidenceError(place, .leafClass) }
        let entry = try EvidenceError.consent(place, { _ in .leafCommitment }) { () throws(ConsentError) in
            if category.isPublic, evidence.nonce != nil { throw .commitmentMismatch }
            return try LedgerEntry(
                leaf: leaf, nonce: evidence.nonce ?? LedgerLeaf.publicNonce, payload: evidence.payload)
        }
        try EvidenceError.log(place, EvidenceFailure.notIncluded) { () throws(MerkleLogError) in
            try InclusionProof(index: evidence.index, treeSize: final.size, hashes: evidence.inclusion)
                .verify(leafHash: leaf.hash, root: final.root)
        }
        return entry
    }
}
