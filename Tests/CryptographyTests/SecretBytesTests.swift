// Secrets do not print, compare by content, and their helpers keep nothing back.

import Cryptography
import Foundation
import TestSupport
import Testing

struct SecretBytesTests {
    private struct Holder { let key: SecretBytes }

    @Test func noWayOfPrintingShowsTheBytes() throws {
        let text = [UInt8]("correct horse battery staple!!!!".utf8)
        let secret = SecretBytes(copying: text)
        var dumped = ""
        dump(secret, to: &dumped)
        var dumpedHolder = ""
        dump(Holder(key: secret), to: &dumpedHolder)
        let printed = [
            "\(secret)", secret.description, secret.debugDescription, String(reflecting: secret),
            String(describing: secret), "\([secret])", "\(Holder(key: secret))", dumped, dumpedHolder,
            "\(Optional(secret) as Any)", String(describing: ["key": secret]),
        ]
        for line in printed {
            #expect(line.contains("<redacted>"), "\(line)")
            #expect(!line.contains("horse") && !line.contains("99, 111"), "\(line)")
        }
        #expect(Mirror(reflecting: secret).children.isEmpty)
        #expect("\(secret)" == "<redacted>")
    }

    @Test func privateKeysDoNotPrintEither() throws {
        let seed = SecretBytes(copying: [UInt8](repeating: 0xab, count: 32))
        for line in ["\(try X25519PrivateKey(seed))", "\(try Ed25519PrivateKey(seed))"] {
            #expect(!line.contains("171, 171") && !line.lowercased().contains("abab"), "\(line)")
        }
    }

    @Test func equalityIsByContentAndLength() {
        let one = SecretBytes(copying: [1, 2, 3])
        #expect(one == SecretBytes(copying: [1, 2, 3]))
        #expect(one != SecretBytes(copying: [1, 2, 4]))
        #expect(one != SecretBytes(copying: [0, 2, 3]))
        #expect(one != SecretBytes(copying: [1, 2]))
        #expect(one != SecretBytes(copying: [1, 2, 3, 0]))
        #expect(SecretBytes(copying: []) == SecretBytes(copying: []))
        #expect(constantTimeEqual([], []) && constantTimeEqual([5], [5]))
        #expect(!constantTimeEqual([5], [6]) && !constantTimeEqual([5], [5, 5]))
    }

    @Test func fillingAndJoining() throws {
        let joined = SecretBytes(concatenating: [
            SecretBytes(copying: [1, 2]), SecretBytes(copying: []), SecretBytes(copying: [3]),
        ])
        #expect(joined.unprotectedCopy() == [1, 2, 3])
        #expect(SecretBytes(concatenating: []).count == 0)
        let written = SecretBytes(count: 4) { (span: inout MutableSpan<UInt8>) in
            for index in span.indices { span[index] = UInt8(index) + 1 }
        }
        #expect(written.unprotectedCopy() == [1, 2, 3, 4])
        #expect(written.withSpan { $0[3] } == 4)
        #expect(throws: CryptographyError.randomnessUnavailable) {
            _ = try SecretBytes(count: 4) { (span: inout MutableSpan<UInt8>) throws(CryptographyError) in
                span[0] = 9
                throw .randomnessUnavailable
            }
        }
    }

    @Test func wipingEmptiesArraysOfAnyPlainElement() {
        var bytes: [UInt8] = [1, 2, 3]
        wipe(&bytes)
        #expect(bytes.isEmpty)
        var words: [UInt64] = [1, 2, 3]
        wipe(&words)
        #expect(words.isEmpty)
        var empty: [UInt8] = []
        wipe(&empty)
        #expect(empty.isEmpty)
    }

    @Test func systemRandomnessDiffersAndHasTheAskedLength() throws {
        let source = SystemRandomSource()
        for count in [0, 1, 32, 4096] { #expect(try source.secretBytes(count: count).count == count) }
        #expect(try source.secretBytes(count: 32) != source.secretBytes(count: 32))
    }
}

struct EncodingTests {
    /// RFC 4648 section 10.
    @Test(arguments: [
        ("", "", ""), ("f", "Zg==", "66"), ("fo", "Zm8=", "666f"), ("foo", "Zm9v", "666f6f"),
        ("foob", "Zm9vYg==", "666f6f62"), ("fooba", "Zm9vYmE=", "666f6f6261"), ("foobar", "Zm9vYmFy", "666f6f626172"),
    ])
    func publishedEncodings(text: String, base64: String, hexadecimal: String) throws {
        let bytes = [UInt8](text.utf8)
        #expect(Base64.encode(bytes) == base64)
        #expect(try Base64.decode(base64) == bytes)
        #expect(Hex.encode(bytes) == hexadecimal)
        #expect(try Hex.decode(hexadecimal) == bytes)
    }

    @Test(arguments: [
        "Zg=", "Zg", "Zh==", "Zm9=", "Zg==\n", " Zg==", "Zg= =", "====", "Z===", "Zm9v====", "Zm-v", "Zm9v\u{e9}",
    ])
    func secondSpellingsOfBase64AreRefused(text: String) {
        #expect(throws: CryptographyError.malformedEncoding("base64")) { try Base64.decode(text) }
    }

    @Test(arguments: ["0", "0g", "AB", " 00", "0x00", "\u{e9}0"]) func secondSpellingsOfHexadecimalAreRefused(
        text: String
    ) {
        #expect(throws: CryptographyError.malformedEncoding("hexadecimal")) { try Hex.decode(text) }
    }

    @Test func digestsHaveThirtyTwoBytes() throws {
        #expect(throws: CryptographyError.self) { try Digest([UInt8](repeating: 0, count: 31)) }
        #expect(throws: CryptographyError.self) { try Digest(hex: String(repeating: "AB", count: 32)) }
        let digest = SHA256.hash([1])
        #expect(try Digest(hex: digest.hex) == digest)
        #expect(try Digest([UInt8](repeating: 1, count: 32)) < Digest([UInt8](repeating: 2, count: 32)))
    }
}
