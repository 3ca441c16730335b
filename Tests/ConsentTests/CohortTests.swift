// Cohorts: the eligible set and nothing but, openings, absences, and attempts to cheat.

import Cryptography
import MerkleLog
import TestSupport
import Testing
import WireFormat

@testable import Consent

@Suite struct CohortTests {
    private func attempt() throws -> AttemptReference {
        AttemptReference(
            round: RoundReference(job: try JobID([UInt8](repeating: 3, count: 16)), round: 812),
            session: try digest(4))
    }

    private func salt(_ seed: UInt64 = 1) throws -> CohortSalt {
        try CohortSalt(random: SeededRandomSource(seed: seed))
    }

    private func view(eligible: Int, others: Int) throws -> VerifiedView {
        var generator = TestGenerator(seed: UInt64(eligible))
        // A view may be built by hand with an end before its own time; the cohort leaves such a row out.
        let reasons: [ConsentStatus] = [.withdrawn, .moving, .erased, .pending]
        let rows =
            (0..<eligible).map { row(generator.handle(), until: $0 % 2 == 0 ? 0 : 8_640_001) }
            + (0..<others).map {
                $0 % 5 == 4
                    ? row(generator.handle(), until: 8_640_000) : row(generator.handle(), reasons[$0 % 5])
            }
        return try verifiedView(rows)
    }

    @Test(arguments: [(0, 0), (0, 4), (1, 0), (1, 3), (2, 2), (7, 5), (33, 10)])
    func theCommittedSetIsTheEligibleOne(eligible: Int, others: Int) throws {
        let view = try view(eligible: eligible, others: others)
        let cohort = Cohort(view, salt: try salt())
        let commitment = cohort.commitment(for: try attempt())
        try commitment.verify(isEligibleSetOf: view, salt: salt())
        var opened = 0
        for row in view.rows {
            if row.permitsTraining(atMilliseconds: 100 * day) {
                opened += 1
                let opening = try #require(try cohort.opening(of: row.handle))
                try commitment.verify(opening, shows: row.handle)
                #expect(try cohort.absence(of: row.handle) == nil)
                #expect(try CohortOpening(decoding: opening.encoded()) == opening)
                #expect(throws: ConsentError.self) { try commitment.verify(opening, shows: someone) }
            } else {
                #expect(try cohort.opening(of: row.handle) == nil)
                let absence = try #require(try cohort.absence(of: row.handle))
                try commitment.verify(absence, showsAbsenceOf: row.handle)
                #expect(try CohortAbsence(decoding: absence.encoded()) == absence)
            }
        }
        #expect(opened == eligible)
        if eligible == 0 { #expect(commitment.cohortRoot == MerkleTreeHash.emptyRoot) }
    }

    @Test func absenceHasEveryShape() throws {
        let cohort = Cohort(try view(eligible: 3, others: 0), salt: try salt())
        let commitment = cohort.commitment(for: try attempt())
        var generator = TestGenerator(seed: 10)
        var shapes: Set<String> = []
        for _ in 0..<60 {
            let handle = generator.handle()
            let absence = try #require(try cohort.absence(of: handle))
            try commitment.verify(absence, showsAbsenceOf: handle)
            shapes.insert("\(absence.proof.lower == nil) \(absence.proof.upper == nil)")
        }
        #expect(shapes == ["true false", "false true", "false false"])
    }

    @Test func cheatingIsSeen() throws {
        let view = try view(eligible: 9, others: 0)
        let cohort = Cohort(view, salt: try salt())
        let commitment = cohort.commitment(for: try attempt())
        let leaves = try view.rows.map { try #require(try cohort.opening(of: $0.handle)).leaf }
            .sorted { $0.proof.index < $1.proof.index }
        for row in view.rows {
            // Deny a member with every pair of leaves, and with every single one.
            for lower in leaves.map(Optional.some) + [nil] {
                for upper in leaves.map(Optional.some) + [nil] {
                    let lie = CohortAbsence(salt: try salt(), proof: AbsenceProof(lower: lower, upper: upper))
                    #expect(throws: ConsentError.self) { try commitment.verify(lie, showsAbsenceOf: row.handle) }
                }
            }
        }
        // Another salt moves the leaf anywhere.
        let absent = try #require(try cohort.absence(of: someone))
        let otherSalt = CohortAbsence(salt: try salt(2), proof: absent.proof)
        #expect(throws: ConsentError.notProven("the salt is the committed one")) {
            try commitment.verify(otherSalt, showsAbsenceOf: someone)
        }
        let member = view.rows[0].handle
        let opening = try #require(try cohort.opening(of: member))
        #expect(throws: ConsentError.notProven("the salt is the committed one")) {
            try commitment.verify(CohortOpening(salt: try salt(2), leaf: opening.leaf), shows: member)
        }
        // Leaving one eligible customer out is another set.
        let fewer = try verifiedView(Array(view.rows.dropLast()))
        #expect(throws: ConsentError.self) { try commitment.verify(isEligibleSetOf: fewer, salt: salt()) }
        #expect(throws: ConsentError.self) { try commitment.verify(isEligibleSetOf: view, salt: salt(2)) }
    }

    @Test func aFlippedByteOfAnOpeningIsSeen() throws {
        let view = try view(eligible: 5, others: 0)
        let cohort = Cohort(view, salt: try salt())
        let commitment = cohort.commitment(for: try attempt())
        let member = view.rows[2].handle
        let bytes = try #require(try cohort.opening(of: member)).encoded()
        for position in bytes.indices {
            var flipped = bytes
            flipped[position] ^= 1
            guard let opening = try? CohortOpening(decoding: flipped) else { continue }
            #expect(throws: ConsentError.self, "byte \(position)") { try commitment.verify(opening, shows: member) }
        }
    }

    @Test func aCommitmentIsSignedForOnePurpose() throws {
        let key = try Ed25519PrivateKey(SecretBytes(copying: [UInt8](repeating: 8, count: 32)))
        let commitment = Cohort(try view(eligible: 2, others: 1), salt: try salt()).commitment(for: try attempt())
        let signature = try commitment.signature(by: key)
        try commitment.verify(signature: signature, by: key.publicKey)
        #expect(throws: ConsentError.self) { try commitment.verify(signature: signature, by: ledgerKey.publicKey) }
        let bare = try key.signature(for: commitment.encoded())
        #expect(throws: ConsentError.self) { try commitment.verify(signature: bare, by: key.publicKey) }
        let other = Cohort(try view(eligible: 2, others: 1), salt: try salt(2)).commitment(for: try attempt())
        #expect(throws: ConsentError.self) { try other.verify(signature: signature, by: key.publicKey) }
        #expect("\(try salt())" == "<redacted>")
        #expect(throws: ConsentError.self) { try CohortSalt([1, 2, 3]) }
    }
}
