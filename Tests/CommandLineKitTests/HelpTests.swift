import CommandLineKit
import Testing

@Suite struct HelpTests {
    private func help(_ words: [String], width: Int = 80) async -> String {
        let recorder = Recorder()
        #expect(await Sample.tool.run(words, console: recorder.console(width: width)) == .success)
        #expect(recorder.error == "")
        return recorder.output
    }

    @Test func helpOfACommand() async {
        let expected = """
            Usage: concord train --epsilon E [options] <plan> [<shard>...]

            Train a model on the consented customers of every store that answers in time.

            Arguments:
              <plan>   signed plan
              <shard>  data, in order

            Options:
                  --json       print the result as JSON
              -v, --verbose    say more
              -n, --rounds N   rounds to run (default 10)
                  --epsilon E  privacy budget of the task (required)
                  --mode MODE  fast or exact (default fast)
              -s, --store ID   take part as this store (may be repeated)
                  --offset N   shift of the calendar, in days, which may be negative
              -h, --help       print this help

            Exit codes:
              0   done, and every check held
              1   the budget does not suffice
              2   the work could not be done, or the check could not be made
              64  the command line is wrong

            """
        #expect(await help(["train", "--help"]) == expected)
        #expect(await help(["train", "--nonsense", "-h"]) == expected, "whatever else is wrong with the line")
        #expect(await help(["help", "train"]) == expected)
    }

    @Test func helpOfAGroup() async {
        let expected = """
            Usage: concord <command>

            Federated learning with consent.

            Commands:
              train   Train a model on the consented customers of every store that answers
                      in time.
              ledger  Read the ledger.

            Options:
              -h, --help     print this help
                  --version  print the version

            'concord <command> --help' tells more about a command.

            """
        #expect(await help(["--help"]) == expected)
        #expect(await help(["help"]) == expected)
        #expect(await help(["-h"]) == expected)
    }

    @Test func aNarrowTerminalWrapsTheRightColumn() async {
        let lines = await help(["train", "--help"], width: 50).split(separator: "\n")
        #expect(lines.contains("      --offset N   shift of the calendar, in days,"))
        #expect(lines.contains("                   which may be negative"))
    }

    @Test func aLongEntryHasItsTextBelow() async {
        let command = Command(
            "x", summary: "s", options: [.value("a-very-long-option-name", placeholder: "PLACEHOLDER", "text")],
            run: { _ in .success })
        let recorder = Recorder()
        _ = await command.run(["--help"], console: recorder.console())
        #expect(
            recorder.output.contains(
                "      --a-very-long-option-name PLACEHOLDER\n                                text\n"))
    }
}
