// The few OpenSSL calls that turn PEM text into objects and back. Whoever asks for a pointer frees it.

import COpenSSL
import Cryptography

/// Reads and writes PEM (RFC 7468) by OpenSSL.
package enum PEM {
    /// Parses one certificate. The caller frees it with ``free(certificate:)``.
    /// - Throws: ``IdentityError/malformedPEM(_:)``.
    package static func certificate(_ text: String) throws(IdentityError) -> OpaquePointer {
        guard let certificate = try certificates(text).onlyOrFree() else { throw .malformedPEM("certificate") }
        return certificate
    }

    /// Parses one or more certificates (a root bundle during a rotation). The caller frees each.
    /// - Throws: ``IdentityError/malformedPEM(_:)`` if there is none, or one of them is damaged.
    package static func certificates(_ text: String) throws(IdentityError) -> [OpaquePointer] {
        let bytes = [UInt8](text.utf8)
        guard bytes.count <= SecretFile.maximumBytes else { throw .malformedPEM("certificate") }
        return try bytes.span.withUnsafeBytes { (buffer) throws(IdentityError) in
            guard let bio = BIO_new_mem_buf(buffer.baseAddress, Int32(buffer.count)) else {
                throw .malformedPEM("certificate")
            }
            defer { BIO_free(bio) }
            var found: [OpaquePointer] = []
            while let certificate = PEM_read_bio_X509(bio, nil, refusePassphrase, nil) { found.append(certificate) }
            let ending = ERR_peek_last_error()
            ERR_clear_error()
            // Only "no start line" means the text ended; anything else is a damaged certificate. The low 23 bits are
            // the reason (ERR_GET_REASON).
            guard !found.isEmpty, Int32(ending & 0x7f_ffff) == PEM_R_NO_START_LINE else {
                found.forEach(free(certificate:))
                throw .malformedPEM("certificate")
            }
            return found
        }
    }

    /// Parses an unencrypted private key. The caller frees it with ``free(key:)``.
    /// - Throws: ``IdentityError/malformedPEM(_:)``.
    package static func privateKey(_ secret: SecretBytes) throws(IdentityError) -> OpaquePointer {
        let key = secret.withUnsafeBytes { bytes -> OpaquePointer? in
            guard let bio = BIO_new_mem_buf(bytes.baseAddress, Int32(clamping: bytes.count)) else { return nil }
            defer { BIO_free(bio) }
            return PEM_read_bio_PrivateKey(bio, nil, refusePassphrase, nil)
        }
        ERR_clear_error()
        guard let key else { throw .malformedPEM("private key") }
        return key
    }

    /// Writes a certificate.
    static func text(ofCertificate certificate: OpaquePointer) throws(IdentityError) -> String {
        let bytes = try written(by: { PEM_write_bio_X509($0, certificate) }, what: "certificate")
        return String(decoding: bytes.unprotectedCopy(), as: UTF8.self)
    }

    /// Writes a private key as unencrypted PKCS #8, into memory that is wiped.
    static func secret(ofKey key: OpaquePointer) throws(IdentityError) -> SecretBytes {
        try written(by: { PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil) }, what: "private key")
    }

    /// Whether `certificate` certifies the public half of `key`.
    static func matches(certificate: OpaquePointer, key: OpaquePointer) -> Bool {
        defer { ERR_clear_error() }
        return X509_check_private_key(certificate, key) == 1
    }

    /// Frees what ``certificate(_:)`` gave.
    package static func free(certificate: OpaquePointer) { X509_free(certificate) }
    /// Frees what ``privateKey(_:)`` gave.
    package static func free(key: OpaquePointer) { EVP_PKEY_free(key) }

    private static func written(
        by write: (OpaquePointer) -> Int32, what: String
    ) throws(IdentityError) -> SecretBytes {
        // A memory bio's buffer is cleansed when freed (BUF_MEM_free).
        guard let bio = BIO_new(BIO_s_mem()) else { throw .operationFailed("BIO_new") }
        defer { BIO_free(bio) }
        guard write(bio) == 1 else { throw .operationFailed("PEM \(what)") }
        let count = BIO_ctrl_pending(bio)
        return try SecretBytes(count: count) { (buffer) throws(IdentityError) in
            guard BIO_read(bio, buffer.baseAddress, Int32(clamping: count)) == Int32(clamping: count) else {
                throw .operationFailed("PEM \(what)")
            }
        }
    }
}

/// OpenSSL asks the terminal for a passphrase unless told otherwise; a server must not wait there.
private func refusePassphrase(
    _ buffer: UnsafeMutablePointer<CChar>?, _ size: Int32, _ writing: Int32, _ context: UnsafeMutableRawPointer?
) -> Int32 { -1 }

extension [OpaquePointer] {
    /// The single certificate, or nil after freeing several.
    fileprivate func onlyOrFree() -> OpaquePointer? {
        if count == 1 { return first }
        forEach(PEM.free(certificate:))
        return nil
    }
}
