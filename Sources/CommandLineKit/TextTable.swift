// Aligned columns.

/// A table of text. Build the rows, then print ``rendered(width:)``.
public struct TextTable: Sendable {
    /// A column of a table.
    public struct Column: Sendable {
        let title: String
        let isNumeric: Bool

        /// A column aligned to the left.
        public static func text(_ title: String) -> Column { Column(title: title, isNumeric: false) }
        /// A column aligned to the right.
        public static func number(_ title: String) -> Column { Column(title: title, isNumeric: true) }
    }

    private let columns: [Column]
    private var rows: [[String]] = []

    /// An empty table.
    public init(_ columns: [Column]) { self.columns = columns }

    /// Adds a row. Missing cells are empty, further ones are dropped; control characters are made visible.
    public mutating func addRow(_ cells: [String]) {
        let cells = cells.map { TerminalText.printable($0) }
        rows.append(columns.indices.map { $0 < cells.count ? cells[$0] : "" })
    }

    /// Title row, rule and rows, each ending in a newline. Lines longer than `width` columns are cut; `nil` cuts none.
    public func rendered(width: Int? = nil) -> String {
        let titles = columns.map(\.title)
        let widths = columns.indices.map { column in
            ([titles] + rows).map { TerminalText.width($0[column]) }.max() ?? 0
        }
        func line(_ cells: [String]) -> String {
            let padded = columns.indices.map {
                TerminalText.padded(cells[$0], to: widths[$0], isTrailing: columns[$0].isNumeric)
            }
            var text = padded.joined(separator: "  ")
            while text.last == " " { text.removeLast() }
            return (width.map { TerminalText.truncated(text, to: $0) } ?? text) + "\n"
        }
        let rule = widths.map { String(repeating: "-", count: $0) }
        return ([titles, rule] + rows).map(line).joined()
    }
}
