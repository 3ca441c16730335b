// Text that is already HTML. Literals are written by us and taken as they are; whatever is interpolated is escaped, so that
// forgetting to escape is not possible. The markup is XML as well (the "polyglot" subset), which lets a strict parser check it.

import CommandLineKit

/// A piece of the page.
struct Markup: ExpressibleByStringInterpolation, Sendable {
    private(set) var text: String

    init(stringLiteral value: String) { text = value }
    init(stringInterpolation interpolation: StringInterpolation) { text = interpolation.text }

    /// Pieces one after the other.
    init(_ pieces: [Markup]) { text = pieces.map(\.text).joined(separator: "\n") }

    static func + (left: Markup, right: Markup) -> Markup { Markup([left, right]) }

    /// Collects literals unchanged and values escaped.
    struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var text = ""

        init(literalCapacity: Int, interpolationCount: Int) { text.reserveCapacity(literalCapacity * 2) }

        mutating func appendLiteral(_ literal: String) { text += literal }
        mutating func appendInterpolation(_ value: String) { text += Markup.escaped(value) }
        mutating func appendInterpolation(_ value: Int) { text += String(value) }
        mutating func appendInterpolation(_ value: Markup) { text += value.text }
        mutating func appendInterpolation(_ values: [Markup]) { text += Markup(values).text }
        /// A number in a drawing: one decimal, and always a number.
        mutating func appendInterpolation(_ value: Double) { text += ReportNumber.coordinate(value) }
    }

    /// `value` as text of an element or of a quoted attribute. Line breaks and tabs become spaces; other control characters
    /// and characters that reverse the reading direction become visible; what XML cannot contain is replaced.
    static func escaped(_ value: String) -> String {
        let line = String(
            String.UnicodeScalarView(value.unicodeScalars.map { "\t\n\r".unicodeScalars.contains($0) ? " " : $0 }))
        var result = ""
        for scalar in TerminalText.printable(line).unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case "\u{FFFE}", "\u{FFFF}": result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
