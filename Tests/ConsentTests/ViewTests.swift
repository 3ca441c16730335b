// Views: what a node accepts, and what can be proven out of one.

import Cryptography
import MerkleLog
import Testing
import WireFormat

@testable import Consent

@Suite struct ViewTests {
    private func sample(_ count: Int, seed: UInt64 = 7) throws -> VerifiedView {
        var generator = TestGenerator(seed: seed)
        let statuses: [ConsentStatus] = [.given, .withdrawn, .moving, .erased]
        return try verifiedView((0..<count).map { row(generator.handle(), statuses[$0 % 4], level: UInt8($0 % 5)) })
    }

    @Test(arguments: [1, 2, 3, 7, 8, 33]) func everyRowAndEveryGapIsProven(count: Int) throws {
        let verified = try sample(count)
        let tree = ViewTree(verified)
        let statement = verified.view.statement
        #expect(tree.root == statement.viewRoot)
        for row in verified.rows {
            let proof = try #require(try tree.row(of: row.handle))
            #expect(try statement.verify(proof, showsRowOf: row.handle) == row)
            #expect(try tree.absence(of: row.handle) == nil)
            let neighbours = [
                SubjectHandle(high: row.handle.high, low: row.handle.low &+ 1),
                SubjectHandle(high: row.handle.high, low: row.handle.low &- 1),
            ]
            for absent in neighbours {
                #expect(throws: ConsentError.self) { try statement.verify(proof, showsRowOf: absent) }
                #expect(try tree.row(of: absent) == nil)
                let absence = try #require(try tree.absence(of: absent))
                try statement.verify(absence, showsNoRowOf: absent)
                #expect(throws: ConsentError.self) { try statement.verify(absence, showsNoRowOf: row.handle) }
                #expect(try AbsenceProof(decoding: absence.encoded()) == absence)
            }
            #expect(try ProvenLeaf(decoding: proof.encoded()) == proof)
        }
        for extreme in [SubjectHandle(high: 0, low: 0), SubjectHandle(high: .max, low: .max)] {
            let absence = try #require(try tree.absence(of: extreme))
            #expect((absence.lower == nil) != (absence.upper == nil))
            try statement.verify(absence, showsNoRowOf: extreme)
        }
    }

