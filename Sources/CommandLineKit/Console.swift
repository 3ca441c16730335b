// Where a command prints: results to standard output, everything else to standard error, so that `tool > file` and
// `tool | jq` get the result and nothing but the result.

import FoundationEssentials
import Glibc

/// The streams of a command and what is known about the terminal behind them. Safe to use from any task.
public struct Console: Sendable {
    /// What stands behind the streams.
    public struct Terminal: Sendable, Equatable {
        /// Whether standard output is a terminal.
        public var isOutputTerminal: Bool
        /// Whether standard error is a terminal.
        public var isErrorTerminal: Bool
        /// Columns, at least 20.
        public var width: Int
        /// Whether colour is wanted on standard output: a terminal, `NO_COLOR` unset or empty (no-color.org), `TERM` not
        /// `dumb`.
        public var usesColor: Bool

        /// Describes streams.
        public init(isOutputTerminal: Bool, isErrorTerminal: Bool, width: Int, usesColor: Bool) {
            self.isOutputTerminal = isOutputTerminal
            self.isErrorTerminal = isErrorTerminal
            self.width = max(20, width)
            self.usesColor = usesColor
        }
    }

    /// A colour or weight of the terminal's own palette (ECMA-48, Select Graphic Rendition).
    public enum Style: Int, Sendable {
        /// Bold.
        case bold = 1
        /// Faint.
        case faint = 2
        /// Red: a violation.
        case red = 31
        /// Green: a check that held.
        case green = 32
        /// Yellow: a warning.
        case yellow = 33
    }

    /// What stands behind the streams.
    public let terminal: Terminal
    private let output: @Sendable (String) -> Void
    private let error: @Sendable (String) -> Void

    /// A console that hands its text to closures: for tests, and for embedding.
    public init(
        terminal: Terminal, output: @escaping @Sendable (String) -> Void, error: @escaping @Sendable (String) -> Void
    ) {
        self.terminal = terminal
        self.output = output
        self.error = error
    }

    /// The process's own streams.
    public static let standard = Console(
        terminal: detect(environment: { name in getenv(name).map { String(cString: $0) } }),
        output: { write($0, to: STDOUT_FILENO) }, error: { write($0, to: STDERR_FILENO) })

    /// Prints a result to standard output, with a newline.
    public func print(_ text: String = "") { output(text + "\n") }

    /// Prints a result to standard output as it is.
    public func printExactly(_ text: String) { output(text) }

    /// Prints a message to standard error, with a newline.
    public func message(_ text: String) { error(text + "\n") }

    /// Prints to standard error as it is.
    func errorExactly(_ text: String) { error(text) }

    /// Prints one JSON value to standard output: sorted keys, so that equal results are equal texts.
    /// - Throws: `EncodingError` if the value cannot be JSON (a number that is not finite).
    public func printJSON(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        print(String(decoding: try encoder.encode(value), as: UTF8.self))
    }

    /// `text` in a style, or as it is where colour is not wanted.
    public func styled(_ text: String, _ style: Style) -> String {
        terminal.usesColor ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }

    /// Examines the process's streams.
    private static func detect(environment: (String) -> String?) -> Terminal {
        let isOutputTerminal = isatty(STDOUT_FILENO) == 1
        var size = winsize()
        var width = environment("COLUMNS").flatMap { Int($0) } ?? 80
        for descriptor in [STDOUT_FILENO, STDERR_FILENO]
        where isatty(descriptor) == 1 && ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 {
            width = Int(size.ws_col)
            break
        }
        return Terminal(
            isOutputTerminal: isOutputTerminal, isErrorTerminal: isatty(STDERR_FILENO) == 1, width: width,
            usesColor: usesColor(isTerminal: isOutputTerminal, environment: environment))
    }

    /// The rule of no-color.org, for terminals that know colour.
    static func usesColor(isTerminal: Bool, environment: (String) -> String?) -> Bool {
        isTerminal && (environment("NO_COLOR") ?? "").isEmpty && environment("TERM") != "dumb"
    }

    /// Writes all of a text. A reader that went away (`tool | head`) ends the writing, not the process's work.
    private static func write(_ text: String, to descriptor: Int32) {
        var bytes = [UInt8](text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 { bytes = bytes.dropFirst(count) } else if count == 0 || errno != EINTR { return }
        }
    }
}
