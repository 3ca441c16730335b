// A dealt secret on its way to the committee: one ciphertext and one commitment a member. The dealer signs one root over
// both, so a wrong share is evidence against exactly one party: whoever signed that root.

import Cryptography
import MerkleLog
import WireFormat

/// What is shared.
public enum ShareKind: UInt8, Sendable {
    /// The private key of a prekey, opened if the node dropped.
    case prekeySecret = 1
    /// The seed b of the self mask, opened if the node survived.
    case selfMaskSeed = 2
}

/// What a ciphertext and a commitment are bound to.
public struct ShareContext: Sendable, Equatable {
    /// What is shared.
    public let kind: ShareKind
    /// The prekey's id, or the session id.
    public let scope: Digest
    /// Who dealt.
    public let dealer: NodeIndex
    /// The dealer's budget charge number for a self-mask seed, zero for a prekey: a node rolled back to an earlier state
    /// cannot have an old ciphertext opened as a new one.
    public let chargeSequence: UInt64

    /// Describes a context.
    public init(kind: ShareKind, scope: Digest, dealer: NodeIndex, chargeSequence: UInt64) {
        self.kind = kind
        self.scope = scope
        self.dealer = dealer
        self.chargeSequence = chargeSequence
    }

    /// Fixed-length bytes for derivations, with the holder's committee position.
    func bytes(holder: Int) -> [UInt8] {
        [kind.rawValue] + scope.bytes + bigEndian(dealer) + bigEndian(UInt32(holder)) + bigEndian(chargeSequence)
    }
}

/// All members' ciphertexts and commitments of one dealt secret, by committee position.
public struct SharePackage: WireMessage {
    /// The message's name in the CDDL.
    public static let messageName = "share-package"

    /// h_u = H("share-commit", context, share): one a member.
    public let commitments: [Digest]
    // One array for all members: a coordinator holds thousands of packages of a hundred ciphertexts each.
    private let joinedCiphertexts: [UInt8]
    private let isServed: [Bool]

    static let ciphertextByteCount = AESGCM.nonceByteCount + SecretShare.byteCount + AESGCM.tagByteCount

    /// nonce (12) ‖ AES-256-GCM ciphertext (40) ‖ tag (16) for the member at a committee position; empty for a member absent
    /// from the epoch.
    /// - Parameter holder: in the indices of ``commitments``.
    public func ciphertext(of holder: Int) -> [UInt8] {
        guard isServed[holder] else { return [] }
        let start = holder * Self.ciphertextByteCount
        return Array(joinedCiphertexts[start..<start + Self.ciphertextByteCount])
    }

    /// Every member's ciphertext, by committee position.
    public var ciphertexts: [[UInt8]] { commitments.indices.map { ciphertext(of: $0) } }

    /// Whether the members with a ciphertext are exactly those that are in `epoch`'s announcement.
    func serves(_ committee: [NodeIndex], in epoch: Epoch) -> Bool {
        isServed == committee.map { epoch.agreementKeys[$0] != nil }
    }

    /// - Parameter ciphertexts: empty or of ``ciphertextByteCount`` bytes each, one a commitment.
    private init(ciphertexts: [[UInt8]], commitments: [Digest]) {
        let absent = [UInt8](repeating: 0, count: Self.ciphertextByteCount)
        var joined: [UInt8] = []
        joined.reserveCapacity(ciphertexts.count * Self.ciphertextByteCount)
        for ciphertext in ciphertexts { joined += ciphertext.isEmpty ? absent : ciphertext }
        joinedCiphertexts = joined
        isServed = ciphertexts.map { !$0.isEmpty }
        self.commitments = commitments
    }

    /// A package for nobody, in place of one that is not needed any more.
    static let none = SharePackage(ciphertexts: [], commitments: [])

    /// The dealer-signed root over every commitment with its ciphertext (an RFC 6962 tree, so one leaf opens with a short
    /// proof, ``opening(of:)``).
    public var root: Digest { tree.root }

