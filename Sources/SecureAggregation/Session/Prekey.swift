// One-time prekeys: the private key is shared with the committee before anyone needs it, so a node that uploads once and
// vanishes leaves nothing undone. A prekey serves one session and is burned before its first use.

import Cryptography
import WireFormat

/// A node's signed one-time key.
public struct Prekey: SignedBody {
    /// The message's name in the CDDL.
    public static let messageName = "prekey"
    /// Separates this message's signatures from all others.
    public static let signatureType = "prekey"
    /// The largest ``sequence``, 2^63 − 1: every party stores it as a signed 64-bit integer.
    public static let maximumSequence = UInt64(Int64.max)

    /// The epoch it lives in.
    public let epochRoot: Digest
    /// The owner.
    public let node: NodeIndex
    /// Counts up for the owner and never repeats; at most ``maximumSequence``.
    public let sequence: UInt64
    /// pk: other nodes derive pair masks with it.
    public let publicKey: X25519PublicKey
    /// Root of the commitments to, and ciphertexts of, the shares of its private key.
    public let shareRoot: Digest
    /// ek of a node that joined after the epoch's list was closed; nil for a node that is in the list. The roster names the
    /// prekey by its digest, so everyone in a session agrees on this key too.
    public let agreementKey: X25519PublicKey?

    /// Binds the ciphertexts of the private key's shares.
    public var id: Digest {
        Prekey.id(epochRoot: epochRoot, node: node, sequence: sequence, publicKey: publicKey)
    }

    static func id(epochRoot: Digest, node: NodeIndex, sequence: UInt64, publicKey: X25519PublicKey) -> Digest {
        SHA256.tagged("prekey-id", epochRoot.bytes, bigEndian(node), bigEndian(sequence), publicKey.bytes)
    }

    /// What a roster names.
    public var digest: Digest { SHA256.tagged("prekey", encoded()) }

    init(
        epochRoot: Digest, node: NodeIndex, sequence: UInt64, publicKey: X25519PublicKey, shareRoot: Digest,
        agreementKey: X25519PublicKey? = nil
    ) {
        self.epochRoot = epochRoot
        self.node = node
        self.sequence = sequence
        self.publicKey = publicKey
        self.shareRoot = shareRoot
        self.agreementKey = agreementKey
    }

    /// The message as CBOR.
    public var cborValue: CBORValue {
        .message(
            (1, .bytes(epochRoot.bytes)), (2, .unsigned(UInt64(node))), (3, .unsigned(sequence)),
            (4, .bytes(publicKey.bytes)), (5, .bytes(shareRoot.bytes)),
            (6, agreementKey.map { .bytes($0.bytes) }))
    }

    /// Reads a prekey; its keys are checked here.
    /// - Throws: ``WireFormatError``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        epochRoot = try fields.digest(1, "epochRoot")
        node = try fields.nodeIndex(2, "node")
        sequence = try fields.unsigned(3, "sequence", in: 0...Self.maximumSequence)
        publicKey = try fields.x25519Key(4, "publicKey")
        shareRoot = try fields.digest(5, "shareRoot")
        agreementKey = try fields.optionalX25519Key(6, "agreementKey")
    }
}

/// A prekey with the shares of its private key, as the coordinator stores it.
public struct PrekeyBundle: WireMessage {
    /// The message's name in the CDDL.
    public static let messageName = "prekey-bundle"

    /// The signed prekey.
    public let prekey: SignedMessage<Prekey>
    /// Its private key, dealt to the committee.
    public let shares: SharePackage

    /// Pairs a prekey with its shares.
    public init(prekey: SignedMessage<Prekey>, shares: SharePackage) {
        self.prekey = prekey
        self.shares = shares
    }

    /// The message as CBOR.
    public var cborValue: CBORValue { .message((1, prekey.cborValue), (2, shares.cborValue)) }

    /// Reads a bundle.
    /// - Throws: ``WireFormatError``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        prekey = try fields.message(1, "prekey")
        shares = try fields.message(2, "shares")
    }

    /// Throws unless the bundle fits the register and the epoch.
    /// - Throws: ``SecureAggregationError`` naming what fails.
    public func verify(register: Register, epoch: Epoch) throws(SecureAggregationError) {
        try prekey.body.verifyOwner(of: prekey, register: register, epoch: epoch)
        guard shares.commitments.count == register.committee.count else { throw .mismatch(field: "committee size") }
        guard shares.root == prekey.body.shareRoot else { throw .mismatch(field: "shareRoot") }
        guard shares.serves(register.committee, in: epoch) else { throw .mismatch(field: "committee members served") }
    }
}

