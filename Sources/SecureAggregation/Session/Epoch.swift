// An epoch: for some days every node offers one agreement key, to which others encrypt shares. The keys are erased when
// the epoch ends, so it is the window of forward secrecy.

import Cryptography
import WireFormat

/// A node's agreement key for one epoch, signed with its protocol key.
public struct EpochHello: SignedBody {
    /// The message's name in the CDDL.
    public static let messageName = "epoch-hello"
    /// Separates this message's signatures from all others.
    public static let signatureType = "epoch-hello"

    /// The register version this epoch pins.
    public let registerDigest: Digest
    /// Counts up, to ``Epoch/maximumNumber`` at most.
    public let epoch: UInt64
    /// The signer.
    public let node: NodeIndex
    /// ek: shares for this node are encrypted to it.
    public let agreementKey: X25519PublicKey

    /// Describes a hello.
    public init(registerDigest: Digest, epoch: UInt64, node: NodeIndex, agreementKey: X25519PublicKey) {
        self.registerDigest = registerDigest
        self.epoch = epoch
        self.node = node
        self.agreementKey = agreementKey
    }

    /// The message as CBOR.
    public var cborValue: CBORValue {
        .message(
            (1, .bytes(registerDigest.bytes)), (2, .unsigned(epoch)), (3, .unsigned(UInt64(node))),
            (4, .bytes(agreementKey.bytes)))
    }

    /// Reads a hello; the key is checked here.
    /// - Throws: ``WireFormatError``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        registerDigest = try fields.digest(1, "registerDigest")
        epoch = try fields.unsigned(2, "epoch", in: 0...Epoch.maximumNumber)
        node = try fields.nodeIndex(3, "node")
        agreementKey = try fields.x25519Key(4, "agreementKey")
    }
}

/// The closed list of an epoch's hellos. Its root is in every prekey and session of the epoch, so two nodes that were shown
/// different lists never share a session.
public struct EpochAnnouncement: WireMessage {
    /// The message's name in the CDDL.
    public static let messageName = "epoch-announcement"

    /// The register version this epoch pins.
    public let registerDigest: Digest
    /// Counts up, to ``Epoch/maximumNumber`` at most.
    public let epoch: UInt64
    /// Unix milliseconds after which no session of this epoch may start.
    public let endsAtMilliseconds: Int64
    /// One hello a node, by strictly increasing index.
    public let hellos: [SignedMessage<EpochHello>]

    /// Collects hellos.
    public init(
        registerDigest: Digest, epoch: UInt64, endsAtMilliseconds: Int64, hellos: [SignedMessage<EpochHello>]
    ) {
        self.registerDigest = registerDigest
        self.epoch = epoch
        self.endsAtMilliseconds = endsAtMilliseconds
        self.hellos = hellos
    }

    /// The message as CBOR.
    public var cborValue: CBORValue {
        .message(
            (1, .bytes(registerDigest.bytes)), (2, .unsigned(epoch)), (3, CBORValue(endsAtMilliseconds)),
            (4, .array(hellos.map(\.cborValue))))
    }

    /// Reads an announcement, unverified.
    /// - Throws: ``WireFormatError``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        registerDigest = try fields.digest(1, "registerDigest")
        epoch = try fields.unsigned(2, "epoch", in: 0...Epoch.maximumNumber)
        endsAtMilliseconds = Int64(try fields.unsigned(3, "endsAt"))
        hellos = try fields.array(4, "hellos") { (value) throws(WireFormatError) in
            try SignedMessage<EpochHello>(cborValue: value)
        }
    }
}

/// What an epoch's root commits to, in 48 bytes beside the register's digest. Prekeys and share reports name the root alone;
/// with the head anybody computes the root again under the register that they hold, without the list of hellos, and so sees
/// whether what names the root was signed under that register.
public struct EpochHead: WireMessage, Hashable {
    /// The message's name in the CDDL.
    public static let messageName = "epoch-head"

    /// Counts up.
    public let epoch: UInt64
    /// Unix milliseconds after which no session of this epoch may start.
    public let endsAtMilliseconds: Int64
    /// H("epoch-keys", node and ek of every hello, in order).
    public let keysDigest: Digest

