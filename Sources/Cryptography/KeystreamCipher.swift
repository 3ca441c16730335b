// The ciphers a mask can be expanded with, and where in their streams a word lies.

import COpenSSL

/// A stream of 64-bit words under a 32-byte key, seekable: the bytes of the cipher's keystream from its start, eight a word,
/// little-endian. Raw values are the identifiers in session parameters and plans.
public enum KeystreamCipher: UInt64, CaseIterable, Sendable, CustomStringConvertible {
    /// AES-256 in counter mode, counter block from 0 (NIST SP 800-38A, 6.5): fastest where the processor has AES instructions.
    case aes256Counter = 1
    /// ChaCha20 with a nonce of zeros, block counter from 0 (RFC 8439, 2.4): for processors without AES instructions, where
    /// AES in constant time is several times slower.
    case chaCha20 = 2

    /// The name in the literature.
    public var description: String {
        switch self {
        case .aes256Counter: "AES-256-CTR"
        case .chaCha20: "ChaCha20"
        }
    }

    /// Words from the start of a stream that may be addressed: 2^35, the blocks of ChaCha20's 32-bit counter. A vector of as
    /// many coordinates as session parameters can state has 2^31.
    static let maximumWordOffset = 1 << 35

    private static let aes256CounterMode = OpenSSLHandle(EVP_CIPHER_fetch(nil, "AES-256-CTR", nil))
    private static let chaCha20Stream = OpenSSLHandle(EVP_CIPHER_fetch(nil, "ChaCha20", nil))

    /// Words of a block.
    private var blockWords: Int {
        switch self {
        case .aes256Counter: 2
        case .chaCha20: 8
        }
    }

    /// Points `context` at the block that holds word `wordOffset` of the stream of `key`.
    /// - Parameter wordOffset: in 0 ..< ``maximumWordOffset``.
    /// - Returns: words of that block to pass over first.
    /// - Throws: ``CryptographyError/wrongLength(of:expected:actual:)``, ``CryptographyError/operationFailed(_:)``.
    func start(_ context: OpaquePointer, key: SecretBytes, wordOffset: Int) throws(CryptographyError) -> Int {
        try checkLength(key.count, 32, of: "\(self) key")
        precondition((0..<Self.maximumWordOffset).contains(wordOffset), "inside the stream")
        let block = UInt64(wordOffset / blockWords)
        // OpenSSL takes 16 bytes for both: a counter block, big-endian; or ChaCha20's counter, little-endian, and its nonce.
        let (cipher, counter) =
            switch self {
            case .aes256Counter: (Self.aes256CounterMode, (UInt64(0), block.bigEndian))
            case .chaCha20: (Self.chaCha20Stream, (block.littleEndian, UInt64(0)))
            }
        let result = key.withUnsafeBytes { key in
            withUnsafeBytes(of: counter) { counter in
                EVP_EncryptInit_ex2(
                    context, cipher.pointer, key.bindMemory(to: UInt8.self).baseAddress,
                    counter.bindMemory(to: UInt8.self).baseAddress, nil)
            }
        }
        try check(result, description)
        return wordOffset % blockWords
    }
}
