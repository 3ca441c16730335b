// Rounds in groups: one price covers all of them only if nobody is in two, and the model is made of every group that was opened.

import Consent
import Cryptography
import SecureAggregation
import Testing

@testable import Evidence

@Suite struct GroupedRoundEvidenceTests {
    private static func verdict(_ play: (EvidenceScenario) throws -> Void) throws -> String? {
        let scenario = try EvidenceScenario()
        try play(scenario)
        let bytes = try scenario.sealed(try scenario.parts())
        let verifier = try EvidenceVerifier(anchors: scenario.anchors)
        do throws(EvidenceError) { _ = try verifier.verify(bytes: bytes) } catch { return error.failure.code }
        return nil
    }

    @Test func twoGroupsForOnePrice() throws {
        let scenario = try EvidenceScenario()
        try scenario.playGroups(1)
        try scenario.play(2)
        let report = try scenario.verify(try scenario.parts())
        #expect(report.rounds.map { $0.charge?.groups } == [2, nil])
        #expect(report.rounds[0].charge?.survivingNodes == 40)
        #expect(report.epsilonMicro == 20_000)
        #expect(report.checks.certificates == 3)
    }

    /// The attack that the check stops: a customer's store in two sums for the price of one.
    @Test func aNodeInTwoGroups() throws {
        let code = try Self.verdict { try $0.playGroups(1) { $0.nodes = 19..<39 } }
        #expect(code == "groups-overlap")
    }

    @Test func whatAFurtherGroupMayNotDo() throws {
        let cases: [(String, (inout RoundOptions) -> Void)] = [
            ("epsilon-unaccounted", { $0.cost = 1 }),
            ("epsilon-unaccounted", { $0.epsilonAfter = 10_001 }),
            ("parameters", { $0.group = SubCohortPlace(index: 1, count: 2) }),
            ("parameters", { $0.group = SubCohortPlace(index: 0, count: 3) }),
            ("second-charge", { $0.group = nil }),
            ("parameters", { $0.attempt = 2 }),
        ]
        for (expected, change) in cases {
            #expect(try Self.verdict { try $0.playGroups(1, second: change) } == expected)
        }
    }

    @Test func everyOpenedGroupIsInTheModel() throws {
        let dropped = try Self.verdict { try $0.playGroups(1, release: { Array($0.prefix(1)) }) }
        #expect(dropped == "release-session")
        let twice = try Self.verdict { try $0.playGroups(1, release: { $0 + $0.prefix(1) }) }
        #expect(twice == "release-session")
        let reversed = try Self.verdict { try $0.playGroups(1, release: { $0.reversed() }) }
        #expect(reversed == "release-session")
        let swapped = try Self.verdict { scenario in
            try scenario.playGroups(
                1,
                release: { groups in
                    guard
                        let second = try? ReleasedGroup(
                            session: groups[1].session, survivorDigest: groups[1].survivorDigest,
                            sumDigest: groups[1].sumDigest, chargeIndex: groups[0].chargeIndex)
                    else { return groups }
                    return [groups[0], second]
                })
        }
        #expect(swapped == "charge-index")
    }
}
