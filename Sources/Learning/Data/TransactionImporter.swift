// From a chain's CSV export to transactions: fed bytes chunk by chunk, it hands out rows as they complete and keeps one.

/// Reads a transaction file. A value without I/O: a shell feeds it chunks of any size, then ends it.
///
/// Memory is bounded by one row of 64 KiB, the transactions the caller has not taken away, and the problems it allows.
/// A thrown error refuses the file as a whole: discard what was delivered. After an error every call throws it again.
public struct TransactionImporter: Sendable {
    private enum Column { static let customer = 0, store = 1, timestamp = 2, category = 3, quantity = 4, value = 5 }

    private let source: ColumnMapping.CategorySource
    private var rows: TableReader
    private var accepted = 0
    private var failure: ImportError?

    /// Starts on a file.
    /// - Parameters:
    ///   - mapping: the file's column names.
    ///   - maximumSkippedRows: bad rows that are left out and reported before the file is refused. Default 0: a wrong
    ///     mapping must not train a model on what happens to parse.
    public init(mapping: ColumnMapping, maximumSkippedRows: Int = 0) {
        source = mapping.category
        let categoryColumn =
            switch mapping.category {
            case .column(let name): name
            case .product(let name, _, _): name
            }
        rows = TableReader(
            columns: [
                mapping.customer, mapping.store, mapping.timestamp, categoryColumn, mapping.quantity, mapping.value,
            ],
            maximumSkippedRows: maximumSkippedRows)
    }

    /// Reads the next chunk, appending the rows that it completes.
    /// - Throws: ``ImportError``: the file is refused.
    public mutating func read(_ chunk: [UInt8], into transactions: inout [Transaction]) throws(ImportError) {
        if let failure { throw failure }
        do throws(ImportError) {
            var position = 0
            while try rows.advance(through: chunk, from: &position) { try deliver(into: &transactions) }
        } catch {
            failure = error
            throw error
        }
    }

    /// Ends the file, appending a last row that has no newline.
    /// - Throws: ``ImportError``: the file is refused.
    public mutating func finish(into transactions: inout [Transaction]) throws(ImportError) -> ImportReport {
        if let failure { throw failure }
        do throws(ImportError) {
            if try rows.finish() { try deliver(into: &transactions) }
        } catch {
            failure = error
            throw error
        }
        return ImportReport(acceptedRows: accepted, skippedRows: rows.skipped)
    }

    private mutating func deliver(into transactions: inout [Transaction]) throws(ImportError) {
        guard let customer = FieldParser.identifier(rows.field(Column.customer)) else {
            return try rows.reject(column: Column.customer, expected: FieldParser.textExpectation)
        }
        guard let store = FieldParser.identifier(rows.field(Column.store)) else {
            return try rows.reject(column: Column.store, expected: FieldParser.textExpectation)
        }
        guard let timestamp = FieldParser.timestamp(rows.field(Column.timestamp)) else {
            return try rows.reject(column: Column.timestamp, expected: FieldParser.timestampExpectation)
        }
        guard let category = try category() else { return }
        guard let quantity = FieldParser.number(rows.field(Column.quantity)) else {
            return try rows.reject(column: Column.quantity, expected: FieldParser.numberExpectation)
        }
        guard let value = FieldParser.number(rows.field(Column.value)) else {
            return try rows.reject(column: Column.value, expected: FieldParser.numberExpectation)
        }
        accepted += 1
        transactions.append(
            Transaction(
                customerID: customer, storeID: store, timestampSeconds: timestamp, category: category,
                quantity: quantity, value: value))
    }

    private mutating func category() throws(ImportError) -> String? {
        switch source {
        case .column:
            guard let category = FieldParser.text(rows.field(Column.category)) else {
                try rows.reject(column: Column.category, expected: FieldParser.textExpectation)
                return nil
            }
            return category
        case .product(_, let catalogue, let unlisted):
            guard let product = FieldParser.identifier(rows.field(Column.category)) else {
                try rows.reject(column: Column.category, expected: FieldParser.textExpectation)
                return nil
            }
            if let category = catalogue.categories[product] { return category }
            switch unlisted {
            case .category(let name): return name
            case .reject:
                try rows.reject(column: Column.category, expected: "a product that the catalogue classifies")
                return nil
            }
        }
    }
}
