// SHA-256 (FIPS 180-4) and the two ways Concord uses it: plain, and with a domain-separation tag.

import COpenSSL

/// The fetched algorithm, looked up once: in OpenSSL 3 the implicit fetch costs more than hashing a short message.
private let sha256Algorithm = OpenSSLHandle(EVP_MD_fetch(nil, "SHA256", nil))

/// A read-only OpenSSL object shared by all threads for the life of the process.
struct OpenSSLHandle: @unchecked Sendable {
    // Proof for @unchecked Sendable: the pointer never changes; what it points to is a fetched algorithm, which OpenSSL never
    // changes after the fetch and counts atomically (openssl-threads(7)); every handle is a global that is never freed. A pointer
    // is not Sendable by itself, and a fetch a call would cost more than the call.
    let pointer: OpaquePointer?
    init(_ pointer: OpaquePointer?) { self.pointer = pointer }
}

/// 32 bytes that identify content. Public: never make one of a secret without a salt.
public struct Digest: Hashable, Sendable, Comparable, CustomStringConvertible {
    // Inline, not an array: trees, rosters and share packages hold digests by the hundred thousand. In memory order.
    private let words: (UInt64, UInt64, UInt64, UInt64)

    /// The 32 bytes, as a copy.
    public var bytes: [UInt8] { withUnsafeBytes(of: words) { [UInt8]($0) } }

    /// Length of every digest, in bytes.
    public static let byteCount = 32

    /// Wraps 32 bytes.
    /// - Throws: ``CryptographyError/wrongLength(of:expected:actual:)``.
    public init(_ bytes: some Collection<UInt8>) throws(CryptographyError) {
        try checkLength(bytes.count, Digest.byteCount, of: "digest")
        self.init(unchecked: [UInt8](bytes))
    }

    /// Parses 64 lower-case hexadecimal digits.
    /// - Throws: ``CryptographyError/malformedEncoding(_:)`` or ``CryptographyError/wrongLength(of:expected:actual:)``.
    public init(hex: String) throws(CryptographyError) {
        try self.init(try Hex.decode(hex))
    }

    /// Takes exactly 32 bytes.
    fileprivate init(unchecked bytes: [UInt8]) {
        words = bytes.withUnsafeBytes { $0.loadUnaligned(as: (UInt64, UInt64, UInt64, UInt64).self) }
    }

    /// 64 lower-case hexadecimal digits.
    public var hex: String { Hex.encode(bytes) }
    /// Safe to log: carries no secret and no customer data.
    public var description: String { hex }

    /// Bytewise equality. Digests are public, so it need not take constant time.
    public static func == (left: Digest, right: Digest) -> Bool { left.words == right.words }

    /// Hashes all bytes.
    public func hash(into hasher: inout Swift.Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
        hasher.combine(words.3)
    }

    /// Bytewise order.
    public static func < (left: Digest, right: Digest) -> Bool { left.ordered < right.ordered }

    private var ordered: (UInt64, UInt64, UInt64, UInt64) {
        (
            UInt64(bigEndian: words.0), UInt64(bigEndian: words.1), UInt64(bigEndian: words.2),
            UInt64(bigEndian: words.3)
        )
    }
}

/// SHA-256.
public enum SHA256 {
    /// Hashes one message.
    public static func hash(_ message: [UInt8]) -> Digest {
        var hasher = Hasher()
        hasher.update(message)
        return hasher.finalize()
    }

    /// Hashes the concatenation of several messages.
    public static func hash(concatenating parts: [[UInt8]]) -> Digest {
        var hasher = Hasher()
        for part in parts { hasher.update(part) }
        return hasher.finalize()
    }

    /// `H(tag, x…) = SHA-256(u16be(length of tag) ‖ tag ‖ x…)`: the tag separates uses, so a hash made for one purpose
    /// is never one made for another. Callers pass parts of fixed length, or encode lengths themselves.
    public static func tagged(_ tag: String, _ parts: [UInt8]...) -> Digest {
        var hasher = Hasher()
        hasher.update(tag: tag)
        for part in parts { hasher.update(part) }
        return hasher.finalize()
    }

    /// Incremental hashing; not copyable, because OpenSSL's context is not.
    public struct Hasher: ~Copyable {
        private let context: OpaquePointer

        /// Starts a hash. Stops the process only if OpenSSL has no memory or no SHA-256, where nothing can go on.
        public init() {
            guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex2(context, sha256Algorithm.pointer, nil) == 1 else {
                // No input leads here: the process has no memory left, or its OpenSSL has no SHA-256. Every signature and log
                // entry rests on this hash, so nothing that could be done next would be right.
                fatalError("OpenSSL offers no SHA-256")
            }
            self.context = context
        }

        deinit { EVP_MD_CTX_free(context) }

        /// Appends bytes.
        public mutating func update(_ bytes: [UInt8]) {
            EVP_DigestUpdate(context, bytes, bytes.count)
        }

        /// Appends bytes lent by pointer.
        public mutating func update(_ bytes: UnsafeRawBufferPointer) {
            EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
        }

        /// Appends words as little-endian bytes: hashes a vector where it lies.
        public mutating func update(littleEndian words: ArraySlice<UInt64>) {
            #if _endian(little)
                words.withUnsafeBytes { update($0) }
            #else
                words.map(\.littleEndian).withUnsafeBytes { update($0) }
            #endif
        }

        /// Appends secret bytes, for a commitment.
        public mutating func update(_ secret: SecretBytes) {
            secret.withUnsafeBytes { _ = EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
        }

        /// Appends a domain-separation tag as ``SHA256/tagged(_:_:)`` does.
        public mutating func update(tag: String) {
            let bytes = [UInt8](tag.utf8)
            update([UInt8(truncatingIfNeeded: bytes.count >> 8), UInt8(truncatingIfNeeded: bytes.count)])
            update(bytes)
        }

        /// Ends the hash and returns the digest. The hasher restarts empty.
        public mutating func finalize() -> Digest {
            var digest = [UInt8](repeating: 0, count: Digest.byteCount)
            EVP_DigestFinal_ex(context, &digest, nil)
            EVP_DigestInit_ex2(context, sha256Algorithm.pointer, nil)
            return Digest(unchecked: digest)
        }
    }
}
