// The door to OpenSSL against published numbers: a wrong parameter, byte order or length would still round-trip.

import Cryptography
import TestSupport
import Testing

func hex(_ text: String) throws -> [UInt8] { try Hex.decode(text) }

/// The words of a stream as the bytes they were read from.
func littleEndianBytes(_ words: [UInt64]) -> [UInt8] {
    words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * UInt64($0))) } }
}

func secret(_ text: String) throws -> SecretBytes { SecretBytes(copying: try Hex.decode(text)) }

struct HashVectorTests {
    /// FIPS 180-4 example messages (NIST "SHA256.pdf") and the empty message.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func fips180(message: String, digest: String) {
        #expect(SHA256.hash([UInt8](message.utf8)).hex == digest)
    }

    @Test func fips180MillionLetters() {
        var hasher = SHA256.Hasher()
        for _ in 0..<1000 { hasher.update([UInt8](repeating: UInt8(ascii: "a"), count: 1000)) }
        #expect(hasher.finalize().hex == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    @Test func taggedHashesPrefixTheTagWithItsLength() {
        let expected = SHA256.hash([0, 3] + [UInt8]("tag".utf8) + [1, 2, 3])
        #expect(SHA256.tagged("tag", [1], [2, 3]) == expected)
        #expect(SHA256.hash(concatenating: [[0, 3], [UInt8]("tag".utf8), [1, 2, 3]]) == expected)
        // Without the length, the tag "ab" before "c" and the tag "a" before "bc" would collide.
        #expect(SHA256.tagged("ab", [UInt8]("c".utf8)) != SHA256.tagged("a", [UInt8]("bc".utf8)))
    }

    /// RFC 4231 test cases 1, 2 and 6.
    @Test(arguments: [
        (
            [UInt8](repeating: 0x0b, count: 20), "Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        (
            [UInt8]("Jefe".utf8), "what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        (
            [UInt8](repeating: 0xaa, count: 131), "Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
    ])
    func rfc4231(key: [UInt8], message: String, code: String) throws {
        let computed = try HMACSHA256.authenticationCode(
            for: [UInt8](message.utf8), key: SecretBytes(copying: key))
        #expect(Hex.encode(computed) == code)
    }
}

struct HKDFVectorTests {
    /// RFC 5869 appendix A, test cases 1 to 3; the third has neither salt nor info.
    @Test(arguments: [
        (
            [UInt8](repeating: 0x0b, count: 22), [UInt8](0...0x0c), [UInt8](0xf0...0xf9),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
        ),
        (
            [UInt8](0...0x4f), [UInt8](0x60...0xaf), [UInt8](0xb0...0xff),
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
                + "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"
        ),
        (
            [UInt8](repeating: 0x0b, count: 22), [UInt8](), [UInt8](),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
        ),
    ])
    func rfc5869(keyMaterial: [UInt8], salt: [UInt8], info: [UInt8], output: String) throws {
        let derived = try HKDF.deriveKey(
            from: SecretBytes(copying: keyMaterial), salt: salt, info: info, count: output.count / 2)
        #expect(Hex.encode(derived.unprotectedCopy()) == output)
    }

    @Test func anEmptySaltOrInfoIsNotTheSameAsAnother() throws {
        let key = SecretBytes(copying: [UInt8](repeating: 7, count: 32))
        var outputs: Set<[UInt8]> = []
        for salt: [UInt8] in [[], [0], [1]] {
            for info: [UInt8] in [[], [0], [1]] {
                outputs.insert(try HKDF.deriveKey(from: key, salt: salt, info: info).unprotectedCopy())
            }
        }
        // HMAC pads a short key with zeros, so the empty salt and the salt 00 are one by definition (RFC 2104).
        #expect(outputs.count == 6)
    }

    @Test func longestOutputAndNoLonger() throws {
        let key = SecretBytes(copying: [1])
        #expect(try HKDF.deriveKey(from: key, salt: [], info: [], count: 255 * 32).count == 8160)
        #expect(throws: CryptographyError.operationFailed("HKDF")) {
            try HKDF.deriveKey(from: key, salt: [], info: [], count: 255 * 32 + 1)
        }
    }
}

struct AESVectorTests {
    /// Blocks 0, 1 and 2 under the zero key are H, the tag of test case 13 and the ciphertext of test case 14 in McGrew
    /// and Viega, "The Galois/Counter Mode of Operation" (2005), appendix B.
    @Test func counterModeStartsAtZeroAndCountsBigEndian() throws {
        let expected = try hex(
            "dc95c078a2408989ad48a21492842087" + "530f8afbc74536b9a963b4f1c4cb738b"
                + "cea7403d4d606b6e074ec5d3baf39d18")
        var stream = try KeystreamGenerator(key: SecretBytes(copying: [UInt8](repeating: 0, count: 32)))
        #expect(try littleEndianBytes(stream.next(count: 6)) == expected)
    }

