// The only message a node sends online: its masked vector, with the shares of its self-mask seed.

import Cryptography
import WireFormat

/// What a node signs about its masked vector.
public struct Upload: SignedBody {
    /// The message's name in the CDDL.
    public static let messageName = "upload"
    /// Separates this message's signatures from all others.
    public static let signatureType = "upload"

    /// The session.
    public let sessionID: Digest
    /// The sender.
    public let node: NodeIndex
    /// Its prekey's sequence number, as the roster names it.
    public let sequence: UInt64
    /// The number of the sender's budget charge for this round; bound into the share ciphertexts.
    public let chargeSequence: UInt64
    /// H("b-commit", sid, node, b): the joined seed must match.
    public let selfMaskCommitment: Digest
    /// Digest of the masked vector (``VectorChunks``).
    public let vectorDigest: Digest
    /// Root of the commitments to the shares of b.
    public let shareRoot: Digest

    /// The message as CBOR.
    public var cborValue: CBORValue {
        .message(
            (1, .bytes(sessionID.bytes)), (2, .unsigned(UInt64(node))), (3, .unsigned(sequence)),
            (4, .unsigned(chargeSequence)), (5, .bytes(selfMaskCommitment.bytes)), (6, .bytes(vectorDigest.bytes)),
            (7, .bytes(shareRoot.bytes)))
    }

    init(
        sessionID: Digest, node: NodeIndex, sequence: UInt64, chargeSequence: UInt64, selfMaskCommitment: Digest,
        vectorDigest: Digest, shareRoot: Digest
    ) {
        self.sessionID = sessionID
        self.node = node
        self.sequence = sequence
        self.chargeSequence = chargeSequence
        self.selfMaskCommitment = selfMaskCommitment
        self.vectorDigest = vectorDigest
        self.shareRoot = shareRoot
    }

    /// Reads an upload's body.
    /// - Throws: ``WireFormatError``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        sessionID = try fields.digest(1, "sessionId")
        node = try fields.nodeIndex(2, "node")
        sequence = try fields.unsigned(3, "sequence")
        chargeSequence = try fields.unsigned(4, "chargeSequence")
        selfMaskCommitment = try fields.digest(5, "selfMaskCommitment")
        vectorDigest = try fields.digest(6, "vectorDigest")
        shareRoot = try fields.digest(7, "shareRoot")
    }
}

/// The upload as it is committed: the signed body, the shares, and the digests of the chunks that carry the vector.
public struct UploadEnvelope: WireMessage {
    /// The message's name in the CDDL.
    public static let messageName = "upload-envelope"

    /// Signed by the node.
    public let upload: SignedMessage<Upload>
    /// The self-mask seed, dealt to the committee.
    public let shares: SharePackage
    /// SHA-256 of each chunk of the masked vector.
    public let chunkDigests: [Digest]

    /// Collects an envelope.
    public init(upload: SignedMessage<Upload>, shares: SharePackage, chunkDigests: [Digest]) {
        self.upload = upload
        self.shares = shares
        self.chunkDigests = chunkDigests
    }

    /// The message as CBOR.
    public var cborValue: CBORValue {
        .message(
            (1, upload.cborValue), (2, shares.cborValue), (3, .array(chunkDigests.map { .bytes($0.bytes) })))
    }

    /// Reads an envelope.
    /// - Throws: ``WireFormatError``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        upload = try fields.message(1, "upload")
        shares = try fields.message(2, "shares")
        chunkDigests = try fields.digests(3, "upload-envelope.chunkDigests", maximum: 1 << 20)
    }

    /// Identifies the upload: the same bytes get the same receipt, other bytes are a conflict.
    public var digest: Digest { SHA256.tagged("upload-envelope", encoded()) }
}

/// How a vector of words becomes chunks: 131,072 words (1 MiB) each but the last, little-endian.
public enum VectorChunks {
    /// Words in a full chunk; even, so every chunk starts on a block of the mask stream.
    public static let wordsPerChunk = 1 << 17
    /// Bytes in a full chunk.
    public static let bytesPerChunk = wordsPerChunk * 8

    /// Number of chunks of a vector of `wordCount` words.
    public static func count(wordCount: Int) -> Int { (wordCount + wordsPerChunk - 1) / wordsPerChunk }

    /// The words that chunk `index` carries.
    public static func range(_ index: Int, wordCount: Int) -> Range<Int> {
        let start = index * wordsPerChunk
        return start..<min(start + wordsPerChunk, wordCount)
    }

    /// The bytes of `words`.
    public static func encode(_ words: ArraySlice<UInt64>) -> [UInt8] { LittleEndianWords.encode(words) }

    /// The words of `bytes`.
    /// - Throws: ``SecureAggregationError/malformed(_:)`` unless the length is a multiple of 8.
    public static func decode(_ bytes: [UInt8]) throws(SecureAggregationError) -> [UInt64] {
        try refusing(as: "vector chunk") { try LittleEndianWords.decode(bytes) }
    }

    /// SHA-256 of the bytes of every chunk of `words`.
    public static func chunkDigests(of words: [UInt64]) -> [Digest] {
        (0..<count(wordCount: words.count)).map { index in
            var hasher = SHA256.Hasher()
            hasher.update(littleEndian: words[range(index, wordCount: words.count)])
            return hasher.finalize()
        }
    }

    /// H("masked-vector", word count, chunk digests).
    public static func digest(wordCount: Int, chunkDigests: [Digest]) -> Digest {
        var hasher = SHA256.Hasher()
        hasher.update(tag: "masked-vector")
        hasher.update(bigEndian(UInt64(wordCount)))
        for digest in chunkDigests { hasher.update(digest.bytes) }
        return hasher.finalize()
    }
}
