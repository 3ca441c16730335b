// What an import says about a file: line numbers, column names and what was expected there. Never the data itself, so
// the report can be logged, shown to an operator and sent to whoever exports the file.

/// One row that is not what the mapping says.
public struct RowProblem: Equatable, Sendable, CustomStringConvertible {
    /// Line of the file on which the row starts; the header is line 1.
    public let line: Int
    /// The column's name in the mapping, or `row` for the row as a whole.
    public let field: String
    /// What would have been accepted.
    public let expected: String

    /// Safe to log: carries no customer data.
    public var description: String { "line \(line): \(field): expected \(expected)" }
}

/// The outcome of an import that was not refused.
public struct ImportReport: Equatable, Sendable {
    /// Rows delivered.
    public let acceptedRows: Int
    /// Rows left out, in file order; at most as many as the caller allowed.
    public let skippedRows: [RowProblem]
}

/// Why a file is refused. Descriptions carry line numbers and column names of the mapping, never content.
public enum ImportError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file has no header.
    case emptyFile
    /// The first row is not CSV; the text says what was expected.
    case malformedHeader(expected: String)
    /// The header lacks a column that the mapping names.
    case missingColumn(String)
    /// The header names a mapped column twice.
    case repeatedColumn(String)
    /// A row (often an unbalanced quote) is longer than the reader holds.
    case rowTooLong(line: Int, maximumBytes: Int)
    /// A row has more fields than the reader holds.
    case tooManyFields(line: Int, maximum: Int)
    /// The file ends inside a quoted field of the row that starts at this line.
    case unterminatedQuote(line: Int)
    /// More rows are bad than the caller allows; every one met so far.
    case tooManyBadRows([RowProblem])
    /// A product catalogue lists one product with two categories.
    case contradictoryProduct(line: Int)

    /// Safe to log: carries no customer data.
    public var description: String {
        switch self {
        case .emptyFile: "the file is empty"
        case .malformedHeader(let expected): "line 1: expected \(expected)"
        case .missingColumn(let name): "line 1: column \(name) is missing"
        case .repeatedColumn(let name): "line 1: column \(name) appears twice"
        case .rowTooLong(let line, let maximum): "line \(line): the row is longer than \(maximum) bytes"
        case .tooManyFields(let line, let maximum): "line \(line): the row has more than \(maximum) fields"
        case .unterminatedQuote(let line): "line \(line): a quoted field never ends"
        case .tooManyBadRows(let problems):
            "\(problems.count) bad rows; the first is \(problems.first.map(\.description) ?? "unknown")"
        case .contradictoryProduct(let line): "line \(line): the product has another category on an earlier line"
        }
    }
}
