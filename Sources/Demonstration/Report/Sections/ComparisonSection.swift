// The same question put to three models: what does privacy cost, and what is gained over no learning at all?

/// The three-way comparison.
struct ComparisonSection {
    private let utility: DemonstrationResult.Utility

    init(_ result: DemonstrationResult) { utility = result.utility }

    var markup: Markup {
        DemonstrationReport.section(
            "comparison", "What privacy costs",
            ["<p class=\"finding\">\(finding)</p>", figure, table])
    }

    private var finding: String {
        let share = ReportNumber.percent(utility.concord, of: utility.central)
        let reach = share.map { "Concord reaches \($0) of the utility of central training without privacy" }
        let span = utility.central - utility.popularity
        let gain =
            span > 0
            ? ReportNumber.percent(utility.concord - utility.popularity, of: span).map {
                "of what central training gains over popularity, \($0) \(utility.concord < utility.popularity ? "(a loss)" : "is kept")"
            } : nil
        guard let reach else { return "There is no ratio to give: central training has no utility above zero." }
        return reach + (gain.map { "; \($0)" } ?? "") + "."
    }

    private var figure: Markup {
        """
        <figure>
        \(ComparisonChart(utility).markup(description: finding))
        <figcaption>\(utility.metric) on the held-out period, the same customers for all three; higher is better. The numbers \
        are in the table below.</figcaption>
        </figure>
        """
    }

    private var table: Markup {
        let rows: [(String, String, String, Double)] = [
            (
                "Popularity", "One ranking for everybody", "None needed: nobody in particular is modelled",
                utility.popularity
            ),
            ("Concord", "Each store trains on its own customers; noisy sums", "Differential privacy", utility.concord),
            ("Central, not private", "All consented customers’ data in one place", "None", utility.central),
        ]
        let decimals = ReportNumber.decimals(for: rows.map(\.3), significant: 4)
        return """
            <div class="scroll" role="region" aria-labelledby="comparison-caption" tabindex="0">
            <table>
            <caption id="comparison-caption">Three models on the held-out period</caption>
            <thead><tr><th scope="col" class="text">Model</th><th scope="col">Utility</th><th scope="col">Of central</th>\
            <th scope="col" class="text">How it learns</th><th scope="col" class="text">Protection</th></tr></thead>
            <tbody>
            \(rows.map { row($0, decimals) })
            </tbody>
            </table>
            </div>
            """
    }

    private func row(_ row: (String, String, String, Double), _ decimals: Int) -> Markup {
        """
        <tr><th scope="row" class="text strong">\(row.0)</th><td>\(ReportNumber.decimal(row.3, decimals))</td>\
        <td>\(ReportNumber.percent(row.3, of: utility.central) ?? "–")</td>\
        <td class="text">\(row.1)</td><td class="text">\(row.2)</td></tr>
        """
    }
}
