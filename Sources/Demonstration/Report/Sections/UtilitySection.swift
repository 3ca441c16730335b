// How good the model became, round by round.

/// Utility over rounds.
struct UtilitySection {
    private let result: DemonstrationResult

    init(_ result: DemonstrationResult) { self.result = result }

    var markup: Markup {
        DemonstrationReport.section(
            "utility", "Utility over rounds",
            [
                "<p class=\"finding\">\(finding)</p>",
                result.rounds.isEmpty
                    ? DemonstrationReport.nothingReleased
                    : DemonstrationReport.figure(
                        UtilityChart(result).markup(description: finding),
                        caption:
                            "\(result.utility.metric) of the model released after each round (solid line with dots),"
                            + " against central training without privacy on the same consented customers (dashed line)"
                            + " and categories ranked by popularity (dotted line). The value axis is cut to the range of the"
                            + " values."),
                """
                <p class="note">Utility is computed by the demonstration, on held-out data that it holds itself. That \
                measurement lies outside the privacy guarantee: the coordinator of a real chain does not have this data, and \
                could not draw this curve.</p>
                """,
            ])
    }

    private var finding: String {
        guard let first = result.rounds.first, let last = result.rounds.last else { return "No model was released." }
        let decimals = ReportNumber.decimals(
            for: result.rounds.map(\.utility) + [result.utility.central, result.utility.popularity], significant: 3)
        let end = ReportNumber.decimal(last.utility, decimals)
        let progress =
            result.rounds.count == 1
            ? "After one round the model reaches \(end)"
            : "Over \(ReportNumber.count(result.rounds.count)) rounds the model went from"
                + " \(ReportNumber.decimal(first.utility, decimals)) to \(end)"
        return progress
            + "; popularity alone gives \(ReportNumber.decimal(result.utility.popularity, decimals)), central"
            + " training without privacy \(ReportNumber.decimal(result.utility.central, decimals))."
    }
}
