// What can be wrong with a command line. Each error names the option as the user typed it and says what was expected.

/// A mistake in the command line; the tool prints it to standard error and exits with ``ExitCode/usage``.
public enum UsageError: Error, Equatable, Sendable, CustomStringConvertible {
    /// No option of this name; `suggestion` is the nearest one that exists.
    case unknownOption(String, suggestion: String?)
    /// No subcommand of this name; `suggestion` is the nearest one that exists.
    case unknownCommand(String, suggestion: String?)
    /// The command has subcommands and none was named.
    case missingCommand
    /// An option that takes a value is last.
    case missingValue(option: String, placeholder: String)
    /// A flag was given a value, as in `--json=yes`.
    case unexpectedValue(option: String)
    /// An option that may appear once appears again.
    case repeatedOption(String)
    /// A required option is absent.
    case missingOption(String)
    /// A required positional argument is absent.
    case missingArgument(String)
    /// More positional arguments than the command takes.
    case unexpectedArgument(String)
    /// A value is not what the option or argument takes.
    case invalidValue(String, name: String, expected: String)
    /// Options that are wrong together, in the command's own words.
    case invalidCombination(String)

    /// One sentence for the user.
    public var description: String {
        switch self {
        case .unknownOption(let option, let suggestion): "unknown option \(quoted(option))" + hint(suggestion)
        case .unknownCommand(let name, let suggestion): "unknown command \(quoted(name))" + hint(suggestion)
        case .missingCommand: "a command is missing"
        case .missingValue(let option, let placeholder): "option \(option) needs a value: \(option) \(placeholder)"
        case .unexpectedValue(let option): "option \(option) takes no value"
        case .repeatedOption(let option): "option \(option) is given twice"
        case .missingOption(let option): "option \(option) is required"
        case .missingArgument(let name): "argument <\(name)> is missing"
        case .unexpectedArgument(let value): "unexpected argument \(quoted(value))"
        case .invalidValue(let value, let name, let expected): "\(name): expected \(expected), got \(quoted(value))"
        case .invalidCombination(let reason): reason
        }
    }

    private func hint(_ suggestion: String?) -> String { suggestion.map { "; did you mean \(quoted($0))?" } ?? "" }

    private func quoted(_ text: String) -> String { "'\(TerminalText.printable(text))'" }
}

/// A failure a command has a sentence and an exit code for. Any other error it throws exits with ``ExitCode/failure``.
public struct CommandFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// What the process exits with.
    public let exitCode: ExitCode
    /// One sentence for the user.
    public let description: String

    /// A failure to report as `description`.
    public init(_ description: String, exitCode: ExitCode = .failure) {
        self.exitCode = exitCode
        self.description = description
    }
}
