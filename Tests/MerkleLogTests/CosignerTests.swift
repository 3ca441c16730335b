import Cryptography
import MerkleLog
import Testing

@Suite struct CosignerTests {
    private let body = "log.example\n1\nbjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=\n"

    @Test func aCosignatureSignsTheMessageOfTheSpecification() throws {
        let log = try NoteSigner(name: "log.example", key: testKey(1))
        let witness = try Cosigner(name: "store-7.example", key: testKey(2))
        let note = try witness.cosign(log.sign(body), atMilliseconds: 1_679_315_147_999)
        let line = try #require(note.signatures.last)
        #expect(line.bytes.count == 72)
        #expect(Array(line.bytes[..<8]) == [0, 0, 0, 0, 0x64, 0x18, 0x50, 0xcb])
        let message = "cosignature/v1\ntime 1679315147\n" + body
        #expect(try testKey(2).publicKey.isValid(signature: Array(line.bytes[8...]), for: [UInt8](message.utf8)))

        let read = try SignedNote(parsing: note.encoded)
        let keys = [log.verifierKey, witness.verifierKey]
        #expect(try read.verify(with: keys) == keys)
        #expect(try read.cosignatureTimeMilliseconds(by: witness.verifierKey) == 1_679_315_147_000)
        #expect(throws: MerkleLogError.noTrustedSignature) {
            try read.cosignatureTimeMilliseconds(by: log.verifierKey)
        }
        #expect(try NoteVerifierKey(parsing: witness.verifierKey.text) == witness.verifierKey)
    }

    @Test func theLatestOfSeveralCosignaturesCounts() throws {
        let log = try NoteSigner(name: "log.example", key: testKey(1))
        let witness = try Cosigner(name: "store-7.example", key: testKey(2))
        var note = try log.sign(body)
        for time in [5000, 9000, 7000] as [Int64] { note = try witness.cosign(note, atMilliseconds: time) }
        #expect(try note.cosignatureTimeMilliseconds(by: witness.verifierKey) == 9000)
        #expect(try note.verify(with: [witness.verifierKey]) == [witness.verifierKey])
    }

    @Test func aChangedTimeOrLengthIsRefused() throws {
        let log = try NoteSigner(name: "log.example", key: testKey(1))
        let witness = try Cosigner(name: "store-7.example", key: testKey(2))
        let note = try witness.cosign(log.sign(body), atMilliseconds: 5000)
        let line = note.signatures[1]
        var variants = [Array(line.bytes.dropFirst(8)), line.bytes + [0], Array(line.bytes.dropLast()), [0]]
        for index in 0..<72 {
            var changed = line.bytes
            changed[index] ^= 0x80
            variants.append(changed)
        }
        for bytes in variants {
            let forged = try NoteSignature(name: line.name, keyID: line.keyID, bytes: bytes)
            let changed = try SignedNote(text: note.text, signatures: [note.signatures[0], forged])
            #expect(throws: MerkleLogError.invalidSignature(keyID: line.keyID)) {
                try changed.verify(with: [log.verifierKey, witness.verifierKey])
            }
        }
    }

    @Test func onlyCheckpointsAndRealTimesAreCosigned() throws {
        let log = try NoteSigner(name: "log.example", key: testKey(1))
        let witness = try Cosigner(name: "store-7.example", key: testKey(2))
        #expect(throws: MerkleLogError.malformed(.note, field: "cosignature time")) {
            try witness.cosign(log.sign(body), atMilliseconds: -1)
        }
        #expect(throws: MerkleLogError.malformed(.checkpoint, field: "size")) {
            try witness.cosign(log.sign("just text\n"), atMilliseconds: 0)
        }
    }
}
