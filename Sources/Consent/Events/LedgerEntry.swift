// A leaf together with what opens its commitment.

import Cryptography
import WireFormat

/// A leaf, its payload and the nonce that hides it: proof that the payload is what the log committed to.
public struct LedgerEntry: Equatable, Sendable {
    /// Longest payload, in bytes; C2SP tlog-tiles bounds an entry to 65,535.
    public static let maximumPayloadByteCount = 65_535

    /// The leaf in the log.
    public let leaf: LedgerLeaf
    /// 32 bytes; zero for public categories.
    public let nonce: [UInt8]
    /// The payload's deterministic CBOR.
    public let payload: [UInt8]

    /// Opens a commitment.
    /// - Throws: ``ConsentError/commitmentMismatch`` if the leaf commits to something else, or if a public payload comes
    ///   with a nonce other than zero or a sealed one without a nonce.
    public init(leaf: LedgerLeaf, nonce: [UInt8], payload: [UInt8]) throws(ConsentError) {
        try Self.check(payload)
        guard leaf.category.isPublic == (nonce == LedgerLeaf.publicNonce),
            try LedgerLeaf.commitment(nonce: nonce, payload: payload) == leaf.commitment
        else { throw .commitmentMismatch }
        self.leaf = leaf
        self.nonce = nonce
        self.payload = payload
    }

    /// Makes the entry of a new payload.
    ///
    /// - Parameters:
    ///   - random: draws the nonce of a payload that is not public.
    /// - Throws: ``ConsentError``: a payload over 65,535 bytes, a number that does not fit, no randomness.
    public static func make(
        _ category: LedgerLeaf.Category, payload: [UInt8], source: UInt32, sourceSequence: UInt64,
        recordedMilliseconds: Int64, random: any RandomSource
    ) throws(ConsentError) -> LedgerEntry {
        try check(payload)
        let nonce =
            category.isPublic
            ? LedgerLeaf.publicNonce
            : try ConsentError.cryptographic { () throws(CryptographyError) in
                try random.publicBytes(count: LedgerLeaf.nonceByteCount)
            }
        let leaf = try LedgerLeaf(
            category: category, source: source, sourceSequence: sourceSequence,
            recordedMilliseconds: recordedMilliseconds,
            commitment: try LedgerLeaf.commitment(nonce: nonce, payload: payload))
        return try LedgerEntry(leaf: leaf, nonce: nonce, payload: payload)
    }

    /// The payload as the message of the leaf's category.
    /// - Throws: ``ConsentError/malformed(_:)``.
    public func message<Message: WireMessage>(as type: Message.Type = Message.self) throws(ConsentError) -> Message {
        do { return try Message(decoding: payload) } catch { throw .malformed(error) }
    }

    private static func check(_ payload: [UInt8]) throws(ConsentError) {
        guard payload.count <= maximumPayloadByteCount else {
            throw .invalid(field: "payload", expected: "at most 65,535 bytes")
        }
    }
}
