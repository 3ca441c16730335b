// The C side of a connection: opening, hardening, the statement cache and the translation of SQLite's result codes.

import CSQLite
import CShims
import Glibc

/// Owns a `sqlite3 *`. Never shared: reached through the one ``SQLConnection`` that is confined to one executor.
final class ConnectionHandle {
    /// What a connection is for.
    enum Purpose {
        case writing
        case reading
    }

    /// How long a statement waits for another connection's lock, in milliseconds. Only a checkpoint or a second process
    /// with the file open (a backup tool) can hold one.
    private static let busyTimeoutMilliseconds: Int32 = 5_000

    private var database: OpaquePointer?
    private var statements: [StatementKey: SQLStatement] = [:]
    /// Statement texts that ``checkAllowed(_:)`` has seen and let pass.
    private var allowed: Set<StatementKey> = []
    /// Pages in the write-ahead log after the last commit of this connection; SQLite's hook writes it.
    private let walPageCount: UnsafeMutablePointer<Int32>

    init(path: String, purpose: Purpose) throws(StorageError) {
        walPageCount = .allocate(capacity: 1)
        walPageCount.initialize(to: 0)
        // NOMUTEX: one executor owns the connection. EXRESCODE: extended result codes from the first call on.
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
        let opened = sqlite3_open_v2(path, &database, flags, nil)
        guard opened == SQLITE_OK, let database else {
            let error = StorageError(code: opened, database: database, operation: "open database")
            sqlite3_close_v2(database)
            self.database = nil
            throw error
        }
        sqlite3_busy_timeout(database, Self.busyTimeoutMilliseconds)
        // A damaged or hostile file must not run code: no writable schema, no double-quoted strings taken for text.
        _ = concord_sqlite_set_option(database, SQLITE_DBCONFIG_DEFENSIVE, 1)
        _ = concord_sqlite_set_option(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
        _ = concord_sqlite_set_option(database, SQLITE_DBCONFIG_DQS_DML, 0)
        _ = concord_sqlite_set_option(database, SQLITE_DBCONFIG_DQS_DDL, 0)
        _ = concord_sqlite_set_option(database, SQLITE_DBCONFIG_ENABLE_FKEY, 1)
        try script("PRAGMA cell_size_check = ON")
        switch purpose {
        case .reading: try script("PRAGMA query_only = ON")
        case .writing: try prepareForWriting(database)
        }
    }

    private func prepareForWriting(_ database: OpaquePointer) throws(StorageError) {
        let mode = try take("PRAGMA journal_mode = WAL")
        defer { giveBack(mode) }
        guard try mode.step(), case .text("wal") = mode.value(0) else {
            throw .database(operation: "switch to write-ahead logging", code: SQLITE_ERROR)
        }
        // secure_delete: what the erasable vault deletes is overwritten with zeros, not merely unlinked.
        // journal_size_limit: a burst does not leave a large log behind for ever (64 MiB).
        // wal_autocheckpoint = 0: SQLite's own checkpoint hides its failures; WriteQueue runs it and looks.
        try script(
            """
            PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA journal_size_limit = 67108864;
            PRAGMA wal_autocheckpoint = 0
            """)
        sqlite3_wal_hook(
            database,
            { context, _, _, pages in
                context?.assumingMemoryBound(to: Int32.self).pointee = pages
                return SQLITE_OK
            }, walPageCount)
    }

    deinit {
        close()
        walPageCount.deallocate()
    }

    /// Releases the file. Every later use throws ``StorageError/closed``.
    func close() {
        statements.removeAll()  // each finalises itself
        sqlite3_close_v2(database)
        database = nil
    }

    /// Whether no transaction is open, for instance because SQLite rolled one back by itself.
    var isOutsideTransaction: Bool { database.map { sqlite3_get_autocommit($0) != 0 } ?? true }

    /// Rows changed by the last statement.
    var changeCount: Int { database.map { Int(sqlite3_changes64($0)) } ?? 0 }

    var lastInsertedRowID: Int64 { database.map { sqlite3_last_insert_rowid($0) } ?? 0 }

    /// Whether a deferred foreign key is violated at this point; COMMIT would refuse.
    var hasUnresolvedForeignKeys: Bool {
        var current: Int32 = 0
        var highest: Int32 = 0
        return database.map { sqlite3_db_status($0, SQLITE_DBSTATUS_DEFERRED_FKS, &current, &highest, 0) } == SQLITE_OK
            && current > 0
    }

    /// Pages waiting in the write-ahead log.
    var pagesInLog: Int { Int(walPageCount.pointee) }

    /// Moves the log into the database file. `truncating` also empties the log, waiting for readers to leave.
    func checkpoint(truncating: Bool) throws(StorageError) {
        guard let database else { throw .closed }
        let mode = truncating ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE
        let result = sqlite3_wal_checkpoint_v2(database, nil, mode, nil, nil)
        if result != SQLITE_OK { throw StorageError(code: result, database: database, operation: "checkpoint") }
        walPageCount.pointee = 0
    }

    /// Takes the prepared statement of `sql` out of the cache, or prepares it. Out of the cache, so that a nested use of
    /// the same text gets a statement of its own.
    func take(_ sql: StaticString) throws(StorageError) -> SQLStatement {
        guard let database else { throw .closed }
        guard sql.hasPointerRepresentation else { throw .invalidStatement("empty") }
        let key = StatementKey(sql)
        if let cached = statements.removeValue(forKey: key) { return cached }
        return try SQLStatement(key: key, database: database)
    }

    /// Resets a statement and keeps it for the next use.
    func giveBack(_ statement: SQLStatement) {
        statement.reset()
        if database != nil { statements[statement.key] = statement }
    }

    /// Runs several statements without values or rows: pragmas, migrations.
    func script(_ sql: StaticString) throws(StorageError) {
        guard let database else { throw .closed }
        guard sql.hasPointerRepresentation else { throw .invalidStatement("empty") }
        let result = sql.withUTF8Buffer { text in
            text.withMemoryRebound(to: CChar.self) { sqlite3_exec(database, $0.baseAddress, nil, nil, nil) }
        }
        if result != SQLITE_OK { throw StorageError(code: result, database: database, operation: "script") }
    }

    /// Refuses statements that would take the transaction out of the hands of the group commit.
    func checkAllowed(_ sql: StaticString) throws(StorageError) {
        guard sql.hasPointerRepresentation else { throw .invalidStatement("empty") }
        let key = StatementKey(sql)
        if allowed.contains(key) { return }
        let reserved = ["BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE", "ATTACH", "DETACH", "VACUUM"]
        let isLetter = { (byte: UInt8) in (byte | 0x20) >= UInt8(ascii: "a") && (byte | 0x20) <= UInt8(ascii: "z") }
        let word = sql.withUTF8Buffer { text in
            String(decoding: text.drop { !isLetter($0) }.prefix(while: isLetter), as: UTF8.self).uppercased()
        }
        if reserved.contains(word) { throw .invalidStatement("\(word) is reserved for the transaction machinery") }
        allowed.insert(key)
    }

    /// Runs one statement of the transaction machinery.
    func control(_ sql: StaticString) throws(StorageError) {
        let statement = try take(sql)
        defer { giveBack(statement) }
        while try statement.step() {}
    }
}

extension StorageError {
    /// Translates a SQLite result code (sqlite.org/rescode.html). Messages are used only where they name schema objects.
    init(code: Int32, database: OpaquePointer?, operation: String) {
        let message = { database.map { String(cString: sqlite3_errmsg($0)) } ?? "" }
        switch code & 0xff {
        case SQLITE_FULL: self = .diskFull
        case SQLITE_IOERR:
            // A failed flush says nothing about what is on the disk, whatever its errno (codes 4 and 5: FSYNC, DIR_FSYNC).
            let isFlush = code >> 8 == 4 || code >> 8 == 5
            let systemCode = database.map { sqlite3_system_errno($0) } ?? 0
            let isFull = !isFlush && (systemCode == ENOSPC || systemCode == EDQUOT)
            self = isFull ? .diskFull : .ioFailure(operation: operation, code: code)
        case SQLITE_CORRUPT, SQLITE_NOTADB: self = .corrupt("database file")
        case SQLITE_BUSY, SQLITE_LOCKED: self = .busy
        case SQLITE_CONSTRAINT: self = .constraint(Constraint(code: code), detail: message())
        case SQLITE_ERROR: self = .invalidStatement(message())
        default: self = .database(operation: operation, code: code)
        }
    }
}

extension StorageError.Constraint {
    /// The kind that an extended SQLITE_CONSTRAINT code stands for; the second byte is the kind.
    init(code: Int32) {
        switch code >> 8 {
        case 1: self = .check
        case 3: self = .foreignKey
        case 5: self = .notNull
        case 6, 8, 10: self = .unique  // PRIMARYKEY, UNIQUE, ROWID
        case 7: self = .trigger
        case 12: self = .dataType
        default: self = .other
        }
    }
}
