// What was done to the system on purpose while it ran.

/// Disturbances and what held.
struct TrialSection {
    private let result: DemonstrationResult
    private let verdict: ReportVerdict

    init(_ result: DemonstrationResult, _ verdict: ReportVerdict) {
        self.result = result
        self.verdict = verdict
    }

    var markup: Markup {
        DemonstrationReport.section(
            "trials", "Disturbed on purpose",
            [
                """
                <ul class="plain trials">
                \(trial("Agents killed", agents, verdict.agents))
                \(trial("Coordinator killed", coordinator, verdict.coordinator))
                \(trial("One customer withdrew", withdrawal, verdict.withdrawal))
                </ul>
                """
            ])
    }

    private func trial(_ name: String, _ text: String, _ check: ReportVerdict.Check) -> Markup {
        """
        <li><h3>\(name)</h3>
        <p>\(text)</p>
        <p class="outcome \(check.outcome.rawValue)">\(check.outcome.icon)\
        <span><span class="state">\(check.outcome.words).</span> \(check.promise)</span></p></li>
        """
    }

    private var agents: String {
        guard result.agentsKilled > 0 else { return "No agent was killed in this run." }
        return
            "\(ReportNumber.count(result.agentsKilled, "agent")) \(result.agentsKilled == 1 ? "was" : "were") killed with"
            + " SIGKILL in the middle of a round. The masks of a node that is gone do not cancel: a committee of nodes"
            + " agrees on who is left, then reveals only what takes the masks of the others out of the sum."
    }

    private var coordinator: String {
        guard result.coordinatorRestarts > 0 else { return "The coordinator was not killed in this run." }
        let times =
            switch result.coordinatorRestarts {
            case 1: "once"
            case 2: "twice"
            default: ReportNumber.count(result.coordinatorRestarts, "time")
            }
        return
            "The coordinator was killed with SIGKILL \(times) and started again on the same files. An upload that it had"
            + " acknowledged must be there afterwards."
    }

    private var withdrawal: String {
        "One customer took her consent back between two rounds. The store that holds her data must leave her out of the next"
            + " one, and a proof from the ledger must show that it did."
    }
}
