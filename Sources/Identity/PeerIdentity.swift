// Who is at the other end, read from a certificate that has been verified (X.509-SVID, sections 2 and 4.1).

import COpenSSL
import Cryptography
import Glibc

/// The identity a certificate gives its holder.
public struct PeerIdentity: Hashable, Sendable {
    /// The one SPIFFE id of the certificate.
    public let id: SPIFFEID
    /// SHA-256 of the certificate in DER.
    public let certificateFingerprint: Digest
    /// SHA-256 of the subject public key info in DER: stays the same when a certificate is renewed for the same key.
    public let publicKeyDigest: Digest
    /// The serial number, lower-case hexadecimal, no leading zero byte.
    public let serialHex: String
    /// End of validity, milliseconds since 1970 UTC.
    public let notAfterMilliseconds: Int64

    /// Reads the identity of a certificate. Whether anyone trusted signed it is not checked here: the TLS handshake,
    /// or whoever keeps the file, answers for that.
    /// - Throws: ``IdentityError/malformedPEM(_:)``, ``IdentityError/malformedSPIFFEID(_:)`` or
    ///   ``IdentityError/certificateRefused(_:)``.
    public init(certificatePEM: String) throws(IdentityError) {
        let certificate = try PEM.certificate(certificatePEM)
        defer { PEM.free(certificate: certificate) }
        try self.init(verifiedCertificate: certificate)
    }

    /// Reads the identity of an `X509*` that the caller has verified and keeps.
    package init(verifiedCertificate certificate: OpaquePointer) throws(IdentityError) {
        guard X509_check_ca(certificate) == 0 else { throw .certificateRefused(.isAuthority) }
        id = try SPIFFEID(PeerIdentity.onlyURI(of: certificate))
        guard let fingerprint = PeerIdentity.digest(writing: { i2d_X509(certificate, $0) }),
            let publicKey = PeerIdentity.digest(writing: { i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), $0) })
        else { throw .operationFailed("DER") }
        certificateFingerprint = fingerprint
        publicKeyDigest = publicKey
        serialHex = try PeerIdentity.serial(of: certificate)
        notAfterMilliseconds = try PeerIdentity.milliseconds(X509_get0_notAfter(certificate))
    }

    private static func onlyURI(of certificate: OpaquePointer) throws(IdentityError) -> String {
        guard let raw = X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil) else {
            throw .certificateRefused(.uriCount)
        }
        let names = OpaquePointer(raw)
        defer { GENERAL_NAMES_free(names) }
        var uris: [String] = []
        for index in 0..<max(0, OPENSSL_sk_num(names)) {
            guard let entry = OPENSSL_sk_value(names, index)?.assumingMemoryBound(to: GENERAL_NAME.self),
                entry.pointee.type == GEN_URI, let text = entry.pointee.d.uniformResourceIdentifier
            else { continue }
            // By length, never as a C string: an embedded NUL must reach the parser, which refuses it.
            let bytes = UnsafeBufferPointer(start: ASN1_STRING_get0_data(text), count: Int(ASN1_STRING_length(text)))
            uris.append(String(decoding: bytes, as: UTF8.self))
        }
        guard uris.count == 1 else { throw .certificateRefused(.uriCount) }
        return uris[0]
    }

    private static func serial(of certificate: OpaquePointer) throws(IdentityError) -> String {
        guard let serial = X509_get0_serialNumber(certificate), ASN1_STRING_type(serial) == V_ASN1_INTEGER else {
            throw .certificateRefused(.serial)
        }
        let bytes = UnsafeBufferPointer(start: ASN1_STRING_get0_data(serial), count: Int(ASN1_STRING_length(serial)))
        guard (1...20).contains(bytes.count), bytes.contains(where: { $0 != 0 }) else {
            throw .certificateRefused(.serial)
        }
        return Hex.encode(bytes)
    }

    static func milliseconds(_ time: UnsafePointer<ASN1_TIME>?) throws(IdentityError) -> Int64 {
        var parts = tm()
        guard let time, ASN1_TIME_to_tm(time, &parts) == 1 else { throw .certificateRefused(.validity) }
        let (milliseconds, overflow) = Int64(timegm(&parts)).multipliedReportingOverflow(by: 1_000)
        guard !overflow else { throw .certificateRefused(.validity) }
        return milliseconds
    }

    private static func digest(writing encode: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?) -> Int32)
        -> Digest?
    {
        let count = encode(nil)
        guard count > 0 else { return nil }
        var bytes = [UInt8](repeating: 0, count: Int(count))
        let written = bytes.withUnsafeMutableBufferPointer { buffer in
            var cursor = buffer.baseAddress
            return encode(&cursor)
        }
        return written == count ? SHA256.hash(bytes) : nil
    }
}
