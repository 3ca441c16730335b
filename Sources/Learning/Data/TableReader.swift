// A CSV file with a header, read by column name, with one rule for bad rows: report each, refuse the file above a limit.

/// Rows of a table, with the columns the caller asked for.
struct TableReader {
    /// Longest row held, in bytes: a receipt line is about a hundred.
    static let maximumRowBytes = 65_536
    /// Most columns of a table.
    static let maximumFields = 1024

    private var reader = CSVReader(maximumRowBytes: maximumRowBytes, maximumFields: maximumFields)
    private let columns: [String]
    private let maximumSkippedRows: Int
    /// Position of each asked column in the file; empty until the header is read.
    private var positions: [Int] = []
    private var headerFieldCount = 0
    private var ended = false
    private(set) var skipped: [RowProblem] = []

    init(columns: [String], maximumSkippedRows: Int) {
        self.columns = columns
        self.maximumSkippedRows = maximumSkippedRows
    }

    /// The line on which the current row starts.
    var line: Int { reader.line }

    /// The bytes of an asked column in the current row.
    func field(_ column: Int) -> ArraySlice<UInt8> { reader.field(positions[column]) }

    /// Reads on to the next row with the right number of fields (true) or to the end of the chunk (false).
    /// - Throws: ``ImportError``.
    mutating func advance(through chunk: [UInt8], from position: inout Int) throws(ImportError) -> Bool {
        while try reader.advance(through: chunk, from: &position) {
            if try acceptRow() { return true }
        }
        return false
    }

    /// Ends the file: true if its last line, without a newline, is one more row; call again until false.
    /// - Throws: ``ImportError``.
    mutating func finish() throws(ImportError) -> Bool {
        if ended { return false }
        ended = true
        let isRow = try reader.finish()
        let accepted = isRow ? try acceptRow() : false
        if positions.isEmpty { throw .emptyFile }
        return accepted
    }

    /// Leaves the current row out because of an asked column.
    /// - Throws: ``ImportError/tooManyBadRows(_:)`` once the limit is passed.
    mutating func reject(column: Int, expected: String) throws(ImportError) {
        try reject(field: columns[column], expected: expected)
    }

    private mutating func reject(field: String, expected: String) throws(ImportError) {
        skipped.append(RowProblem(line: reader.line, field: field, expected: expected))
        if skipped.count > maximumSkippedRows { throw .tooManyBadRows(skipped) }
    }

    private mutating func acceptRow() throws(ImportError) -> Bool {
        if positions.isEmpty {
            try readHeader()
            return false
        }
        if reader.isBlank { return false }
        if let fault = reader.fault {
            try reject(field: "row", expected: fault.rawValue)
            return false
        }
        if reader.fieldCount != headerFieldCount {
            try reject(field: "row", expected: "\(headerFieldCount) fields")
            return false
        }
        return true
    }

    private mutating func readHeader() throws(ImportError) {
        if let fault = reader.fault { throw .malformedHeader(expected: fault.rawValue) }
        let names = (0..<reader.fieldCount).map { String(decoding: reader.field($0), as: UTF8.self) }
        for column in columns {
            let matches = names.indices.filter { names[$0] == column }
            guard let first = matches.first else { throw .missingColumn(column) }
            if matches.count > 1 { throw .repeatedColumn(column) }
            positions.append(first)
        }
        headerFieldCount = names.count
    }
}
