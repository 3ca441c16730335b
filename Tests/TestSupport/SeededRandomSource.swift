// Randomness that a test can repeat.

import Cryptography
import Foundation

/// A random source that deals the stream of a seed, in order. For tests only: predictable by design.
public final class SeededRandomSource: RandomSource, @unchecked Sendable {
    // Proof for @unchecked Sendable: every access to `counter` happens under `lock`.
    private let key: SecretBytes
    private var counter: UInt64 = 0
    private let lock = NSLock()

    /// Starts the stream of `seed`.
    public init(seed: UInt64) {
        key = SecretBytes(
            copying: SHA256.tagged("test-seed", withUnsafeBytes(of: seed.bigEndian) { [UInt8]($0) }).bytes)
    }

    /// The next `count` bytes of the stream.
    /// - Throws: never in practice; the protocol allows it.
    public func secretBytes(count: Int) throws(CryptographyError) -> SecretBytes {
        lock.lock()
        let index = counter
        counter += 1
        lock.unlock()
        return try HKDF.deriveKey(
            from: key, salt: [], info: withUnsafeBytes(of: index.bigEndian) { [UInt8]($0) }, count: count)
    }
}
