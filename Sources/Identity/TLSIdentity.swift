// A certificate with its private key, where they lie on disk, and everything one end of a mutual TLS connection needs.

import Cryptography
import Glibc

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

/// The three files of one end of a connection.
public struct TLSFiles: Hashable, Sendable {
    /// Path of the chain's certificate authority (PEM; several certificates during a rotation). Public.
    public let certificateAuthority: String
    /// Path of the leaf certificate (PEM). Public.
    public let certificate: String
    /// Path of the private key (PEM, mode 0600).
    public let privateKey: String

    /// Names the files one by one.
    public init(certificateAuthority: String, certificate: String, privateKey: String) {
        self.certificateAuthority = certificateAuthority
        self.certificate = certificate
        self.privateKey = privateKey
    }

    /// `ca.crt`, `tls.crt` and `tls.key` in `folder`, the names Kubernetes gives them.
    public init(folder: String) {
        self.init(
            certificateAuthority: "\(folder)/ca.crt", certificate: "\(folder)/tls.crt", privateKey: "\(folder)/tls.key")
    }

    /// Writes the three files durably, the key with mode 0600 and first, so a certificate never lies there without it.
    /// - Parameter replacing: whether existing files may be replaced (renewal).
    /// - Throws: ``IdentityError/file(_:)``.
    public func write(_ credentials: TLSCredentials, replacing: Bool = false) throws(IdentityError) {
        do throws(SecretFileError) {
            try SecretFile.write(
                credentials.identity.privateKeyPEM, to: privateKey, kind: TLSFiles.keyKind, replacing: replacing)
            try TLSFiles.writePublic(
                credentials.identity.certificatePEM, certificate, kind: TLSFiles.certificateKind, replacing)
            try TLSFiles.writePublic(
                credentials.certificateAuthorityPEM, certificateAuthority, kind: TLSFiles.authorityKind, replacing)
        } catch {
            throw .file(error)
        }
    }

    static let keyKind = "TLS private key"
    static let certificateKind = "TLS certificate"
    static let authorityKind = "certificate authority"

    private static func writePublic(
        _ text: String, _ path: String, kind: String, _ replacing: Bool
    ) throws(SecretFileError) {
        let bytes = [UInt8](text.utf8)
        try bytes.span.withUnsafeBytes { (buffer) throws(SecretFileError) in
            try DurableFile.write(buffer, to: path, mode: 0o644, kind: kind, replacing: replacing)
        }
    }
}

/// What one end of a mutual TLS connection needs: whom it trusts and who it is.
public struct TLSCredentials: Sendable {
    /// The chain's certificate authority in PEM: the only root this end trusts.
    public let certificateAuthorityPEM: String
    /// This end's own certificate and key.
    public let identity: TLSIdentity

    /// Joins a root and an identity. Whether the root signed the identity is checked by the peer, not here.
    public init(certificateAuthorityPEM: String, identity: TLSIdentity) {
        self.certificateAuthorityPEM = certificateAuthorityPEM
        self.identity = identity
    }

    /// Reads the three files; the key file must be private to this user.
    /// - Throws: ``IdentityError/file(_:)``, ``IdentityError/malformedPEM(_:)`` or ``IdentityError/certificateRefused(_:)``.
    public init(files: TLSFiles) throws(IdentityError) {
        let authority: String
        let certificate: String
        let key: SecretBytes
        do throws(SecretFileError) {
            key = try SecretFile.read(files.privateKey, kind: TLSFiles.keyKind)
            certificate = try TLSCredentials.readPublic(files.certificate, kind: TLSFiles.certificateKind)
            authority = try TLSCredentials.readPublic(files.certificateAuthority, kind: TLSFiles.authorityKind)
        } catch {
            throw .file(error)
        }
        self.init(
            certificateAuthorityPEM: authority,
            identity: try TLSIdentity(certificatePEM: certificate, privateKeyPEM: key))
    }

    private static func readPublic(_ path: String, kind: String) throws(SecretFileError) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw DurableFile.openError(kind) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .failed(kind: kind, call: "read", code: errno) }
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk.prefix(count)
            guard bytes.count <= SecretFile.maximumBytes else { throw .tooLarge(kind: kind) }
        }
    }
}
