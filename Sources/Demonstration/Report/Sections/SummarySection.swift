// The top of the page: the verdict before anything else, what it rests on, and the four figures most people come for.

/// Verdict and key figures.
struct SummarySection {
    private let result: DemonstrationResult
    private let verdict: ReportVerdict

    init(_ result: DemonstrationResult, _ verdict: ReportVerdict) {
        self.result = result
        self.verdict = verdict
    }

    /// The verdict in one line.
    static func headline(_ verdict: ReportVerdict) -> String {
        if !verdict.isHeld { return "Not every promise held" }
        let isComplete = verdict.checks.allSatisfy { $0.outcome == .held }
        return isComplete ? "Every promise held" : "Every promise put to the test held"
    }

    var markup: Markup {
        """
        <header>
        <p class="kicker">Concord demonstration report</p>
        <div class="verdict \((verdict.isHeld ? ReportVerdict.Outcome.held : .broken).rawValue)">
        \((verdict.isHeld ? ReportVerdict.Outcome.held : .broken).icon)
        <h1>\(SummarySection.headline(verdict))</h1>
        </div>
        <p class="lede">\(introduction)</p>
        \(broken)
        <ul class="plain checks">
        \(verdict.checks.map(item))
        </ul>
        <dl class="figures">
        \(figures)
        </dl>
        </header>
        """
    }

    private var introduction: String {
        let rounds = ReportNumber.count(result.rounds.count, "round")
        return
            "\(ReportNumber.count(result.nodes, "store node")) trained one model together in \(rounds), on the data of"
            + " customers who had agreed to it. The data stayed in the stores; the coordinator learned only sums with noise"
            + " in them, and a ledger decided whose data could be used."
    }

    private var broken: Markup {
        var statements = result.broken
        if result.rounds.isEmpty { statements.append("No round was released.") }
        if statements.isEmpty {
            statements = verdict.checks.filter { $0.outcome == .broken }.map { "This did not hold: \($0.promise)" }
        }
        guard !statements.isEmpty else { return "" }
        return """
            <div class="broke">
            <h2>What broke</h2>
            <ul>
            \(statements.map { "<li>\($0)</li>" as Markup })
            </ul>
            </div>
            """
    }

    private func item(_ check: ReportVerdict.Check) -> Markup {
        """
        <li class="\(check.outcome.rawValue)">\(check.outcome.icon)\
        <span>\(check.promise) <span class="state">\(check.outcome.words)</span></span></li>
        """
    }

    private var figures: [Markup] {
        let last = result.rounds.last
        let share = ReportNumber.percent(result.utility.concord, of: result.utility.central)
        return [
            figure(
                "Privacy budget spent", "ε\u{A0}" + (last.map { ReportNumber.epsilon($0.epsilon) } ?? "0"),
                "of \(ReportNumber.setting(result.epsilonCap)) allowed, δ\u{A0}=\u{A0}\(ReportNumber.power(result.delta))"
            ),
            figure(
                "Utility", ReportNumber.significant(result.utility.concord),
                share.map { "\($0) of central training without privacy" } ?? result.utility.metric),
            figure(
                "Customers who could train", last.map { ReportNumber.count($0.eligibleCustomers) } ?? "0",
                "of \(ReportNumber.count(result.customers)), in the last round"),
            figure(
                "Whole run", ReportNumber.duration(seconds: result.seconds),
                "\(ReportNumber.memory(bytes: result.peakMemoryBytes)) at the peak"),
        ]
    }

    private func figure(_ name: String, _ value: String, _ detail: String) -> Markup {
        """
        <div><dt>\(name)</dt><dd class="value">\(value)</dd><dd>\(detail)</dd></div>
        """
    }
}
