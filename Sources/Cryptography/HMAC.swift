// HMAC-SHA256 (RFC 2104) and HKDF-SHA256 (RFC 5869).

import COpenSSL

private let hkdfAlgorithm = OpenSSLHandle(EVP_KDF_fetch(nil, "HKDF", nil))
private let hmacAlgorithm = OpenSSLHandle(EVP_MAC_fetch(nil, "HMAC", nil))

/// OpenSSL keeps the pointer to a parameter's name, so the name must outlive the call: a static string, not a Swift
/// String's temporary buffer.
private func parameterName(_ name: StaticString) -> UnsafePointer<CChar> {
    UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
}

/// HMAC-SHA256.
public enum HMACSHA256 {
    /// The 32-byte authentication code of `message`.
    /// - Throws: ``CryptographyError/operationFailed(_:)``.
    public static func authenticationCode(for message: [UInt8], key: SecretBytes) throws(CryptographyError) -> [UInt8] {
        guard let context = EVP_MAC_CTX_new(hmacAlgorithm.pointer) else { throw .operationFailed("HMAC") }
        defer { EVP_MAC_CTX_free(context) }
        var digestName = [CChar]("SHA256".utf8CString)
        let initialised = digestName.withUnsafeMutableBufferPointer { name in
            let parameters = [
                OSSL_PARAM_construct_utf8_string(parameterName("digest"), name.baseAddress, 0),
                OSSL_PARAM_construct_end(),
            ]
            return key.withUnsafeBytes {
                EVP_MAC_init(context, $0.bindMemory(to: UInt8.self).baseAddress, $0.count, parameters)
            }
        }
        try check(initialised, "HMAC")
        try check(EVP_MAC_update(context, message, message.count), "HMAC")
        var code = [UInt8](repeating: 0, count: 32)
        var count = 0
        try check(EVP_MAC_final(context, &code, &count, code.count), "HMAC")
        return code
    }
}

/// HKDF-SHA256, extract and expand.
public enum HKDF {
    /// Derives `count` bytes from key material.
    /// - Parameters:
    ///   - keyMaterial: any length; all entropy comes from it.
    ///   - salt: public; binds the derivation to a context such as a session id.
    ///   - info: public; names the key.
    ///   - count: at most 255 · 32 bytes.
    /// - Throws: ``CryptographyError/operationFailed(_:)``.
    public static func deriveKey(
        from keyMaterial: SecretBytes, salt: [UInt8], info: [UInt8], count: Int = 32
    ) throws(CryptographyError) -> SecretBytes {
        guard let context = EVP_KDF_CTX_new(hkdfAlgorithm.pointer) else { throw .operationFailed("HKDF") }
        defer { EVP_KDF_CTX_free(context) }
        var digestName = [CChar]("SHA256".utf8CString)
        var salt = salt
        var info = info
        return try SecretBytes(count: count) { (output) throws(CryptographyError) in
            let result = keyMaterial.withUnsafeBytes { key in
                digestName.withUnsafeMutableBufferPointer { name in
                    salt.withUnsafeMutableBytes { salt in
                        info.withUnsafeMutableBytes { info in
                            var parameters = [
                                OSSL_PARAM_construct_utf8_string(parameterName("digest"), name.baseAddress, 0),
                                OSSL_PARAM_construct_octet_string(
                                    parameterName("key"), UnsafeMutableRawPointer(mutating: key.baseAddress), key.count),
                            ]
                            // OpenSSL takes a null pointer for "absent", which RFC 5869 treats as the empty string.
                            if !salt.isEmpty {
                                parameters.append(
                                    OSSL_PARAM_construct_octet_string(
                                        parameterName("salt"), salt.baseAddress, salt.count))
                            }
                            if !info.isEmpty {
                                parameters.append(
                                    OSSL_PARAM_construct_octet_string(
                                        parameterName("info"), info.baseAddress, info.count))
                            }
                            parameters.append(OSSL_PARAM_construct_end())
                            return EVP_KDF_derive(
                                context, output.bindMemory(to: UInt8.self).baseAddress, output.count, parameters)
                        }
                    }
                }
            }
            try check(result, "HKDF")
        }
    }
}