    /// The message as CBOR.
    public var cborValue: CBORValue {
        .message(
            (1, .array(ciphertexts.map { .bytes($0) })), (2, .array(commitments.map { .bytes($0.bytes) })))
    }

    /// Reads a package.
    /// - Throws: ``WireFormatError``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        let ciphertexts = try fields.array(1, "ciphertexts", maximum: 10_000) {
            (value) throws(WireFormatError) -> [UInt8] in
            guard case .bytes(let bytes) = value, bytes.isEmpty || bytes.count == Self.ciphertextByteCount else {
                throw .unexpected(
                    field: "share-package.ciphertexts", expected: "\(Self.ciphertextByteCount) bytes or none")
            }
            return bytes
        }
        let commitments = try fields.digests(2, "share-package.commitments", maximum: 10_000)
        guard commitments.count == ciphertexts.count else {
            throw .unexpected(field: "share-package.commitments", expected: "one a ciphertext")
        }
        self.init(ciphertexts: ciphertexts, commitments: commitments)
    }

    /// Deals `secret` to the committee of `register` in `epoch`.
    /// - Parameters:
    ///   - agreementKey: the dealer's private key of the epoch.
    ///   - hedge: the dealer's static secret: repeated generator output after a snapshot still gives another polynomial
    ///     for another context and for another secret.
    /// - Throws: ``SecureAggregationError/malformed(_:)`` if a primitive fails.
    public init(
        dealing secret: SecretBytes, context: ShareContext, register: Register, epoch: Epoch,
        agreementKey: X25519PrivateKey, hedge: SecretBytes, random: some RandomSource
    ) throws(SecureAggregationError) {
        self = try refusing(as: "share package") {
            let seed = try hedgedSecret(
                random: random, hedge: hedge, mixing: secret, salt: context.scope.bytes, info: "shamir",
                context.bytes(holder: 0))
            var generator = try KeyedRandomGenerator(key: seed)
            let shares = try ShamirSharing.split(
                secret, threshold: register.quorum, count: register.committee.count, generator: &generator)
            var ciphertexts: [[UInt8]] = []
            var commitments: [Digest] = []
            for (position, share) in shares.enumerated() {
                commitments.append(Self.commitment(to: share, context: context, holder: position))
                guard let holderKey = epoch.agreementKeys[register.committee[position]] else {
                    ciphertexts.append([])
                    continue
                }
                let key = try Self.shareKey(
                    context: context, holder: position, holderNode: register.committee[position], own: agreementKey,
                    peer: holderKey, dealerKey: agreementKey.publicKey, holderKey: holderKey, epochRoot: epoch.root)
                // From the hedged generator: a cloned machine that deals another secret in this context must not meet
                // this key with a nonce it used before.
                let nonce = [UInt8]((bigEndian(generator.next()) + bigEndian(generator.next())).prefix(12))
                ciphertexts.append(
                    nonce
                        + (try AESGCM.seal(
                            share.rawRepresentation, key: key, nonce: nonce,
                            authenticating: context.bytes(holder: position))))
            }
            return SharePackage(ciphertexts: ciphertexts, commitments: commitments)
        }
    }

    /// Opens the ciphertext addressed to `holder`.
    /// - Parameter lateKey: the agreement key in the prekey of a dealer that is not in the epoch's announcement.
    /// - Throws: ``SecureAggregationError/badShare(_:)`` if it does not authenticate in this context.
    public static func open(
        _ ciphertext: [UInt8], context: ShareContext, holder: Int, register: Register, epoch: Epoch,
        agreementKey: X25519PrivateKey, lateKey: X25519PublicKey? = nil
    ) throws(SecureAggregationError) -> SecretShare {
        guard ciphertext.count == ciphertextByteCount,
            let dealerKey = epoch.agreementKeys[context.dealer] ?? lateKey,
            register.committee.indices.contains(holder)
        else { throw .badShare("share ciphertext") }
        do {
            let key = try shareKey(
                context: context, holder: holder, holderNode: register.committee[holder], own: agreementKey,
                peer: dealerKey, dealerKey: dealerKey, holderKey: agreementKey.publicKey, epochRoot: epoch.root)
            return try SecretShare(
                AESGCM.open(
                    [UInt8](ciphertext.dropFirst(AESGCM.nonceByteCount)), key: key,
                    nonce: [UInt8](ciphertext.prefix(AESGCM.nonceByteCount)),
                    authenticating: context.bytes(holder: holder)))
        } catch {
            throw .badShare("share ciphertext")
        }
    }

    /// h_u. Hashes the 40 bytes jointly: a commitment to one limb could be searched.
    static func commitment(to share: SecretShare, context: ShareContext, holder: Int) -> Digest {
        var hasher = SHA256.Hasher()
        hasher.update(tag: "share-commit")
        hasher.update(context.bytes(holder: holder))
        hasher.update(share.rawRepresentation)
        return hasher.finalize()
    }

    /// Whether `share` is the one that the dealer committed to.
    public func matches(_ share: SecretShare, context: ShareContext, holder: Int) -> Bool {
        commitments.indices.contains(holder)
            && Self.commitment(to: share, context: context, holder: holder) == commitments[holder]
    }

    /// K_{i,u} from the two epoch keys, then a key of its own for this one ciphertext. The agreement is the same for the whole
    /// epoch, so both sides keep it: a member opens n of its shares every round.
    private static func shareKey(
        context: ShareContext, holder: Int, holderNode: NodeIndex, own: X25519PrivateKey, peer: X25519PublicKey,
        dealerKey: X25519PublicKey, holderKey: X25519PublicKey, epochRoot: Digest
    ) throws -> SecretBytes {
        let pairKey = try HKDF.deriveKey(
            from: own.keptSharedSecret(with: peer), salt: epochRoot.bytes,
            info: [UInt8]("share".utf8) + bigEndian(context.dealer) + bigEndian(holderNode) + dealerKey.bytes
                + holderKey.bytes)
        return try HKDF.deriveKey(
            from: pairKey, salt: context.scope.bytes,
            info: [UInt8]("share-message".utf8) + context.bytes(holder: holder))
    }
}

