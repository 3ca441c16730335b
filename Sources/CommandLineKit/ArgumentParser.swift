// From words to arguments, by the GNU conventions: `--name value`, `--name=value`, `-n value`, `-nvalue`, and `--` after
// which everything is positional. Options and positional arguments may be mixed.

/// What a command line asks for.
enum Parsed {
    case help(Command, path: [String])
    case version(String)
    case run(Command.Action, Arguments)
}

/// Parses the words after the tool's name.
struct ArgumentParser {
    let console: Console

    /// Walks down the groups, then parses the leaf's arguments. The path is filled in as far as it goes, also on errors.
    func parse(_ command: Command, _ words: [String], path: inout [String]) throws(UsageError) -> Parsed {
        path.append(command.name)
        switch command.body {
        case .group(let subcommands):
            guard let word = words.first else { throw .missingCommand }
            if word == "--help" || word == "-h" { return .help(command, path: path) }
            if word == "--version", let version = command.version { return .version("\(command.name) \(version)") }
            if word.hasPrefix("-") { throw .unknownOption(word, suggestion: nil) }
            // `tool help command` is `tool command --help`.
            if word == "help" {
                let rest = Array(words.dropFirst())
                return try rest.isEmpty
                    ? .help(command, path: path) : parse(command, rest + ["--help"], unappending: &path)
            }
            guard let subcommand = subcommands.first(where: { $0.name == word }) else {
                throw .unknownCommand(word, suggestion: Suggestion.nearest(to: word, among: subcommands.map(\.name)))
            }
            return try parse(subcommand, Array(words.dropFirst()), path: &path)
        case .leaf(let options, let positionals, let action):
            var leaf = Leaf(options: options, positionals: positionals)
            switch try leaf.take(words) {
            case .help: return .help(command, path: path)
            case .version:
                guard let version = command.version else { throw .unknownOption("--version", suggestion: nil) }
                return .version("\(command.name) \(version)")
            case .arguments: return .run(action, try leaf.arguments(console))
            }
        }
    }

    private func parse(
        _ command: Command, _ words: [String], unappending path: inout [String]
    ) throws(UsageError) -> Parsed {
        path.removeLast()
        return try parse(command, words, path: &path)
    }
}

/// The words of one leaf command, sorted.
private struct Leaf {
    enum Request {
        case help
        case version
        case arguments
    }

    let options: [Option]
    let positionals: [Positional]
    private var flags: Set<String> = []
    private var values: [String: [String]] = [:]
    private var others: [String] = []

    init(options: [Option], positionals: [Positional]) {
        self.options = options
        self.positionals = positionals
    }

    mutating func take(_ words: [String]) throws(UsageError) -> Request {
        // Help is given whatever else is wrong with the line.
        let beforeEnd = words.prefix { $0 != "--" }
        if beforeEnd.contains("--help") || beforeEnd.contains("-h") { return .help }
        if beforeEnd.contains("--version") { return .version }
        var rest = words[...]
        while let word = rest.popFirst() {
            if word == "--" {
                others += rest
                break
            } else if word.hasPrefix("--") {
                let name = word.dropFirst(2).prefix { $0 != "=" }
                let attached = word.dropFirst(2 + name.count)
                guard let option = options.first(where: { $0.name == name }) else {
                    let names = options.map(\.flagText) + ["--help"]
                    throw .unknownOption("--" + name, suggestion: Suggestion.nearest(to: "--" + name, among: names))
                }
                try take(option, as: option.flagText, attached.isEmpty ? nil : String(attached.dropFirst()), &rest)
            } else if word.hasPrefix("-"), let letter = word.dropFirst().first, !letter.isNumber {
                guard let option = options.first(where: { $0.letter == letter }) else {
                    throw .unknownOption("-\(letter)", suggestion: nil)
                }
                let attached = word.dropFirst(2)
                try take(option, as: "-\(letter)", attached.isEmpty ? nil : String(attached), &rest)
            } else {
                others.append(word)
            }
        }
        return .arguments
    }

    private mutating func take(
        _ option: Option, as typed: String, _ attached: String?, _ rest: inout ArraySlice<String>
    ) throws(UsageError) {
        switch option.kind {
        case .flag:
            if attached != nil { throw .unexpectedValue(option: typed) }
            if !flags.insert(option.name).inserted { throw .repeatedOption(typed) }
        case .value(let placeholder, _, _, let isRepeated):
            if !isRepeated, values[option.name] != nil { throw .repeatedOption(typed) }
            var value = attached
            // The next word is the value even if it begins with one dash: `--offset -5`, `--file -`.
            if value == nil, let next = rest.first, !next.hasPrefix("--") { value = rest.popFirst() }
            guard let value else { throw .missingValue(option: typed, placeholder: placeholder) }
            values[option.name, default: []].append(value)
        }
    }

    func arguments(_ console: Console) throws(UsageError) -> Arguments {
        for option in options {
            if case .value(_, let defaultValue, isRequired: true, _) = option.kind, values[option.name] == nil,
                defaultValue == nil
            {
                throw .missingOption(option.flagText)
            }
        }
        var rest = others[...]
        var positionalValues: [String: [String]] = [:]
        for positional in positionals {
            switch positional.arity {
            case .one:
                guard let value = rest.popFirst() else { throw .missingArgument(positional.name) }
                positionalValues[positional.name] = [value]
            case .optional: positionalValues[positional.name] = rest.popFirst().map { [$0] } ?? []
            case .many(let atLeastOne):
                if atLeastOne, rest.isEmpty { throw .missingArgument(positional.name) }
                positionalValues[positional.name] = Array(rest)
                rest = []
            }
        }
        if let extra = rest.first { throw .unexpectedArgument(extra) }
        return Arguments(
            console: console, declared: Dictionary(uniqueKeysWithValues: options.map { ($0.name, $0) }),
            positionals: positionals, flags: flags, values: values, positionalValues: positionalValues)
    }
}
