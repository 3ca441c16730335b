import Cryptography
import Foundation
import MerkleLog
import TestSupport
import Testing

/// A key made from one repeated byte, so that every run signs alike.
func testKey(_ seed: UInt8) throws -> Ed25519PrivateKey {
    try Ed25519PrivateKey(SecretBytes(copying: [UInt8](repeating: seed, count: 32)))
}

private let example = "vectors/c2sp/signed-note-example.json"

@Suite struct SignedNoteTests {
    @Test(.enabled(if: ReferenceData.isPresent(example), "\(ReferenceData.absence(of: example))"))
    func publishedExampleVerifies() throws {
        struct Example: Decodable {
            let vkey: String
            let note: String
        }
        let published = try JSONDecoder().decode(Example.self, from: Data(ReferenceData.bytes(example)))
        let key = try NoteVerifierKey(parsing: published.vkey)
        #expect(key.text == published.vkey)
        let note = try SignedNote(parsing: published.note)
        #expect(try note.verify(with: [key]) == [key])
        #expect(note.text == "This is an example message.\n")
        #expect(note.encoded == published.note)
    }

    @Test func signedNotesRoundTrip() throws {
        let signer = try NoteSigner(name: "chain.example/consent", key: testKey(1))
        for text in [
            "a\n", "\n", "a\n\nb\n", "a\n\n", "\n\n\n", "— x y\n", "a\n\n— looks like AAAAAAA=\n", "é\u{85}\n",
        ] {
            let note = try signer.sign(text)
            let read = try SignedNote(parsing: note.encoded)
            #expect(read == note)
            #expect(read.text == text)
            #expect(try read.verify(with: [signer.verifierKey]) == [signer.verifierKey])
        }
    }

