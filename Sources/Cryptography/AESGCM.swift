// AES-256-GCM (NIST SP 800-38D) with a 96-bit nonce and a 128-bit tag appended to the ciphertext.

import COpenSSL

private let aes256GCM = OpenSSLHandle(EVP_CIPHER_fetch(nil, "AES-256-GCM", nil))

/// Authenticated encryption. A key must never see one nonce twice; Concord derives a key for each message or draws nonces
/// at random for far fewer than 2^32 messages.
public enum AESGCM {
    /// Nonce length in bytes.
    public static let nonceByteCount = 12
    /// Tag length in bytes.
    public static let tagByteCount = 16

    /// Encrypts and authenticates; returns ciphertext ‖ tag.
    /// - Throws: ``CryptographyError/operationFailed(_:)`` beyond 2^31 − 1 bytes, ``CryptographyError/wrongLength(of:expected:actual:)`` for a key that is not 32 bytes or a nonce that is not 12.
    public static func seal(
        _ plaintext: SecretBytes, key: SecretBytes, nonce: [UInt8], authenticating associatedData: [UInt8]
    ) throws(CryptographyError) -> [UInt8] {
        try checkSize(plaintext.count, associatedData.count)
        let context = try makeContext(key: key, nonce: nonce, encrypting: 1)
        defer { EVP_CIPHER_CTX_free(context) }
        var count: Int32 = 0
        try check(EVP_CipherUpdate(context, nil, &count, associatedData, Int32(associatedData.count)), "AES-256-GCM")
        var sealed = [UInt8](repeating: 0, count: plaintext.count + tagByteCount)
        let updated = plaintext.withUnsafeBytes {
            EVP_CipherUpdate(context, &sealed, &count, $0.bindMemory(to: UInt8.self).baseAddress, Int32($0.count))
        }
        try check(updated, "AES-256-GCM")
        var tag = [UInt8](repeating: 0, count: tagByteCount)
        try check(EVP_CipherFinal_ex(context, &tag, &count), "AES-256-GCM")
        try check(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(tagByteCount), &tag), "AES-256-GCM")
        sealed.replaceSubrange(plaintext.count..<sealed.count, with: tag)
        return sealed
    }

    /// Checks and decrypts ciphertext ‖ tag.
    /// - Throws: ``CryptographyError/authenticationFailed`` if anything was altered, without saying what.
    public static func open(
        _ sealed: [UInt8], key: SecretBytes, nonce: [UInt8], authenticating associatedData: [UInt8]
    ) throws(CryptographyError) -> SecretBytes {
        guard sealed.count >= tagByteCount else { throw .authenticationFailed }
        try checkSize(sealed.count, associatedData.count)
        let context = try makeContext(key: key, nonce: nonce, encrypting: 0)
        defer { EVP_CIPHER_CTX_free(context) }
        let length = sealed.count - tagByteCount
        var tag = [UInt8](sealed[length...])
        var count: Int32 = 0
        try check(EVP_CipherUpdate(context, nil, &count, associatedData, Int32(associatedData.count)), "AES-256-GCM")
        return try SecretBytes(count: length) { (output) throws(CryptographyError) in
            let plaintext = output.bindMemory(to: UInt8.self).baseAddress
            try check(EVP_CipherUpdate(context, plaintext, &count, sealed, Int32(length)), "AES-256-GCM")
            try check(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(tagByteCount), &tag), "AES-256-GCM")
            var rest = [UInt8](repeating: 0, count: tagByteCount)
            if EVP_CipherFinal_ex(context, &rest, &count) != 1 { throw .authenticationFailed }
        }
    }

    /// The 16-byte tag of `words` as little-endian bytes, nothing encrypted (GMAC, SP 800-38D section 3), under an all-zero
    /// nonce: a keyed digest at several times the speed of SHA-256. For values that stay secret: anyone who sees two tags of
    /// one key can forge a third.
    /// - Throws: ``CryptographyError/wrongLength(of:expected:actual:)`` for a key that is not 32 bytes.
    public static func secretTag(of words: [UInt64], key: SecretBytes) throws(CryptographyError) -> SecretBytes {
        let context = try makeContext(
            key: key, nonce: [UInt8](repeating: 0, count: nonceByteCount), encrypting: 1)
        defer { EVP_CIPHER_CTX_free(context) }
        var count: Int32 = 0
        let piece = 1 << 20
        for start in stride(from: 0, to: words.count, by: piece) {
            let part = words[start..<min(start + piece, words.count)]
            #if _endian(little)
                let result = part.withUnsafeBytes {
                    EVP_CipherUpdate(context, nil, &count, $0.bindMemory(to: UInt8.self).baseAddress, Int32($0.count))
                }
            #else
                let result = part.map(\.littleEndian).withUnsafeBytes {
                    EVP_CipherUpdate(context, nil, &count, $0.bindMemory(to: UInt8.self).baseAddress, Int32($0.count))
                }
            #endif
            try check(result, "AES-256-GCM")
        }
        return try SecretBytes(count: tagByteCount) { (output) throws(CryptographyError) in
            try check(
                EVP_CipherFinal_ex(context, output.bindMemory(to: UInt8.self).baseAddress, &count), "AES-256-GCM")
            try check(
                EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(tagByteCount), output.baseAddress),
                "AES-256-GCM")
        }
    }

    /// OpenSSL counts in C integers; a longer input would trap in the conversion instead of being refused.
    private static func checkSize(_ text: Int, _ associatedData: Int) throws(CryptographyError) {
        if max(text, associatedData) > Int(Int32.max) { throw .operationFailed("AES-256-GCM") }
    }

    private static func makeContext(
        key: SecretBytes, nonce: [UInt8], encrypting: Int32
    ) throws(CryptographyError) -> OpaquePointer {
        try checkLength(key.count, 32, of: "AES-256 key")
        try checkLength(nonce.count, nonceByteCount, of: "AES-GCM nonce")
        guard let context = EVP_CIPHER_CTX_new() else { throw .operationFailed("AES-256-GCM") }
        let result = key.withUnsafeBytes {
            EVP_CipherInit_ex2(
                context, aes256GCM.pointer, $0.bindMemory(to: UInt8.self).baseAddress, nonce, encrypting, nil)
        }
        if result != 1 {
            EVP_CIPHER_CTX_free(context)
            throw .operationFailed("AES-256-GCM")
        }
        return context
    }
}
