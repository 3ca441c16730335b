// The store node's tool.

import CommandLineKit
import EdgeAgent
import FoundationEssentials

@main
enum AgentTool {
    static let command = Command(
        "concord-agent", summary: "A store node: gates, trains, masks and uploads.", version: "0.1.0",
        subcommands: [RunCommand.command])

    static func main() async { await command.main() }
}

/// `concord-agent run`.
enum RunCommand {
    static let command = Command(
        "run", summary: "Run the agent until SIGTERM or SIGINT.",
        options: [
            .value("config", placeholder: "FILE", "JSON5 configuration"),
            .flag("check-config", "read the configuration, say whether it is usable, and exit"),
        ],
        run: { arguments in
            let stop = StopSignal()
            let configuration = try AgentTool.configuration(arguments)
            if arguments.flag("check-config") {
                arguments.console.print("usable")
                return .success
            }
            let agent: EdgeAgent
            do { agent = try await EdgeAgent(configuration: configuration) } catch {
                throw CommandFailure("\(error)")
            }
            await agent.run(until: { stop.isSet })
            return .success
        })
}

extension AgentTool {
    static func configuration(_ arguments: Arguments) throws -> AgentConfiguration {
        guard let bytes = try? Data(contentsOf: URL(filePath: try arguments.string("config"))) else {
            throw CommandFailure("configuration: the file cannot be read")
        }
        do { return try AgentConfiguration(json5: [UInt8](bytes)) } catch {
            throw CommandFailure("\(error)")
        }
    }
}
