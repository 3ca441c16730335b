// A certificate with the private key that belongs to it.

import Cryptography

/// A leaf certificate and its private key.
public struct TLSIdentity: Sendable {
    /// The leaf certificate in PEM. Public.
    public let certificatePEM: String
    /// The private key in PKCS #8 PEM, unencrypted: write it with ``SecretFile`` only.
    public let privateKeyPEM: SecretBytes

    /// Joins a certificate and the private key that belongs to it.
    /// - Throws: ``IdentityError/malformedPEM(_:)``, or ``IdentityError/certificateRefused(_:)`` if they do not match.
    public init(certificatePEM: String, privateKeyPEM: SecretBytes) throws(IdentityError) {
        let certificate = try PEM.certificate(certificatePEM)
        defer { PEM.free(certificate: certificate) }
        let key = try PEM.privateKey(privateKeyPEM)
        defer { PEM.free(key: key) }
        guard PEM.matches(certificate: certificate, key: key) else { throw .certificateRefused(.keyMismatch) }
        self.certificatePEM = certificatePEM
        self.privateKeyPEM = privateKeyPEM
    }

    /// Whom the certificate names.
    /// - Throws: ``IdentityError`` if it is no leaf with exactly one SPIFFE id.
    public func peerIdentity() throws(IdentityError) -> PeerIdentity {
        try PeerIdentity(certificatePEM: certificatePEM)
    }
}
