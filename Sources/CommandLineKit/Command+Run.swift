// Running a tool: parse, act, translate what happened into an exit code.

import Glibc

extension Command {
    /// Runs the tool on the process's arguments and exits. Call it from `static func main() async`.
    public func main() async -> Never {
        // A reader that went away is an error of `write`, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        let code = await run(Array(CommandLine.arguments.dropFirst()), console: .standard)
        exit(Int32(code.rawValue))
    }

    /// Runs the tool on given arguments and prints to a given console.
    /// - Parameter arguments: Without the tool's own name.
    /// - Returns: What the process should exit with.
    public func run(_ arguments: [String], console: Console) async -> ExitCode {
        var path: [String] = []
        do {
            switch try ArgumentParser(console: console).parse(self, arguments, path: &path) {
            case .help(let command, let path):
                console.printExactly(HelpText.render(command, path: path, width: min(console.terminal.width, 100)))
                return .success
            case .version(let text):
                console.print(text)
                return .success
            case .run(let action, let arguments): return try await action(arguments)
            }
        } catch let error as UsageError {
            let tool = path.joined(separator: " ")
            console.message("\(name): \(error)\n'\(tool) --help' lists what it understands.")
            return .usage
        } catch let failure as CommandFailure {
            console.message("\(name): \(TerminalText.printable(failure.description))")
            return failure.exitCode
        } catch {
            console.message("\(name): \(TerminalText.printable("\(error)"))")
            return .failure
        }
    }
}
