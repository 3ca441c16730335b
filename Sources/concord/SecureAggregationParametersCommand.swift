import Benchmarking
import CommandLineKit
import SecureAggregation
import Vectors

/// `concord secagg-parameters`: what a session over a chain of some size would run with.
enum SecureAggregationParametersCommand {
    static let command = Command(
        "secagg-parameters", summary: "Print the parameters of secure aggregation for a chain.",
        discussion: """
            Neighbours k and window bound cHalf of the mask graph, committee size L and quorum l, and
            the fewest survivors that may be summed, from exact tails. A cohort of at most 300 uses
            the complete graph (k = n - 1, no window bound); --sparse shows the ring's at any size.
            """,
        options: [
            .value("registered", placeholder: "N", "registered nodes"),
            .value("nodes", placeholder: "N", "nodes of a cohort; all registered if left out"),
            .value("corrupt", placeholder: "C", "nodes assumed corrupt; 5 % of the registered if left out"),
            .value("dropout", placeholder: "D", default: "0.1", "share of nodes that may drop, as in 0.1"),
            .value("lanes", placeholder: "2|3|4", default: "2", "coordinates in a 64-bit word"),
            .flag("sparse", "the ring also for a small cohort"),
            .json,
        ],
        run: { arguments in
            let registered = try arguments.integer("registered", in: 1...100_000)
            let choice = try infeasible {
                try ParameterChoice(
                    registered: registered,
                    cohort: try arguments.optionalInteger("nodes", in: 1...100_000) ?? registered,
                    corruptMax: try arguments.optionalInteger("corrupt", in: 1...100_000)
                        ?? Register.corruptMax(registered: registered, permille: 50),
                    dropoutPermille: try arguments.permille("dropout"), sparse: arguments.flag("sparse"))
            }
            let parameters = AggregationReport.Parameters(choice, lanes: try arguments.layout("lanes").lanes)
            if arguments.wantsJSON {
                try arguments.console.printJSON(parameters)
            } else {
                var table = TextTable([.text("parameter"), .number("value"), .text("meaning")])
                table.addRow(["k", "\(parameters.k)", "neighbours of a node in the mask graph"])
                table.addRow([
                    "cHalf", parameters.cHalf.map { "\($0)" } ?? "-",
                    "survivors that every k/2 consecutive nodes must exceed",
                ])
                table.addRow(["L", "\(parameters.L)", "committee members"])
                table.addRow(["l", "\(parameters.l)", "votes to certify survivors, shares to open a secret"])
                table.addRow(["lanes", "\(parameters.lanes)", "coordinates in a 64-bit word"])
                table.addRow(["minAlive", "\(parameters.minAlive)", "fewest survivors that may be summed"])
                arguments.console.print(table.rendered(width: arguments.console.terminal.width))
            }
            return .success
        })
}

extension Arguments {
    /// A share such as 0.1, as thousandths.
    func permille(_ name: String) throws(UsageError) -> Int {
        try value(name, expected: "a share from 0 to 0.999 in whole thousandths") { text in
            guard let share = Double(text), share >= 0, share < 1 else { return nil }
            let permille = (share * 1000).rounded()
            return abs(share * 1000 - permille) < 1e-6 && permille < 1000 ? Int(permille) : nil
        }
    }

    /// A packing by its number of lanes.
    func layout(_ name: String) throws(UsageError) -> LaneLayout {
        try value(name, expected: "2, 3 or 4") { text in
            LaneLayout.all.first { "\($0.lanes)" == text }
        }
    }
}

/// Runs `body`; a request that no parameters meet becomes the command's failure, saying which bound and what would do.
func infeasible<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch SecureAggregationError.infeasible(let why) { throw CommandFailure(why) }
}
