// The checkout as these tests read it: documents, their code blocks, and the sources they speak about.

import Foundation
import TestSupport

/// Files of the checkout.
enum Repository {
    /// The text of a file.
    static func text(_ path: String) throws -> String {
        try String(contentsOf: ReferenceData.packageRoot.appending(path: path), encoding: .utf8)
    }

    /// Whether there is a file or folder.
    static func has(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: ReferenceData.packageRoot.appending(path: path).path)
    }

    /// Every Markdown document, relative to the checkout: at the top, and in the folders that have documents.
    static func documents() throws -> [String] {
        try ["", "Keys", "Protocols"].flatMap { folder in
            try names(in: folder).filter { $0.hasSuffix(".md") }.map { folder.isEmpty ? $0 : "\(folder)/\($0)" }
        }
    }

    /// Every Swift source in a folder and below, relative to the checkout.
    static func sources(in folder: String) throws -> [String] {
        try names(in: folder).sorted().flatMap { name -> [String] in
            let path = "\(folder)/\(name)"
            if name.hasSuffix(".swift") { return [path] }
            return name.contains(".") ? [] : try sources(in: path)
        }
    }

    private static func names(in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: ReferenceData.packageRoot.appending(path: folder).path)
            .sorted()
    }
}

/// A document taken apart at its fences.
struct MarkdownText {
    /// The lines outside code blocks.
    var prose: [String] = []
    /// The lines of every `sh` block.
    var commands: [String] = []

    init(_ text: String) {
        var language: String?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") {
                language = language == nil ? String(line.dropFirst(3)) : nil
            } else if language == "sh" {
                if !line.isEmpty { commands.append(String(line)) }
            } else if language == nil {
                prose.append(String(line))
            }
        }
    }
}
