// Where the certificates and the key of one end lie on disk.

import Cryptography

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
