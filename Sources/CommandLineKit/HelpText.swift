// `--help`, made from the declaration: usage, summary, one line for each option, exit codes.

/// Renders help.
enum HelpText {
    /// The left column is no wider than this: a longer entry has its text on the next line.
    private static let maximumEntryWidth = 28

    static func render(_ command: Command, path: [String], width: Int) -> String {
        var sections = ["\(usage(command, path))", wrap(command.summary, width: width)]
        if let discussion = command.discussion { sections.append(discussion) }
        switch command.body {
        case .group(let subcommands):
            sections.append(section("Commands", subcommands.map { ($0.name, $0.summary) }, width))
            sections.append(section("Options", common(command), width))
            sections.append("'\(path.joined(separator: " ")) <command> --help' tells more about a command.")
        case .leaf(let options, let positionals, _):
            if !positionals.isEmpty {
                sections.append(section("Arguments", positionals.map { ("<\($0.name)>", $0.help) }, width))
            }
            sections.append(section("Options", options.map(entry) + common(command), width))
            let own = Set(command.exitCodes.map(\.code))
            let codes = (ExitCode.shared.filter { !own.contains($0.code) } + command.exitCodes)
                .sorted { $0.code.rawValue < $1.code.rawValue }
            sections.append(section("Exit codes", codes.map { ("\($0.code.rawValue)", $0.meaning) }, width))
        }
        return sections.joined(separator: "\n\n") + "\n"
    }

    static func usage(_ command: Command, _ path: [String]) -> String {
        var words = path
        switch command.body {
        case .group: words.append("<command>")
        case .leaf(let options, let positionals, _):
            for option in options {
                if case .value(let placeholder, nil, isRequired: true, _) = option.kind {
                    words.append("\(option.flagText) \(placeholder)")
                }
            }
            words.append("[options]")
            words += positionals.map(\.usage)
        }
        return "Usage: " + words.joined(separator: " ")
    }

    private static func common(_ command: Command) -> [(String, String)] {
        [("-h, --help", "print this help")] + (command.version == nil ? [] : [("    --version", "print the version")])
    }

    private static func entry(_ option: Option) -> (String, String) {
        let left = (option.letter.map { "-\($0), " } ?? "    ") + option.flagText
        switch option.kind {
        case .flag: return (left, option.help)
        case .value(let placeholder, let defaultValue, let isRequired, let isRepeated):
            var notes: [String] = []
            if let defaultValue { notes.append("default \(defaultValue)") }
            if isRequired && defaultValue == nil { notes.append("required") }
            if isRepeated { notes.append("may be repeated") }
            let note = notes.isEmpty ? "" : " (\(notes.joined(separator: ", ")))"
            return ("\(left) \(placeholder)", option.help + note)
        }
    }

    private static func section(_ title: String, _ entries: [(String, String)], _ width: Int) -> String {
        let column = min(maximumEntryWidth, entries.map { TerminalText.width($0.0) }.max() ?? 0) + 4
        let lines = entries.map { left, right in
            let text = wrap(right, width: max(20, width - column)).split(separator: "\n").map(String.init)
            let padding = String(repeating: " ", count: column)
            let fits = TerminalText.width(left) <= column - 4
            let first = "  " + (fits ? TerminalText.padded(left, to: column - 2) + (text.first ?? "") : left)
            return ([first] + (fits ? text.dropFirst() : text[...]).map { padding + $0 }).joined(separator: "\n")
        }
        return "\(title):\n" + lines.joined(separator: "\n")
    }

    /// Breaks text at spaces.
    static func wrap(_ text: String, width: Int) -> String {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty, TerminalText.width(line) + 1 + TerminalText.width(String(word)) > width {
                lines.append(line)
                line = ""
            }
            line += (line.isEmpty ? "" : " ") + word
        }
        return (lines + [line]).joined(separator: "\n")
    }
}
