// The operator's and engineer's tool: one binary, roles as subcommands.

import CommandLineKit

@main
enum ConcordTool {
    static let command = Command(
        "concord", summary: "Federated learning your customers agreed to.", version: "0.1.0",
        subcommands: [
            DemoCommand.command, ServeCommand.command, KeysCommand.command,
            SecureAggregationParametersCommand.command, BenchCommand.command,
        ])

    static func main() async { await command.main() }
}
