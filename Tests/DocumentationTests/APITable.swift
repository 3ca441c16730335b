// The table of operations, read from the source, and the two documents that describe it.

import Testing

/// One operation as a document or the source has it.
struct APIEntry: Hashable {
    /// `GET`, `PUT` or `POST`.
    let method: String
    /// With parameters in braces: `/v1/plans/{digest}`.
    let path: String
    let roles: Set<String>
    /// The operation's name, where the text has one.
    var name: String?
    /// Longest body in KiB, where the text has one.
    var bodyKiB: Int?

    var place: String { "\(method) \(path)" }
}

enum APITable {
    /// Every role's name in certificates, by its name in the source.
    static func roles() throws -> [String: String] {
        var roles: [String: String] = [:]
        for match in try Repository.text("Sources/Identity/Role.swift").matches(
            of: /\n    case `?(\w+)`?(?: = "([^"]+)")?/)
        {
            roles[String(match.1)] = String(match.2 ?? match.1)
        }
        return roles
    }

    /// What `Operation.rule` says.
    static func source() throws -> [APIEntry] {
        let text = try Repository.text("Sources/Coordinator/API/Operation.swift")
        let roles = try roles()
        let pattern = /case \.(\w+):\s*\(\.(get|put|post), "([^"]+)", (\[[^\]]*\]|Set\(Role\.allCases\)), ([^)]+)\)/
        return try text.matches(of: pattern).map { match in
            let named =
                match.4.hasPrefix("Set")
                ? Set(roles.values)
                : Set(try match.4.matches(of: /\.(\w+)/).map { try #require(roles[String($0.1)]) })
            return APIEntry(
                method: match.2.uppercased(), path: "/" + documented(String(match.3)), roles: named,
                name: String(match.1), bodyKiB: try kibibytes(String(match.5)))
        }
    }

    /// The cases of `Operation`, which the rules must cover.
    static func caseCount() throws -> Int {
        let text = try Repository.text("Sources/Coordinator/API/Operation.swift")
        return text.matches(of: /\n    case ([a-zA-Z, ]+)/).reduce(0) { $0 + $1.1.split(separator: ",").count }
    }

    private static func documented(_ path: String) -> String {
        path.split(separator: "/").map { part in
            part == "*" ? "{path}" : part.first == ":" ? "{\(part.dropFirst())}" : String(part)
        }.joined(separator: "/")
    }

    private static func kibibytes(_ expression: String) throws -> Int {
        switch expression {
        case "small": return 64
        case "VectorChunks.bytesPerChunk": return 1 << 10
        default:
            let match = try #require(try /(\d+) << 20/.wholeMatch(in: expression), "body limit \(expression)")
            return (Int(match.1) ?? 0) << 10
        }
    }

    /// The rows of the table in node-api.md.
    static func nodeDocument() throws -> [APIEntry] {
        try Repository.text("Protocols/node-api.md").split(separator: "\n").compactMap { line in
            let cells = line.split(separator: "|").map { String($0).trimmed }
            guard cells.count == 6, ["GET", "PUT", "POST"].contains(cells[0]) else { return nil }
            let size = try #require(try /(\d+) (KiB|MiB)/.wholeMatch(in: cells[5]), "\(line)")
            return APIEntry(
                method: cells[0], path: cells[1].filter { $0 != "`" },
                roles: Set(cells[2].split(separator: ",").map { String($0).trimmed }), name: nil,
                bodyKiB: (Int(size.1) ?? 0) << (size.2 == "MiB" ? 10 : 0))
        }
    }

    /// The operations in people-api.yaml, which is laid out two spaces a level.
    static func peopleDocument() throws -> [APIEntry] {
        var entries: [APIEntry] = []
        var path = ""
        for line in try Repository.text("Protocols/people-api.yaml").split(separator: "\n") {
            if line == "components:" { break }
            if let match = try #/  (/\S*):/#.wholeMatch(in: line) {
                path = String(match.1)
            } else if let match = try #/    (get|put|post):/#.wholeMatch(in: line) {
                entries.append(APIEntry(method: match.1.uppercased(), path: path, roles: []))
            } else if let last = entries.last, let match = try #/      operationId: (\w+)/#.wholeMatch(in: line) {
                entries[entries.count - 1].name = String(match.1)
                #expect(last.name == nil, "\(last.place)")
            } else if let last = entries.last,
                let match = try #/        - mutualTLS: \[([\w-]+)\]/#.wholeMatch(in: line)
            {
                entries[entries.count - 1] = APIEntry(
                    method: last.method, path: last.path, roles: last.roles.union([String(match.1)]), name: last.name)
            }
        }
        return entries
    }
}

extension String {
    /// Without spaces at either end.
    var trimmed: String {
        var text = self[...]
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