/// HKDF(fresh random ‖ static secret ‖ what is protected, salt, info): unpredictable if either of the first two inputs is,
/// and different for another context or content even if a cloned machine repeats its generator. RFC 8937 hedges
/// the same way; mixing in the content is the idea of deterministic nonces (RFC 6979).
func hedgedSecret(
    random: some RandomSource, hedge: SecretBytes, mixing content: SecretBytes = SecretBytes(copying: []),
    salt: [UInt8], info: String, _ context: [UInt8]
) throws -> SecretBytes {
    let material = SecretBytes(concatenating: [try hedgedRandomness(random, hedge), content])
    return try HKDF.deriveKey(from: material, salt: salt, info: [UInt8](info.utf8) + context)
}

/// The same for content that is long: `tag` is given a key of its own, derived from the same random bytes, and returns a
/// tag of the content under it.
func hedgedSecret(
    random: some RandomSource, hedge: SecretBytes, salt: [UInt8], info: String, _ context: [UInt8],
    mixing tag: (_ key: SecretBytes) throws -> SecretBytes
) throws -> SecretBytes {
    let fresh = try hedgedRandomness(random, hedge)
    let tagKey = try HKDF.deriveKey(from: fresh, salt: salt, info: [UInt8]("content-tag".utf8) + context)
    return try HKDF.deriveKey(
        from: SecretBytes(concatenating: [fresh, try tag(tagKey)]), salt: salt, info: [UInt8](info.utf8) + context)
}

/// 256 fresh bits and the static secret.
private func hedgedRandomness(_ random: some RandomSource, _ hedge: SecretBytes) throws -> SecretBytes {
    SecretBytes(concatenating: [try random.secretBytes(count: 32), hedge])
}
