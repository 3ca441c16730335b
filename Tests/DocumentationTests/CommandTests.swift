// Command lines in documents can be typed: the tools declare the subcommands and options, the Makefile has the targets.

import Testing

struct CommandTests {
    /// Options by command name, for one tool, as its sources declare them.
    private func commands(of tool: String) throws -> [String: Set<String>] {
        var commands: [String: Set<String>] = [:]
        let pattern = /\bCommand\(\s*"([a-z-]+)"|\.(?:value|flag|values)\(\s*"([a-z-]+)"|[\[\s]\.(json)\b/
        for path in try Repository.sources(in: "Sources/\(tool)") {
            var current: String?
            for match in try Repository.text(path).matches(of: pattern) {
                if let name = match.1 {
                    current = String(name)
                    commands[String(name), default: []].formUnion(["help"])
                } else if let current, let option = match.2 ?? match.3 {
                    commands[current, default: []].insert(String(option))
                }
            }
        }
        return commands
    }

    private func targets() throws -> Set<String> {
        Set(try Repository.text("Makefile").matches(of: /\n([a-z]+):/).map { String($0.1) })
    }

    @Test(arguments: try Repository.documents())
    func commandLinesExist(document: String) throws {
        let targets = try targets()
        for line in MarkdownText(try Repository.text(document)).commands {
            let words = line.split(separator: " ").map(String.init)
            let first = try #require(words.first)
            if first == "make" {
                for target in words.dropFirst() where !target.contains("=") {
                    #expect(targets.contains(target), "\(document): \(line)")
                }
            } else if first.hasPrefix(".build/release/") {
                try check(Array(words.dropFirst()), tool: String(first.dropFirst(15)), place: "\(document): \(line)")
            } else {
                Issue.record("\(document): neither make nor one of the tools: \(line)")
            }
        }
    }

    private func check(_ words: [String], tool: String, place: String) throws {
        let commands = try commands(of: tool)
        var current = try #require(commands[tool], "\(place)")
        let subcommands = words.prefix { !$0.hasPrefix("-") }
        if commands.count > 1 {
            for word in subcommands { current = try #require(commands[word], "\(place)") }
        }
        for word in words where word.hasPrefix("--") {
            #expect(current.contains(String(word.dropFirst(2))), "\(place): \(word)")
        }
    }

    @Test func readmeShowsTheTwoCommands() throws {
        let lines = MarkdownText(try Repository.text("README.md")).commands
        #expect(lines.contains("make run"))
        #expect(lines.contains("make test"))
        #expect(lines.count > 5)
    }

    @Test(arguments: try Repository.documents())
    func makefileTargetsExist(document: String) throws {
        let targets = try targets()
        for match in try Repository.text(document).matches(of: /`make ([a-z]+)/) {
            #expect(targets.contains(String(match.1)), "\(document): make \(match.1)")
        }
    }
}
