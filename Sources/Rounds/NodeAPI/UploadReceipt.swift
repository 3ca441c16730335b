// The coordinator's signed word that an upload is durable. A node keeps it: an acknowledged upload that is missing from
// the survivor set is then the coordinator's to explain.

import Cryptography
import SecureAggregation
import WireFormat

/// Signed by the coordinator after the upload's transaction committed.
public struct UploadReceipt: SignedBody {
    /// The message's name in the CDDL.
    public static let messageName = "upload-receipt"
    /// Separates this message's signatures from all others.
    public static let signatureType = "upload-receipt"

    /// The session.
    public let sessionID: Digest
    /// The uploader.
    public let node: NodeIndex
    /// The stored envelope.
    public let envelopeDigest: Digest

    /// Describes a receipt.
    public init(sessionID: Digest, node: NodeIndex, envelopeDigest: Digest) {
        self.sessionID = sessionID
        self.node = node
        self.envelopeDigest = envelopeDigest
    }

    /// The message as CBOR.
    public var cborValue: CBORValue {
        .message((1, .bytes(sessionID.bytes)), (2, .unsigned(UInt64(node))), (3, .bytes(envelopeDigest.bytes)))
    }

    /// Reads a receipt.
    /// - Throws: ``WireFormatError``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        let session = try fields.bytes(1, "sessionId", count: 32)
        node = NodeIndex(try fields.unsigned(2, "node", in: 0...UInt64(NodeIndex.max)))
        let envelope = try fields.bytes(3, "envelopeDigest", count: 32)
        do {
            sessionID = try Digest(session)
            envelopeDigest = try Digest(envelope)
        } catch {
            throw .unexpected(field: "upload-receipt", expected: "digests")
        }
    }
}

/// The answer to `GET /v1/sessions/{sid}/upload`: where a broken upload resumes.
public struct UploadProgress: WireMessage {
    /// The message's name in the CDDL.
    public static let messageName = "upload-progress"

    /// Chunks that are stored, ascending.
    public let storedChunks: [Int]
    /// Whether the envelope is committed.
    public let committed: Bool

    /// Describes progress.
    public init(storedChunks: [Int], committed: Bool) {
        self.storedChunks = storedChunks
        self.committed = committed
    }

    /// The message as CBOR.
    public var cborValue: CBORValue {
        .message((1, .array(storedChunks.map { .unsigned(UInt64($0)) })), (2, .boolean(committed)))
    }

    /// Reads progress.
    /// - Throws: ``WireFormatError``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        storedChunks = try fields.array(1, "storedChunks", maximum: 1 << 20) { (value) throws(WireFormatError) -> Int in
            guard case .unsigned(let index) = value, index < 1 << 20 else {
                throw .unexpected(field: "upload-progress.storedChunks", expected: "chunk indices")
            }
            return Int(index)
        }
        committed = try fields.boolean(2, "committed")
    }
}
