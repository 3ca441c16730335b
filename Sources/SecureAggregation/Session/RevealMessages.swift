// C2: a member is shown the certificate and, for each roster position, its own leaf under the root that the dealer signed.
// It answers with shares, and signs which request it answers: a share that does not match its leaf is then its own lie.

import Cryptography
import MerkleLog
import WireFormat

/// C2, coordinator to one member: the certificate and this member's leaves, one a roster position.
public struct RevealRequest: WireMessage {
    /// The message's name in the CDDL.
    public static let messageName = "reveal-request"

    /// The session.
    public let sessionID: Digest
    /// The certified survivor set's votes.
    public let certificate: LabelCertificate
    /// The certified survivor set.
    public let bitmap: [UInt8]
    /// One a roster position.
    public let items: [ShownShare]

    /// Collects a request.
    public init(sessionID: Digest, certificate: LabelCertificate, bitmap: [UInt8], items: [ShownShare]) {
        self.sessionID = sessionID
        self.certificate = certificate
        self.bitmap = bitmap
        self.items = items
    }

    /// The message as CBOR.
    public var cborValue: CBORValue {
        .message(
            (1, .bytes(sessionID.bytes)), (2, certificate.cborValue), (3, .bytes(bitmap)),
            (4, .array(items.map(\.cborValue))))
    }

    /// The tree over the encoded items (RFC 6962, section 2.1): evidence shows one of them with a short path.
    var itemTree: MerkleTree {
        MerkleTree(leafHashes: items.map { MerkleTreeHash.leaf($0.encoded()) })
    }

    /// H("opening", sid, SHA-256 of bitmap, root of the items): what answering this request opens. The votes are left out:
    /// another quorum for the same survivors is the same request.
    public var openingDigest: Digest {
        Self.openingDigest(sessionID: sessionID, bitmapDigest: SHA256.hash(bitmap), itemRoot: itemTree.root)
    }

    static func openingDigest(sessionID: Digest, bitmapDigest: Digest, itemRoot: Digest) -> Digest {
        SHA256.tagged("opening", sessionID.bytes, bitmapDigest.bytes, itemRoot.bytes)
    }

    /// Reads a request, unverified.
    /// - Throws: ``WireFormatError``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        sessionID = try fields.digest(1, "sessionId")
        certificate = try fields.message(2, "certificate")
        bitmap = try fields.bytes(3, "bitmap")
        items = try fields.array(4, "items", maximum: 1_000_000) { (value) throws(WireFormatError) -> ShownShare in
            try ShownShare(cborValue: value)
        }
    }
}

/// C2, member to coordinator: one share a roster position, of the kind that the label names; empty where the member's
/// ciphertext did not open, or held another share than the dealer committed to.
public struct Reveal: SignedBody {
    /// The message's name in the CDDL.
    public static let messageName = "reveal"
    /// Separates this message's signatures from all others.
    public static let signatureType = "reveal"

    /// The session.
    public let sessionID: Digest
    /// The member.
    public let node: NodeIndex
    /// The certified survivor set.
    public let labelDigest: Digest
    /// 40 bytes or none, one a roster position.
    public let shares: [[UInt8]]
    /// ``RevealRequest/openingDigest`` of the request that this answers.
    public let openingDigest: Digest

    /// Describes a reveal.
    public init(sessionID: Digest, node: NodeIndex, labelDigest: Digest, shares: [[UInt8]], openingDigest: Digest) {
        self.sessionID = sessionID
        self.node = node
        self.labelDigest = labelDigest
        self.shares = shares
        self.openingDigest = openingDigest
    }

    /// The message as CBOR.
    public var cborValue: CBORValue {
        .message(
            (1, .bytes(sessionID.bytes)), (2, .unsigned(UInt64(node))), (3, .bytes(labelDigest.bytes)),
            (4, .array(shares.map { .bytes($0) })), (5, .bytes(openingDigest.bytes)))
    }

    /// Reads a reveal.
    /// - Throws: ``WireFormatError``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        sessionID = try fields.digest(1, "sessionId")
        node = try fields.nodeIndex(2, "node")
        labelDigest = try fields.digest(3, "labelDigest")
        shares = try fields.array(4, "shares", maximum: 1_000_000) { (value) throws(WireFormatError) -> [UInt8] in
            guard case .bytes(let bytes) = value, bytes.isEmpty || bytes.count == SecretShare.byteCount else {
                throw .unexpected(field: "reveal.shares", expected: "\(SecretShare.byteCount) bytes or none")
            }
            return bytes
        }
        openingDigest = try fields.digest(5, "openingDigest")
    }
}
