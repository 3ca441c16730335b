// One SQLite connection. It cannot be copied and is only ever lent, so a closure cannot keep it past its transaction.
// Opening hardens it: WAL with synchronous=FULL (sqlite.org/wal.html), foreign keys, no trust in the schema of the file.

/// A borrowed connection inside a ``Database/write(_:)`` or ``Database/read(_:)`` closure.
///
/// Statement text is a `StaticString`: data can reach a statement only as a bound value, so there is nothing to inject
/// into. Statements are prepared once for each literal and reused. Confined to its database's own thread.
public struct SQLConnection: ~Copyable {
    let handle: ConnectionHandle

    init(path: String, purpose: ConnectionHandle.Purpose) throws(StorageError) {
        handle = try ConnectionHandle(path: path, purpose: purpose)
    }

    /// Runs a statement and ignores the rows it may produce.
    /// - Parameters:
    ///   - sql: One statement.
    ///   - values: Its parameters, in order; `nil` is NULL.
    /// - Returns: The number of rows inserted, updated or deleted; meaningless for other statements.
    /// - Throws: ``StorageError``.
    @discardableResult
    public func execute(_ sql: StaticString, _ values: (any SQLConvertible)?...) throws(StorageError) -> Int {
        try handle.checkAllowed(sql)
        let statement = try handle.take(sql)
        defer { handle.giveBack(statement) }
        try statement.bind(values)
        while try statement.step() {}
        return handle.changeCount
    }

    /// Runs a statement and maps each row.
    /// - Parameter map: Reads one row; the row is valid only inside.
    /// - Throws: ``StorageError``, or what `map` throws.
    public func query<Element>(
        _ sql: StaticString, _ values: (any SQLConvertible)?..., map: (borrowing Row) throws -> Element
    ) throws -> [Element] {
        try handle.checkAllowed(sql)
        let statement = try handle.take(sql)
        defer { handle.giveBack(statement) }
        try statement.bind(values)
        var elements: [Element] = []
        while try statement.step() { elements.append(try map(Row(statement))) }
        return elements
    }

    /// Runs a statement and maps its first row; `nil` if there is none. Later rows are not looked at.
    /// - Throws: ``StorageError``, or what `map` throws.
    public func queryOne<Element>(
        _ sql: StaticString, _ values: (any SQLConvertible)?..., map: (borrowing Row) throws -> Element
    ) throws -> Element? {
        try handle.checkAllowed(sql)
        let statement = try handle.take(sql)
        defer { handle.giveBack(statement) }
        try statement.bind(values)
        return try statement.step() ? try map(Row(statement)) : nil
    }

    /// The row id of the last row this connection inserted.
    public var lastInsertedRowID: Int64 { handle.lastInsertedRowID }
}
