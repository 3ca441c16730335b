// What the run took.

/// Time and memory.
struct ResourceSection {
    private let result: DemonstrationResult

    init(_ result: DemonstrationResult) { self.result = result }

    var markup: Markup {
        let times = result.rounds.map(\.seconds).filter(\.isFinite).sorted()
        var facts: [(String, String)] = [("Whole run", ReportNumber.duration(seconds: result.seconds))]
        if let slowest = times.last {
            facts.append(("Median round", ReportNumber.duration(seconds: times[times.count / 2])))
            facts.append(("Slowest round", ReportNumber.duration(seconds: slowest)))
        }
        let processes = ReportNumber.count(result.nodes, "agent")
        facts.append(("Peak memory", "\(ReportNumber.memory(bytes: result.peakMemoryBytes)), all processes together"))
        return DemonstrationReport.section(
            "resources", "Resources",
            [
                "<dl class=\"facts\">\(facts.map { "<dt>\($0.0)</dt><dd>\($0.1)</dd>" as Markup })</dl>",
                """
                <p>Everything ran on one machine: the coordinator, \(processes) and the demonstration itself. A round is \
                timed from opening to release. Memory is the largest proportional set size, in which pages that processes \
                share are counted once.</p>
                """,
            ])
    }
}
