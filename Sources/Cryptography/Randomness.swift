// Where random bytes come from. Production draws from OpenSSL's private generator; tests and the generated data set
// inject a generator keyed by a seed. Nothing else in Concord draws randomness.

import COpenSSL

/// A source of secret random bytes.
public protocol RandomSource: Sendable {
    /// Draws `count` fresh bytes.
    /// - Throws: ``CryptographyError/randomnessUnavailable``.
    func secretBytes(count: Int) throws(CryptographyError) -> SecretBytes
}

extension RandomSource {
    /// Draws `count` fresh bytes that will be public (a nonce, a salt).
    /// - Throws: ``CryptographyError/randomnessUnavailable``.
    public func publicBytes(count: Int) throws(CryptographyError) -> [UInt8] {
        try secretBytes(count: count).unprotectedCopy()
    }
}

/// OpenSSL's private random generator, result checked.
public struct SystemRandomSource: RandomSource {
    /// The process-wide generator.
    public init() {}

    /// Draws from `RAND_priv_bytes`.
    public func secretBytes(count: Int) throws(CryptographyError) -> SecretBytes {
        try SecretBytes.random(count: count)
    }
}

/// Uniform words from AES-256-CTR under a secret 256-bit key, in buffered blocks: what the noise sampler, the rounding
/// coins and secret sharing draw from. Deterministic in its key, so a known-answer test can pin it.
///
/// Not copyable: two copies would deal the same words. Not thread-safe.
public struct KeyedRandomGenerator: ~Copyable {
    private var stream: KeystreamGenerator
    private var buffer: [UInt64]
    private var position: Int

    /// Starts the stream of a 32-byte key. Derive a key for each use; never share one with masks.
    /// - Throws: ``CryptographyError/wrongLength(of:expected:actual:)``.
    public init(key: SecretBytes) throws(CryptographyError) {
        stream = try KeystreamGenerator(key: key)
        buffer = [UInt64](repeating: 0, count: KeystreamGenerator.scratchWords)
        position = buffer.count
    }

    deinit {
        // Past words reveal noise and coins: do not leave them behind in freed memory.
        buffer.withUnsafeBytes { OPENSSL_cleanse(UnsafeMutableRawPointer(mutating: $0.baseAddress), $0.count) }
    }

    /// The next uniform 64-bit word. Stops the process if OpenSSL fails here, which needs no input and has no remedy.
    @inline(__always)
    public mutating func next() -> UInt64 {
        if position == buffer.count { refill() }
        let word = buffer[position]
        position += 1
        return word
    }

    private mutating func refill() {
        do {
            try stream.fill(&buffer)
        } catch {
            // The key was checked by init and the buffer is ours, so no input leads here: OpenSSL itself is broken. To go on
            // would be to sample noise or share a secret from words that are not random; there is no caller to tell, because
            // a sampler that may throw at every word would hide real errors among impossible ones.
            fatalError("AES-256-CTR failed on a valid key")
        }
        position = 0
    }

    /// A uniform value in 0..<`bound` without modulo bias (Lemire 2019, "Fast random integer generation in an interval").
    @inline(__always)
    public mutating func uniform(below bound: UInt64) -> UInt64 {
        precondition(bound > 0, "an empty range has no values")
        var product = next().multipliedFullWidth(by: bound)
        if product.low < bound {
            let threshold = (0 &- bound) % bound
            while product.low < threshold { product = next().multipliedFullWidth(by: bound) }
        }
        return product.high
    }
}
