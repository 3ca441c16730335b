// Everything one end of a mutual TLS connection needs, in memory.

import Cryptography
import Glibc

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
