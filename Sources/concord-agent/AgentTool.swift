// The store node's tool.

import CommandLineKit
import Cryptography
import EdgeAgent
import FoundationEssentials
import SecureAggregation
import WireFormat

@main
enum AgentTool {
    static let command = Command(
        "concord-agent", summary: "A store node: gates, trains, masks and uploads.", version: "0.1.0",
        subcommands: [RunCommand.command, AuditCommand.command])

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

/// `concord-agent audit`.
enum AuditCommand {
    static let command = Command(
        "audit", summary: "Show an auditor that a customer was outside this node's cohort in a round.",
        discussion: "Writes the answer as CBOR (Protocols/node-api.md, \"absence-answer\"). It names a data subject.",
        options: [
            .value("config", placeholder: "FILE", "JSON5 configuration"),
            .value("job", placeholder: "ID", "job, 32 hexadecimal digits"),
            .value("round", placeholder: "N", "round"),
            .value("customer", placeholder: "ID", "the customer's loyalty id"),
            .value("output", placeholder: "FILE", "where the answer goes"),
        ],
        exitCodes: [(.violation, "the customer was in the cohort, or the node has no record of the round")],
        run: { arguments in
            let configuration = try AgentTool.configuration(arguments)
            let job: JobID
            do { job = try JobID(try Hex.decode(try arguments.string("job"))) } catch {
                throw CommandFailure("job: expected 32 hexadecimal digits", exitCode: .usage)
            }
            let round = try arguments.integer("round", in: 1...Int(UInt32.max))
            do {
                let answer = try await AuditDesk(configuration: configuration)
                    .absence(ofCustomer: try arguments.string("customer"), job: job, round: UInt64(round))
                try Data(answer.encoded()).write(
                    to: URL(filePath: try arguments.string("output")), options: .withoutOverwriting)
            } catch let error as AuditError {
                throw CommandFailure(error.description, exitCode: .violation)
            }
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