    /// NIST CAVP, ECBKeySbox256, count 0: the encryption of the zero block.
    @Test func counterModeUsesAllBitsOfTheKey() throws {
        var stream = try KeystreamGenerator(
            key: secret("c47b0294dbbbee0fec4757f22ffeee3587ca4730c3d33b691df38bab076bc558"))
        #expect(try littleEndianBytes(stream.next(count: 2)) == hex("46f2fb342d6f0ab477476fc501242c5f"))
    }

    /// Test cases 13 to 16 of McGrew and Viega (NIST SP 800-38D refers to them): AES-256, 96-bit nonce.
    struct GCMVector: Sendable {
        let key: String
        let nonce: String
        let plaintext: String
        let associatedData: String
        let sealed: String
    }

    static let longKey = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"
    static let longText =
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        + "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
    static let longCiphertext =
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
        + "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
    static let vectors: [GCMVector] = [
        .init(
            key: String(repeating: "00", count: 32), nonce: String(repeating: "00", count: 12), plaintext: "",
            associatedData: "", sealed: "530f8afbc74536b9a963b4f1c4cb738b"),
        .init(
            key: String(repeating: "00", count: 32), nonce: String(repeating: "00", count: 12),
            plaintext: String(repeating: "00", count: 16), associatedData: "",
            sealed: "cea7403d4d606b6e074ec5d3baf39d18" + "d0d1c8a799996bf0265b98b5d48ab919"),
        .init(
            key: longKey, nonce: "cafebabefacedbaddecaf888", plaintext: longText + "1aafd255", associatedData: "",
            sealed: longCiphertext + "898015ad" + "b094dac5d93471bdec1a502270e3cc6c"),
        .init(
            key: longKey, nonce: "cafebabefacedbaddecaf888", plaintext: longText,
            associatedData: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            sealed: longCiphertext + "76fc6ece0f4e1768cddf8853bb2d551b"),
    ]

    @Test(arguments: vectors) func galoisCounterMode(vector: GCMVector) throws {
        let sealed = try AESGCM.seal(
            secret(vector.plaintext), key: secret(vector.key), nonce: hex(vector.nonce),
            authenticating: hex(vector.associatedData))
        #expect(Hex.encode(sealed) == vector.sealed)
        let opened = try AESGCM.open(
            sealed, key: secret(vector.key), nonce: hex(vector.nonce), authenticating: hex(vector.associatedData))
        #expect(opened.unprotectedCopy() == (try hex(vector.plaintext)))
    }

    @Test func anyAlteredBitIsRefused() throws {
        let key = try secret(Self.longKey)
        let nonce = [UInt8](0..<12)
        let sealed = try AESGCM.seal(SecretBytes(copying: [1, 2, 3]), key: key, nonce: nonce, authenticating: [9])
        for position in sealed.indices {
            for bit in 0..<8 {
                var altered = sealed
                altered[position] ^= 1 << bit
                #expect(throws: CryptographyError.authenticationFailed) {
                    try AESGCM.open(altered, key: key, nonce: nonce, authenticating: [9])
                }
            }
        }
        for length in 0..<sealed.count {
            #expect(throws: CryptographyError.authenticationFailed) {
                try AESGCM.open([UInt8](sealed.prefix(length)), key: key, nonce: nonce, authenticating: [9])
            }
        }
        for (otherNonce, data) in [([UInt8](1..<13), [UInt8]([9])), (nonce, []), (nonce, [9, 0]), (nonce, [8])] {
            #expect(throws: CryptographyError.authenticationFailed) {
                try AESGCM.open(sealed, key: key, nonce: otherNonce, authenticating: data)
            }
        }
    }

    @Test func keysAndNoncesOfAnotherLengthAreRefused() throws {
        let key = try secret(Self.longKey)
        let short = SecretBytes(copying: [UInt8](repeating: 0, count: 16))
        let nonce = [UInt8](0..<12)
        #expect(throws: CryptographyError.wrongLength(of: "AES-256 key", expected: 32, actual: 16)) {
            try AESGCM.seal(key, key: short, nonce: nonce, authenticating: [])
        }
        #expect(throws: CryptographyError.wrongLength(of: "AES-GCM nonce", expected: 12, actual: 0)) {
            try AESGCM.open([UInt8](repeating: 0, count: 20), key: key, nonce: [], authenticating: [])
        }
        #expect(throws: CryptographyError.self) { _ = try KeyedRandomGenerator(key: short) }
    }
}
