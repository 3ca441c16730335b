// Many keystreams added to one vector: what masking and unmasking spend their time on.
//
// Four streams are expanded side by side into four small buffers and added in one pass, so that the vector is loaded and
// stored once for four streams, and everything but the vector stays in the first-level cache.

import COpenSSL

/// Adds keystreams to words modulo 2^64. Streams of AES-256-CTR are those of ``KeystreamGenerator``.
///
/// Not thread-safe: one value a thread.
public struct KeystreamSum: ~Copyable {
    private static let laneCount = 4
    /// Words of a stream that are expanded at a time: 4 KiB, so that four lanes and the zeros they are made of take 20 KiB.
    private static let blockWords = 512

    private let cipher: KeystreamCipher
    private let contexts: [OpaquePointer]
    private let zeros: UnsafeMutablePointer<UInt8>
    private let lanes: UnsafeMutablePointer<UInt64>

    /// Makes contexts and buffers.
    /// - Throws: ``CryptographyError/operationFailed(_:)``.
    public init(_ cipher: KeystreamCipher) throws(CryptographyError) {
        self.cipher = cipher
        var contexts: [OpaquePointer] = []
        for _ in 0..<Self.laneCount {
            guard let context = EVP_CIPHER_CTX_new() else {
                for made in contexts { EVP_CIPHER_CTX_free(made) }
                throw .operationFailed(cipher.description)
            }
            contexts.append(context)
        }
        self.contexts = contexts
        zeros = .allocate(capacity: Self.blockWords * 8)
        zeros.initialize(repeating: 0, count: Self.blockWords * 8)
        lanes = .allocate(capacity: Self.laneCount * Self.blockWords)
        lanes.initialize(repeating: 0, count: Self.laneCount * Self.blockWords)
    }

    deinit {
        OPENSSL_cleanse(lanes, Self.laneCount * Self.blockWords * 8)
        lanes.deallocate()
        zeros.deallocate()
        for context in contexts { EVP_CIPHER_CTX_free(context) }
    }

    /// Adds the streams of `added` to `words`, and subtracts those of `subtracted`.
    /// - Parameters:
    ///   - added: keys of 32 bytes.
    ///   - subtracted: keys of 32 bytes.
    ///   - words: words of a vector.
    ///   - range: which of `words` to change. A range that fits the second-level cache is fastest.
    ///   - wordOffset: where in the streams the range begins, not negative. Nothing is expanded in vain where a block of the
    ///     cipher begins: at even words for AES, at every eighth for ChaCha20.
    /// - Throws: ``CryptographyError/wrongLength(of:expected:actual:)`` for a key of another length.
    public mutating func apply(
        adding added: [SecretBytes], subtracting subtracted: [SecretBytes], to words: inout [UInt64],
        in range: Range<Int>, wordOffset: Int
    ) throws(CryptographyError) {
        try words.withUnsafeMutableBufferPointer { (words) throws(CryptographyError) in
            let words = UnsafeMutableBufferPointer(rebasing: words[range])
            try sweep(added, over: words, wordOffset: wordOffset) { $0 &+= $1 }
            try sweep(subtracted, over: words, wordOffset: wordOffset) { $0 &-= $1 }
        }
    }

    @inline(__always)
    private func sweep(
        _ keys: [SecretBytes], over words: UnsafeMutableBufferPointer<UInt64>, wordOffset: Int,
        _ combine: (inout UInt64, UInt64) -> Void
    ) throws(CryptographyError) {
        var first = 0
        while first < keys.count {
            let count = min(Self.laneCount, keys.count - first)
            for lane in 0..<count { try start(lane, key: keys[first + lane], wordOffset: wordOffset) }
            var position = 0
            while position < words.count {
                let length = min(Self.blockWords, words.count - position)
                for lane in 0..<count { try expand(lane, words: length) }
                add(count, to: UnsafeMutableBufferPointer(rebasing: words[position..<position + length]), combine)
                position += length
            }
            first += count
        }
    }

    private func start(_ lane: Int, key: SecretBytes, wordOffset: Int) throws(CryptographyError) {
        let passed = try cipher.start(contexts[lane], key: key, wordOffset: wordOffset)
        // Into the lane, which is overwritten next; the context keeps its place inside the block.
        if passed > 0 { try expand(lane, words: passed) }
    }

    @inline(__always)
    private func expand(_ lane: Int, words: Int) throws(CryptographyError) {
        var written: Int32 = 0
        let target = UnsafeMutableRawPointer(lanes + lane * Self.blockWords).assumingMemoryBound(to: UInt8.self)
        try check(EVP_EncryptUpdate(contexts[lane], target, &written, zeros, Int32(words * 8)), cipher.description)
    }

    /// Adds up the first `count` lanes word by word, and combines the sum with `words`.
    @inline(__always)
    private func add(
        _ count: Int, to words: UnsafeMutableBufferPointer<UInt64>, _ combine: (inout UInt64, UInt64) -> Void
    ) {
        guard let target = words.baseAddress else { return }
        let (first, second) = (lanes, lanes + Self.blockWords)
        let (third, fourth) = (lanes + 2 * Self.blockWords, lanes + 3 * Self.blockWords)
        if count == Self.laneCount {
            for index in 0..<words.count {
                combine(
                    &target[index],
                    UInt64(littleEndian: first[index]) &+ UInt64(littleEndian: second[index])
                        &+ UInt64(littleEndian: third[index]) &+ UInt64(littleEndian: fourth[index]))
            }
        } else {
            for lane in 0..<count {
                let stream = lanes + lane * Self.blockWords
                for index in 0..<words.count { combine(&target[index], UInt64(littleEndian: stream[index])) }
            }
        }
    }
}
