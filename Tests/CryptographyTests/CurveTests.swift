// X25519 and Ed25519: published vectors, and the keys that are refused where they enter.

import Foundation
import TestSupport
import Testing

@testable import Cryptography

struct X25519Tests {
    /// RFC 7748 section 5.2, first vector.
    @Test func publishedScalarMultiplication() throws {
        let key = try X25519PrivateKey(secret("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"))
        let point = try X25519PublicKey(hex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"))
        let expected = "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"
        #expect(try Hex.encode(key.sharedSecret(with: point).unprotectedCopy()) == expected)
    }

    /// RFC 7748 section 6.1.
    @Test func publishedKeyAgreement() throws {
        let alice = try X25519PrivateKey(secret("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"))
        let bob = try X25519PrivateKey(secret("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"))
        let alicePublic = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
        #expect(Hex.encode(alice.publicKey.bytes) == alicePublic)
        let bobPublic = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
        #expect(Hex.encode(bob.publicKey.bytes) == bobPublic)
        let shared = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"
        #expect(try Hex.encode(alice.sharedSecret(with: bob.publicKey).unprotectedCopy()) == shared)
        #expect(try Hex.encode(bob.sharedSecret(with: alice.publicKey).unprotectedCopy()) == shared)
    }

    /// RFC 7748 section 5.2: after one and after a thousand iterations.
    @Test func publishedIteration() throws {
        var scalar = try hex("09" + String(repeating: "00", count: 31))
        var point = scalar
        for iteration in 1...1000 {
            let result = try X25519PrivateKey(SecretBytes(copying: scalar)).sharedSecret(with: X25519PublicKey(point))
            point = scalar
            scalar = result.unprotectedCopy()
            if iteration == 1 {
                #expect(Hex.encode(scalar) == "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079")
            }
        }
        #expect(Hex.encode(scalar) == "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51")
    }

    /// The points whose multiples by 8 are zero (Bernstein, "Curve25519: new Diffie-Hellman speed records", and the list in
    /// libsodium), and encodings that are not the least residue.
    @Test(arguments: [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "f6ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1ccc",
        "0900000000000000000000000000000000000000000000000000000000000080",
    ])
    func keysOfSmallOrderOrInAnotherEncodingAreRefused(key: String) throws {
        let bytes = try hex(key)
        #expect(throws: CryptographyError.unacceptablePublicKey("X25519")) { try X25519PublicKey(bytes) }
    }

    /// The table against OpenSSL, which refuses the zero output: exactly what is listed gives it, and what is near does not.
    @Test func smallOrderIsWhatGivesTheZeroOutput() throws {
        #expect(X25519PublicKey.smallOrder.count == 5)
        let own = try X25519PrivateKey(SecretBytes(copying: [UInt8](repeating: 0x42, count: 32)))
        for point in X25519PublicKey.smallOrder {
            #expect(X25519PublicKey.isCanonical(point))
            #expect(throws: CryptographyError.self) { try own.sharedSecret(with: X25519PublicKey(derived: point)) }
            var near = point
            near[1] ^= 0x10
            #expect(throws: Never.self) { try own.sharedSecret(with: X25519PublicKey(near)) }
        }
        for first in UInt8(2)..<200 {
            let bytes = [first] + [UInt8](repeating: 0, count: 31)
            #expect(throws: Never.self) { try own.sharedSecret(with: X25519PublicKey(bytes)) }
        }
    }

    @Test(arguments: [0, 31, 33]) func keysOfAnotherLengthAreRefused(count: Int) {
        let bytes = [UInt8](repeating: 9, count: count)
        #expect(throws: CryptographyError.self) { try X25519PublicKey(bytes) }
        #expect(throws: CryptographyError.self) { try X25519PrivateKey(SecretBytes(copying: bytes)) }
        #expect(throws: CryptographyError.self) { try Ed25519PublicKey(bytes) }
        #expect(throws: CryptographyError.self) { try Ed25519PrivateKey(SecretBytes(copying: bytes)) }
    }
}

struct Ed25519Tests {
    /// RFC 8032 section 7.1, TEST 1 to 3.
    @Test(arguments: [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0"
                + "595bbe24655141438e7a100b"
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eae"
                + "b4302aeeb00d291612bb0c00"
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9"
                + "716ed28dc027beceea1ec40a"
        ),
    ])
    func publishedSignatures(seed: String, publicKey: String, message: String, signature: String) throws {
        let key = try Ed25519PrivateKey(secret(seed))
        #expect(Hex.encode(key.publicKey.bytes) == publicKey)
        #expect(try Hex.encode(key.signature(for: hex(message))) == signature)
        let verifier = try Ed25519PublicKey(hex(publicKey))
        let signed = try hex(signature)
        #expect(try verifier.isValid(signature: signed, for: hex(message)))
        #expect(try !verifier.isValid(signature: signed, for: hex(message) + [0]))
        for position in [0, 31, 32, 63] {
            var altered = signed
            altered[position] ^= 1
            #expect(try !verifier.isValid(signature: altered, for: hex(message)))
        }
        #expect(try !verifier.isValid(signature: [UInt8](signed.dropLast()), for: hex(message)))
        #expect(try !verifier.isValid(signature: signed + [0], for: hex(message)))
        #expect(try !verifier.isValid(signature: [], for: hex(message)))
    }

