// What was promised and what became of it. The page says that all held only if the run says so and every check that can be
// made from its numbers agrees; a check that was never put to the test is named as such, not counted as held.

/// The checks of a demonstration.
struct ReportVerdict {
    /// What became of a promise.
    enum Outcome: String {
        case held
        case broken
        case untried

        /// In words, because an icon or a colour alone is not enough.
        var words: String {
            switch self {
            case .held: "Held"
            case .broken: "Did not hold"
            case .untried: "Not put to the test"
            }
        }
    }

    /// One promise.
    struct Check {
        let promise: String
        let outcome: Outcome
    }

    let budget: Check
    let withdrawal: Check
    let agents: Check
    let coordinator: Check
    let evidence: Check
    /// Whether nothing was broken and there is something to speak of.
    let isHeld: Bool

    init(_ result: DemonstrationResult) {
        let isReleased = !result.rounds.isEmpty
        let isWithinCap = result.rounds.allSatisfy { $0.epsilon.isFinite && $0.epsilon <= result.epsilonCap }
        budget = Check(
            promise: "The privacy budget stayed within its cap.",
            outcome: isReleased ? (isWithinCap ? .held : .broken) : .untried)
        withdrawal = Check(
            promise: "A customer who withdrew is proved absent from her store's set in the round after.",
            outcome: result.withdrawnCustomerAbsent ? .held : .broken)
        agents = Check(
            promise: "Rounds were released although agents were killed in the middle of one.",
            outcome: result.agentsKilled > 0 ? (isReleased ? .held : .broken) : .untried)
        coordinator = Check(
            promise: "No acknowledged upload was lost when the coordinator was killed.",
            outcome: result.coordinatorRestarts > 0
                ? (result.acknowledgedUploadsKept ? .held : .broken) : .untried)
        evidence = Check(
            promise: "The evidence bundle verified.", outcome: result.evidenceVerified ? .held : .broken)
        let checks = [budget, withdrawal, agents, coordinator, evidence]
        isHeld = isReleased && result.broken.isEmpty && checks.allSatisfy { $0.outcome != .broken }
    }

    /// All checks, in the order of the page.
    var checks: [Check] { [budget, withdrawal, agents, coordinator, evidence] }
}

extension ReportVerdict.Outcome {
    /// A tick, a cross or a dash; decoration beside the words.
    var icon: Markup {
        switch self {
        case .held:
            """
            <svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="10"/>\
            <path d="M7.5 12.5l3 3l6-6.5"/></svg>
            """
        case .broken:
            """
            <svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="10"/>\
            <path d="M8.5 8.5l7 7M15.5 8.5l-7 7"/></svg>
            """
        case .untried:
            """
            <svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="10"/>\
            <path d="M8 12h8"/></svg>
            """
        }
    }
}
