// The public keys everything else is verified under. Every party gets this file with its own keys, from the ceremony and
// not from the coordinator.

import Cryptography
import WireFormat

/// The chain's public keys, by role.
public struct TrustAnchors: WireMessage {
    /// The message's name in the CDDL.
    public static let messageName = "trust-anchors"

    /// The trust domain.
    public let chain: String
    /// Signs registers.
    public let authorityKey: Ed25519PublicKey
    /// Signs plans. Not the coordinator's: it must not be able to choose what a round computes.
    public let planOwnerKey: Ed25519PublicKey
    /// Signs offers and receipts.
    public let coordinatorKey: Ed25519PublicKey
    /// The consent log's verifier key in the signed-note form, `<name>+<id>+<key>`.
    public let ledgerVerifierKey: String

    /// Collects the anchors.
    public init(
        chain: String, authorityKey: Ed25519PublicKey, planOwnerKey: Ed25519PublicKey,
        coordinatorKey: Ed25519PublicKey, ledgerVerifierKey: String
    ) {
        self.chain = chain
        self.authorityKey = authorityKey
        self.planOwnerKey = planOwnerKey
        self.coordinatorKey = coordinatorKey
        self.ledgerVerifierKey = ledgerVerifierKey
    }

    /// The message as CBOR.
    public var cborValue: CBORValue {
        .message(
            (1, .text(chain)), (2, .bytes(authorityKey.bytes)), (3, .bytes(planOwnerKey.bytes)),
            (4, .bytes(coordinatorKey.bytes)), (5, .text(ledgerVerifierKey)))
    }

    /// Reads anchors.
    /// - Throws: ``WireFormatError``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        chain = try fields.text(1, "chain", maximum: 255)
        authorityKey = try fields.ed25519Key(2, "authorityKey")
        planOwnerKey = try fields.ed25519Key(3, "planOwnerKey")
        coordinatorKey = try fields.ed25519Key(4, "coordinatorKey")
        ledgerVerifierKey = try fields.text(5, "ledgerVerifierKey")
    }
}
