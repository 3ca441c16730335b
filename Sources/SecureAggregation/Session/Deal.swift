// A dealer's signed word about one dealt secret: the body whose share root its commitments and ciphertexts are under. Share
// checks, reveal requests and evidence all carry it, so nobody has to believe the coordinator about what a dealer dealt.

import Cryptography
import WireFormat

/// One dealt secret, as its dealer signed it: the seed of an upload's self mask, or the private key of a prekey.
public struct Deal: WireMessage {
    /// The message's name in the CDDL.
    public static let messageName = "deal"

    /// The upload whose self-mask seed was dealt; nil for a prekey.
    public let upload: SignedMessage<Upload>?
    /// The prekey whose private key was dealt. Beside an upload it is the prekey that this upload burned, and there only if
    /// the dealer joined after the epoch's list was closed: its agreement key is in it and nowhere else.
    public let prekey: SignedMessage<Prekey>?

    /// The deal of a prekey's private key.
    public init(prekey: SignedMessage<Prekey>) {
        upload = nil
        self.prekey = prekey
    }

    /// The deal of an upload's self-mask seed.
    /// - Parameter latePrekey: the prekey that the upload burned, for a dealer that is not in the epoch's announcement.
    public init(upload: SignedMessage<Upload>, latePrekey: SignedMessage<Prekey>? = nil) {
        self.upload = upload
        prekey = latePrekey
    }

    /// Who dealt.
    public var dealer: NodeIndex { upload?.body.node ?? prekey?.body.node ?? .max }

    /// The root that the dealer signed.
    var shareRoot: Digest? { upload?.body.shareRoot ?? prekey?.body.shareRoot }

    /// What the shares are bound to.
    var context: ShareContext? {
        if let upload = upload?.body {
            return ShareContext(
                kind: .selfMaskSeed, scope: upload.sessionID, dealer: upload.node, chargeSequence: upload.chargeSequence
            )
        }
        return prekey.map {
            ShareContext(kind: .prekeySecret, scope: $0.body.id, dealer: $0.body.node, chargeSequence: 0)
        }
    }

    /// H("deal", SHA-256 of the upload's body, SHA-256 of the prekey's body), an absent body being empty: what a verdict
    /// names. Signatures are left out: a dealer may sign the same words twice.
    public var digest: Digest {
        SHA256.tagged(
            "deal", SHA256.hash(upload?.bodyBytes ?? []).bytes, SHA256.hash(prekey?.bodyBytes ?? []).bytes)
    }

    /// Throws unless the dealer is registered and signed every part, and the parts belong together.
    /// - Throws: ``SecureAggregationError``.
    public func verifySignatures(register: Register) throws(SecureAggregationError) {
        guard let owner = register.node(dealer) else { throw .unknown("dealer") }
        if let upload {
            try upload.verify(by: owner.protocolKey)
            if let prekey {
                guard prekey.body.node == upload.body.node, prekey.body.sequence == upload.body.sequence else {
                    throw .mismatch(field: "prekey of an upload")
                }
            }
        }
        if let prekey { try prekey.verify(by: owner.protocolKey) }
    }

    /// Throws unless the dealer signed every part, and a prekey is there exactly when it is needed: for itself, or for the
    /// agreement key of a late dealer. A prekey must be of `epoch`; an upload does not say which epoch it is of.
    /// - Throws: ``SecureAggregationError``.
    func verify(register: Register, epoch: Epoch) throws(SecureAggregationError) {
        try verifySignatures(register: register)
        if let prekey { try prekey.body.verifyOwner(of: prekey, register: register, epoch: epoch) }
        if upload != nil {
            guard (prekey != nil) == (epoch.agreementKeys[dealer] == nil) else {
                throw .mismatch(field: "prekey of an upload")
            }
        }
    }

    /// The share that a member finds at its leaf: nil if it does not open, or is not what the dealer committed to.
    func share(
        opening: SharePackage.Opening, holder: Int, register: Register, epoch: Epoch, agreementKey: X25519PrivateKey
    ) -> SecretShare? {
        guard let context,
            let share = try? SharePackage.open(
                opening.ciphertext, context: context, holder: holder, register: register, epoch: epoch,
                agreementKey: agreementKey, lateKey: prekey?.body.agreementKey),
            opening.matches(share, context: context, holder: holder)
        else { return nil }
        return share
    }

    /// Whether `secret` is what the dealer said it dealt: the seed of its upload's commitment, or its prekey's private key.
    func isKept(by secret: SecretBytes) -> Bool {
        if let upload = upload?.body {
            return MaskDerivation.selfMaskCommitment(
                sessionID: upload.sessionID, node: upload.node, seed: secret) == upload.selfMaskCommitment
        }
        return (try? X25519PrivateKey(secret))?.publicKey == prekey?.body.publicKey
    }

    /// The message as CBOR.
    public var cborValue: CBORValue { .message((1, upload?.cborValue), (2, prekey?.cborValue)) }

    /// Reads a deal, unverified.
    /// - Throws: ``WireFormatError``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        if let value = fields.optionalField(1) {
            upload = try SignedMessage(cborValue: value)
        } else {
            upload = nil
        }
        if let value = fields.optionalField(2) {
            prekey = try SignedMessage(cborValue: value)
        } else {
            prekey = nil
        }
        guard upload != nil || prekey != nil else {
            throw .unexpected(field: "deal", expected: "an upload or a prekey")
        }
    }
}
