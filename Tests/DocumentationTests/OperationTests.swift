// Both API documents say what the source does: every operation with its method, path, roles and limit, every code of a
// refusal, every message with its fields.

import Testing

struct OperationTests {
    /// The plain listener's operations, which are not in the table of roles.
    static let health: Set<String> = ["GET /healthz", "GET /readyz", "GET /metrics"]

    @Test func sourceIsReadWhole() throws {
        let source = try APITable.source()
        #expect(source.count == (try APITable.caseCount()))
        #expect(Set(source.map(\.place)).count == source.count)
    }

    @Test func everyOperationIsDocumented() throws {
        let documented = Set(try (APITable.nodeDocument() + APITable.peopleDocument()).map(\.place))
        for operation in try APITable.source() { #expect(documented.contains(operation.place), "\(operation.place)") }
    }

    @Test func nodesOperationsAreInTheNodeDocument() throws {
        let documented = Set(try APITable.nodeDocument().map(\.place))
        for operation in try APITable.source() where operation.roles.contains("store") {
            #expect(documented.contains(operation.place), "\(operation.place)")
        }
    }

    @Test func nodeDocumentSaysWhatTheSourceDoes() throws {
        let source = Dictionary(uniqueKeysWithValues: try APITable.source().map { ($0.place, $0) })
        let rows = try APITable.nodeDocument()
        #expect(Set(rows.map(\.place)).count == rows.count)
        for row in rows {
            let operation = try #require(source[row.place], "\(row.place)")
            #expect(row.roles == operation.roles, "\(row.place)")
            #expect(row.bodyKiB == operation.bodyKiB, "\(row.place)")
        }
    }

    @Test func peopleDocumentSaysWhatTheSourceDoes() throws {
        let source = Dictionary(uniqueKeysWithValues: try APITable.source().map { ($0.place, $0) })
        let entries = try APITable.peopleDocument()
        #expect(Set(entries.map(\.place)).count == entries.count)
        for entry in entries where !Self.health.contains(entry.place) {
            let operation = try #require(source[entry.place], "\(entry.place)")
            #expect(entry.roles == operation.roles, "\(entry.place)")
            #expect(entry.name == operation.name, "\(entry.place)")
        }
    }

    @Test func healthOperationsAreDocumented() throws {
        let handled = try Repository.text("Sources/Coordinator/API/PeopleHandlers.swift")
            .matches(of: /case \(\.get, \["(\w+)"\]\)/).map { "GET /\($0.1)" }
        #expect(Set(handled) == Self.health)
        let entries = try APITable.peopleDocument().filter { Self.health.contains($0.place) }
        #expect(Set(entries.map(\.place)) == Self.health)
        #expect(entries.allSatisfy { $0.roles.isEmpty })
    }

    @Test func everyCodeOfARefusalIsDocumented() throws {
        let document = try Repository.text("Protocols/node-api.md")
        let codes =
            try Repository.text("Sources/Coordinator/Problem.swift").matches(of: /code: "([a-z-]+)"/).map { $0.1 }
            + Repository.text("Sources/HTTPServer/HTTPResponse.swift").matches(of: /urn:concord:problem:([a-z-]+)/)
            .map { $0.1 }
        #expect(codes.count > 15)
        for code in codes { #expect(document.contains("`\(code)`"), "\(code)") }
    }
}
