// The chain's product table: which category a product belongs to. Public to the nodes: it says what is on the shelves,
// not what anyone bought.

/// Product identifiers and their categories.
public struct ProductCatalogue: Equatable, Sendable {
    /// The category of each product that has one.
    public let categories: [String: String]

    /// Wraps a table.
    public init(categories: [String: String]) { self.categories = categories }

    /// Number of products of each category.
    public var productCounts: [String: Int] {
        categories.values.reduce(into: [:]) { $0[$1, default: 0] += 1 }
    }

    /// Reads a product table as CSV with a header, in one piece: catalogues are small. Products without a category are
    /// left out: they are on sale but not classified.
    /// - Parameters:
    ///   - csv: the file's bytes (RFC 4180, UTF-8).
    ///   - productColumn: the header of the product identifier.
    ///   - categoryColumn: the header of the category.
    ///   - maximumSkippedRows: bad rows tolerated before the file is refused.
    /// - Throws: ``ImportError``.
    public init(
        csv: [UInt8], productColumn: String, categoryColumn: String, maximumSkippedRows: Int = 0
    ) throws(ImportError) {
        var rows = TableReader(columns: [productColumn, categoryColumn], maximumSkippedRows: maximumSkippedRows)
        var categories: [String: String] = [:]
        var position = 0
        var chunkIsOpen = true
        while true {
            if chunkIsOpen {
                chunkIsOpen = try rows.advance(through: csv, from: &position)
                if !chunkIsOpen { continue }
            } else if try !rows.finish() {
                break
            }
            guard let product = FieldParser.identifier(rows.field(0)) else {
                try rows.reject(column: 0, expected: FieldParser.textExpectation)
                continue
            }
            if rows.field(1).isEmpty { continue }
            guard let category = FieldParser.text(rows.field(1)) else {
                try rows.reject(column: 1, expected: FieldParser.textExpectation)
                continue
            }
            if let earlier = categories.updateValue(category, forKey: product), earlier != category {
                throw .contradictoryProduct(line: rows.line)
            }
        }
        self.categories = categories
    }
}
