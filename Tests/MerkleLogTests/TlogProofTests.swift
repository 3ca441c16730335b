import Cryptography
import MerkleLog
import Testing

@Suite struct TlogProofTests {
    private let log: NoteSigner
    private let tree = MerkleTree(leafHashes: (0..<11).map(decimalLeaf))
    private let note: SignedNote

    init() throws {
        log = try NoteSigner(name: "log.example", key: testKey(1))
        note = try log.sign(Checkpoint(origin: "log.example", size: 11, root: tree.root).body)
    }

    @Test(arguments: [nil, [1, 2, 3] as [UInt8]]) func proofsRoundTripAndVerify(extra: [UInt8]?) throws {
        for index in 0..<11 {
            let proof = try TlogProof(
                inclusion: tree.inclusionProof(index: index, size: 11), signedCheckpoint: note, extra: extra)
            let read = try TlogProof(parsing: proof.encoded)
            #expect(read == proof)
            #expect(read.extra == extra)
            let checkpoint = try read.verify(data: [UInt8](String(index).utf8), keys: [log.verifierKey])
            #expect(checkpoint.size == 11)
            #expect(checkpoint.root == tree.root)
            #expect(throws: MerkleLogError.rootMismatch) {
                try read.verify(leafHash: decimalLeaf(index + 1), keys: [log.verifierKey])
            }
        }
    }

    @Test func theTextIsTheOneOfTheSpecification() throws {
        let proof = try TlogProof(
            inclusion: tree.inclusionProof(index: 10, size: 11), signedCheckpoint: note, extra: [1, 2, 3])
        let hashes = proof.hashes.map { Base64.encode($0.bytes) + "\n" }.joined()
        #expect(proof.hashes.count == 2)
        #expect(proof.encoded == "c2sp.org/tlog-proof@v1\nextra AQID\nindex 10\n\(hashes)\n\(note.encoded)")
    }

    @Test func everyFlippedBitOfTheAuthenticatedPartIsRefused() throws {
        let proof = try TlogProof(inclusion: tree.inclusionProof(index: 4, size: 11), signedCheckpoint: note)
        let bytes = [UInt8](proof.encoded.utf8)
        let leaf = decimalLeaf(4)
        for index in bytes.indices {
            for bit in 0..<8 {
                var changed = bytes
                changed[index] ^= 1 << bit
                guard let text = String(validating: changed, as: UTF8.self) else { continue }
                #expect(throws: MerkleLogError.self, "byte \(index) bit \(bit)") {
                    try TlogProof(parsing: text).verify(leafHash: leaf, keys: [log.verifierKey])
                }
            }
        }
    }

    @Test func aProofOfAnotherSizeOrSignerIsRefused() throws {
        let smaller = try tree.inclusionProof(index: 4, size: 10)
        #expect(throws: MerkleLogError.sizeOutOfRange) { try TlogProof(inclusion: smaller, signedCheckpoint: note) }
        let proof = try TlogProof(inclusion: tree.inclusionProof(index: 4, size: 11), signedCheckpoint: note)
        let stranger = try NoteSigner(name: "log.example", key: testKey(2)).verifierKey
        #expect(throws: MerkleLogError.noTrustedSignature) {
            try proof.verify(leafHash: decimalLeaf(4), keys: [stranger])
        }
        #expect(throws: MerkleLogError.noTrustedSignature) { try proof.verify(leafHash: decimalLeaf(4), keys: []) }
    }

    @Test func malformedProofsAreRefused() throws {
        let hash = Base64.encode(decimalLeaf(0).bytes)
        let end = "\n" + note.encoded
        let header = "c2sp.org/tlog-proof@v1\n"
        let many = String(repeating: hash + "\n", count: 64)
        let wrong: [(String, MerkleLogError)] = [
            ("", .malformed(.proof, field: "header")),
            ("c2sp.org/tlog-proof@v1", .malformed(.proof, field: "header")),
            ("c2sp.org/tlog-proof@v2\nindex 0\n" + end, .malformed(.proof, field: "header")),
            (header + end, .malformed(.proof, field: "index")),
            (header + "index\n" + end, .malformed(.proof, field: "index")),
            (header + "index 01\n" + end, .malformed(.proof, field: "index")),
            (header + "index -1\n" + end, .malformed(.proof, field: "index")),
            (header + "index 9223372036854775808\n" + end, .malformed(.proof, field: "index")),
            (header + "index  0\n" + end, .malformed(.proof, field: "index")),
            (header + "extra \nindex 0\n" + end, .malformed(.proof, field: "extra")),
            (header + "extra A\nindex 0\n" + end, .malformed(.proof, field: "extra")),
            (header + "index 0\nextra AQID\n" + end, .malformed(.proof, field: "hash")),
            (header + "extra AQID\nextra AQID\nindex 0\n" + end, .malformed(.proof, field: "index")),
            (header + "index 0\n\(hash.dropLast())\n" + end, .malformed(.proof, field: "hash")),
            (header + "index 0\nAQID\n" + end, .malformed(.proof, field: "hash")),
            (header + "index 0\n\(hash)\n" + note.encoded, .malformed(.proof, field: "hash")),
            (header + "index 0\n" + many + end, .tooLarge(.proof, limit: 63)),
            (header + "index 0\n\n", .malformed(.note, field: "empty line")),
            (header + "index 0\n" + end + "\n", .malformed(.note, field: "signatures")),
        ]
        for (text, error) in wrong {
            #expect(throws: error, "\(text.prefix(60))") { try TlogProof(parsing: text) }
        }
        #expect(throws: MerkleLogError.malformed(.proof, field: "extra")) {
            try TlogProof(inclusion: tree.inclusionProof(index: 0, size: 11), signedCheckpoint: note, extra: [])
        }
        let noCheckpoint = try log.sign("hello\n")
        #expect(throws: MerkleLogError.malformed(.checkpoint, field: "size")) {
            try TlogProof(inclusion: tree.inclusionProof(index: 0, size: 11), signedCheckpoint: noCheckpoint)
        }
    }
}
