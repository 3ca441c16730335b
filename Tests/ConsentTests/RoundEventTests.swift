// Public records: one encoding each, and no room for anything about a customer.

import Cryptography
import MerkleLog
import Testing
import WireFormat

@testable import Consent

@Suite struct RoundEventTests {
    private func records() throws -> [RoundEvent] {
        let round = RoundReference(job: try JobID([UInt8](repeating: 3, count: 16)), round: .max)
        let attempt = AttemptReference(round: round, session: try digest(4))
        let commitment = Cohort(
            try verifiedView([row(someone)]), salt: try CohortSalt([UInt8](repeating: 5, count: 32))
        )
        .commitment(for: attempt)
        return [
            .opened(
                try RoundOpened(
                    round: round, planDigest: digest(1), modelDigest: digest(2),
                    pinned: PinnedCheckpoint(size: 10, root: digest(3)), previousPinned: 10, epsilonBeforeMicro: 0,
                    epsilonCapMicro: UInt64(Int64.max))),
            .cohortCommitted(
                try CohortCommitted(commitment: commitment, signature: commitment.signature(by: ledgerKey))),
            .budgetCharged(
                try BudgetCharged(
                    attempt: attempt, certificateDigest: digest(5), costMicro: 12_345, epsilonAfterMicro: 1_000_000)),
            .modelReleased(
                try ModelReleased(
                    attempt: attempt, survivorDigest: digest(6), sumDigest: digest(7), modelDigest: digest(8),
                    parentModelDigest: digest(2), chargeIndex: 99)),
            .voided(RoundVoided(attempt: attempt, reason: .tooFewSurvivors, isSpent: true)),
        ]
    }

    @Test func everyRecordSurvivesTheWire() throws {
        for record in try records() {
            let bytes = record.encoded()
            #expect(try RoundEvent(decoding: bytes) == record)
            for length in 0..<bytes.count {
                #expect(throws: WireFormatError.self) { try RoundEvent(decoding: Array(bytes.prefix(length))) }
            }
        }
        let statement = try verifiedView([row(someone)], previous: 3).view.statement
        #expect(try SystemEvent(decoding: SystemEvent.viewRoot(statement).encoded()) == .viewRoot(statement))
    }

    @Test func everyFieldIsNeededAndNoneMayBeAdded() throws {
        for record in try records() {
            guard case .map(let outer) = record.cborValue, case .map(let fields) = outer[1].value else {
                Issue.record("a record is a map in a map")
                continue
            }
            func decode(_ fields: [CBORValue.MapEntry]) throws -> RoundEvent {
                try RoundEvent(cborValue: .map([outer[0], CBORValue.MapEntry(2, .map(fields))]))
            }
            #expect(try decode(fields) == record)
            for position in fields.indices {
                var fewer = fields
                fewer.remove(at: position)
                #expect(throws: WireFormatError.self) { try decode(fewer) }
                var odd = fields
                odd[position] = CBORValue.MapEntry(fields[position].key, .null)
                #expect(throws: WireFormatError.self) { try decode(odd) }
                if case .bytes(let bytes) = fields[position].value {
                    odd[position] = CBORValue.MapEntry(fields[position].key, .bytes(Array(bytes.dropLast())))
                    #expect(throws: WireFormatError.self) { try decode(odd) }
                }
            }
            #expect(throws: WireFormatError.self) { try decode(fields + [CBORValue.MapEntry(99, .unsigned(1))]) }
            // A type code and a body of another type.
            let otherType = CBORValue.MapEntry(1, .unsigned(6))
            #expect(throws: WireFormatError.self) { try RoundEvent(cborValue: .map([otherType, outer[1]])) }
        }
    }

    @Test func impossibleRecordsAreNotMade() throws {
        let round = RoundReference(job: try JobID([UInt8](repeating: 3, count: 16)), round: 1)
        let attempt = AttemptReference(round: round, session: try digest(4))
        let pinned = try PinnedCheckpoint(size: 10, root: digest(3))
        func opened(previous: Int, cap: UInt64) throws -> RoundOpened {
            try RoundOpened(
                round: round, planDigest: digest(1), modelDigest: digest(2), pinned: pinned, previousPinned: previous,
                epsilonBeforeMicro: 0, epsilonCapMicro: cap)
        }
        #expect(throws: ConsentError.self) { try opened(previous: 11, cap: 1) }
        #expect(throws: ConsentError.self) { try opened(previous: -1, cap: 1) }
        #expect(throws: ConsentError.self) { try opened(previous: 0, cap: .max) }
        #expect(throws: ConsentError.self) {
            try BudgetCharged(attempt: attempt, certificateDigest: digest(1), costMicro: .max, epsilonAfterMicro: 0)
        }
        #expect(throws: ConsentError.self) {
            try ModelReleased(
                attempt: attempt, survivorDigest: digest(1), sumDigest: digest(1), modelDigest: digest(1),
                parentModelDigest: digest(1), chargeIndex: -1)
        }
        #expect(throws: ConsentError.self) { try PinnedCheckpoint(size: -1, root: digest(1)) }
        #expect(throws: WireFormatError.self) { try JobID([1]) }
        let commitment = Cohort(try verifiedView([]), salt: try CohortSalt([UInt8](repeating: 5, count: 32)))
            .commitment(for: attempt)
        #expect(throws: ConsentError.self) { try CohortCommitted(commitment: commitment, signature: [1]) }
    }

    @Test func errorsSayWhereAndNotWhat() {
        let errors: [ConsentError] = [
            .invalid(field: "a", expected: "b"), .malformed(.truncated), .cryptography(.authenticationFailed),
            .proof(.rootMismatch), .commitmentMismatch, .signatureInvalid("s"), .outOfOrder(expected: 1, actual: 2),
            .beyondHead(size: 3), .viewMismatch(field: "node"), .notProven("n"),
        ]
        #expect(Set(errors.map(\.description)).count == errors.count)
    }
}
