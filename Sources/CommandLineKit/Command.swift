// A tool as a tree of commands: a group has subcommands, a leaf has options, arguments and something to do.

/// A command or a group of commands. Build one in a static property and call ``main()`` from `@main`.
///
/// ```swift
/// let command = Command(
///     "demo", summary: "Run a small federation on this machine.",
///     options: [.json, .value("rounds", placeholder: "N", default: "10", "rounds to run")],
///     run: { arguments in
///         let rounds = try arguments.integer("rounds", in: 1...1_000)
///         …
///         return .success
///     })
/// ```
public struct Command: Sendable {
    /// What a leaf does. It may throw ``UsageError``, ``CommandFailure`` or any other error.
    public typealias Action = @Sendable (Arguments) async throws -> ExitCode

    enum Body: Sendable {
        case group([Command])
        case leaf(options: [Option], positionals: [Positional], action: Action)
    }

    let name: String
    let summary: String
    let discussion: String?
    let version: String?
    let exitCodes: [(code: ExitCode, meaning: String)]
    let body: Body

    /// A command that does something.
    /// - Parameters:
    ///   - name: As typed.
    ///   - summary: One sentence.
    ///   - discussion: Further text for `--help`, already broken into lines.
    ///   - version: What `--version` prints, if this is the root of a tool.
    ///   - options: Names and letters must be unique; `help`, `version` and `-h` are taken.
    ///   - positionals: Required ones first; one that takes many last.
    ///   - exitCodes: Codes beside, or instead of, the meaning of ``ExitCode/shared``.
    ///   - run: What to do.
    public init(
        _ name: String, summary: String, discussion: String? = nil, version: String? = nil, options: [Option] = [],
        positionals: [Positional] = [], exitCodes: [(code: ExitCode, meaning: String)] = [], run: @escaping Action
    ) {
        let names = options.map(\.name) + ["help", "version"]
        let letters = options.compactMap(\.letter) + ["h"]
        precondition(Set(names).count == names.count, "\(name): an option name is taken")
        precondition(Set(letters).count == letters.count, "\(name): an option letter is taken")
        let ranks = positionals.map { positional in
            switch positional.arity {
            case .one: 0
            case .optional: 1
            case .many(let atLeastOne): atLeastOne ? 2 : 3
            }
        }
        precondition(
            ranks == ranks.sorted() && ranks.count { $0 >= 2 } <= 1 && !(ranks.contains(1) && ranks.contains(2)),
            "\(name): these positional arguments cannot be told apart")
        self.name = name
        self.summary = summary
        self.discussion = discussion
        self.version = version
        self.exitCodes = exitCodes
        body = .leaf(options: options, positionals: positionals, action: run)
    }

    /// A command that only groups others.
    public init(
        _ name: String, summary: String, discussion: String? = nil, version: String? = nil, subcommands: [Command]
    ) {
        precondition(Set(subcommands.map(\.name)).count == subcommands.count, "\(name): a subcommand is named twice")
        self.name = name
        self.summary = summary
        self.discussion = discussion
        self.version = version
        exitCodes = []
        body = .group(subcommands)
    }
}
