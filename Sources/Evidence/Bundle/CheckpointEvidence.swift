// A signed state of the log, and what links it to the one before it in the bundle.

import Cryptography
import MerkleLog
import WireFormat

/// A checkpoint as the log signed it. Holds whatever came from outside; ``EvidenceVerifier`` judges it.
public struct CheckpointEvidence: WireMessage {
    /// The message's name in the CDDL.
    public static let messageName = "checkpoint-evidence"

    /// The signed note's UTF-8 text (c2sp.org/tlog-checkpoint), cosignatures included.
    public let noteBytes: [UInt8]
    /// The RFC 6962 consistency proof from the bundle's previous checkpoint; empty for the first.
    public let consistency: [Digest]

    /// Takes a checkpoint's note.
    /// - Parameter consistency: the proof from the previous checkpoint of the bundle; empty for the first.
    public init(note: SignedNote, consistency: [Digest]) {
        noteBytes = [UInt8](note.encoded.utf8)
        self.consistency = consistency
    }

    /// The message as a CBOR map with numbered fields.
    public var cborValue: CBORValue { .message((1, .bytes(noteBytes)), (2, .proofHashes(consistency))) }

    /// Reads a checkpoint, unverified.
    /// - Throws: `WireFormatError`.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        noteBytes = try fields.bytes(1, "note", maximum: SignedNote.maximumByteCount)
        consistency = try fields.proofHashes(2, "consistency")
    }
}
