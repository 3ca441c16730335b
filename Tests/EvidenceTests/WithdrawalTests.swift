// "She had taken consent back, and her store left her out": what shows it, and what does not.

import Consent
import Cryptography
import Testing
import WireFormat

@testable import Evidence

@Suite("A withdrawal proof")
struct WithdrawalTests {
    /// Two rounds; what happens to subject 2 of node 0 in between is up to the test.
    private func scenario(
        second: RoundOptions = RoundOptions(), between: (EvidenceScenario) throws -> Int
    ) throws -> (EvidenceScenario, Int) {
        let scenario = try EvidenceScenario()
        try scenario.play(1)
        let event = try between(scenario)
        try scenario.play(2, second)
        try scenario.checkpoint()
        return (scenario, event)
    }

    private func code(_ scenario: EvidenceScenario, _ evidence: WithdrawalEvidence) throws -> String? {
        let error = failure { _ = try scenario.verify(scenario.parts(withdrawals: [evidence])) }
        #expect(error == nil || error?.place == .withdrawal(0))
        return error?.failure.code
    }

    @Test("holds with her row, and with no row at all")
    func holds() throws {
        let (scenario, event) = try scenario { try $0.withdraw(2) }
        let evidence = try scenario.withdrawal(of: 2, event: event, round: 2)
        guard case .row = evidence.standing else {
            Issue.record("the view keeps a row of who withdrew")
            return
        }
        #expect(try code(scenario, evidence) == nil)
        // A subject without a home store has no row anywhere.
        let (other, withdrawal) = try self.scenario { scenario in
            try scenario.consent(
                ConsentEvent(
                    .withdrawn, of: scenario.handle(60), identifier: scenario.identifier(60, 3),
                    purposes: [PurposeDecision(.deny, .trainFederated)], channel: .app, actor: .subject,
                    capturedAtMilliseconds: scenario.start))
        }
        let view = try required(other.views[2]?[0])
        let handle = try other.handle(60)
        let absent = WithdrawalEvidence(
            handle: handle, event: try other.evidence(at: withdrawal), round: 2, node: 0,
            statement: view.view.statement, statementSignature: try view.view.statement.signature(by: other.ledger),
            standing: .absent(try required(try ViewTree(view).absence(of: handle))),
            cohortAbsence: try required(try other.cohorts[2]?[0]?.absence(of: handle)))
        #expect(try code(other, absent) == nil)
    }

    @Test("is refused if she is in the committed set after all")
    func presentInCohort() throws {
        // The node commits to the set of round 1, where she still was, under the view of round 2.
        var cheating = RoundOptions()
        cheating.usesOldCohort = [0]
        let (scenario, event) = try scenario(second: cheating) { try $0.withdraw(2) }
        #expect(try code(scenario, scenario.withdrawal(of: 2, event: event, round: 2)) == "cohort-proof")
    }

    @Test("is refused if the view says given: she consented again")
    func consentedAgain() throws {
        let (scenario, event) = try scenario { scenario in
            let event = try scenario.withdraw(2)
            try scenario.grant(2, kind: 4, seen: [scenario.identifier(2, 3)])
            return event
        }
        #expect(try code(scenario, scenario.withdrawal(of: 2, event: event, round: 2)) == "consent-given")
    }

    @Test("is refused for a round that was pinned before she withdrew")
    func tooLate() throws {
        let (scenario, event) = try scenario { try $0.withdraw(2) }
        #expect(try code(scenario, scenario.withdrawal(of: 2, event: event, round: 1)) == "withdrawal-late")
    }

    @Test("is refused for an event that takes back something else, or nothing")
    func otherEvents() throws {
        let (other, event) = try scenario { try $0.withdraw(2, purpose: .marketDirect) }
        #expect(try code(other, other.withdrawal(of: 2, event: event, round: 2)) == "withdrawal-kind")
        let (granting, _) = try scenario { try $0.withdraw(2) }
        #expect(try code(granting, granting.withdrawal(of: 2, event: 4, round: 2)) == "withdrawal-kind")
    }

    @Test("is refused when any part of it is about something else")
    func otherParts() throws {
        let (scenario, event) = try scenario { scenario in
            try scenario.withdraw(3)
            return try scenario.withdraw(2)
        }
        let evidence = try scenario.withdrawal(of: 2, event: event, round: 2)
        let otherSubject = try scenario.withdrawal(of: 3, event: event, round: 2)
        let neighbour = try scenario.withdrawal(of: 7, event: event, round: 2)
        let statement = evidence.statement.cborValue
        func statementWith(_ key: UInt64, _ value: CBORValue) throws -> WithdrawalEvidence {
            try evidence.with(5, ViewStatement(cborValue: statement).with(key, value).cborValue)
        }
        let cases: [(String?, WithdrawalEvidence)] = [
            (nil, evidence),
            ("withdrawal-subject", otherSubject),
            ("withdrawal-round", try evidence.with(3, .unsigned(9))),
            ("withdrawal-node", try evidence.with(4, .unsigned(77))),
            ("view", try evidence.with(4, .unsigned(3))),
            ("view", try evidence.with(5, neighbour.statement.cborValue)),
            ("view", try statementWith(1, .text("other"))),
            ("view", try statementWith(4, .unsigned(0))),
            ("view", try statementWith(6, .bytes([UInt8](repeating: 0, count: 32)))),
            ("view-signature", try statementWith(5, .unsigned(1))),
            ("view-signature", try evidence.with(6, .bytes([UInt8](repeating: 0, count: 64)))),
            ("view-proof", try evidence.with(7, try required(otherSubject.field(7)))),
            ("cohort-proof", try evidence.with(9, neighbour.cohortAbsence.cborValue)),
            (
                "leaf-commitment",
                try evidence.with(2, evidence.event.with(5, .bytes([UInt8](repeating: 1, count: 32))).cborValue)
            ),
            ("inclusion", try evidence.with(2, evidence.event.with(1, .unsigned(0)).cborValue)),
            ("leaf-class", try evidence.with(2, scenario.evidence(at: scenario.roundIndices[0]).cborValue)),
        ]
        for (expected, changed) in cases { #expect(try code(scenario, changed) == expected) }
    }
}

extension WireMessage {
    /// One field.
    func field(_ key: UInt64) -> CBORValue? {
        guard case .map(let fields) = cborValue else { return nil }
        return fields.first { $0.key == key }?.value
    }
}
