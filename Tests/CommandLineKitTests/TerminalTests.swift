import Testing

@testable import CommandLineKit

@Suite struct TerminalTests {
    @Test(arguments: [
        ("", 0), ("abc", 3), ("caf\u{e9}", 4), ("cafe\u{301}", 4), ("店舗", 4), ("🛒", 2), ("a\u{200B}b", 2), ("한", 2),
    ]) func width(text: String, expected: Int) {
        #expect(TerminalText.width(text) == expected)
    }

    @Test func controlCharactersAreMadeVisible() {
        #expect(
            TerminalText.printable("a\u{1B}[2J\r\n\u{7F}\u{9B}\u{202E}é店")
                == "a\\u{1b}[2J\\u{d}\\u{a}\\u{7f}\\u{9b}\\u{202e}é店")
    }

    @Test(arguments: [("abcdef", 4, "abc…"), ("abc", 3, "abc"), ("店舗店", 4, "店…"), ("abc", 0, ""), ("abc", 1, "…")])
    func truncation(text: String, count: Int, expected: String) {
        #expect(TerminalText.truncated(text, to: count) == expected)
    }

    @Test func tablesAlign() {
        var table = TextTable([.text("store"), .number("customers"), .text("note")])
        table.addRow(["北京", "12", "ok"])
        table.addRow(["Lyon", "1200", "\u{1B}[31m", "dropped"])
        table.addRow(["x"])
        #expect(
            table.rendered() == """
                store  customers  note
                -----  ---------  ----------
                北京          12  ok
                Lyon        1200  \\u{1b}[31m
                x

                """)
        #expect(table.rendered(width: 8).split(separator: "\n").first == "store  …")
    }

    @Test func progressRewritesALineOnATerminal() {
        let recorder = Recorder()
        var line = ProgressLine(on: recorder.console(isTerminal: true, width: 20))
        line.update("round 1")
        line.update("round 1")
        line.update("round 2 of very many rounds")
        line.finish("done")
        line.clear()
        #expect(
            recorder.error == "\r\u{1B}[Kround 1\r\u{1B}[Kround 2 of very ma…\r\u{1B}[Kdone\n")
        #expect(recorder.output == "")
    }

    @Test func progressIsPlainLinesInALog() {
        let recorder = Recorder()
        var line = ProgressLine(on: recorder.console())
        line.update("round 1")
        line.update("round 1")
        line.update("round\u{1B} 2")
        line.finish()
        #expect(recorder.error == "round 1\nround\\u{1b} 2\n")
    }

    @Test(
        arguments: [
            (true, nil, nil, true), (false, nil, nil, false), (true, "1", nil, false), (true, "", nil, true),
            (true, nil, "dumb", false), (true, nil, "xterm", true),
        ] as [(Bool, String?, String?, Bool)])
    func colourFollowsNoColor(isTerminal: Bool, noColor: String?, term: String?, expected: Bool) {
        let environment = { (name: String) in ["NO_COLOR": noColor, "TERM": term][name] ?? nil }
        #expect(Console.usesColor(isTerminal: isTerminal, environment: environment) == expected)
    }

    @Test func stylesVanishWithoutColour() {
        let recorder = Recorder()
        #expect(recorder.console().styled("ok", .green) == "ok")
        #expect(recorder.console(usesColor: true).styled("ok", .green) == "\u{1B}[32mok\u{1B}[0m")
    }
}
