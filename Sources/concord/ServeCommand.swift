import CommandLineKit
import Coordinator
import FoundationEssentials

/// `concord serve`: one coordinator.
enum ServeCommand {
    static let command = Command(
        "serve", summary: "Run a coordinator.",
        discussion: """
            Serves the node API and the people's API over mutual TLS 1.3 until SIGTERM or SIGINT.
            Standard output gets one JSON line with the ports once both accept connections;
            standard error gets one JSON line an event.
            """,
        options: [
            .value("config", placeholder: "FILE", "JSON5 configuration"),
            .flag("check-config", "read the configuration, say whether it is usable, and exit"),
            .value("announce", placeholder: "FILE", "also write the line with the ports to FILE"),
        ],
        run: { arguments in
            let stop = StopSignal()
            let path = try arguments.string("config")
            guard let bytes = try? Data(contentsOf: URL(filePath: path)) else {
                throw CommandFailure("configuration: the file cannot be read")
            }
            let configuration: CoordinatorConfiguration
            do { configuration = try CoordinatorConfiguration(json5: [UInt8](bytes)) } catch {
                throw CommandFailure("\(error)")
            }
            if arguments.flag("check-config") {
                arguments.console.print("usable")
                return .success
            }
            let announceFile = arguments.optionalString("announce")
            let console = arguments.console
            let service = try await CoordinatorService(configuration: configuration)
            try await service.run(until: { await stop.wait() }) { port, healthPort in
                let health = healthPort.map { ",\"healthPort\":\($0)" } ?? ""
                let line = "{\"port\":\(port)\(health)}"
                console.print(line)
                if let announceFile { try? Data(line.utf8).write(to: URL(filePath: announceFile), options: .atomic) }
            }
            return .success
        })
}
