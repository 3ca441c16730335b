// Fills in and signs one X.509 version 3 certificate. Owns an `X509*`; the maker frees it.

import COpenSSL
import Cryptography
import Glibc

struct CertificateBuilder {
    /// The certificate under construction.
    let certificate: OpaquePointer

    init(
        commonName: String, publicKey: OpaquePointer, validity: CertificateValidity, serial: [UInt8]
    ) throws(IdentityError) {
        guard let certificate = X509_new() else { throw .operationFailed("X509_new") }
        self.certificate = certificate
        let name = [UInt8](commonName.utf8)
        guard X509_set_version(certificate, 2) == 1,  // version 3 counts from zero
            CertificateBuilder.setSerial(serial, of: certificate),
            CertificateBuilder.setTime(X509_getm_notBefore(certificate), validity.notBeforeMilliseconds),
            CertificateBuilder.setTime(X509_getm_notAfter(certificate), validity.notAfterMilliseconds),
            (1...SPIFFEID.maximumNameBytes).contains(name.count),
            X509_NAME_add_entry_by_NID(
                X509_get_subject_name(certificate), NID_commonName, V_ASN1_UTF8STRING, name, Int32(name.count), -1, 0)
                == 1,
            X509_set_pubkey(certificate, publicKey) == 1
        else {
            X509_free(certificate)
            throw .operationFailed("certificate fields")
        }
    }

    func free() { X509_free(certificate) }

    func setIssuer(of issuer: OpaquePointer) throws(IdentityError) {
        guard X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1 else {
            throw .operationFailed("issuer name")
        }
    }

    /// Adds an extension from OpenSSL's text form. Constant text only: names go through ``addAlternativeNames``.
    func addExtension(_ identifier: Int32, _ value: StaticString, issuer: OpaquePointer) throws(IdentityError) {
        var context = X509V3_CTX()
        X509V3_set_ctx(&context, issuer, certificate, nil, nil, 0)
        guard let addition = X509V3_EXT_conf_nid(nil, &context, identifier, "\(value)") else {
            throw .operationFailed("certificate extension")
        }
        defer { X509_EXTENSION_free(addition) }
        guard X509_add_ext(certificate, addition, -1) == 1 else { throw .operationFailed("certificate extension") }
    }

    /// Adds the subject alternative names as structures, so no name can smuggle a second one through a text form.
    func addAlternativeNames(uri: String, dnsNames: [String], ipAddresses: [String]) throws(IdentityError) {
        guard let names = OPENSSL_sk_new_null() else { throw .operationFailed("subject alternative name") }
        defer { GENERAL_NAMES_free(names) }
        try CertificateBuilder.append(GEN_URI, [UInt8](uri.utf8), to: names)
        for name in dnsNames {
            guard CertificateBuilder.isDNSName(name) else { throw .certificateRefused(.subjectAlternativeName) }
            try CertificateBuilder.append(GEN_DNS, [UInt8](name.utf8), to: names)
        }
        for address in ipAddresses {
            guard let bytes = CertificateBuilder.addressBytes(address) else {
                throw .certificateRefused(.subjectAlternativeName)
            }
            try CertificateBuilder.append(GEN_IPADD, bytes, to: names)
        }
        guard X509_add1_ext_i2d(certificate, NID_subject_alt_name, UnsafeMutableRawPointer(names), 0, 0) == 1 else {
            throw .operationFailed("subject alternative name")
        }
    }

    func sign(with key: OpaquePointer) throws(IdentityError) {
        guard X509_sign(certificate, key, EVP_sha256()) > 0 else { throw .operationFailed("certificate signature") }
    }

    private static func append(_ kind: Int32, _ bytes: [UInt8], to names: OpaquePointer) throws(IdentityError) {
        guard let name = GENERAL_NAME_new() else { throw .operationFailed("subject alternative name") }
        guard let value = kind == GEN_IPADD ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new() else {
            GENERAL_NAME_free(name)
            throw .operationFailed("subject alternative name")
        }
        // From here `name` owns `value`, and once pushed the stack owns `name`.
        GENERAL_NAME_set0_value(name, kind, value)
        guard ASN1_STRING_set(value, bytes, Int32(clamping: bytes.count)) == 1, OPENSSL_sk_push(names, name) > 0 else {
            GENERAL_NAME_free(name)
            throw .operationFailed("subject alternative name")
        }
    }

    private static func setSerial(_ bytes: [UInt8], of certificate: OpaquePointer) -> Bool {
        guard let number = BN_bin2bn(bytes, Int32(bytes.count), nil) else { return false }
        defer { BN_free(number) }
        return BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nil
    }

    private static func setTime(_ time: UnsafeMutablePointer<ASN1_TIME>?, _ milliseconds: Int64) -> Bool {
        time != nil && ASN1_TIME_set(time, Int(milliseconds / 1_000)) != nil
    }

    /// Letters, digits, `-` and `.`, no empty label (RFC 1123 section 2.1). No wildcards: a server knows its names.
    private static func isDNSName(_ name: String) -> Bool {
        name.utf8.count <= 253
            && name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
                (1...63).contains(label.count) && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
                    && label.allSatisfy { byte in
                        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
                    }
            }
    }

    private static func addressBytes(_ text: String) -> [UInt8]? {
        var version4 = in_addr()
        if inet_pton(AF_INET, text, &version4) == 1 { return withUnsafeBytes(of: version4) { [UInt8]($0) } }
        var version6 = in6_addr()
        if inet_pton(AF_INET6, text, &version6) == 1 { return withUnsafeBytes(of: version6) { [UInt8]($0) } }
        return nil
    }
}
