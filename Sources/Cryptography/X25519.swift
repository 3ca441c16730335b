// X25519 key agreement (RFC 7748). Public keys are checked when they enter the process, not when they are used:
// canonical encoding, and not one of the points of small order, whose shared secret an outsider would know.

import COpenSSL
import Locking

/// A checked X25519 public key.
public struct X25519PublicKey: Hashable, Sendable {
    /// 32 bytes, little-endian u-coordinate below 2^255 − 19.
    public let bytes: [UInt8]

    /// Accepts a public key from outside.
    /// - Throws: ``CryptographyError/wrongLength(of:expected:actual:)``, or ``CryptographyError/unacceptablePublicKey(_:)``
    ///   if the encoding is not the canonical one or the point has small order.
    public init(_ bytes: some Collection<UInt8>) throws(CryptographyError) {
        try checkLength(bytes.count, 32, of: "X25519 public key")
        let bytes = [UInt8](bytes)
        guard X25519PublicKey.isCanonical(bytes) else { throw .unacceptablePublicKey("X25519") }
        guard !X25519PublicKey.smallOrder.contains(bytes) else { throw .unacceptablePublicKey("X25519") }
        self.bytes = bytes
    }

    init(derived bytes: [UInt8]) { self.bytes = bytes }

    /// Every canonical u-coordinate whose points, on the curve or its twist, have an order that divides 8: those give the zero
    /// output for every (clamped) scalar. Comparing costs nothing beside the multiplication that would find out, once a key.
    ///
    /// These are all there are. A point of order 2 has u = 0 (u² + 486662u + 1 has no root modulo p); doubling leads to 0 from
    /// u = 1 and u = −1 only; to 1 from the last two only; and to −1 from nowhere (RFC 7748, section 6.1, asks for the check;
    /// D. J. Bernstein, "Curve25519: new Diffie-Hellman speed records", 2006, section 3, names the points).
    static let smallOrder: Set<[UInt8]> = {
        let zero = [UInt8](repeating: 0, count: 32)
        var one = zero
        one[0] = 1
        var minusOne = [UInt8](repeating: 0xff, count: 32)
        (minusOne[0], minusOne[31]) = (0xec, 0x7f)
        return [
            zero, one, minusOne,
            [
                0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
                0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
            ],
            [
                0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b,
                0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57,
            ],
        ]
    }()

    /// Below 2^255 − 19 with the top bit clear.
    static func isCanonical(_ bytes: [UInt8]) -> Bool {
        guard bytes[31] < 0x80 else { return false }
        if bytes[31] < 0x7f || bytes[1...30].contains(where: { $0 != 0xff }) { return true }
        return bytes[0] < 0xed
    }
}

/// OpenSSL's object of a private key: making one multiplies a point, so it is made once a key and not once a use.
///
/// OpenSSL wipes its copy of the scalar when the object is freed.
private final class AgreementKey: @unchecked Sendable {
    // Proof for @unchecked Sendable: the pointer is set once, in init, and OpenSSL 3 documents that one EVP_PKEY may be used by
    // several threads at a time as long as none changes it (openssl-threads(7)); every call derives in a context of its own,
    // and deinit runs when no caller is left. The secrets kept beside it are behind a lock and immutable themselves.
    private let key: OpaquePointer
    private let kept = Locked<[X25519PublicKey: SecretBytes]>([:])

    /// Secrets kept for one key: far more than peers that one agreement key meets.
    private static let maximumKept = 1 << 16

    init(_ scalar: SecretBytes) throws(CryptographyError) {
        let key = scalar.withUnsafeBytes {
            EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nil, $0.bindMemory(to: UInt8.self).baseAddress, $0.count)
        }
        guard let key else { throw .operationFailed("X25519") }
        self.key = key
    }

    deinit { EVP_PKEY_free(key) }

    func publicKeyBytes() throws(CryptographyError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 32)
        var count = bytes.count
        try check(EVP_PKEY_get_raw_public_key(key, &bytes, &count), "X25519")
        return bytes
    }

    /// The secret with `publicKey`, computed once.
    func keptAgreement(with publicKey: X25519PublicKey) throws(CryptographyError) -> SecretBytes {
        if let secret = kept.withLock({ $0[publicKey] }) { return secret }
        // Two threads may compute it at once; both find the same.
        let secret = try agree(with: publicKey.bytes)
        kept.withLock { if $0.count < Self.maximumKept { $0[publicKey] = secret } }
        return secret
    }

    /// Fails for a point of small order, whose product is zero.
    func agree(with publicKeyBytes: [UInt8]) throws(CryptographyError) -> SecretBytes {
        guard let peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nil, publicKeyBytes, publicKeyBytes.count) else {
            throw .operationFailed("X25519")
        }
        defer { EVP_PKEY_free(peer) }
        guard let context = EVP_PKEY_CTX_new_from_pkey(nil, key, nil) else { throw .operationFailed("X25519") }
        defer { EVP_PKEY_CTX_free(context) }
        try check(EVP_PKEY_derive_init(context), "X25519")
        // 0: the peer's key was checked when it entered, and a zero product is refused below.
        try check(EVP_PKEY_derive_set_peer_ex(context, peer, 0), "X25519")
        return try SecretBytes(count: 32) { (output) throws(CryptographyError) in
            var count = output.count
            try check(EVP_PKEY_derive(context, output.bindMemory(to: UInt8.self).baseAddress, &count), "X25519")
        }
    }
}

/// An X25519 private key. The scalar is wiped when the last copy goes.
public struct X25519PrivateKey: Sendable {
    private let scalar: SecretBytes
    private let key: AgreementKey
    /// The matching public key.
    public let publicKey: X25519PublicKey

    /// Draws a fresh key.
    /// - Throws: ``CryptographyError/randomnessUnavailable``.
    public init() throws(CryptographyError) {
        try self.init(SecretBytes.random(count: 32))
    }

    /// Uses a 32-byte scalar, which RFC 7748 clamps on use.
    /// - Throws: ``CryptographyError/wrongLength(of:expected:actual:)``.
    public init(_ scalar: SecretBytes) throws(CryptographyError) {
        try checkLength(scalar.count, 32, of: "X25519 private key")
        key = try AgreementKey(scalar)
        self.scalar = scalar
        self.publicKey = X25519PublicKey(derived: try key.publicKeyBytes())
    }

    /// The scalar, for secret sharing and for sealed storage.
    public var rawRepresentation: SecretBytes { scalar }

    /// The 32-byte shared secret; feed it to ``HKDF``, never use it as a key.
    /// - Throws: ``CryptographyError/operationFailed(_:)``.
    public func sharedSecret(with publicKey: X25519PublicKey) throws(CryptographyError) -> SecretBytes {
        try key.agree(with: publicKey.bytes)
    }

    /// The same, kept until the last copy of this key goes, for a key that meets the same peers again and again. The secrets live
    /// as long as the key does, and whoever has the key has them.
    /// - Throws: ``CryptographyError/operationFailed(_:)``.
    public func keptSharedSecret(with publicKey: X25519PublicKey) throws(CryptographyError) -> SecretBytes {
        try key.keptAgreement(with: publicKey)
    }
}
