// What the raw primitives cost on this machine, now: the unit prices of every floor. OpenSSL is called directly here and
// not through Concord's own wrappers, so that an overhead of a wrapper shows up as distance to the floor.

import COpenSSL
import Cryptography
import Glibc

/// Seconds of one unit of each primitive, on one core while `workers` cores do the same.
public struct PrimitiveCosts: Sendable, Equatable, Encodable {
    /// A byte of the generator's keystream, in blocks of 16 KiB.
    public let keystreamByte: Double
    /// A byte of AES-256-GCM opened, in messages of 1 MiB.
    public let aesGCMByte: Double
    /// An X25519 agreement.
    public let x25519: Double
    /// An Ed25519 signature over 200 bytes.
    public let ed25519Sign: Double
    /// An Ed25519 verification over 200 bytes.
    public let ed25519Verify: Double
    /// A byte of 64-bit words added to a tile in the second-level cache, four streams from the first at a time, as masks are.
    public let cachedAddByte: Double
    /// A byte of 64-bit words read from memory and added to words in cache.
    public let memoryAddByte: Double

    /// Measures for about two seconds a worker. Each price is the median of the windows of all workers.
    /// - Throws: ``BenchmarkError/primitive``.
    static func measure(_ generator: KeystreamCipher, workers: Int) async throws -> PrimitiveCosts {
        let all = try await withThrowingTaskGroup(of: Windows.self) { group in
            for _ in 0..<workers { group.addTask { try Windows.measure(generator) } }
            var all = Windows()
            for try await windows in group { all.append(windows) }
            return all
        }
        return all.costs
    }

    /// The mean of two measurements, before and after the work they are the price of.
    static func mean(_ left: PrimitiveCosts, _ right: PrimitiveCosts) -> PrimitiveCosts {
        func mean(_ price: (PrimitiveCosts) -> Double) -> Double { (price(left) + price(right)) / 2 }
        return PrimitiveCosts(
            keystreamByte: mean(\.keystreamByte), aesGCMByte: mean(\.aesGCMByte), x25519: mean(\.x25519),
            ed25519Sign: mean(\.ed25519Sign), ed25519Verify: mean(\.ed25519Verify),
            cachedAddByte: mean(\.cachedAddByte), memoryAddByte: mean(\.memoryAddByte))
    }
}

/// Timed windows of each primitive, in seconds a unit.
private struct Windows: Sendable {
    var samples = [[Double]](repeating: [], count: 7)

    var costs: PrimitiveCosts {
        let medians = samples.map { $0.sorted()[$0.count / 2] }
        return PrimitiveCosts(
            keystreamByte: medians[0], aesGCMByte: medians[1], x25519: medians[2], ed25519Sign: medians[3],
            ed25519Verify: medians[4], cachedAddByte: medians[5], memoryAddByte: medians[6])
    }

    mutating func append(_ other: Windows) {
        for index in samples.indices { samples[index] += other.samples[index] }
    }

    static func measure(_ generator: KeystreamCipher) throws -> Windows {
        var windows = Windows()
        let primitives = try RawPrimitives(generator)
        // Interleaved, so that a disturbance of the machine falls on all alike.
        for _ in 0..<9 {
            windows.samples[0].append(try primitives.keystream(bytes: 64 << 20))
            windows.samples[1].append(try primitives.aesGCM(messages: 32))
            windows.samples[2].append(try primitives.x25519(count: 300))
            windows.samples[3].append(try primitives.sign(count: 300))
            windows.samples[4].append(try primitives.verify(count: 150))
            windows.samples[5].append(try primitives.cachedAdd(bytes: 256 << 20))
            windows.samples[6].append(try primitives.memoryAdd())
        }
        return windows
    }
}

/// Contexts and buffers of raw OpenSSL calls, used by one thread. A call that fails ends the benchmark: its figures would mean
/// nothing.
private final class RawPrimitives {
    private let cipher = EVP_CIPHER_CTX_new()
    private let seal = EVP_CIPHER_CTX_new()
    private let agreementKey: OpaquePointer?
    private let peerKey: OpaquePointer?
    private let signingKey: OpaquePointer?
    private let stream: OpaquePointer?
    private let gcm = EVP_CIPHER_fetch(nil, "AES-256-GCM", nil)
    private let zeros = [UInt8](repeating: 0, count: 1 << 20)
    private var output = [UInt8](repeating: 0, count: 1 << 20)
    private var sum = [UInt64](repeating: 0, count: 1 << 14)
    // Four times the largest third-level cache in common use would take long to fill: 64 MiB is read from memory here.
    private let far = [UInt64](repeating: 1, count: 8 << 20)
    private let message = [UInt8](repeating: 7, count: 200)