    /// Describes a head.
    public init(epoch: UInt64, endsAtMilliseconds: Int64, keysDigest: Digest) {
        self.epoch = epoch
        self.endsAtMilliseconds = endsAtMilliseconds
        self.keysDigest = keysDigest
    }

    /// epochRoot = H("epoch-root", register digest, epoch, end, keys digest): the root of the epoch with this head under the
    /// register of that digest.
    public func root(registerDigest: Digest) -> Digest {
        SHA256.tagged(
            "epoch-root", registerDigest.bytes, bigEndian(epoch), bigEndian(UInt64(bitPattern: endsAtMilliseconds)),
            keysDigest.bytes)
    }

    /// The message as CBOR.
    public var cborValue: CBORValue {
        .message((1, .unsigned(epoch)), (2, CBORValue(endsAtMilliseconds)), (3, .bytes(keysDigest.bytes)))
    }

    /// Reads a head; whose it is shows when its root is computed.
    /// - Throws: ``WireFormatError``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        epoch = try fields.unsigned(1, "epoch")
        endsAtMilliseconds = Int64(try fields.unsigned(2, "endsAt"))
        keysDigest = try fields.digest(3, "keysDigest")
    }
}

extension EpochAnnouncement {
    /// What the root of the announced epoch commits to, whether the announcement is right or not.
    public var head: EpochHead {
        var hasher = SHA256.Hasher()
        hasher.update(tag: "epoch-keys")
        for hello in hellos {
            hasher.update(bigEndian(hello.body.node))
            hasher.update(hello.body.agreementKey.bytes)
        }
        return EpochHead(epoch: epoch, endsAtMilliseconds: endsAtMilliseconds, keysDigest: hasher.finalize())
    }
}

/// A verified epoch: what nodes, committee and coordinator look agreement keys up in.
public struct Epoch: Sendable, Equatable {
    /// The largest number of an epoch, 2^31 − 1. Nodes number prekeys from number · 2^32, and stay below 2^63.
    public static let maximumNumber: UInt64 = (1 << 31) - 1

    /// Number, end and agreement keys: what the root commits to beside the register.
    public let head: EpochHead
    /// Binds register, number, end and every agreement key.
    public let root: Digest
    /// ek of every node that said hello.
    public let agreementKeys: [NodeIndex: X25519PublicKey]
    private let announcedKeys: Set<X25519PublicKey>

    /// Counts up.
    public var number: UInt64 { head.epoch }
    /// No session of this epoch starts after this.
    public var endsAtMilliseconds: Int64 { head.endsAtMilliseconds }

    /// Whether `key` is a node's in the announcement.
    func isAnnounced(_ key: X25519PublicKey) -> Bool { announcedKeys.contains(key) }

    /// Verifies an announcement against the register.
    /// - Throws: ``SecureAggregationError`` naming what fails: another register, order, an unknown node, a signature, a
    ///   repeated key, or too few committee members to open anything.
    public init(verifying announcement: EpochAnnouncement, register: Register) throws(SecureAggregationError) {
        guard announcement.registerDigest == register.digest else { throw .mismatch(field: "registerDigest") }
        var keys: [NodeIndex: X25519PublicKey] = [:]
        var seen: Set<X25519PublicKey> = []
        var previous: NodeIndex?
        for hello in announcement.hellos {
            let body = hello.body
            guard body.registerDigest == announcement.registerDigest, body.epoch == announcement.epoch else {
                throw .mismatch(field: "epoch of a hello")
            }
            if let previous, previous >= body.node { throw .mismatch(field: "order of hellos") }
            previous = body.node
            guard let node = register.node(body.node) else { throw .unknown("node in the epoch") }
            try hello.verify(by: node.protocolKey)
            guard seen.insert(body.agreementKey).inserted else { throw .conflict("agreement key") }
            keys[body.node] = body.agreementKey
        }
        let present = register.committee.count { keys[$0] != nil }
        guard present >= register.quorum else {
            throw .tooFew("committee members in the epoch", have: present, need: register.quorum)
        }
        head = announcement.head
        root = head.root(registerDigest: register.digest)
        agreementKeys = keys
        announcedKeys = seen
    }
}
