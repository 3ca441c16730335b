// The chain's certificate authority: one P-256 root that signs short-lived leaves, each with exactly one SPIFFE id.
// Profile: RFC 5280 with the leaf rules of X.509-SVID (SPIFFE). Times and random bytes are passed in.

import COpenSSL
import Cryptography
import Glibc

/// From when to when a certificate is valid, in milliseconds since 1970 UTC. Certificates store whole seconds, so both
/// ends are cut to the second.
public struct CertificateValidity: Hashable, Sendable {
    /// First instant.
    public let notBeforeMilliseconds: Int64
    /// Last instant.
    public let notAfterMilliseconds: Int64

    /// - Throws: ``IdentityError/certificateRefused(_:)`` unless the end is at least a second after the beginning and
    ///   neither is before 1970.
    public init(notBeforeMilliseconds: Int64, notAfterMilliseconds: Int64) throws(IdentityError) {
        let notBeforeMilliseconds = notBeforeMilliseconds / 1_000 * 1_000
        let notAfterMilliseconds = notAfterMilliseconds / 1_000 * 1_000
        guard notBeforeMilliseconds >= 0, notBeforeMilliseconds < notAfterMilliseconds else {
            throw .certificateRefused(.validity)
        }
        self.notBeforeMilliseconds = notBeforeMilliseconds
        self.notAfterMilliseconds = notAfterMilliseconds
    }
}

/// What a leaf may be used for (RFC 5280 section 4.2.1.12). A store's certificate can never serve as a server's.
public enum CertificateUsage: Hashable, Sendable {
    /// id-kp-clientAuth.
    case client
    /// id-kp-serverAuth, for these DNS names and IP addresses (text form, IPv4 or IPv6).
    case server(dnsNames: [String], ipAddresses: [String])
}

/// Issues the chain's certificates. A value; safe to use from any thread.
public struct CertificateAuthority: Sendable {
    /// The self-signed root certificate in PEM. Public.
    public let certificatePEM: String
    /// The root's private key in PKCS #8 PEM: write it with ``SecretFile`` only.
    public let privateKeyPEM: SecretBytes

    /// Creates a root: fresh P-256 key, self-signed with SHA-256, `CA:TRUE, pathlen:0`, key usage certificate and CRL signing.
    /// - Parameter name: common name of subject and issuer, 1 to 64 bytes.
    /// - Throws: ``IdentityError``.
    public init(
        name: String, validity: CertificateValidity, randomSource: some RandomSource = SystemRandomSource()
    ) throws(IdentityError) {
        let key = try CertificateAuthority.makeKey()
        defer { PEM.free(key: key) }
        let builder = try CertificateBuilder(
            commonName: name, publicKey: key, validity: validity, serial: try CertificateAuthority.serial(randomSource))
        defer { builder.free() }
        try builder.setIssuer(of: builder.certificate)
        try builder.addExtension(NID_basic_constraints, "critical,CA:TRUE,pathlen:0", issuer: builder.certificate)
        try builder.addExtension(NID_key_usage, "critical,keyCertSign,cRLSign", issuer: builder.certificate)
        try builder.addExtension(NID_subject_key_identifier, "hash", issuer: builder.certificate)
        try builder.sign(with: key)
        certificatePEM = try PEM.text(ofCertificate: builder.certificate)
        privateKeyPEM = try PEM.secret(ofKey: key)
    }

    /// Takes up a root that was created before.
    /// - Throws: ``IdentityError`` if the PEM is damaged, the two do not match, or the certificate is no authority's.
    public init(certificatePEM: String, privateKeyPEM: SecretBytes) throws(IdentityError) {
        let certificate = try PEM.certificate(certificatePEM)
        defer { PEM.free(certificate: certificate) }
        let key = try PEM.privateKey(privateKeyPEM)
        defer { PEM.free(key: key) }
        guard PEM.matches(certificate: certificate, key: key) else { throw .certificateRefused(.keyMismatch) }
        guard X509_check_ca(certificate) == 1 else { throw .certificateRefused(.isNotAuthority) }
        self.certificatePEM = certificatePEM
        self.privateKeyPEM = privateKeyPEM
    }

    /// Issues a leaf for a fresh P-256 key: random 128-bit serial, `CA:FALSE`, key usage digitalSignature, the one
    /// extended key usage of `usage`, and `subjectID` as its only URI. Signed with ECDSA and SHA-256.
    /// - Throws: ``IdentityError/certificateRefused(_:)`` for a validity beyond the root's or a malformed server name.
    public func issue(
        subjectID: SPIFFEID, usage: CertificateUsage, validity: CertificateValidity,
        randomSource: some RandomSource = SystemRandomSource()
    ) throws(IdentityError) -> TLSIdentity {
        let root = try PEM.certificate(certificatePEM)
        defer { PEM.free(certificate: root) }
        // A leaf that outlives its issuer would only look valid.
        guard validity.notAfterMilliseconds <= (try PeerIdentity.milliseconds(X509_get0_notAfter(root))) else {
            throw .certificateRefused(.validity)
        }
        let rootKey = try PEM.privateKey(privateKeyPEM)
        defer { PEM.free(key: rootKey) }
        let key = try CertificateAuthority.makeKey()
        defer { PEM.free(key: key) }
        let builder = try CertificateBuilder(
            commonName: subjectID.name, publicKey: key, validity: validity,
            serial: try CertificateAuthority.serial(randomSource))
        defer { builder.free() }
        try builder.setIssuer(of: root)
        try builder.addExtension(NID_basic_constraints, "critical,CA:FALSE", issuer: root)
        try builder.addExtension(NID_key_usage, "critical,digitalSignature", issuer: root)
        try builder.addExtension(NID_subject_key_identifier, "hash", issuer: root)
        try builder.addExtension(NID_authority_key_identifier, "keyid:always", issuer: root)
        switch usage {
        case .client:
            try builder.addExtension(NID_ext_key_usage, "clientAuth", issuer: root)
            try builder.addAlternativeNames(uri: subjectID.description, dnsNames: [], ipAddresses: [])
        case .server(let dnsNames, let ipAddresses):
            try builder.addExtension(NID_ext_key_usage, "serverAuth", issuer: root)
            try builder.addAlternativeNames(uri: subjectID.description, dnsNames: dnsNames, ipAddresses: ipAddresses)
        }
        try builder.sign(with: rootKey)
        return try TLSIdentity(
            certificatePEM: try PEM.text(ofCertificate: builder.certificate),
            privateKeyPEM: try PEM.secret(ofKey: key))
    }

    /// NIST P-256 (FIPS 186-5): the curve every TLS 1.3 implementation has for signatures.
    private static func makeKey() throws(IdentityError) -> OpaquePointer {
        guard let context = EVP_PKEY_CTX_new_from_name(nil, "EC", nil) else { throw .operationFailed("P-256") }
        defer { EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard EVP_PKEY_keygen_init(context) == 1, EVP_PKEY_CTX_set_group_name(context, "P-256") == 1,
            EVP_PKEY_generate(context, &key) == 1, let key
        else { throw .operationFailed("P-256") }
        return key
    }

    private static func serial(_ randomSource: some RandomSource) throws(IdentityError) -> [UInt8] {
        do {
            var bytes = try randomSource.publicBytes(count: 16)
            // RFC 5280 section 4.1.2.2 wants it positive and not zero; one fixed bit costs one bit of 128.
            bytes[0] |= 0x40
            return bytes
        } catch {
            throw .cryptography(error)
        }
    }
}
