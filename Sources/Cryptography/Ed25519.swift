// Ed25519 signatures (RFC 8032). Public keys are checked when they enter: a key of small order would verify
// one signature for many messages.

import COpenSSL

/// A checked Ed25519 public key.
public struct Ed25519PublicKey: Hashable, Sendable {
    /// 32 bytes, the compressed point.
    public let bytes: [UInt8]

    /// Accepts a public key from outside.
    /// - Throws: ``CryptographyError/wrongLength(of:expected:actual:)``, or ``CryptographyError/unacceptablePublicKey(_:)``
    ///   for a non-canonical encoding or a point of small order.
    public init(_ bytes: some Collection<UInt8>) throws(CryptographyError) {
        try checkLength(bytes.count, 32, of: "Ed25519 public key")
        let bytes = [UInt8](bytes)
        var yCoordinate = bytes
        yCoordinate[31] &= 0x7f
        // The eight points of small order have these y-coordinates once the encoding is canonical.
        guard X25519PublicKey.isCanonical(yCoordinate), !Ed25519PublicKey.smallOrderY.contains(yCoordinate) else {
            throw .unacceptablePublicKey("Ed25519")
        }
        self.bytes = bytes
    }

    init(derived bytes: [UInt8]) { self.bytes = bytes }

    private static let smallOrderY: Set<[UInt8]> = {
        func littleEndian(_ head: UInt8, _ middle: UInt8, _ tail: UInt8) -> [UInt8] {
            [head] + [UInt8](repeating: middle, count: 30) + [tail]
        }
        let order8a: [UInt8] = [
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
            0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
        ]
        let order8b: [UInt8] = [
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
            0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
        ]
        return [
            littleEndian(0, 0, 0),  // order 4
            littleEndian(1, 0, 0),  // order 1
            littleEndian(0xec, 0xff, 0x7f),  // order 2, y = −1
            order8a, order8b,
        ]
    }()

    /// Whether `signature` (64 bytes) is this key's signature of `message`.
    public func isValid(signature: [UInt8], for message: [UInt8]) -> Bool {
        guard signature.count == 64,
            let key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, bytes, bytes.count)
        else { return false }
        defer { EVP_PKEY_free(key) }
        guard let context = EVP_MD_CTX_new() else { return false }
        defer { EVP_MD_CTX_free(context) }
        guard EVP_DigestVerifyInit(context, nil, nil, nil, key) == 1 else { return false }
        return EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }
}

/// An Ed25519 private key. The seed is wiped when the last copy goes.
public struct Ed25519PrivateKey: Sendable {
    private let seed: SecretBytes
    /// The matching public key.
    public let publicKey: Ed25519PublicKey

    /// Draws a fresh key.
    /// - Throws: ``CryptographyError/randomnessUnavailable``.
    public init() throws(CryptographyError) {
        try self.init(SecretBytes.random(count: 32))
    }

    /// Uses a 32-byte seed (RFC 8032 section 5.1.5).
    /// - Throws: ``CryptographyError/wrongLength(of:expected:actual:)``.
    public init(_ seed: SecretBytes) throws(CryptographyError) {
        try checkLength(seed.count, 32, of: "Ed25519 private key")
        guard let key = Ed25519PrivateKey.makeKey(seed) else { throw .operationFailed("Ed25519") }
        defer { EVP_PKEY_free(key) }
        var publicBytes = [UInt8](repeating: 0, count: 32)
        var count = publicBytes.count
        try check(EVP_PKEY_get_raw_public_key(key, &publicBytes, &count), "Ed25519")
        self.seed = seed
        self.publicKey = Ed25519PublicKey(derived: publicBytes)
    }

    /// The seed, for sealed storage.
    public var rawRepresentation: SecretBytes { seed }

    /// Signs `message`; 64 bytes, deterministic.
    /// - Throws: ``CryptographyError/operationFailed(_:)``.
    public func signature(for message: [UInt8]) throws(CryptographyError) -> [UInt8] {
        guard let key = Ed25519PrivateKey.makeKey(seed) else { throw .operationFailed("Ed25519") }
        defer { EVP_PKEY_free(key) }
        guard let context = EVP_MD_CTX_new() else { throw .operationFailed("Ed25519") }
        defer { EVP_MD_CTX_free(context) }
        try check(EVP_DigestSignInit(context, nil, nil, nil, key), "Ed25519")
        var signature = [UInt8](repeating: 0, count: 64)
        var count = signature.count
        try check(EVP_DigestSign(context, &signature, &count, message, message.count), "Ed25519")
        return signature
    }

    private static func makeKey(_ seed: SecretBytes) -> OpaquePointer? {
        seed.withUnsafeBytes {
            EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, $0.bindMemory(to: UInt8.self).baseAddress, $0.count)
        }
    }
}
