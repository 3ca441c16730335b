// Secrets own their memory, wipe it when the last reference goes, compare in constant time and never print.
// Idea: swift-crypto's SecureBytes. The wipe covers this buffer; copies a caller makes are the caller's to wipe.

import COpenSSL

/// Immutable secret bytes: a key, a seed, a share before encryption. Wiped on release; prints `<redacted>`.
///
/// Thread safety: immutable after initialisation, so any number of threads may read it.
public final class SecretBytes: @unchecked Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    // Proof for @unchecked Sendable: the buffer is this object's alone, is lent out for reading only and only within a call, and
    // is written in init and deinit alone, when one thread holds the object. Memory that must be wiped cannot be an array, whose
    // copies nobody counts, and a pointer is not Sendable by itself.
    private let storage: UnsafeMutableRawBufferPointer

    /// Length in bytes.
    public var count: Int { storage.count }

    /// Takes a copy of `bytes`. The caller's copy is not wiped: prefer ``init(count:filling:)`` for fresh secrets.
    public init(copying bytes: some Collection<UInt8>) {
        storage = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
        storage.copyBytes(from: bytes)
    }

    /// Creates `count` zero bytes and lets `fill` write the secret into them.
    public init<Failure: Error>(
        count: Int, filling fill: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
        buffer.initializeMemory(as: UInt8.self, repeating: 0)
        do {
            try fill(buffer)
        } catch {
            OPENSSL_cleanse(buffer.baseAddress, buffer.count)
            buffer.deallocate()
            throw error
        }
        storage = buffer
    }

    /// Creates `count` zero bytes and lets `write` fill them: for callers that use no unsafe pointers.
    public convenience init<Failure: Error>(
        count: Int, writing write: (inout MutableSpan<UInt8>) throws(Failure) -> Void
    ) throws(Failure) {
        try self.init(count: count) { (buffer: UnsafeMutableRawBufferPointer) throws(Failure) in
            var span = buffer.bindMemory(to: UInt8.self).mutableSpan
            try write(&span)
        }
    }

    /// Joins secrets without an unprotected copy in between.
    public convenience init(concatenating parts: [SecretBytes]) {
        self.init(count: parts.reduce(0) { $0 + $1.count }) { (buffer: UnsafeMutableRawBufferPointer) in
            var position = 0
            for part in parts {
                UnsafeMutableRawBufferPointer(rebasing: buffer[position...]).copyMemory(
                    from: UnsafeRawBufferPointer(part.storage))
                position += part.count
            }
        }
    }

    deinit {
        OPENSSL_cleanse(storage.baseAddress, storage.count)
        storage.deallocate()
    }

    /// Draws `count` bytes from OpenSSL's private generator.
    /// - Throws: ``CryptographyError/randomnessUnavailable``.
    public static func random(count: Int) throws(CryptographyError) -> SecretBytes {
        try SecretBytes(count: count) { (buffer) throws(CryptographyError) in
            if count > 0, RAND_priv_bytes(buffer.baseAddress, Int32(count)) != 1 { throw .randomnessUnavailable }
        }
    }

    /// Lends the bytes for the duration of `body`. Do not let the pointer escape.
    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(storage))
    }

    /// Lends the bytes as a span for the duration of `body`: for callers that use no unsafe pointers.
    public func withSpan<Result, Failure: Error>(
        _ body: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeBufferPointer(storage.bindMemory(to: UInt8.self)).span)
    }

    /// An unprotected copy, for the one place that must serialise the secret (an encrypted or mode-0600 file).
    public func unprotectedCopy() -> [UInt8] { [UInt8](storage) }

    /// Constant-time equality (`CRYPTO_memcmp`); secrets of different length are different.
    public static func == (left: SecretBytes, right: SecretBytes) -> Bool {
        left.count == right.count
            && (left.count == 0 || CRYPTO_memcmp(left.storage.baseAddress, right.storage.baseAddress, left.count) == 0)
    }

    /// Safe to log: carries no secret and no customer data.
    public var description: String { "<redacted>" }
    /// The same as ``description``.
    public var debugDescription: String { "<redacted>" }
    /// Empty: reflection finds nothing to print.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// Overwrites and empties an array that held secrets: bytes, words or field elements. Other copies of the array keep theirs.
public func wipe<Element: BitwiseCopyable>(_ elements: inout [Element]) {
    elements.withUnsafeMutableBytes { buffer in
        if let base = buffer.baseAddress { OPENSSL_cleanse(base, buffer.count) }
    }
    elements.removeAll()
}

/// Constant-time equality of two byte strings of public length.
public func constantTimeEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    left.count == right.count && (left.isEmpty || CRYPTO_memcmp(left, right, left.count) == 0)
}