    @Test func anyChangedByteIsRefused() throws {
        let signer = try NoteSigner(name: "chain.example/consent", key: testKey(1))
        let note = [UInt8](try signer.sign("one\ntwo\n").encoded.utf8)
        for index in note.indices {
            for bit in 0..<8 {
                var changed = note
                changed[index] ^= 1 << bit
                guard let text = String(validating: changed, as: UTF8.self) else { continue }
                #expect(throws: MerkleLogError.self, "byte \(index) bit \(bit)") {
                    try SignedNote(parsing: text).verify(with: [signer.verifierKey])
                }
            }
        }
        for count in note.indices {
            #expect(throws: MerkleLogError.self) {
                try SignedNote(parsing: String(decoding: note[..<count], as: UTF8.self))
                    .verify(with: [signer.verifierKey])
            }
        }
    }

    @Test func unknownSignaturesAreIgnoredAndBadKnownOnesRefuseTheNote() throws {
        let log = try NoteSigner(name: "log.example", key: testKey(1))
        let second = try NoteSigner(name: "second.example", key: testKey(2))
        let namesake = try NoteSigner(name: "log.example", key: testKey(3))
        let note = try namesake.sign(second.sign(log.sign("text\n")))
        #expect(note.signatures.count == 3)
        #expect(try note.verify(with: [log.verifierKey]) == [log.verifierKey])
        #expect(
            try note.verify(with: [second.verifierKey, log.verifierKey]) == [log.verifierKey, second.verifierKey])
        let stranger = try NoteVerifierKey(name: "other.example", publicKey: testKey(4).publicKey)
        #expect(throws: MerkleLogError.noTrustedSignature) { try note.verify(with: [stranger]) }
        #expect(throws: MerkleLogError.noTrustedSignature) { try note.verify(with: []) }

        let signature = note.signatures[0]
        let forged = try NoteSignature(
            name: signature.name, keyID: signature.keyID, bytes: [UInt8](repeating: 7, count: 64))
        let badNote = try SignedNote(text: "text\n", signatures: [forged, note.signatures[1]])
        #expect(throws: MerkleLogError.invalidSignature(keyID: signature.keyID)) {
            try badNote.verify(with: [log.verifierKey, second.verifierKey])
        }
        // Whoever does not know the forged line's key cannot tell, and must not care.
        #expect(try badNote.verify(with: [second.verifierKey]) == [second.verifierKey])
        // One good line does not make up for a bad one by the same key.
        let mixed = try note.adding(forged)
        #expect(throws: MerkleLogError.invalidSignature(keyID: signature.keyID)) {
            try mixed.verify(with: [log.verifierKey])
        }
        // Twice the same key counts once.
        #expect(try note.adding(signature).verify(with: [log.verifierKey, log.verifierKey]) == [log.verifierKey])
    }

    @Test(arguments: [
        "", "\n", "\n\n", "text\n", "text\n\n", "text\n\n\n", "text\n— a b\n", "text\n\n— a AAAAAAA=",
        "text\n\n— a AAAAAA==\n",
        "text\n\n- a AAAAAAA=\n", "text\n\n—a AAAAAAA=\n", "text\n\n— AAAAAAA=\n", "text\n\n—  AAAAAAA=\n",
        "text\n\n— a+b AAAAAAA=\n", "text\n\n— a\u{A0}b AAAAAAA=\n", "text\n\n— a b AAAAAAA=\n",
        "text\n\n— a AAAAAAA=\n\n",
        "text\n\n— a AAAAAAA= \n", "text\n\n— a AAAAAAA\n", "text\n\n— a AAAAAAB=\n", "text\n\n— a AAAAAAA=\nrest\n",
        "te\u{0}xt\n\n— a AAAAAAA=\n", "te\txt\n\n— a AAAAAAA=\n", "text\r\n\r\n— a AAAAAAA=\r\n",
        "text\n\n— a\r AAAAAAA=\n",
    ]) func malformedNotesAreRefused(note: String) {
        #expect {
            try SignedNote(parsing: note)
        } throws: { error in
            guard case .malformed(.note, _) = error as? MerkleLogError else { return false }
            return true
        }
    }

    @Test func theShortestNoteParses() throws {
        #expect(try SignedNote(parsing: "text\n\n— a AAAAAAA=\n").signatures[0].bytes == [0])
    }

    @Test func limitsHold() throws {
        let line = "— a AAAAAAA=\n"
        let most = SignedNote.maximumSignatureCount
        #expect(
            try SignedNote(parsing: "t\n\n" + String(repeating: line, count: most)).signatures.count == most)
        #expect(throws: MerkleLogError.tooLarge(.note, limit: most)) {
            try SignedNote(parsing: "t\n\n" + String(repeating: line, count: most + 1))
        }
        let long = String(repeating: "x", count: SignedNote.maximumByteCount)
        #expect(throws: MerkleLogError.tooLarge(.note, limit: SignedNote.maximumByteCount)) {
            try SignedNote(parsing: long + "\n\n" + line)
        }
        let signer = try NoteSigner(name: "a", key: testKey(1))
        #expect(throws: MerkleLogError.tooLarge(.note, limit: SignedNote.maximumByteCount)) {
            try signer.sign(long + "\n")
        }
    }

    @Test(arguments: ["", "no newline", "tab\t\n", "cr\r\n", "nul\u{0}\n"])
    func unsignableTextsAreRefused(text: String) throws {
        let signer = try NoteSigner(name: "a", key: testKey(1))
        #expect(throws: MerkleLogError.self) { try signer.sign(text) }
    }

    @Test(arguments: ["", "a b", "a+b", "a\u{2003}b", "a\nb", "a\u{1}b"]) func badKeyNamesAreRefused(name: String) {
        #expect(throws: MerkleLogError.malformed(.verifierKey, field: "name")) {
            try NoteSigner(name: name, key: testKey(1))
        }
    }

    @Test func verifierKeysRoundTripAndRejectEverythingElse() throws {
        let key = try NoteSigner(name: "log.example/x", key: testKey(9)).verifierKey
        let text = key.text
        #expect(try NoteVerifierKey(parsing: text) == key)
        let parts = text.split(separator: "+", maxSplits: 2).map(String.init)
        let base64 = parts[2]
        let keyBytes = Array(try Base64.decode(base64).dropFirst())
        let wrong: [(String, MerkleLogError)] = [
            ("", .malformed(.verifierKey, field: "separators")),
            ("a+b", .malformed(.verifierKey, field: "separators")),
            ("+\(parts[1])+\(base64)", .malformed(.verifierKey, field: "name")),
            ("log.example/y+\(parts[1])+\(base64)", .keyIDMismatch),
            ("\(parts[0])+00000000+\(base64)", .keyIDMismatch),
            ("\(parts[0])+\(parts[1].uppercased())+\(base64)", .malformed(.verifierKey, field: "key ID")),
            ("\(parts[0])+\(parts[1])0+\(base64)", .malformed(.verifierKey, field: "key ID")),
            ("\(parts[0])+\(parts[1])+\(base64)=", .malformed(.verifierKey, field: "base64")),
            ("\(parts[0])+\(parts[1])+", .malformed(.verifierKey, field: "signature type")),
            (
                "\(parts[0])+\(parts[1])+\(Base64.encode([2] + keyBytes))",
                .malformed(.verifierKey, field: "signature type")
            ),
            (
                "\(parts[0])+\(parts[1])+\(Base64.encode([1] + keyBytes + [0]))",
                .malformed(.verifierKey, field: "key length")
            ),
            ("\(parts[0])+\(parts[1])+\(Base64.encode([4] + keyBytes))", .keyIDMismatch),
            (
                "\(parts[0])+\(parts[1])+\(Base64.encode([1, 1] + [UInt8](repeating: 0, count: 31)))",
                .unacceptablePublicKey
            ),
        ]
        for (text, error) in wrong {
            #expect(throws: error, "\(text)") { try NoteVerifierKey(parsing: text) }
        }
    }

    /// Key IDs have 32 bits, so two keys of one name can share one; numbers 8295 and 67444 were found by search.
    @Test func keysThatShareALineAreNotGuessedBetween() throws {
        let keys = try [UInt32(8295), 67_444].map { (number: UInt32) in
            var bytes = SHA256.hash(withUnsafeBytes(of: number.bigEndian) { [UInt8]($0) }).bytes
            bytes[31] &= 0x3f
            return try NoteVerifierKey(name: "collision.example", publicKey: Ed25519PublicKey(bytes))
        }
        #expect(keys[0] != keys[1])
        #expect(keys.map(\.keyID) == [0xfe8e_8881, 0xfe8e_8881])
        let line = try NoteSignature(
            name: "collision.example", keyID: 0xfe8e_8881, bytes: [UInt8](repeating: 0, count: 64))
        let note = try SignedNote(text: "text\n", signatures: [line])
        #expect(throws: MerkleLogError.ambiguousVerifierKey(keyID: 0xfe8e_8881)) { try note.verify(with: keys) }
        #expect(throws: MerkleLogError.invalidSignature(keyID: 0xfe8e_8881)) { try note.verify(with: [keys[0]]) }
    }

    @Test func everyErrorExplainsItselfWithoutData() {
        let errors: [MerkleLogError] = [
            .indexOutOfRange, .sizeOutOfRange, .proofLength(expected: 1, actual: 2), .rootMismatch,
            .consistencyWithEmptyTree, .malformed(.note, field: "signature"), .tileLength(expected: 1, actual: 2),
            .entryTooLong(limit: 3), .tooLarge(.note, limit: 4), .noTrustedSignature, .invalidSignature(keyID: 5),
            .ambiguousVerifierKey(keyID: 6), .keyIDMismatch, .unacceptablePublicKey, .signingFailed,
        ]
        #expect(Set(errors.map(\.description)).count == errors.count)
        #expect(MerkleLogError.malformed(.tilePath, field: "width").description == "malformed tile path: width")
    }
}
