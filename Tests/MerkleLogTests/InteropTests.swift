// Other people's code reads our log: Tests/Interop/verify_log.py on top of pymerkle and Python's cryptography package.
// Name a Python that has both in CONCORD_PYTHON; without one the test is disabled and says so.

import Cryptography
import Foundation
import MerkleLog
import TestSupport
import Testing

@Suite struct InteropTests {
    /// 70,000 would need minutes of Python; 600 entries already make full and partial tiles on two levels.
    private static let size = 600

    @Test(
        .enabled(
            if: InteropPython.has("pymerkle", "cryptography"),
            "CONCORD_PYTHON names no Python that has the packages pymerkle and cryptography"))
    func anIndependentImplementationAcceptsOurLog() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "merkle-log-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let entries = (0..<InteropTests.size).map { [UInt8]("entry number \($0)".utf8) }
        let tree = MerkleTree(leafHashes: entries.map(MerkleTreeHash.leaf))
        let signer = try NoteSigner(name: "chain.example/consent", key: testKey(1))
        let witness = try Cosigner(name: "store-7.chain.example", key: testKey(2))
        let checkpoint = try Checkpoint(origin: signer.verifierKey.name, size: tree.count, root: tree.root)
        let note = try witness.cosign(signer.sign(checkpoint.body), atMilliseconds: 1_700_000_000_000)

        try write([UInt8](note.encoded.utf8), to: folder, "checkpoint")
        try write([UInt8]("\(signer.verifierKey.text)\n".utf8), to: folder, "log.vkey")
        for path in try TileSequence(from: 0, to: tree.count) {
            let bytes =
                switch path.content {
                case .hashes: try tree.tile(path)
                case .entries: try EntryBundle.encode(Array(entries[path.range]))
                }
            try write(bytes, to: folder, path.text)
        }
        for index in [0, 255, 256, 511, 599] {
            let receipt = try TlogProof(
                inclusion: tree.inclusionProof(index: index, size: tree.count), signedCheckpoint: note,
                extra: index == 0 ? [1, 2, 3] : nil)
            try write([UInt8](receipt.encoded.utf8), to: folder, "\(index).tlog-proof")
        }

        let accepted = try verify(folder)
        #expect(accepted.status == 0, "\(accepted.output)")
        #expect(accepted.output.contains("600 entries, 2 levels of tiles, 5 receipts: all agree"))

        // The script must be able to say no: to a changed entry, a changed tile, a changed receipt, another signature.
        for victim in ["tile/entries/001", "tile/0/002.p/88", "tile/1/000.p/2", "511.tlog-proof", "checkpoint"] {
            let url = folder.appending(path: victim)
            let original = try Data(contentsOf: url)
            var changed = original
            changed[changed.count / 2] ^= 1
            try changed.write(to: url)
            #expect(try verify(folder).status == 1, "\(victim)")
            try original.write(to: url)
        }
        #expect(try verify(folder).status == 0)
    }

    private func verify(_ folder: URL) throws -> (status: Int32, output: String) {
        let script = ReferenceData.packageRoot.appending(path: "Tests/Interop/verify_log.py")
        return try InteropPython.run([script.path, folder.path])
    }

    private func write(_ bytes: [UInt8], to folder: URL, _ path: String) throws {
        let file = folder.appending(path: path)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
    }
}
