// What was run.

/// Data, customers, nodes and model.
struct SetupSection {
    private let result: DemonstrationResult

    init(_ result: DemonstrationResult) { self.result = result }

    var markup: Markup {
        let facts: [(String, String)] = [
            ("Data", result.dataDescription),
            ("Customers", ReportNumber.count(result.customers)),
            ("Transactions", ReportNumber.count(result.transactions)),
            ("Store nodes", "\(ReportNumber.count(result.nodes)), one process each"),
            ("Model", ReportNumber.count(result.parameters, "parameter")),
            ("Rounds released", ReportNumber.count(result.rounds.count)),
        ]
        return DemonstrationReport.section(
            "setup", "What was run",
            ["<dl class=\"facts\">\(facts.map { "<dt>\($0.0)</dt><dd>\($0.1)</dd>" as Markup })</dl>"])
    }
}
