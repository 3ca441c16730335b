// The embedded database: one writer with group commit, several readers, every acknowledged write durable.

import Locking

/// A SQLite database in write-ahead-log mode with `synchronous=FULL`.
///
/// When ``write(_:)`` returns, the change is on the disk and every later ``read(_:)`` sees it. Safe to use from any task;
/// no call blocks Swift's cooperative threads.
public final class Database: Sendable {
    private let writer: WriteQueue
    private let readers: [ReadQueue]
    /// Reads under way at each reader: a new one goes where the fewest are.
    private let load: Locked<[Int]>

    /// Opens or creates a database file (mode 0600) and brings it to the newest schema.
    ///
    /// Blocks while it does. Hold the ``DataDirectoryLock`` of the folder first: two processes on one file would each
    /// acknowledge what the other may not expect.
    /// - Parameters:
    ///   - path: A file in an existing folder. In-memory databases are refused: they have no log.
    ///   - schema: All migrations.
    ///   - readers: Reading connections, each with a thread; values below 1 mean 1.
    /// - Throws: ``StorageError``, in particular ``StorageError/schemaTooNew(found:supported:)``.
    public init(path: String, schema: Schema, readers: Int = 2) throws(StorageError) {
        // SQLite gives the log files the mode of the database file, and leaves a new name to be made durable by us.
        try FileSystem().createIfAbsent(path, mode: 0o600)
        writer = try WriteQueue(path: path, schema: schema)
        var opened: [ReadQueue] = []
        for _ in 0..<max(1, readers) { opened.append(try ReadQueue(path: path)) }
        self.readers = opened
        load = Locked(Array(repeating: 0, count: opened.count))
    }

    /// Changes the database. The closure runs once, in order of arrival, inside a transaction that it may share with
    /// other waiting closures; if it throws, its own changes alone are undone.
    ///
    /// The closure must not wait for anything: everybody behind it waits too. Cancelling the task does not cancel a write
    /// that has been handed over.
    /// - Returns: The closure's result, once it is durable.
    /// - Throws: What the closure throws; or ``StorageError``: then nothing was changed, except that after an error with
    ///   ``StorageError/isFatal`` nobody knows, every later write is refused and the process should restart.
    @discardableResult
    public func write<Value: Sendable>(
        _ body: @escaping @Sendable (borrowing SQLConnection) throws -> Value
    ) async throws -> Value {
        try await writer.write(body)
    }

    /// Reads one consistent state of the database: the newest committed one when the first statement runs.
    /// - Throws: What the closure throws; statements that would write throw ``StorageError``.
    public func read<Value: Sendable>(
        _ body: @escaping @Sendable (borrowing SQLConnection) throws -> Value
    ) async throws -> Value {
        let chosen = load.withLock { load in
            let least = load.indices.min { load[$0] < load[$1] } ?? 0
            load[least] += 1
            return least
        }
        defer { load.withLock { $0[chosen] -= 1 } }
        return try await readers[chosen].read(body)
    }

    /// Moves the write-ahead log into the database file and empties it, so that deleted and overwritten values (zeroed by
    /// `secure_delete`) remain in neither. Call it after an erasure.
    /// - Throws: ``StorageError/busy`` if a reader keeps the log in use.
    public func checkpoint() async throws {
        try await writer.checkpoint()
    }

    /// Writes a consistent, compact copy to `path`, a file that must not exist, and flushes it.
    /// - Throws: ``StorageError``.
    public func backUp(to path: String) async throws {
        try await writer.copy(to: path)
        try FileSystem().flush(path)
    }

    /// Runs SQLite's integrity check and the foreign key check; reads the whole file.
    /// - Throws: ``StorageError/corrupt(_:)`` if a check fails.
    public func verifyIntegrity() async throws {
        try await read { connection in
            let report = try connection.query("PRAGMA integrity_check(1)") { try $0.text(0) }
            if report != ["ok"] { throw StorageError.corrupt("integrity check") }
            if try connection.queryOne("PRAGMA foreign_key_check", map: { _ in true }) != nil {
                throw StorageError.corrupt("foreign key check")
            }
        }
    }

    /// What the writer has done so far.
    public func statistics() async -> WriteStatistics { await writer.statistics }

    /// Commits what waits, empties the log into the file and releases it. Later calls throw ``StorageError/closed``.
    public func close() async {
        for reader in readers { await reader.close() }
        await writer.close()
    }
}