    /// RFC 8032 section 5.1.7 requires s < L; s + L would be a second signature of the same message.
    @Test func aSecondSignatureOfTheSameMessageIsRefused() throws {
        let key = try Ed25519PrivateKey(SecretBytes(copying: [UInt8](repeating: 1, count: 32)))
        var signature = try key.signature(for: [1, 2, 3])
        let order = try hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
        var carry = 0
        for index in 0..<32 {
            carry += Int(signature[32 + index]) + Int(order[index])
            signature[32 + index] = UInt8(carry & 0xff)
            carry >>= 8
        }
        #expect(carry == 0)
        #expect(!key.publicKey.isValid(signature: signature, for: [1, 2, 3]))
    }

    /// C2SP CCTV, "Ed25519": every key of small order and every second encoding is refused where it enters, and with it
    /// every signature that verifies for more than one message.
    @Test(
        .enabled(
            if: ReferenceData.isPresent("vectors/cctv-ed25519/ed25519/ed25519vectors.json"),
            "reference data absent: ../shared/vectors/cctv-ed25519"))
    func edgeCasesOfTheCurve() throws {
        struct Vector: Decodable {
            let key: String
            let sig: String
            let msg: String
            let flags: [String]?
        }
        let data = try Data(ReferenceData.bytes("vectors/cctv-ed25519/ed25519/ed25519vectors.json"))
        let vectors = try JSONDecoder().decode([Vector].self, from: data)
        #expect(vectors.count > 100)
        for vector in vectors {
            let flags = Set(vector.flags ?? [])
            let isRefused = flags.contains("low_order_A") || flags.contains("non_canonical_A")
            let key = try? Ed25519PublicKey(hex(vector.key))
            #expect((key == nil) == isRefused, "\(vector.key)")
            guard let key else { continue }
            let isValid = key.isValid(signature: try hex(vector.sig), for: [UInt8](vector.msg.utf8))
            let isForbidden = flags.contains("non_canonical_R") || flags.contains("low_order_residue")
            if isForbidden { #expect(!isValid, "\(flags)") }
        }
    }

    /// The eight points of small order and the encodings of y ≥ p, from the list in the same document.
    @Test(arguments: [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ])
    func keysOfSmallOrderOrInAnotherEncodingAreRefused(key: String) throws {
        let bytes = try hex(key)
        #expect(throws: CryptographyError.unacceptablePublicKey("Ed25519")) { try Ed25519PublicKey(bytes) }
    }
}
