// The page as a strict parser sees it.

import Foundation

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// What the tests ask about a page.
final class ParsedPage: NSObject, XMLParserDelegate {
    private(set) var error: String?
    private(set) var elements: Set<String> = []
    private(set) var attributes: Set<String> = []
    private(set) var identifiers: [String] = []
    /// Targets of links inside the page and of `aria-` references.
    private(set) var references: Set<String> = []
    private(set) var headings: [Int] = []
    private(set) var unscopedHeaderCells = 0
    private(set) var decorativeDrawings = 0
    /// Attributes of every element inside a chart.
    private(set) var drawn: [(element: String, attributes: [String: String])] = []
    /// All text, white space folded.
    private(set) var text = ""
    private var counts: [String: Int] = [:]
    private var chartDepth = 0

    init(_ html: String) {
        super.init()
        let parser = XMLParser(data: Data(html.utf8))
        parser.delegate = self
        if !parser.parse() { error = error ?? "not well formed at line \(parser.lineNumber)" }
        text = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    func count(_ element: String) -> Int { counts[element] ?? 0 }

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes values: [String: String]
    ) {
        elements.insert(name)
        counts[name, default: 0] += 1
        attributes.formUnion(values.keys)
        if let id = values["id"] { identifiers.append(id) }
        if let target = values["href"], target.hasPrefix("#") { references.insert(String(target.dropFirst())) }
        for name in ["aria-labelledby", "aria-describedby"] {
            for id in (values[name] ?? "").split(separator: " ") { references.insert(String(id)) }
        }
        if ["h1", "h2", "h3", "h4"].contains(name), let level = name.last?.wholeNumberValue { headings.append(level) }
        if name == "th", values["scope"] == nil { unscopedHeaderCells += 1 }
        if name == "svg", values["aria-hidden"] == "true" { decorativeDrawings += 1 }
        if name == "svg" || chartDepth > 0 {
            chartDepth += 1
            drawn.append((name, values))
        }
    }

    func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
        if chartDepth > 0 { chartDepth -= 1 }
        text += " "
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }

    func parser(_ parser: XMLParser, parseErrorOccurred parseError: any Error) {
        error = "\(parseError), line \(parser.lineNumber)"
    }
}
