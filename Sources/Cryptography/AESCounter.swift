// AES-256 in counter mode (NIST SP 800-38A) as a seekable stream of 64-bit words: the generator behind masks,
// noise and rounding. Word i of the stream is bytes 8i..<8i+8 of AES-CTR(key, IV 0), little-endian.

import COpenSSL

/// A stream of words under one key. Not copyable: two copies would repeat each other.
///
/// One cipher context and one 16 KiB scratch buffer serve every key, so re-keying costs about 0.2 µs and expansion runs
/// at the speed of the primitive. Not thread-safe: one stream a thread.
public struct KeystreamGenerator: ~Copyable {
    private let context: OpaquePointer
    private let zeros: UnsafeMutableRawBufferPointer
    private let scratch: UnsafeMutableRawBufferPointer

    /// Words a scratch buffer holds: 16 KiB stays in the first-level cache beside the words it is added to.
    static let scratchWords = 2048

    /// Creates an unkeyed generator; call ``rekey(_:wordOffset:)`` before use.
    /// - Throws: ``CryptographyError/operationFailed(_:)``.
    public init() throws(CryptographyError) {
        guard let context = EVP_CIPHER_CTX_new() else { throw .operationFailed("AES-256-CTR") }
        self.init(owning: context)
    }

    /// Creates a generator at the start of `key`'s stream.
    /// - Throws: ``CryptographyError/wrongLength(of:expected:actual:)`` unless the key has 32 bytes.
    public init(key: SecretBytes) throws(CryptographyError) {
        guard let context = EVP_CIPHER_CTX_new() else { throw .operationFailed("AES-256-CTR") }
        do {
            try Self.start(context, key: key, wordOffset: 0)
        } catch {
            EVP_CIPHER_CTX_free(context)
            throw error
        }
        self.init(owning: context)
    }

    private init(owning context: OpaquePointer) {
        self.context = context
        zeros = .allocate(byteCount: Self.scratchWords * 8, alignment: 64)
        zeros.initializeMemory(as: UInt8.self, repeating: 0)
        scratch = .allocate(byteCount: Self.scratchWords * 8, alignment: 64)
        scratch.initializeMemory(as: UInt8.self, repeating: 0)
    }

    deinit {
        OPENSSL_cleanse(scratch.baseAddress, scratch.count)
        scratch.deallocate()
        zeros.deallocate()
        EVP_CIPHER_CTX_free(context)
    }

    /// Moves to word `wordOffset` of the stream of `key`.
    /// - Parameters:
    ///   - key: 32 bytes.
    ///   - wordOffset: even (a block holds two words) and not negative.
    /// - Throws: ``CryptographyError/wrongLength(of:expected:actual:)``.
    public mutating func rekey(_ key: SecretBytes, wordOffset: Int = 0) throws(CryptographyError) {
        try Self.start(context, key: key, wordOffset: wordOffset)
    }

    private static func start(
        _ context: OpaquePointer, key: SecretBytes, wordOffset: Int
    ) throws(CryptographyError) {
        precondition(wordOffset >= 0 && wordOffset.isMultiple(of: 2), "a block of the stream holds two words")
        _ = try KeystreamCipher.aes256Counter.start(context, key: key, wordOffset: wordOffset)
    }

    /// Overwrites `words` with the next words of the stream.
    /// - Throws: ``CryptographyError/operationFailed(_:)``.
    public mutating func fill(_ words: inout [UInt64]) throws(CryptographyError) {
        try expand(count: words.count) { start, stream in
            for index in stream.indices { words[start + index] = UInt64(littleEndian: stream[index]) }
        }
    }

    /// The next `count` words of the stream.
    /// - Throws: ``CryptographyError/operationFailed(_:)``.
    public mutating func next(count: Int) throws(CryptographyError) -> [UInt64] {
        var words = [UInt64](repeating: 0, count: count)
        try fill(&words)
        return words
    }

    /// Expands in scratch-sized pieces. OpenSSL keeps the rest of a half-used block, so pieces of any length follow on.
    @inline(__always)
    private mutating func expand(
        count: Int, _ consume: (Int, UnsafeBufferPointer<UInt64>) -> Void
    ) throws(CryptographyError) {
        let stream = scratch.bindMemory(to: UInt64.self)
        var position = 0
        while position < count {
            let words = min(Self.scratchWords, count - position)
            var written: Int32 = 0
            try check(
                EVP_EncryptUpdate(
                    context, scratch.bindMemory(to: UInt8.self).baseAddress, &written,
                    zeros.bindMemory(to: UInt8.self).baseAddress, Int32(words * 8)), "AES-256-CTR")
            consume(position, UnsafeBufferPointer(rebasing: stream[0..<words]))
            position += words
        }
    }
}