    @Test func anEmptyViewProvesEveryAbsence() throws {
        let empty = try verifiedView([])
        let absence = try #require(try ViewTree(empty).absence(of: someone))
        try empty.view.statement.verify(absence, showsNoRowOf: someone)
        let full = try sample(3)
        #expect(throws: ConsentError.notProven("the tree is empty")) {
            try full.view.statement.verify(absence, showsNoRowOf: someone)
        }
    }

    @Test(arguments: [2, 3, 5, 8, 13]) func noOtherPairOfLeavesPassesForNeighbours(count: Int) throws {
        let verified = try sample(count, seed: 8)
        let tree = SortedTree(leaves: verified.view.rowBytes, width: ViewRow.byteCount)
        let statement = verified.view.statement
        let leaves = try (0..<count).map { try tree.proven($0) }
        // Hide each row in turn: every pair around it, and every claim that an end lies before it, with every lie about
        // index and size.
        for hidden in verified.rows {
            var claims: [(ProvenLeaf?, ProvenLeaf?)] = [(nil, nil)]
            for leaf in leaves {
                for size in 1...count + 1 {
                    for index in 0..<size {
                        let lie = Self.lie(leaf, index, size)
                        claims.append((lie, nil))
                        claims.append((nil, lie))
                    }
                }
                for other in leaves where count <= 5 {
                    for size in 2...count + 1 {
                        claims += (0..<size - 1).map { (Self.lie(leaf, $0, size), Self.lie(other, $0 + 1, size)) }
                    }
                }
                claims += leaves.map { (leaf, $0) }
            }
            for (lower, upper) in claims {
                #expect(throws: ConsentError.self) {
                    try statement.verify(AbsenceProof(lower: lower, upper: upper), showsNoRowOf: hidden.handle)
                }
            }
        }
    }

    /// A proof with a made-up place.
    private static func lie(_ leaf: ProvenLeaf, _ index: Int, _ size: Int) -> ProvenLeaf {
        ProvenLeaf(
            leaf: leaf.leaf, proof: InclusionProof(index: index, treeSize: size, hashes: leaf.proof.hashes))
    }

    @Test func whatIsNotTheExpectedViewIsRefused() throws {
        let verified = try sample(4)
        let view = verified.view
        let signature = try view.statement.signature(by: ledgerKey)
        func verify(
            _ candidate: ConsentView, signature candidateSignature: [UInt8]? = nil, origin name: String = origin,
            node: UInt32 = 1, pinned: PinnedCheckpoint? = nil, previous: Int? = nil
        ) throws {
            _ = try VerifiedView(
                verifying: candidate, signature: candidateSignature ?? signature, by: ledgerKey.publicKey, origin: name,
                node: node, pinned: pinned ?? view.pinned, previousPinned: previous)
        }
        try verify(view)
        #expect(throws: ConsentError.viewMismatch(field: "origin")) { try verify(view, origin: "other") }
        try verify(view, previous: 0)
        #expect(throws: ConsentError.viewMismatch(field: "previously pinned size")) { try verify(view, previous: 1) }
        #expect(throws: ConsentError.viewMismatch(field: "node")) { try verify(view, node: 2) }
        let other = try PinnedCheckpoint(size: 10, root: digest(0))
        #expect(throws: ConsentError.viewMismatch(field: "pinned checkpoint")) { try verify(view, pinned: other) }
        #expect(throws: ConsentError.signatureInvalid("the view statement")) {
            try verify(view, signature: [UInt8](repeating: 0, count: 64))
        }
        // Rows in another order, a row twice, a row that is none, a row changed: signed statement kept.
        let rows = (0..<4).map { Array(view.rowBytes[$0 * 24..<($0 + 1) * 24]) }
        let tamperings: [[[UInt8]]] = [
            [rows[1], rows[0], rows[2], rows[3]], [rows[0], rows[0], rows[2], rows[3]], [rows[0], rows[1], rows[2]],
            [rows[0], rows[1], rows[2], Array(rows[3].prefix(20)) + [99, 0, 0, 0]],
            [rows[0], rows[1], rows[2], Array(rows[3].prefix(20)) + [1, 4, 0, 0]],
        ]
        for tampering in tamperings {
            let entries: [(UInt64, CBORValue)] = [
                (1, .text(view.origin)), (2, .unsigned(1)), (3, view.pinned.cborValue), (4, .unsigned(0)),
                (5, CBORValue(view.asOfMilliseconds)), (6, .bytes(tampering.flatMap { $0 })),
                (7, .bytes(view.viewRoot.bytes)),
            ]
            let tampered = try ConsentView(cborValue: .map(entries.map { CBORValue.MapEntry($0.0, $0.1) }))
            #expect(throws: ConsentError.self) { try verify(tampered) }
        }
    }

    @Test func rowsThatCannotBeAreRefused() throws {
        let good = row(someone, until: 1_000_000, level: 2, untilDay: 30_000).encoded()
        #expect(try ViewRow(decoding: good).encoded() == good)
        #expect(good.count == ViewRow.byteCount)
        let bad: [(Int, UInt8)] = [(20, 0), (20, 12), (20, 13), (20, 4), (21, 5), (21, 0)]
        for (offset, value) in bad {
            var bytes = good
            bytes[offset] = value
            #expect(throws: ConsentError.self, "byte \(offset) = \(value)") { try ViewRow(decoding: bytes) }
        }
        #expect(throws: ConsentError.self) { try ViewRow(decoding: good.dropLast()) }
    }

    @Test func endsAreRoundedDown() throws {
        let expires = 100 * day + 12_345_678
        var state = LedgerState()
        try state.ingest(event(.homeAssigned, 0, home: 1), index: 0, recordedMilliseconds: 0)
        try state.ingest(
            event(.granted, 1, [train, personalise(4)], expires: expires), index: 1, recordedMilliseconds: 0)
        try state.ingest(event(.renewed, 2, [personalise(2)], seen: [1]), index: 2, recordedMilliseconds: 0)
        func row(at time: Int64) throws -> ViewRow {
            try #require(try state.rows(node: 1, pinned: 3, previousPinned: 0, asOfMilliseconds: time).first)
        }
        let before = try row(at: 0)
        #expect(before.trainStatus == .given && before.trainExpiresSeconds == UInt32(expires / 1000))
        #expect(before.personaliseLevel == 4 && before.personaliseExpiresDay == 100)
        let lastDay = try row(at: 100 * day)
        #expect(lastDay.trainStatus == .given)
        #expect(lastDay.personaliseLevel == 2 && lastDay.personaliseExpiresDay == 0)
        #expect(try row(at: expires / 1000 * 1000).trainStatus == .expired)
        #expect(try row(at: expires / 1000 * 1000 - 1).trainStatus == .given)
    }

    @Test func aViewSaysWhatTheStateSays() throws {
        var generator = TestGenerator(seed: 9)
        let log = try randomLog(&generator, subjects: 30, nodes: 2, count: 200)
        let state = try replay(log)
        let pinned = try PinnedCheckpoint(size: 150, root: digest(1))
        let view = try state.view(
            node: 1, origin: origin, pinned: pinned, previousPinned: 100, asOfMilliseconds: 38 * day)
        let rows = try state.rows(node: 1, pinned: 150, previousPinned: 100, asOfMilliseconds: 38 * day)
        #expect(view.rowCount == rows.count && rows.count > 5)
        #expect(try (0..<view.rowCount).map { try view.row(at: $0) } == rows)
        #expect(view.viewRoot == MerkleTree(leafHashes: rows.map { MerkleTreeHash.leaf($0.encoded()) }).root)
        #expect(throws: ConsentError.self) { try view.row(at: -1) }
        #expect(throws: ConsentError.self) { try view.row(at: view.rowCount) }
        #expect("\(view)\(rows)".contains("<subject>"))
    }
}
