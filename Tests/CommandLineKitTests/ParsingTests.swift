import Testing

@testable import CommandLineKit

@Suite struct ParsingTests {
    /// Runs the sample tool on words separated by spaces.
    private func run(_ line: String) async -> (code: ExitCode, output: String, error: String) {
        let recorder = Recorder()
        let words = line.split(separator: " ").map { String($0) }
        let code = await Sample.tool.run(words, console: recorder.console())
        return (code, recorder.output, recorder.error)
    }

    @Test(arguments: [
        (
            "train --epsilon 2 p",
            "plan=p rounds=10 epsilon=2.0 mode=fast stores=[] shards=[] offset=none verbose=false"
        ),
        (
            "train p a b --epsilon=0.5 --rounds=7 --mode exact -v",
            "plan=p rounds=7 epsilon=0.5 mode=exact stores=[] shards=[\"a\", \"b\"] offset=none verbose=true"
        ),
        (
            "train -n3 -s x --store=y -s z --epsilon 1 p",
            "plan=p rounds=3 epsilon=1.0 mode=fast stores=[\"x\", \"y\", \"z\"] shards=[] offset=none verbose=false"
        ),
        (
            "train --offset -5 --epsilon 1e-1 -n 1000 p",
            "plan=p rounds=1000 epsilon=0.1 mode=fast stores=[] shards=[] offset=-5 verbose=false"
        ),
        (
            "train --epsilon 1 -- -v --json --",
            "plan=-v rounds=10 epsilon=1.0 mode=fast stores=[] shards=[\"--json\", \"--\"] offset=none verbose=false"
        ),
        (
            "train --epsilon 1 - -7 --store= --store=a=b",
            "plan=- rounds=10 epsilon=1.0 mode=fast stores=[\"\", \"a=b\"] shards=[\"-7\"] offset=none verbose=false"
        ),
    ]) func accepted(line: String, expected: String) async {
        let result = await run(line)
        #expect(result.output == expected + "\n")
        #expect(result.error == "")
        #expect(result.code == .success)
    }

    @Test(arguments: [
        ("", "a command is missing", "concord"),
        ("trian", "unknown command 'trian'; did you mean 'train'?", "concord"),
        ("zebra", "unknown command 'zebra'", "concord"),
        ("--frobnicate", "unknown option '--frobnicate'", "concord"),
        ("ledger", "a command is missing", "concord ledger"),
        ("ledger verfy", "unknown command 'verfy'; did you mean 'verify'?", "concord ledger"),
        ("ledger verify a b", "unexpected argument 'b'", "concord ledger verify"),
        ("ledger verify --version", "unknown option '--version'", "concord ledger verify"),
        ("ledger verify contradiction", "either of the two", "concord ledger verify"),
        ("train p", "option --epsilon is required", "concord train"),
        ("train --epsilon 1", "argument <plan> is missing", "concord train"),
        ("train --epsilom 1 p", "unknown option '--epsilom'; did you mean '--epsilon'?", "concord train"),
        ("train -x p", "unknown option '-x'", "concord train"),
        ("train p --epsilon", "option --epsilon needs a value: --epsilon E", "concord train"),
        ("train --epsilon --json p", "option --epsilon needs a value: --epsilon E", "concord train"),
        ("train p -n", "option -n needs a value: -n N", "concord train"),
        ("train --epsilon 1 --json=yes p", "option --json takes no value", "concord train"),
        ("train --epsilon 1 -vv p", "option -v takes no value", "concord train"),
        ("train --epsilon 1 --epsilon 2 p", "option --epsilon is given twice", "concord train"),
        ("train --epsilon 1 -v -v p", "option -v is given twice", "concord train"),
        (
            "train --epsilon 1 --rounds 0 p", "--rounds: expected a whole number from 1 to 1000, got '0'",
            "concord train"
        ),
        (
            "train --epsilon 1 --rounds 99999999999999999999 p",
            "--rounds: expected a whole number from 1 to 1000, got '99999999999999999999'", "concord train"
        ),
        ("train --epsilon nan p", "--epsilon: expected a number from 0.0 to 10.0, got 'nan'", "concord train"),
        ("train --epsilon 1 --mode slow p", "--mode: expected one of fast, exact, got 'slow'", "concord train"),
        ("train --epsilon 1 --offset 1.5 p", "--offset: expected a whole number, got '1.5'", "concord train"),
        (
            "train --epsilon \u{1B}[31m p", "--epsilon: expected a number from 0.0 to 10.0, got '\\u{1b}[31m'",
            "concord train"
        ),
    ]) func refused(line: String, message: String, tool: String) async {
        let result = await run(line)
        #expect(result.error == "concord: \(message)\n'\(tool) --help' lists what it understands.\n")
        #expect(result.output == "")
        #expect(result.code == .usage)
    }

    @Test(arguments: [
        ("ledger verify", ExitCode.success, ""),
        ("ledger verify bad", .violation, ""),
        ("ledger verify unreadable", .failure, "concord: cannot read the bundle\n"),
        ("ledger verify odd", .failure, "concord: Broken()\n"),
    ]) func outcomesHaveExitCodes(line: String, code: ExitCode, message: String) async {
        let result = await run(line)
        #expect(result.code == code)
        #expect(result.error == message)
    }

    @Test func exitCodesAreTheDocumentedNumbers() {
        #expect(ExitCode.shared.map(\.code.rawValue) == [0, 1, 2, 64])
    }

    @Test func jsonIsSortedAndAlone() async {
        let result = await run("train --epsilon 1 --json p")
        #expect(result.output == "{\n  \"a/b\" : 1,\n  \"rounds\" : 10\n}\n")
        #expect(result.error == "")
    }

    @Test func theVersionIsTheTools() async {
        #expect(await run("--version").output == "concord 1.2.3\n")
        let leaf = Command("concord-verify", summary: "s", version: "4.5", run: { _ in .success })
        let recorder = Recorder()
        #expect(await leaf.run(["--version"], console: recorder.console()) == .success)
        #expect(recorder.output == "concord-verify 4.5\n")
    }

    @Test(arguments: [
        ("kitten", "sitting", 3), ("", "abc", 3), ("abc", "", 3), ("same", "same", 0), ("ab", "ba", 1),
        ("trian", "train", 1), ("ca", "abc", 3),
    ]) func editDistance(left: String, right: String, expected: Int) {
        #expect(Suggestion.distance(left, right) == expected)
    }

    @Test func aLongWordIsNotCompared() {
        #expect(Suggestion.nearest(to: String(repeating: "train", count: 100), among: ["train"]) == nil)
    }
}
