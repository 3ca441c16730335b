import CommandLineKit
import Demonstration

/// `concord demo`: the whole mission once, for real, on this machine.
enum DemoCommand {
    static let command = Command(
        "demo", summary: "Run a whole chain on this machine: coordinator, store agents, consent, training, evidence.",
        discussion: """
            Starts one coordinator on SQLite and one process a store node, talking mutual TLS 1.3 on
            loopback; captures consent, trains, kills agents and the coordinator on the way, withdraws
            one customer, and ends with model, report and an evidence bundle that verifies offline.
            """,
        options: [
            .value("data", placeholder: "DIR", "folder with transactions.csv and products.csv; generated if left out"),
            .value("rounds", placeholder: "N", default: "12", "rounds of training, 10 or more"),
            .value("stores", placeholder: "N", default: "24", "store nodes, one process each, 24 or more"),
            .value("customers", placeholder: "N", default: "20000", "customers of the generated chain"),
            .value("seed", placeholder: "S", default: "1", "seed of the generated chain and of its customers' answers"),
            .value("output", placeholder: "DIR", default: "demo-output", "folder for results; replaced"),
            .json,
        ],
        exitCodes: [(.success, "everything it promises held"), (.violation, "something it promises did not hold")],
        run: { arguments in
            let options = DemonstrationOptions(
                dataFolder: arguments.optionalString("data"), rounds: try arguments.integer("rounds", in: 10...200),
                stores: try arguments.integer("stores", in: 24...200),
                customers: try arguments.integer("customers", in: 1_000...1_000_000),
                seed: UInt64(try arguments.integer("seed", in: 0...Int.max)),
                output: try arguments.string("output"))
            let result = try await Demonstration(options: options, console: arguments.console).run()
            if arguments.wantsJSON { try arguments.console.printJSON(result) }
            return result.broken.isEmpty ? .success : .violation
        })
}
