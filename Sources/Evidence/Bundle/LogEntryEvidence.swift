// An entry of the log with what opens it and what shows that the log has it.

import Consent
import Cryptography
import MerkleLog
import WireFormat

/// A leaf of the log, its payload, and its inclusion in the bundle's last checkpoint. Holds whatever came from outside;
/// ``EvidenceVerifier`` judges it.
public struct LogEntryEvidence: WireMessage {
    /// The message's name in the CDDL.
    public static let messageName = "log-entry"

    /// Zero-based position in the log.
    public let index: Int
    /// The leaf's 52 bytes.
    public let leafBytes: [UInt8]
    /// The nonce that hides the payload, 32 bytes; nil for public classes, whose nonce is zero.
    public let nonce: [UInt8]?
    /// What the leaf commits to.
    public let payload: [UInt8]
    /// The RFC 6962 audit path to the root of the bundle's last checkpoint.
    public let inclusion: [Digest]

    /// Takes an entry and its proof.
    /// - Parameter proof: of the tree at the bundle's last checkpoint; says where the entry is.
    public init(entry: LedgerEntry, proof: InclusionProof) {
        index = proof.index
        leafBytes = entry.leaf.encoded()
        nonce = entry.leaf.category.isPublic ? nil : entry.nonce
        payload = entry.payload
        inclusion = proof.hashes
    }

    /// The message as a CBOR map with numbered fields.
    public var cborValue: CBORValue {
        .message(
            (1, CBORValue(Int64(index))), (2, .bytes(leafBytes)), (3, .bytes(payload)), (4, .proofHashes(inclusion)),
            (5, nonce.map { .bytes($0) }))
    }

    /// Reads an entry, unverified.
    /// - Throws: `WireFormatError`.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        index = try fields.integer(1, "index")
        leafBytes = try fields.bytes(2, "leaf", count: LedgerLeaf.byteCount)
        payload = try fields.bytes(3, "payload", maximum: LedgerEntry.maximumPayloadByteCount)
        inclusion = try fields.proofHashes(4, "inclusion")
        switch fields.optionalField(5) {
        case nil: nonce = nil
        case .bytes(let bytes) where bytes.count == LedgerLeaf.nonceByteCount: nonce = bytes
        default: throw .unexpected(field: "\(Self.messageName).nonce", expected: "32 bytes")
        }
    }
}
