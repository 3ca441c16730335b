// The page must not say that all held if a number in it says otherwise.

import Testing

@testable import Demonstration

@Suite struct VerdictTests {
    private static let spoilers: [@Sendable (inout DemonstrationResult) -> Void] = [
        { $0.broken = ["x"] },
        { $0.rounds = [] },
        { $0.withdrawnCustomerAbsent = false },
        { $0.evidenceVerified = false },
        { $0.acknowledgedUploadsKept = false },
        { $0.rounds[3].epsilon = 8.000001 },
        { $0.rounds[3].epsilon = .nan },
        { $0.epsilonCap = .nan },
    ]

    @Test func heldIfEverythingAgrees() {
        let verdict = ReportVerdict(Samples.typical())
        #expect(verdict.isHeld)
        #expect(verdict.checks.allSatisfy { $0.outcome == .held })
        #expect(SummarySection.headline(verdict) == "Every promise held")
    }

    @Test(arguments: spoilers.indices)
    func anythingWrongIsEnough(_ index: Int) {
        var result = Samples.typical()
        Self.spoilers[index](&result)
        #expect(!ReportVerdict(result).isHeld)
        let text = ParsedPage(DemonstrationReport.html(result)).text
        #expect(text.contains("Not every promise held"))
        #expect(text.contains("What broke"))
    }

    @Test func whatWasNotTriedDoesNotCountAsHeld() {
        var result = Samples.typical()
        result.coordinatorRestarts = 0
        result.acknowledgedUploadsKept = false
        result.agentsKilled = 0
        let verdict = ReportVerdict(result)
        #expect(verdict.isHeld)
        #expect(verdict.coordinator.outcome == .untried)
        #expect(verdict.agents.outcome == .untried)
        #expect(SummarySection.headline(verdict) == "Every promise put to the test held")
    }
}
