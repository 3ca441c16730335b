// A prepared statement: binding with bounds, stepping, and reading columns as typed values.

import CSQLite
import CShims

/// Identity of statement text. Literals are never moved or freed, so the address and length identify the text.
struct StatementKey: Hashable {
    private let address: UInt
    private let count: Int
    let text: StaticString

    init(_ text: StaticString) {
        address = UInt(bitPattern: text.utf8Start)
        count = text.utf8CodeUnitCount
        self.text = text
    }

    static func == (left: StatementKey, right: StatementKey) -> Bool {
        left.address == right.address && left.count == right.count
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(address)
        hasher.combine(count)
    }
}

/// Owns a `sqlite3_stmt *`.
final class SQLStatement {
    /// SQLITE_MAX_LENGTH: longer values are refused before SQLite sees them.
    private static let maximumValueByteCount = 1_000_000_000

    let key: StatementKey
    private let database: OpaquePointer
    private let statement: OpaquePointer
    private lazy var columnIndices: [String: Int32] = {
        var indices: [String: Int32] = [:]
        for index in 0..<columnCount { indices[columnName(index)] = index }
        return indices
    }()

    init(key: StatementKey, database: OpaquePointer) throws(StorageError) {
        var prepared: OpaquePointer?
        var isSingle = true
        let result = key.text.withUTF8Buffer { text in
            text.withMemoryRebound(to: CChar.self) { characters in
                var tail: UnsafePointer<CChar>?
                let result = sqlite3_prepare_v3(
                    database, characters.baseAddress, Int32(characters.count), UInt32(SQLITE_PREPARE_PERSISTENT),
                    &prepared, &tail)
                if let tail, let start = characters.baseAddress {
                    isSingle = characters[(tail - start)...].allSatisfy { [0x20, 0x0A, 0x3B].contains($0) }
                }
                return result
            }
        }
        guard result == SQLITE_OK, let prepared, isSingle else {
            sqlite3_finalize(prepared)
            if result == SQLITE_OK { throw .invalidStatement("exactly one statement expected") }
            throw StorageError(code: result, database: database, operation: "prepare")
        }
        self.key = key
        self.database = database
        statement = prepared
    }

    deinit { sqlite3_finalize(statement) }

    func reset() {
        sqlite3_reset(statement)  // repeats the error of the last step, which the caller has seen
        sqlite3_clear_bindings(statement)
    }

    func bind(_ values: [(any SQLConvertible)?]) throws(StorageError) {
        let expected = Int(sqlite3_bind_parameter_count(statement))
        guard values.count == expected else { throw .wrongParameterCount(expected: expected, actual: values.count) }
        for (position, value) in values.enumerated() {
            let result = try bind(value?.sqlValue ?? .null, at: Int32(position + 1))
            if result != SQLITE_OK { throw StorageError(code: result, database: database, operation: "bind") }
        }
    }

    private func bind(_ value: SQLValue, at parameter: Int32) throws(StorageError) -> Int32 {
        switch value {
        case .integer(let integer): return sqlite3_bind_int64(statement, parameter, integer)
        case .real(let real):
            if real.isNaN { throw .unrepresentableValue(parameter: Int(parameter)) }
            return sqlite3_bind_double(statement, parameter, real)
        case .text(let text):
            let count = try checkedCount(text.utf8.count, parameter)
            return sqlite3_bind_text(statement, parameter, text, count, concord_sqlite_transient())
        case .blob(let bytes):
            let count = try checkedCount(bytes.count, parameter)
            if count == 0 { return sqlite3_bind_zeroblob(statement, parameter, 0) }
            return bytes.withUnsafeBytes {
                sqlite3_bind_blob(statement, parameter, $0.baseAddress, count, concord_sqlite_transient())
            }
        case .null: return sqlite3_bind_null(statement, parameter)
        }
    }

    private func checkedCount(_ count: Int, _ parameter: Int32) throws(StorageError) -> Int32 {
        guard count <= Self.maximumValueByteCount else { throw .unrepresentableValue(parameter: Int(parameter)) }
        return Int32(count)
    }

    /// Advances to the next row; `false` at the end.
    func step() throws(StorageError) -> Bool {
        switch sqlite3_step(statement) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code: throw StorageError(code: code, database: database, operation: "step")
        }
    }

    var columnCount: Int32 { sqlite3_column_count(statement) }

    func columnName(_ index: Int32) -> String {
        sqlite3_column_name(statement, index).map { String(cString: $0) } ?? "\(index)"
    }

    /// The position of a named column of the result.
    func columnIndex(_ name: String) -> Int32? { columnIndices[name] }

    /// The value in a column of the current row; `nil` for text that is not UTF-8. `index` is in range.
    func value(_ index: Int32) -> SQLValue? {
        switch sqlite3_column_type(statement, index) {
        case SQLITE_INTEGER: return .integer(sqlite3_column_int64(statement, index))
        case SQLITE_FLOAT: return .real(sqlite3_column_double(statement, index))
        case SQLITE_TEXT:
            let bytes = UnsafeBufferPointer(
                start: sqlite3_column_text(statement, index), count: Int(sqlite3_column_bytes(statement, index)))
            return String(validating: bytes, as: UTF8.self).map { .text($0) }
        case SQLITE_BLOB:
            let bytes = UnsafeRawBufferPointer(
                start: sqlite3_column_blob(statement, index), count: Int(sqlite3_column_bytes(statement, index)))
            return .blob([UInt8](bytes))
        default: return .null
        }
    }
}