    init(_ generator: KeystreamCipher) throws {
        stream = EVP_CIPHER_fetch(nil, generator == .chaCha20 ? "ChaCha20" : "AES-256-CTR", nil)
        let key = [UInt8](repeating: 9, count: 32)
        agreementKey = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nil, key, 32)
        signingKey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, key, 32)
        var base = [UInt8](repeating: 0, count: 32)
        base[0] = 9
        peerKey = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nil, base, 32)
        let iv = [UInt8](repeating: 0, count: 16)
        try require(EVP_EncryptInit_ex2(cipher, stream, key, iv, nil))
    }

    deinit {
        EVP_CIPHER_CTX_free(cipher)
        EVP_CIPHER_CTX_free(seal)
        EVP_CIPHER_free(stream)
        EVP_CIPHER_free(gcm)
        EVP_PKEY_free(agreementKey)
        EVP_PKEY_free(peerKey)
        EVP_PKEY_free(signingKey)
    }

    private func require(_ result: Int32) throws {
        if result != 1 { throw BenchmarkError.primitive }
    }

    private func perUnit(_ units: Int, _ body: () throws -> Void) throws -> Double {
        try Stopwatch.thread(body).1.cpuSeconds / Double(units)
    }

    func keystream(bytes: Int) throws -> Double {
        try perUnit(bytes) {
            var count: Int32 = 0
            for _ in 0..<bytes >> 14 { try require(EVP_EncryptUpdate(cipher, &output, &count, zeros, 1 << 14)) }
        }
    }

    func aesGCM(messages: Int) throws -> Double {
        let key = [UInt8](repeating: 9, count: 32)
        let nonce = [UInt8](repeating: 3, count: 12)
        return try perUnit(messages << 20) {
            var count: Int32 = 0
            for _ in 0..<messages {
                try require(EVP_DecryptInit_ex2(seal, gcm, key, nonce, nil))
                try require(EVP_DecryptUpdate(seal, &output, &count, zeros, 1 << 20))
            }
        }
    }

    func x25519(count: Int) throws -> Double {
        let context = EVP_PKEY_CTX_new_from_pkey(nil, agreementKey, nil)
        defer { EVP_PKEY_CTX_free(context) }
        try require(EVP_PKEY_derive_init(context))
        try require(EVP_PKEY_derive_set_peer_ex(context, peerKey, 0))
        return try perUnit(count) {
            var secret = [UInt8](repeating: 0, count: 32)
            for _ in 0..<count {
                var length = 32
                try require(EVP_PKEY_derive(context, &secret, &length))
            }
        }
    }

    private func signature(_ context: OpaquePointer?) throws -> [UInt8] {
        var signature = [UInt8](repeating: 0, count: 64)
        var length = 64
        try require(EVP_DigestSign(context, &signature, &length, message, message.count))
        return signature
    }

    func sign(count: Int) throws -> Double {
        let context = EVP_MD_CTX_new()
        defer { EVP_MD_CTX_free(context) }
        try require(EVP_DigestSignInit_ex(context, nil, nil, nil, nil, signingKey, nil))
        return try perUnit(count) { for _ in 0..<count { output[0] = try signature(context)[0] } }
    }

    func verify(count: Int) throws -> Double {
        let context = EVP_MD_CTX_new()
        defer { EVP_MD_CTX_free(context) }
        try require(EVP_DigestSignInit_ex(context, nil, nil, nil, nil, signingKey, nil))
        let signature = try signature(context)
        let verifier = EVP_MD_CTX_new()
        defer { EVP_MD_CTX_free(verifier) }
        try require(EVP_DigestVerifyInit_ex(verifier, nil, nil, nil, nil, signingKey, nil))
        return try perUnit(count) {
            for _ in 0..<count {
                try require(EVP_DigestVerify(verifier, signature, signature.count, message, message.count))
            }
        }
    }

    func cachedAdd(bytes: Int) throws -> Double {
        try perUnit(bytes) {
            // Four streams of 4 KiB onto a tile of 128 KiB: the tile is read and written once for four masks.
            let quarter = 1 << 9
            for pass in 0..<bytes >> 14 {
                let start = (pass & 31) << 9
                sum.withUnsafeMutableBufferPointer { sum in
                    far.withUnsafeBufferPointer { streams in
                        for index in 0..<quarter {
                            sum[start + index] &+=
                                (streams[index] &+ streams[quarter + index])
                                &+ (streams[2 * quarter + index] &+ streams[3 * quarter + index])
                        }
                    }
                }
            }
        }
    }

    func memoryAdd() throws -> Double {
        try perUnit(far.count * 8) {
            sum.withUnsafeMutableBufferPointer { sum in
                far.withUnsafeBufferPointer { far in
                    for block in stride(from: 0, to: far.count, by: 1 << 14) {
                        for index in 0..<1 << 14 { sum[index] &+= far[block + index] }
                    }
                }
            }
        }
    }
}