extension Prekey {
    /// Throws unless `signed` is by a node of the register, of `epoch`, and says an agreement key exactly if the epoch's
    /// announcement does not.
    func verifyOwner(
        of signed: SignedMessage<Prekey>, register: Register, epoch: Epoch
    ) throws(SecureAggregationError) {
        guard epochRoot == epoch.root else { throw .mismatch(field: "epochRoot") }
        guard let owner = register.node(node) else { throw .unknown("prekey owner") }
        // Two keys of one node in an epoch would let somebody choose which one a committee member decrypts with.
        guard (agreementKey == nil) == (epoch.agreementKeys[node] != nil) else {
            throw .mismatch(field: "agreementKey of a prekey")
        }
        if let agreementKey, epoch.isAnnounced(agreementKey) { throw .conflict("agreement key") }
        try signed.verify(by: owner.protocolKey)
    }
}

/// A prekey as its owner keeps it until it is used.
public struct PreparedPrekey: Sendable {
    /// Counts up for the owner.
    public let sequence: UInt64
    /// sk: shared with the committee; erased once the upload is acknowledged.
    public let privateKey: X25519PrivateKey
    /// What goes to the coordinator.
    public let bundle: PrekeyBundle

    /// Reloads a stored prekey. `privateKey` and `bundle` must be of one earlier call of
    /// ``init(sequence:node:keys:register:epoch:random:)``.
    public init(sequence: UInt64, privateKey: X25519PrivateKey, bundle: PrekeyBundle) {
        self.sequence = sequence
        self.privateKey = privateKey
        self.bundle = bundle
    }

    /// Makes and deals a fresh prekey. That of a node which is not in the epoch's announcement carries its agreement key.
    /// - Throws: ``SecureAggregationError/malformed(_:)`` if a primitive fails.
    public init(
        sequence: UInt64, node: NodeIndex, keys: NodeKeys, register: Register, epoch: Epoch, random: some RandomSource
    ) throws(SecureAggregationError) {
        (privateKey, bundle) = try refusing(as: "prekey") {
            let secret = try hedgedSecret(
                random: random, hedge: keys.hedge, salt: epoch.root.bytes, info: "prekey-secret",
                bigEndian(node) + bigEndian(sequence))
            let privateKey = try X25519PrivateKey(secret)
            let id = Prekey.id(
                epochRoot: epoch.root, node: node, sequence: sequence, publicKey: privateKey.publicKey)
            let shares = try SharePackage(
                dealing: privateKey.rawRepresentation,
                context: ShareContext(kind: .prekeySecret, scope: id, dealer: node, chargeSequence: 0),
                register: register, epoch: epoch, agreementKey: keys.agreementKey, hedge: keys.hedge, random: random)
            let prekey = Prekey(
                epochRoot: epoch.root, node: node, sequence: sequence, publicKey: privateKey.publicKey,
                shareRoot: shares.root,
                agreementKey: epoch.agreementKeys[node] == nil ? keys.agreementKey.publicKey : nil)
            return (
                privateKey,
                PrekeyBundle(prekey: try SignedMessage(signing: prekey, key: keys.protocolKey), shares: shares)
            )
        }
        self.sequence = sequence
    }
}

/// The secret keys of a node. They stay in one process and one mode-0600 folder, and in no backup.
public struct NodeKeys: Sendable {
    /// Signs protocol messages; its public half is in the register.
    public let protocolKey: Ed25519PrivateKey
    /// ek of the current epoch.
    public let agreementKey: X25519PrivateKey
    /// 32 static bytes mixed into every secret the node draws.
    public let hedge: SecretBytes

    /// Collects a node's keys.
    public init(protocolKey: Ed25519PrivateKey, agreementKey: X25519PrivateKey, hedge: SecretBytes) {
        self.protocolKey = protocolKey
        self.agreementKey = agreementKey
        self.hedge = hedge
    }
}

extension NodeKeys {
    /// A fresh 256-bit key for one use in one session (coins, rounding, noise), hedged like every secret of the node: a
    /// machine restored from a snapshot repeats its generator, but not under another session id.
    /// - Throws: ``SecureAggregationError/malformed(_:)`` if a primitive fails.
    public func sessionKey(
        for use: String, sessionID: Digest, random: some RandomSource
    ) throws(SecureAggregationError) -> SecretBytes {
        try refusing(as: "session key") {
            try hedgedSecret(
                random: random, hedge: hedge, salt: sessionID.bytes, info: "session-key", [UInt8](use.utf8))
        }
    }
}
