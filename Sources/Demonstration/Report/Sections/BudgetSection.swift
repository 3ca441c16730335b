// What the model cost in privacy.

/// Budget spent against the cap.
struct BudgetSection {
    private let result: DemonstrationResult

    init(_ result: DemonstrationResult) { self.result = result }

    var markup: Markup {
        DemonstrationReport.section(
            "budget", "Privacy budget",
            [
                "<p class=\"finding\">\(finding)</p>",
                result.rounds.isEmpty
                    ? DemonstrationReport.nothingReleased
                    : DemonstrationReport.figure(
                        BudgetChart(result).markup(description: finding),
                        caption: "Total ε spent after each round (steps) and the cap of the task (dashed line)."),
                """
                <p>A smaller ε means that less can be learned about any one customer from everything the coordinator saw and \
                released, whatever else an observer knows. It counts all rounds together, with δ = \
                \(ReportNumber.power(result.delta)). What is protected is how a customer shopped; that she is enrolled and \
                has agreed to training is recorded in the ledger, and is not hidden by the noise. A round that would take ε \
                over the cap is not opened.</p>
                """,
            ])
    }

    private var finding: String {
        guard let last = result.rounds.last else { return "Nothing was spent." }
        let cap = ReportNumber.setting(result.epsilonCap)
        let share = ReportNumber.percent(last.epsilon, of: result.epsilonCap).map { ", \($0) of it" } ?? ""
        let count = ReportNumber.count(result.rounds.count, "round")
        let isOver = !result.rounds.allSatisfy { $0.epsilon <= result.epsilonCap }
        return "After \(count), ε \(ReportNumber.epsilon(last.epsilon)) of a cap of \(cap) is spent\(share)."
            + (isOver ? " The cap was not kept." : "")
    }
}
