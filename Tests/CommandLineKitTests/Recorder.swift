// A console that remembers.

import CommandLineKit
import Foundation

final class Recorder: @unchecked Sendable {
    // Proof for @unchecked Sendable: both texts are touched only while `lock` is held.
    private let lock = NSLock()
    private var outputText = ""
    private var errorText = ""

    var output: String { lock.withLock { outputText } }
    var error: String { lock.withLock { errorText } }

    func console(isTerminal: Bool = false, width: Int = 80, usesColor: Bool = false) -> Console {
        Console(
            terminal: .init(
                isOutputTerminal: isTerminal, isErrorTerminal: isTerminal, width: width, usesColor: usesColor),
            output: { text in self.lock.withLock { self.outputText += text } },
            error: { text in self.lock.withLock { self.errorText += text } })
    }
}

/// A tool with every kind of option and argument; its command prints what it understood.
enum Sample {
    enum Mode: String, CaseIterable { case fast, exact }
    struct Broken: Error {}

    static let train = Command(
        "train", summary: "Train a model on the consented customers of every store that answers in time.",
        options: [
            .json,
            .flag("verbose", letter: "v", "say more"),
            .value("rounds", letter: "n", placeholder: "N", default: "10", "rounds to run"),
            .value("epsilon", placeholder: "E", isRequired: true, "privacy budget of the task"),
            .value("mode", placeholder: "MODE", default: "fast", "fast or exact"),
            .values("store", letter: "s", placeholder: "ID", "take part as this store"),
            .value("offset", placeholder: "N", "shift of the calendar, in days, which may be negative"),
        ],
        positionals: [.one("plan", "signed plan"), .many("shard", atLeastOne: false, "data, in order")],
        exitCodes: [(.violation, "the budget does not suffice")],
        run: { arguments in
            let rounds = try arguments.integer("rounds", in: 1...1_000)
            let epsilon = try arguments.number("epsilon", in: 0...10)
            let mode = try arguments.choice("mode", of: Mode.self)
            let offset = try arguments.optionalInteger("offset")
            let words = [
                "plan=\(try arguments.string("plan"))", "rounds=\(rounds)", "epsilon=\(epsilon)", "mode=\(mode)",
                "stores=\(arguments.strings("store"))", "shards=\(arguments.strings("shard"))",
                "offset=\(offset.map { "\($0)" } ?? "none")", "verbose=\(arguments.flag("verbose"))",
            ]
            if arguments.wantsJSON {
                try arguments.console.printJSON(["rounds": rounds, "a/b": 1])
            } else {
                arguments.console.print(words.joined(separator: " "))
            }
            return .success
        })

    static let verify = Command(
        "verify", summary: "Check a bundle.", positionals: [.optional("bundle", "file")],
        run: { arguments in
            switch arguments.optionalString("bundle") {
            case "bad": return .violation
            case "unreadable": throw CommandFailure("cannot read the bundle", exitCode: .failure)
            case "odd": throw Broken()
            case "contradiction": throw UsageError.invalidCombination("either of the two")
            default: return .success
            }
        })

    static let tool = Command(
        "concord", summary: "Federated learning with consent.", version: "1.2.3",
        subcommands: [train, Command("ledger", summary: "Read the ledger.", subcommands: [verify])])
}
