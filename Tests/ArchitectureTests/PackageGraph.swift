// The package graph as Package.swift declares it, read from its text: the test must not need a second build.

import Foundation
import TestSupport

/// One target.
struct PackageTarget: Sendable {
    /// How Package.swift declares it.
    enum Kind: String, Sendable {
        case core, shell, tool, tests
        /// A C module.
        case system
    }

    let name: String
    let kind: Kind
    let dependencies: [String]
}

/// All targets.
struct PackageGraph: Sendable {
    let targets: [String: PackageTarget]

    /// Reads the manifest beside the tests.
    init() throws {
        let path = ReferenceData.packageRoot.appending(path: "Package.swift")
        let text = try String(contentsOf: path, encoding: .utf8)
            .split(separator: "\n").filter { !$0.drop { $0 == " " }.hasPrefix("//") }.joined(separator: "\n")
        var targets: [String: PackageTarget] = [:]
        // The declarations after `targets: [`: the helper functions above are not targets.
        let declarations = text[(text.range(of: "    targets: [\n")?.upperBound ?? text.endIndex)...]
        for (keyword, kind) in [
            ("core(", PackageTarget.Kind.core), ("shell(", .shell), ("tool(", .tool), ("tests(", .tests),
            (".systemLibrary(", .system), (".target(", .shell),
        ] {
            var rest = declarations
            while let start = rest.range(of: " \(keyword)") {
                let body = Self.parenthesised(rest[start.upperBound...])
                var names = Self.literals(kind == .system ? body.prefix { $0 != "," } : body)
                if !names.isEmpty {
                    let name = names.removeFirst()
                    // Test targets share their names with what they test.
                    targets[kind == .tests ? "\(name)Tests" : name] = PackageTarget(
                        name: name, kind: kind, dependencies: kind == .tests ? names + ["TestSupport"] : names)
                }
                rest = rest[start.upperBound...]
            }
        }
        self.targets = targets
    }

    /// Every target that `name` needs, itself included.
    func closure(of name: String) -> Set<String> {
        var seen: Set<String> = []
        var waiting = [name]
        while let next = waiting.popLast() {
            guard seen.insert(next).inserted else { continue }
            waiting += targets[next]?.dependencies ?? []
        }
        return seen
    }

    private static func parenthesised(_ text: Substring) -> Substring {
        var depth = 1
        for index in text.indices {
            if text[index] == "(" { depth += 1 }
            if text[index] == ")" { depth -= 1 }
            if depth == 0 { return text[..<index] }
        }
        return text
    }

    private static func literals(_ text: Substring) -> [String] {
        text.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
            .filter { !$0.offset.isMultiple(of: 2) }.map { String($0.element) }
    }
}

/// A source file of this package.
struct SourceFile: Sendable {
    let path: String
    let target: String
    let lines: [Substring]

    /// Modules the file imports.
    var imports: [String] {
        lines.compactMap { line in
            var words = line.split(separator: " ")
            while let first = words.first, first.hasPrefix("@") || first == "public" || first == "package" {
                words.removeFirst()
            }
            guard words.count == 2, words[0] == "import" else { return nil }
            return words[1].split(separator: ".").first.map { String($0) }
        }
    }

    /// Every Swift file below `folder`, `Sources` or `Tests`.
    static func all(_ folder: String) throws -> [SourceFile] {
        let root = ReferenceData.packageRoot.appending(path: folder).path
        let names = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
        return try names.filter { $0.hasSuffix(".swift") }.sorted().map { name in
            let text = try String(contentsOfFile: "\(root)/\(name)", encoding: .utf8)
            return SourceFile(
                path: "\(folder)/\(name)", target: String(name.split(separator: "/")[0]),
                lines: text.split(separator: "\n", omittingEmptySubsequences: false))
        }
    }
}
