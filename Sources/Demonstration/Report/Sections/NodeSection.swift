// Which nodes made it into the sum.

/// Survivors and dropouts.
struct NodeSection {
    private let result: DemonstrationResult

    init(_ result: DemonstrationResult) { self.result = result }

    var markup: Markup {
        let chart = SurvivorChart(result)
        return DemonstrationReport.section(
            "nodes", "Nodes in the sum",
            [
                "<p class=\"finding\">\(finding)</p>",
                result.rounds.isEmpty
                    ? DemonstrationReport.nothingReleased
                    : DemonstrationReport.figure(
                        chart.markup(description: finding), legend: chart.legend,
                        caption: "Store nodes offered each round, by whether their update is in the released sum."),
            ])
    }

    private var finding: String {
        guard !result.rounds.isEmpty else { return "No sum was released." }
        let affected = result.rounds.filter { $0.dropped > 0 }
        guard !affected.isEmpty else { return "Every node that was offered a round is in its sum." }
        let dropped = ReportNumber.sum(affected.map(\.dropped))
        let fewest = result.rounds.map(\.survivors).min() ?? 0
        return
            "\(ReportNumber.count(affected.count, "round")) of \(ReportNumber.count(result.rounds.count)) lost nodes,"
            + " \(ReportNumber.count(dropped)) in all, and \(affected.count == 1 ? "was" : "were") released without them;"
            + " no sum holds fewer than \(ReportNumber.count(fewest, "node"))."
    }
}
