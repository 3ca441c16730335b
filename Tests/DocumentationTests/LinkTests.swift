// Every relative link leads somewhere.

import Foundation
import Testing

struct LinkTests {
    @Test func documentsAreFound() throws {
        let documents = try Repository.documents()
        for expected in ["README.md", "ARCHITECTURE.md", "SECURITY.md", "Keys/README.md", "Protocols/node-api.md"] {
            #expect(documents.contains(expected))
        }
    }

    @Test(arguments: try Repository.documents())
    func relativeLinksResolve(document: String) throws {
        let folder = document.split(separator: "/").dropLast().joined(separator: "/")
        for line in MarkdownText(try Repository.text(document)).prose {
            for match in line.matches(of: /\]\(([^)\s]+)\)/) {
                let target = String(match.1)
                if target.contains("://") || target.hasPrefix("#") { continue }
                let path = target.split(separator: "#")[0]
                let full = URL(filePath: "/\(folder)/\(path)").standardized.path
                #expect(Repository.has(String(full.dropFirst())), "\(document): \(target)")
            }
        }
    }

    /// ARCHITECTURE.md names files in backquotes, below `Sources/`; those with a folder must be there.
    @Test func filesOfTheMapExist() throws {
        let sources = try Repository.sources(in: "Sources")
        var checked = 0
        for line in MarkdownText(try Repository.text("ARCHITECTURE.md")).prose {
            for match in line.matches(of: /`([A-Za-z0-9+\/-]+\.swift)`/) where match.1 != "Package.swift" {
                checked += 1
                #expect(sources.contains { $0.hasSuffix("/" + match.1) }, "ARCHITECTURE.md: \(match.1)")
            }
        }
        #expect(checked > 20)
    }
}
