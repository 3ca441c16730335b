// The attack table of Protocols/secure-aggregation.md, the mutants in Tests/Mutants and the sources agree: tests and mutants
// that are named exist, and the text that a mutant replaces stands where it says. That each mutant is noticed is for
// `make mutants` to show.

import Foundation
import TestSupport
import Testing

/// One mutant as its table states it.
private struct Mutant {
    let name: String
    let file: String
    let original: String
    /// `Target.Suite/function`.
    let tests: [String]
}

/// One file of Tests/Mutants.
private struct MutantTable {
    let row: Int
    let mutants: [Mutant]
    /// Whether it says why the row has none.
    let hasReason: Bool

    init(_ text: String) throws {
        row = try #require(text.firstMatch(of: /\nrow = (\d+)\n/).flatMap { Int($0.1) })
        hasReason = text.contains("\nwithout = \"")
        mutants = try text.components(separatedBy: "\n[[mutant]]\n").dropFirst().map { entry in
            func value(_ key: String) throws -> String {
                let line = try #require(
                    entry.split(separator: "\n").first { $0.hasPrefix("\(key) = \"") }, "\(key)")
                return String(line.dropFirst(key.count + 4).dropLast())
            }
            let literal = entry.components(separatedBy: "original = '''\n")
            let list = entry.components(separatedBy: "tests = [\n")
            guard literal.count == 2, list.count == 2 else {
                throw MutantTableError(text: "original or tests of \(try value("name"))")
            }
            return Mutant(
                name: try value("name"), file: try value("file"),
                original: try #require(literal[1].components(separatedBy: "\n'''").first),
                tests: try #require(list[1].components(separatedBy: "]").first).matches(of: /"([^"]+)"/).map {
                    String($0.1)
                })
        }
    }
}

private struct MutantTableError: Error {
    let text: String
}

struct AttackTableTests {
    private let tables: [MutantTable]
    /// Row, tests and mutants as the document has them.
    private let rows: [(row: Int, tests: [String], mutants: [String])]
    /// `Suite/function` of all tests, by target.
    private let suites: [String: Set<String>]

    private static let tables = Result {
        let folder = ReferenceData.packageRoot.appending(path: "Tests/Mutants")
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".toml") }
            .sorted().map { try MutantTable(try Repository.text("Tests/Mutants/\($0)")) }
    }

    private static let suites = Result {
        var suites: [String: Set<String>] = [:]
        for path in try Repository.sources(in: "Tests") where path.hasSuffix("Tests.swift") {
            let target = String(path.split(separator: "/")[1])
            suites[target, default: []].formUnion(functions(in: try Repository.text(path)))
        }
        return suites
    }

    init() throws {
        tables = try Self.tables.get()
        suites = try Self.suites.get()
        let document = try Repository.text("Protocols/secure-aggregation.md")
        let section = try #require(document.components(separatedBy: "\n## 12. Attacks").last)
        rows = section.split(separator: "\n").compactMap { line in
            let cells = line.components(separatedBy: " | ")
            guard cells.count == 5, let row = Int(cells[0].dropFirst(2)) else { return nil }
            func names(_ cell: String) -> [String] {
                cell.split(separator: "`", omittingEmptySubsequences: false).enumerated()
                    .filter { !$0.offset.isMultiple(of: 2) }.map { String($0.element) }
            }
            return (row, names(cells[3]), names(cells[4]))
        }
    }

    /// Every `Suite/function` of a source: functions below a type that starts at the margin.
    private static func functions(in source: String) -> [String] {
        var suite = ""
        return source.utf8.split(separator: UInt8(ascii: "\n")).compactMap { bytes in
            let line = Substring(bytes)
            if !line.hasPrefix(" "), let start = line.firstRange(of: "struct ") {
                suite = String(line[start.upperBound...].prefix { $0.isLetter || $0.isNumber })
            }
            // Declarations stand one step in, after their attribute or on a line of their own.
            guard line.hasPrefix("    "), !line.hasPrefix("     "), let start = line.firstRange(of: "func ") else {
                return nil
            }
            return "\(suite)/\(line[start.upperBound...].prefix { $0.isLetter || $0.isNumber })"
        }
    }

    @Test func everyRowIsThere() {
        #expect(rows.map(\.row) == Array(1...20))
        #expect(tables.map(\.row) == Array(1...20))
        for table in tables { #expect(table.mutants.isEmpty == table.hasReason, "row \(table.row)") }
    }

    @Test func testsOfTheTableExist() {
        for row in rows {
            #expect(!row.tests.isEmpty, "row \(row.row)")
            for test in row.tests {
                #expect(suites.values.contains { $0.contains(test) }, "row \(row.row): \(test)")
            }
        }
    }

    @Test func mutantsOfTheTableAreThoseOfTheFiles() {
        for (row, table) in zip(rows, tables) { #expect(row.mutants == table.mutants.map(\.name), "row \(row.row)") }
        let names = tables.flatMap { $0.mutants.map(\.name) }
        #expect(Set(names).count == names.count && names.count > 100)
    }

    @Test func mutantsFitTheSourcesAndTheTests() throws {
        var sources: [String: String] = [:]
        for (row, table) in zip(rows, tables) {
            for mutant in table.mutants {
                let text = try sources[mutant.file] ?? Repository.text(mutant.file)
                sources[mutant.file] = text
                let found = text.components(separatedBy: mutant.original).count - 1
                #expect(found == 1, "\(mutant.name): its original stands \(found) times in \(mutant.file)")
                #expect(!mutant.tests.isEmpty, "\(mutant.name)")
                for test in mutant.tests {
                    let parts = test.split(separator: ".", maxSplits: 1).map(String.init)
                    #expect(suites[parts[0]]?.contains(parts[1]) == true, "\(mutant.name): \(test)")
                    #expect(row.tests.contains(parts[1]), "\(mutant.name): \(test) is not in the table")
                }
            }
        }
    }
}
