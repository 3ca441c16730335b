// The architecture is the package graph, and the house rules that a compiler does not check.

import Foundation
import TestSupport
import Testing

@Suite struct ArchitectureTests {
    private let graph: PackageGraph
    private let sources: [SourceFile]
    private let tests: [SourceFile]

    init() throws {
        graph = try PackageGraph()
        sources = try SourceFile.all("Sources")
        tests = try SourceFile.all("Tests")
    }

    /// The one shell that cores may use: every primitive comes through it.
    private static let doorToOpenSSL = "Cryptography"

    @Test func theManifestIsRead() {
        #expect(graph.targets.count > 30)
        #expect(graph.targets["Rounds"]?.kind == .core)
        #expect(graph.targets["Coordinator"]?.dependencies.contains("Storage") == true)
        #expect(graph.targets["CLibevent"]?.kind == .system)
        #expect(graph.closure(of: "concord").contains("CLibevent"))
        for target in Set(sources.map(\.target)) {
            #expect(graph.targets[target] != nil, "Sources/\(target) belongs to no target that was read")
        }
    }

    @Test func coresDependOnCoresOnly() {
        let cores = graph.targets.values.filter { $0.kind == .core }
        #expect(cores.count >= 7)
        for core in cores {
            for dependency in core.dependencies where dependency != Self.doorToOpenSSL {
                #expect(graph.targets[dependency]?.kind == .core, "\(core.name) depends on \(dependency)")
            }
        }
    }

    @Test func coresImportNothingThatDoesInputOrOutput() {
        let calls = ["open(", "read(", "write(", "time(", "clock_gettime(", "getrandom(", "random(", "socket("]
        for file in sources where graph.targets[file.target]?.kind == .core {
            let allowed = Set(graph.targets[file.target]?.dependencies ?? []).union(["Glibc"])
            for module in file.imports { #expect(allowed.contains(module), "\(file.path) imports \(module)") }
            // Glibc is there for its mathematics.
            guard file.imports.contains("Glibc") else { continue }
            for (number, line) in file.lines.enumerated() where !line.contains("func ") {
                for call in calls where Self.code(line).contains(" \(call)") {
                    Issue.record("\(file.path):\(number + 1) calls \(call)…)")
                }
            }
        }
    }

    @Test func everyImportIsADeclaredDependency() {
        let system: Set<String> = ["Glibc", "Foundation", "FoundationEssentials", "Dispatch", "Synchronization"]
        for file in sources {
            let declared = Set(graph.targets[file.target]?.dependencies ?? []).union(system)
            for module in file.imports { #expect(declared.contains(module), "\(file.path) imports \(module)") }
        }
    }

    @Test func theAuditorsToolIsAlone() {
        let reached = graph.closure(of: "concord-verify")
        #expect(reached.contains("Evidence"))
        for other in [
            "Storage", "HTTPServer", "HTTPClient", "Coordinator", "EdgeAgent", "Learning", "Rounds", "CSQLite",
            "CLibevent", "CCurl",
        ] {
            #expect(!reached.contains(other), "concord-verify reaches \(other)")
        }
    }

    @Test func theAgentHasNoServer() {
        let reached = graph.closure(of: "concord-agent")
        for other in ["HTTPServer", "Coordinator"] {
            #expect(!reached.contains(other), "concord-agent reaches \(other)")
        }
    }

    private static let verifyProgram = builtProgram("concord-verify")
    private static let agentProgram = builtProgram("concord-agent")

    @Test(.enabled(if: verifyProgram != nil, "concord-verify is not built"))
    func whatTheAuditorsToolLinks() throws {
        let linked = try Self.linkedLibraries(try #require(Self.verifyProgram))
        #expect(linked.contains { $0.hasPrefix("libcrypto") })
        for library in ["libsqlite3", "libevent", "libcurl"] {
            #expect(!linked.contains { $0.hasPrefix(library) }, "concord-verify links \(library)")
        }
    }

    @Test(.enabled(if: agentProgram != nil, "concord-agent is not built"))
    func whatTheAgentLinks() throws {
        let linked = try Self.linkedLibraries(try #require(Self.agentProgram))
        #expect(linked.contains { $0.hasPrefix("libcurl") })
        #expect(!linked.contains { $0.hasPrefix("libevent") }, "concord-agent links libevent")
    }

    // MARK: House rules

    @Test func filesAreShort() {
        for file in sources + tests {
            #expect(file.lines.count <= 450, "\(file.path) has \(file.lines.count) lines")
        }
    }

    @Test func nothingTrapsWithoutAReason() {
        for file in sources {
            for (number, line) in file.lines.enumerated() {
                for word in ["try!", "as!", "TODO", "FIXME", "fatalError()", "preconditionFailure()"]
                where Self.holds(word, line) {
                    Issue.record("\(file.path):\(number + 1) has \(word)")
                }
                guard Self.holds("fatalError(", line) || Self.holds("precondition(", line) else { continue }
                // A trap is for what a caller in this package got wrong, and says so.
                let text = file.lines[number..<min(file.lines.count, number + 3)].joined()
                #expect(text.contains("\""), "\(file.path):\(number + 1) traps without a reason")
            }
        }
    }

    @Test func uncheckedSendabilityIsProved() {
        for file in sources + tests {
            for (number, line) in file.lines.enumerated()
            where Self.holds("@unchecked Sendable", line) || Self.holds("nonisolated(unsafe)", line) {
                let around = file.lines[max(0, number - 6)..<min(file.lines.count, number + 4)]
                #expect(
                    around.contains { $0.contains("//") && $0.contains("roof") },
                    "\(file.path):\(number + 1) is unchecked without a proof")
            }
        }
    }

    // MARK: Helpers

    /// A line without its comment, and without what stands in quotation marks.
    private static func code(_ line: Substring) -> String {
        let parts = line.split(separator: "\"", omittingEmptySubsequences: false)
        let unquoted = parts.enumerated().filter { $0.offset.isMultiple(of: 2) }.map(\.element).joined(
            separator: "\"\"")
        return unquoted.range(of: "//").map { String(unquoted[..<$0.lowerBound]) } ?? unquoted
    }

    /// Whether `word` stands in a line's code; `alias!` is not `as!`. Comments are searched for open ends too.
    private static func holds(_ word: String, _ line: Substring) -> Bool {
        let text = word == "TODO" || word == "FIXME" ? String(line) : code(line)
        guard let found = text.range(of: word) else { return false }
        guard found.lowerBound > text.startIndex else { return true }
        return !text[text.index(before: found.lowerBound)].isLetter
    }

    /// A program of this package, if it was built.
    private static func builtProgram(_ name: String) -> String? {
        for folder in ["debug", "release"] {
            let path = ReferenceData.packageRoot.appending(path: ".build/\(folder)/\(name)").path
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        return nil
    }

    private static func linkedLibraries(_ program: String) throws -> [String] {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/ldd")
        process.arguments = [program]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: output, as: UTF8.self).split(separator: "\n").map {
            String($0.drop { $0 == " " || $0 == "\t" }.prefix { $0 != " " })
        }
    }
}
