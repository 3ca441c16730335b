import Cryptography
import MerkleLog
import Testing

private let rootText = "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0="
private let emptyText = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

@Suite struct CheckpointTests {
    @Test(arguments: [
        "log.example\n1\n\(rootText)\n", "log.example\n0\n\(emptyText)\n",
        "any origin + é\n9223372036854775807\n\(rootText)\n",
        "log.example\n12\n\(rootText)\nextension\nanother one\n",
    ]) func bodiesRoundTrip(body: String) throws {
        #expect(try Checkpoint(parsing: body).body == body)
    }

    @Test func fieldsAreRead() throws {
        let checkpoint = try Checkpoint(parsing: "log.example\n12\n\(rootText)\nextension\n")
        #expect(checkpoint.origin == "log.example")
        #expect(checkpoint.size == 12)
        #expect(checkpoint.root == MerkleTreeHash.leaf([]))
        #expect(checkpoint.extensions == ["extension"])
    }

    @Test(arguments: [
        ("", MerkleLogError.malformed(.checkpoint, field: "origin")),
        ("log.example", .malformed(.checkpoint, field: "origin")),
        ("\n1\n\(rootText)\n", .malformed(.checkpoint, field: "origin")),
        ("log\texample\n1\n\(rootText)\n", .malformed(.checkpoint, field: "origin")),
        ("log.example\r\n1\n\(rootText)\n", .malformed(.checkpoint, field: "origin")),
        ("log.example\n", .malformed(.checkpoint, field: "size")),
        ("log.example\n\n\(rootText)\n", .malformed(.checkpoint, field: "size")),
        ("log.example\n-1\n\(rootText)\n", .malformed(.checkpoint, field: "size")),
        ("log.example\n+1\n\(rootText)\n", .malformed(.checkpoint, field: "size")),
        ("log.example\n01\n\(rootText)\n", .malformed(.checkpoint, field: "size")),
        ("log.example\n00\n\(emptyText)\n", .malformed(.checkpoint, field: "size")),
        ("log.example\n 1\n\(rootText)\n", .malformed(.checkpoint, field: "size")),
        ("log.example\n1\r\n\(rootText)\n", .malformed(.checkpoint, field: "size")),
        ("log.example\n0x1\n\(rootText)\n", .malformed(.checkpoint, field: "size")),
        ("log.example\n١\n\(rootText)\n", .malformed(.checkpoint, field: "size")),
        ("log.example\n9223372036854775808\n\(rootText)\n", .malformed(.checkpoint, field: "size")),
        ("log.example\n99999999999999999999999\n\(rootText)\n", .malformed(.checkpoint, field: "size")),
        ("log.example\n1\n\(rootText)", .malformed(.checkpoint, field: "root")),
        ("log.example\n1\n\n", .malformed(.checkpoint, field: "root")),
        ("log.example\n1\nAAAA\n", .malformed(.checkpoint, field: "root")),
        ("log.example\n1\n\(rootText.dropLast())\n", .malformed(.checkpoint, field: "root")),
        ("log.example\n1\n\(rootText.dropLast(2))1=\n", .malformed(.checkpoint, field: "root")),
        ("log.example\n1\n\(rootText)\n\n", .malformed(.checkpoint, field: "extension")),
        ("log.example\n1\n\(rootText)\nx", .malformed(.checkpoint, field: "final newline")),
        ("log.example\n0\n\(rootText)\n", .rootMismatch),
    ]) func malformedBodiesAreRefused(body: String, error: MerkleLogError) {
        #expect(throws: error) { try Checkpoint(parsing: body) }
    }

    @Test func onlySensibleCheckpointsCanBeMade() throws {
        let root = MerkleTreeHash.leaf([])
        #expect(throws: MerkleLogError.sizeOutOfRange) { try Checkpoint(origin: "a", size: -1, root: root) }
        #expect(throws: MerkleLogError.rootMismatch) { try Checkpoint(origin: "a", size: 0, root: root) }
        #expect(throws: MerkleLogError.malformed(.checkpoint, field: "origin")) {
            try Checkpoint(origin: "a\nb", size: 1, root: root)
        }
        #expect(throws: MerkleLogError.malformed(.checkpoint, field: "extension")) {
            try Checkpoint(origin: "a", size: 1, root: root, extensions: [""])
        }
    }

    @Test func theLogItselfMustHaveSigned() throws {
        let log = try NoteSigner(name: "log.example", key: testKey(1))
        let other = try NoteSigner(name: "other.example", key: testKey(2))
        let witness = try Cosigner(name: "log.example", key: testKey(3))
        let checkpoint = try Checkpoint(origin: "log.example", size: 1, root: MerkleTreeHash.leaf([]))
        let keys = [log.verifierKey, other.verifierKey, witness.verifierKey]
        #expect(try Checkpoint(verifying: other.sign(log.sign(checkpoint.body)), with: keys) == checkpoint)
        let byOther = try other.sign(checkpoint.body)
        #expect(throws: MerkleLogError.noTrustedSignature) { try Checkpoint(verifying: byOther, with: keys) }
        // A cosignature under the log's own name is a witness's statement all the same.
        let cosigned = try witness.cosign(byOther, atMilliseconds: 0)
        #expect(throws: MerkleLogError.noTrustedSignature) { try Checkpoint(verifying: cosigned, with: keys) }
    }
}
