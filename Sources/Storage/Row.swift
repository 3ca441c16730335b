// One row of a result. Every accessor checks the stored type and range: a row written by another version, or by hand,
// is an error with a column name, never a trap and never a silent conversion.

import Cryptography

/// A column, by position from 0 or by name: `row.text("state")`, `row.integer(0)`.
public struct Column: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral, Sendable {
    fileprivate enum Reference: Sendable {
        case position(Int)
        case name(String)
    }

    fileprivate let reference: Reference

    /// By position, from 0.
    public init(integerLiteral position: Int) { reference = .position(position) }
    /// By the name the statement gives it.
    public init(stringLiteral name: String) { reference = .name(name) }
}

/// The current row of a statement; valid only inside the mapping closure it is lent to.
public struct Row: ~Copyable {
    private let statement: SQLStatement

    init(_ statement: SQLStatement) { self.statement = statement }

    /// The value as stored.
    /// - Throws: ``StorageError/missingColumn(_:)``; ``StorageError/columnValue(column:expected:)`` for text that is not UTF-8.
    public func value(_ column: Column) throws(StorageError) -> SQLValue {
        let index = try position(of: column)
        guard let value = statement.value(index) else {
            throw .columnValue(column: statement.columnName(index), expected: "UTF-8")
        }
        return value
    }

    /// Whether the value is NULL.
    /// - Throws: ``StorageError/missingColumn(_:)``.
    public func isNull(_ column: Column) throws(StorageError) -> Bool { try value(column) == .null }

    /// An integer.
    /// - Throws: ``StorageError/columnType(column:expected:actual:)`` and as ``value(_:)``.
    public func integer(_ column: Column) throws(StorageError) -> Int64 {
        guard case .integer(let integer) = try value(column) else { throw try mismatch(column, expected: "integer") }
        return integer
    }

    /// An integer of the type the context asks for.
    /// - Throws: ``StorageError/columnValue(column:expected:)`` if it does not fit, and as ``integer(_:)``.
    public func integer<Integer: FixedWidthInteger>(
        _ column: Column, as type: Integer.Type = Integer.self
    ) throws(StorageError) -> Integer {
        let wide: Int64 = try integer(column)
        guard let narrow = Integer(exactly: wide) else { throw try badValue(column, expected: "\(Integer.self)") }
        return narrow
    }

    /// 0 or 1.
    /// - Throws: ``StorageError/columnValue(column:expected:)`` for another integer, and as ``integer(_:)``.
    public func boolean(_ column: Column) throws(StorageError) -> Bool {
        let number: Int64 = try integer(column)
        guard number == 0 || number == 1 else { throw try badValue(column, expected: "0 or 1") }
        return number == 1
    }

    /// A real number. An integer is not converted.
    /// - Throws: ``StorageError/columnType(column:expected:actual:)`` and as ``value(_:)``.
    public func real(_ column: Column) throws(StorageError) -> Double {
        guard case .real(let real) = try value(column) else { throw try mismatch(column, expected: "real") }
        return real
    }

    /// Text.
    /// - Throws: ``StorageError/columnType(column:expected:actual:)`` and as ``value(_:)``.
    public func text(_ column: Column) throws(StorageError) -> String {
        guard case .text(let text) = try value(column) else { throw try mismatch(column, expected: "text") }
        return text
    }

    /// Bytes.
    /// - Throws: ``StorageError/columnType(column:expected:actual:)`` and as ``value(_:)``.
    public func blob(_ column: Column) throws(StorageError) -> [UInt8] {
        guard case .blob(let bytes) = try value(column) else { throw try mismatch(column, expected: "blob") }
        return bytes
    }

    /// A digest: 32 bytes.
    /// - Throws: ``StorageError/columnValue(column:expected:)`` for another length, and as ``blob(_:)``.
    public func digest(_ column: Column) throws(StorageError) -> Digest {
        let bytes = try blob(column)
        do {
            return try Digest(bytes)
        } catch {
            throw try badValue(column, expected: "32 bytes")
        }
    }

    /// An integer, or `nil` for NULL.
    /// - Throws: as ``integer(_:)``.
    public func optionalInteger(_ column: Column) throws(StorageError) -> Int64? {
        try isNull(column) ? nil : try integer(column)
    }

    /// A real number, or `nil` for NULL.
    /// - Throws: as ``real(_:)``.
    public func optionalReal(_ column: Column) throws(StorageError) -> Double? {
        try isNull(column) ? nil : try real(column)
    }

    /// Text, or `nil` for NULL.
    /// - Throws: as ``text(_:)``.
    public func optionalText(_ column: Column) throws(StorageError) -> String? {
        try isNull(column) ? nil : try text(column)
    }

    /// Bytes, or `nil` for NULL.
    /// - Throws: as ``blob(_:)``.
    public func optionalBlob(_ column: Column) throws(StorageError) -> [UInt8]? {
        try isNull(column) ? nil : try blob(column)
    }

    /// A digest, or `nil` for NULL.
    /// - Throws: as ``digest(_:)``.
    public func optionalDigest(_ column: Column) throws(StorageError) -> Digest? {
        try isNull(column) ? nil : try digest(column)
    }

    private func position(of column: Column) throws(StorageError) -> Int32 {
        switch column.reference {
        case .position(let position):
            guard position >= 0, position < Int(statement.columnCount) else { throw .missingColumn("\(position)") }
            return Int32(position)
        case .name(let name):
            guard let index = statement.columnIndex(name) else { throw .missingColumn(name) }
            return index
        }
    }

    private func mismatch(_ column: Column, expected: String) throws(StorageError) -> StorageError {
        let index = try position(of: column)
        let actual =
            switch statement.value(index) {
            case .integer: "integer"
            case .real: "real"
            case .text, nil: "text"
            case .blob: "blob"
            case .null: "NULL"
            }
        return .columnType(column: statement.columnName(index), expected: expected, actual: actual)
    }

    private func badValue(_ column: Column, expected: String) throws(StorageError) -> StorageError {
        .columnValue(column: statement.columnName(try position(of: column)), expected: expected)
    }
}
