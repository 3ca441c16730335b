// The grammar has every message of the node API with exactly the fields that the source reads.

import Testing

struct MessageTests {
    /// Field numbers by message, as the initialisers that read messages name them.
    private func source() throws -> [String: Set<Int>] {
        var messages: [String: Set<Int>] = [:]
        for folder in ["Sources/Rounds", "Sources/SecureAggregation"] {
            for path in try Repository.sources(in: folder) {
                let text = try Repository.text(path)
                let names = text.matches(of: /messageName = "([a-z-]+)"/)
                for (position, name) in names.enumerated() {
                    let end = position + 1 < names.count ? names[position + 1].range.lowerBound : text.endIndex
                    // Nested items have readers of their own names, so `fields` is always the message's.
                    let numbers = text[name.range.upperBound..<end]
                        .matches(of: /\bfields\.\w+\((\d+)[,)]/).compactMap { Int($0.1) }
                    messages[String(name.1)] = Set(numbers)
                }
            }
        }
        return messages
    }

    /// Field numbers by rule of node-api.cddl.
    private func grammar() throws -> [String: Set<Int>] {
        let text = try Repository.text("Protocols/node-api.cddl").split(
            separator: "\n", omittingEmptySubsequences: false
        )
        .map { $0.prefix { $0 != ";" } }.joined(separator: "\n")
        var rules: [String: Set<Int>] = [:]
        for match in text.matches(of: /\n([a-z-]+)\s*= \{([^}]*)\}/) {
            rules[String(match.1)] = Set(match.2.matches(of: #/\b(\d+): /#).compactMap { Int($0.1) })
        }
        return rules
    }

    @Test func everyMessageHasItsFields() throws {
        let source = try source()
        let grammar = try grammar()
        #expect(source.count > 20)
        for (name, fields) in source {
            #expect(!fields.isEmpty, "\(name)")
            #expect(grammar[name] == fields, "\(name)")
        }
    }

    @Test func everyNameIsDefined() throws {
        let text = try Repository.text("Protocols/node-api.cddl").split(separator: "\n")
            .map { $0.prefix { $0 != ";" } }.joined(separator: "\n")
        let defined = Set("\n\(text)".matches(of: /\n([a-z][a-z0-9-]*)(?:<body>)?\s*=/).map { String($0.1) })
        let prelude: Set<String> = ["bstr", "tstr", "bool", "size", "cbor", "body"]
        for match in text.matches(of: /(?:^|[^.\w-])([a-z][a-z0-9-]*)/) {
            let name = String(match.1)
            #expect(defined.contains(name) || prelude.contains(name), "\(name)")
        }
    }
}
