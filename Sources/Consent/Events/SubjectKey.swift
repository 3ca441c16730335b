// One key a subject: destroying it erases her from the vault and from every backup of it, while the log stays whole.

import Cryptography

/// The key that seals one subject's events.
public struct SubjectKey: Sendable, CustomStringConvertible {
    let secret: SecretBytes

    /// Draws a fresh key.
    /// - Throws: ``ConsentError/cryptography(_:)`` without randomness.
    public init(random: any RandomSource) throws(ConsentError) {
        secret = try ConsentError.cryptographic { () throws(CryptographyError) in
            try random.secretBytes(count: 32)
        }
    }

    private init(_ secret: SecretBytes) { self.secret = secret }

    /// Safe to log: carries no secret and no customer data.
    public var description: String { "<redacted>" }

    /// Encrypts the key under the key-encryption key of an epoch, bound to its subject: a row moved to another subject
    /// does not open.
    ///
    /// - Parameters:
    ///   - handle: the subject.
    ///   - keyEncryptionKey: 32 bytes.
    ///   - random: draws the nonce.
    /// - Throws: ``ConsentError/cryptography(_:)``.
    public func wrapped(
        for handle: SubjectHandle, under keyEncryptionKey: SecretBytes, random: any RandomSource
    ) throws(ConsentError) -> WrappedSubjectKey {
        try ConsentError.cryptographic { () throws(CryptographyError) in
            let nonce = try random.publicBytes(count: AESGCM.nonceByteCount)
            let sealed = try AESGCM.seal(
                secret, key: keyEncryptionKey, nonce: nonce, authenticating: Self.associatedData(handle))
            return WrappedSubjectKey(nonce: nonce, sealed: sealed)
        }
    }

    /// Decrypts a wrapped key.
    /// - Throws: ``ConsentError/cryptography(_:)`` for the wrong key, subject or bytes.
    public static func unwrap(
        _ wrapped: WrappedSubjectKey, of handle: SubjectHandle, under keyEncryptionKey: SecretBytes
    ) throws(ConsentError) -> SubjectKey {
        let secret = try ConsentError.cryptographic { () throws(CryptographyError) in
            try AESGCM.open(
                wrapped.sealed, key: keyEncryptionKey, nonce: wrapped.nonce, authenticating: associatedData(handle))
        }
        guard secret.count == 32 else {
            throw .cryptography(.wrongLength(of: "subject key", expected: 32, actual: secret.count))
        }
        return SubjectKey(secret)
    }

    private static func associatedData(_ handle: SubjectHandle) -> [UInt8] {
        [UInt8]("concord-consent/1/subject-key\0".utf8) + handle.bytes
    }
}

/// A subject's key at rest.
public struct WrappedSubjectKey: Hashable, Sendable {
    /// 12 bytes.
    public let nonce: [UInt8]
    /// 48 bytes: the encrypted key and its tag.
    public let sealed: [UInt8]

    /// Takes a wrapped key from storage; lengths are checked when it is unwrapped.
    public init(nonce: [UInt8], sealed: [UInt8]) {
        self.nonce = nonce
        self.sealed = sealed
    }
}
