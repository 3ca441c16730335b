// Every number of every round: the text alternative of the charts.

/// The table of rounds.
struct RoundTableSection {
    private let result: DemonstrationResult

    init(_ result: DemonstrationResult) { self.result = result }

    var markup: Markup {
        DemonstrationReport.section(
            "rounds", "Round by round",
            result.rounds.isEmpty ? ["<p>No round was released.</p>"] : [table, explanation])
    }

    /// Names of what rode along, those the plan knows first.
    private var rideAlongs: [String] {
        let known = Array(RoundTableSection.titles.map(\.name))
        let present = Set(result.rounds.flatMap(\.rideAlongs.keys))
        return known.filter(present.contains) + present.subtracting(known).sorted()
    }

    private static let titles = [
        (name: "clipIndicator", title: "Clip indicator"), (name: "trainingLoss", title: "Training loss"),
    ]

    private static func title(_ name: String) -> String { titles.first { $0.name == name }?.title ?? name }

    private var table: Markup {
        let extra = rideAlongs
        let utilityDecimals = ReportNumber.decimals(for: result.rounds.map(\.utility), significant: 4)
        let heads = ["Offered", "In the sum", "Dropped", "Could train", "ε spent", "Utility", "Seconds"]
        let all = (heads + extra.map(RoundTableSection.title)).map { "<th scope=\"col\">\($0)</th>" as Markup }
        let rows = result.rounds.map { round -> Markup in
            let cells =
                [
                    ReportNumber.count(round.offered), ReportNumber.count(round.survivors),
                    ReportNumber.count(round.dropped), ReportNumber.count(round.eligibleCustomers),
                    ReportNumber.epsilon(round.epsilon), ReportNumber.decimal(round.utility, utilityDecimals),
                    ReportNumber.decimal(round.seconds, 1),
                ] + extra.map { name in round.rideAlongs[name].map { ReportNumber.decimal($0, 3) } ?? "–" }
            return """
                <tr><th scope="row" class="text">\(ReportNumber.count(round.round))</th>\
                \(cells.map { "<td>\($0)</td>" as Markup })</tr>
                """
        }
        return """
            <div class="scroll" role="region" aria-labelledby="rounds-caption" tabindex="0">
            <table>
            <caption id="rounds-caption">All released rounds: nodes, customers, privacy budget, utility and time</caption>
            <thead><tr><th scope="col" class="text">Round</th>\(all)</tr></thead>
            <tbody>
            \(rows)
            </tbody>
            </table>
            </div>
            """
    }

    private var explanation: Markup {
        let isKnown = rideAlongs.contains { name in RoundTableSection.titles.contains { $0.name == name } }
        return isKnown
            ? """
            <p>Clip indicator and training loss are averages that travelled inside the sum, so they carry noise and are part of \
            the privacy guarantee. The indicator is 1 if every customer’s update lay within the clip norm and \u{2212}1 if none \
            did; noise may carry it beyond.</p>
            """ : ""
    }
}
