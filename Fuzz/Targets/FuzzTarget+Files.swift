// Files: models, tables, settings, captures, and the texts of the transparency log.

import Coordinator
import Cryptography
import EdgeAgent
import Learning
import MerkleLog

extension FuzzTarget {
    static let transparency: [FuzzTarget] = [
        text("signed-note", { try? SignedNote(parsing: $0) }, writing: { $0.encoded }),
        text("checkpoint", { try? Checkpoint(parsing: $0) }, writing: { $0.body }),
        text("verifier-key", { try? NoteVerifierKey(parsing: $0) }, writing: { $0.text }),
        text("tile-path", { try? TilePath(parsing: $0) }, writing: { $0.text }),
        text("tlog-proof", maximumLength: 4_096, { try? TlogProof(parsing: $0) }, writing: { $0.encoded }),
        FuzzTarget("entry-bundle") { (bytes) throws(FuzzFinding) in
            var input = InputReader(bytes)
            let width = Int(input.number(1)) + 1
            let bundle = [UInt8](input.rest)
            guard let entries = try? EntryBundle.decode(bundle, width: width) else { return }
            try expect(entries.count == width, "a bundle has as many entries as its path says")
            try expect((try? EntryBundle.encode(entries)) == bundle, "entries have one encoding")
        },
        FuzzTarget("merkle-proofs") { (bytes) throws(FuzzFinding) in
            var input = InputReader(bytes)
            let (one, two) = (Int(truncatingIfNeeded: input.number(8)), Int(truncatingIfNeeded: input.number(8)))
            var hashes: [Digest] = []
            var rest = input.rest
            while let hash = try? Digest(rest.prefix(32)) {
                hashes.append(hash)
                rest = rest.dropFirst(32)
            }
            let root = SHA256.hash(bytes)
            try expect(
                (try? InclusionProof(index: one, treeSize: two, hashes: hashes).verify(leafHash: root, root: root))
                    == nil || two == 1, "no proof leads to the hash of itself")
            // Two equal sizes with equal roots need no proof.
            try expect(
                (try? ConsistencyProof(oldSize: one, newSize: two, hashes: hashes)
                    .verify(oldRoot: root, newRoot: SHA256.hash(root.bytes))) == nil, "no proof joins unrelated roots")
        },
    ]

    static let learning: [FuzzTarget] = [
        FuzzTarget("safetensors") { (bytes) throws(FuzzFinding) in
            guard let file = try? Safetensors(decoding: bytes) else { return }
            let written = file.encoded()
            guard let again = try? Safetensors(decoding: written) else {
                throw FuzzFinding(description: "what is written can be read")
            }
            try expect(again == file && again.encoded() == written, "what is read is written the same way every time")
        },
        FuzzTarget("model-file", maximumLength: 8_192) { (bytes) throws(FuzzFinding) in
            guard let file = try? ModelFile(decoding: bytes) else { return }
            guard let written = try? file.encoded(), let again = try? ModelFile(decoding: written) else {
                throw FuzzFinding(description: "what is written can be read")
            }
            try expect((try? again.encoded()) == written, "a model is written the same way every time")
        },
        message(ServerOptimizer.self),
        message(PropensityJob.self),
        FuzzTarget("transactions-csv") { (bytes) throws(FuzzFinding) in
            var input = InputReader(bytes)
            let cut = Int(input.number(1)) + 1
            let file = [UInt8](input.rest)
            let whole = imported([file])
            let pieces = imported(
                stride(from: 0, to: file.count, by: cut).map { [UInt8](file[$0..<min($0 + cut, file.count)]) })
            try expect(whole == pieces, "where a file is cut makes no difference")
        },
    ]

    /// What a file becomes: its transactions, or where it is refused.
    private static func imported(_ chunks: [[UInt8]]) -> String {
        var importer = TransactionImporter(mapping: .general, maximumSkippedRows: 2)
        var rows: [Transaction] = []
        do throws(ImportError) {
            for chunk in chunks { try importer.read(chunk, into: &rows) }
            let report = try importer.finish(into: &rows)
            // Values are compared as texts: a number that is not equal to itself must not get in.
            return "\(report.acceptedRows) \(report.skippedRows) \(rows.map { "\($0.timestampSeconds) \($0.value)" })"
        } catch {
            return "\(error)"
        }
    }

    static let files: [FuzzTarget] = [
        FuzzTarget("coordinator-configuration") { (bytes) throws(FuzzFinding) in
            _ = try? CoordinatorConfiguration(json5: bytes)
        },
        FuzzTarget("agent-configuration") { (bytes) throws(FuzzFinding) in _ = try? AgentConfiguration(json5: bytes) },
        FuzzTarget("capture-file") { (bytes) throws(FuzzFinding) in
            _ = try? CaptureFile.parse(String(decoding: bytes, as: UTF8.self))
        },
    ]
}
