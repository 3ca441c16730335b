// The report of a demonstration: one page that carries everything it needs, for a compliance officer and an engineer alike.
// It loads nothing and runs nothing (its content security policy forbids both), so it can be archived, mailed and printed.

/// Writes the report.
public enum DemonstrationReport {
    /// The report as an HTML document in UTF-8 that is well-formed XML too.
    ///
    /// The page is complete in itself: style sheet and charts are inline, there is no script and no reference to any other
    /// resource. All text of `result` is escaped. Numbers that are not finite are written as words and left out of charts;
    /// no value traps.
    /// - Parameter result: what the demonstration found out.
    /// - Returns: the text of the file.
    public static func html(_ result: DemonstrationResult) -> String {
        let verdict = ReportVerdict(result)
        let page: Markup = """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8"/>
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/>
            <meta name="viewport" content="width=device-width, initial-scale=1"/>
            <meta name="color-scheme" content="light dark"/>
            <title>\(SummarySection.headline(verdict)) · Concord demonstration report</title>
            <style>
            \(Markup(stringLiteral: ReportStyle.css))
            </style>
            </head>
            <body>
            \(SummarySection(result, verdict).markup)
            <main>
            \(sections(result, verdict))
            </main>
            <footer>
            <p>Written by <code>concord demo</code> from the results of one run on one machine. This page loads nothing and runs \
            nothing: it can be archived, mailed and printed as it is.</p>
            </footer>
            </body>
            </html>

            """
        return page.text
    }

    private static func sections(_ result: DemonstrationResult, _ verdict: ReportVerdict) -> [Markup] {
        [
            SetupSection(result).markup,
            UtilitySection(result).markup,
            BudgetSection(result).markup,
            NodeSection(result).markup,
            ConsentSection(result).markup,
            ComparisonSection(result).markup,
            TrialSection(result, verdict).markup,
            ResourceSection(result).markup,
            VerificationSection(result).markup,
            RoundTableSection(result).markup,
        ]
    }

    /// A section with its heading.
    /// - Parameter id: also the target of links.
    static func section(_ id: String, _ title: String, _ content: [Markup]) -> Markup {
        """
        <section id="\(id)" aria-labelledby="\(id)-heading">
        <h2 id="\(id)-heading">\(title)</h2>
        <div>
        \(content)
        </div>
        </section>
        """
    }

    /// A chart with its two drawings, a legend if it needs one, and where its numbers are.
    static func figure(_ drawings: [Markup], legend: Markup = "", caption: String) -> Markup {
        """
        <figure>
        \(legend)
        \(drawings)
        <figcaption>\(caption) The numbers are in the table <a href="#rounds">Round by round</a>.</figcaption>
        </figure>
        """
    }

    /// What stands in a chart's place if nothing was released.
    static let nothingReleased: Markup = "<p>No round was released, so there is nothing to draw.</p>"
}
