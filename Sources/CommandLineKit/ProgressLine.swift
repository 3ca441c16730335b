// Progress of a long command: one line that is rewritten on a terminal, plain lines in a log file.

/// A line about the work under way, on standard error. Used by one task at a time.
public struct ProgressLine: ~Copyable {
    private let console: Console
    private var shown: String?

    /// A line not shown yet.
    public init(on console: Console) { self.console = console }

    /// Shows `text` instead of what was shown before. In a log, repeats are dropped and everything else is a line of its
    /// own: update at milestones.
    public mutating func update(_ text: String) {
        let text = TerminalText.printable(text)
        if text == shown { return }
        shown = text
        if console.terminal.isErrorTerminal {
            // One column less than the terminal has: a full line would wrap and could not be rewritten.
            console.errorExactly("\r\u{1B}[K" + TerminalText.truncated(text, to: console.terminal.width - 1))
        } else {
            console.message(text)
        }
    }

    /// Leaves `text`, or the last text, standing and ends the line.
    public mutating func finish(_ text: String? = nil) {
        if let text { update(text) }
        if shown != nil, console.terminal.isErrorTerminal { console.errorExactly("\n") }
        shown = nil
    }

    /// Removes the line from a terminal: its end is not worth keeping, or a result follows.
    public mutating func clear() {
        if shown != nil, console.terminal.isErrorTerminal { console.errorExactly("\r\u{1B}[K") }
        shown = nil
    }
}
