// Group commit. One flush of the disk costs milliseconds whether it carries one transaction or two hundred, so closures
// that wait while a group commits become the next group. Each runs in a SAVEPOINT of its own (sqlite.org/lang_savepoint),
// so that a refusal undoes that closure alone; nobody is answered before the COMMIT that covers everybody has returned.

/// A closure waiting for its turn, its result type hidden.
private protocol WaitingWrite: AnyObject {
    /// Runs the closure and keeps its result.
    func run(_ connection: borrowing SQLConnection)
    /// Whether the closure threw; set by `run` or `refuse`.
    var error: (any Error)? { get }
    /// Replaces a success by a failure.
    func refuse(_ error: any Error)
    /// Hands the result to the caller. Exactly once.
    func resume()
}

private final class Waiting<Value: Sendable>: WaitingWrite {
    private let body: @Sendable (borrowing SQLConnection) throws -> Value
    private let continuation: CheckedContinuation<Value, any Error>
    private var result: Result<Value, any Error> = .failure(StorageError.closed)

    init(
        _ body: @escaping @Sendable (borrowing SQLConnection) throws -> Value,
        _ continuation: CheckedContinuation<Value, any Error>
    ) {
        self.body = body
        self.continuation = continuation
    }

    var error: (any Error)? {
        if case .failure(let error) = result { error } else { nil }
    }

    func run(_ connection: borrowing SQLConnection) {
        do {
            result = .success(try body(connection))
        } catch {
            result = .failure(error)
        }
    }

    func refuse(_ error: any Error) { result = .failure(error) }

    func resume() { continuation.resume(with: result) }
}

/// What the writer has done since the database was opened; for metrics.
public struct WriteStatistics: Sendable, Equatable {
    /// Closures whose changes are durable.
    public var committed = 0
    /// Closures that failed, by their own error or their group's.
    public var failed = 0
    /// Commits that made at least one closure durable: each is one flush of the disk.
    public var groups = 0
    /// Pages of 4 KiB in the write-ahead log now.
    public var pagesInLog = 0
}

/// The one writer of a database: owns the writing connection and its thread.
actor WriteQueue {
    /// Closures in one transaction, at most: bounds the wait of the first of them, and the log a group writes.
    private static let maximumGroupCount = 512
    /// Pages in the write-ahead log (4 KiB each) after which they are moved to the database file; SQLite's own default.
    private static let checkpointPageCount = 1_000

    private let executor: QueueExecutor
    private let connection: SQLConnection
    private var waiting: [any WaitingWrite] = []
    private var isDraining = false
    /// Set once, by a failure after which the state of the disk is unknown.
    private var refusal: StorageError?
    private var counts = WriteStatistics()

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(path: String, schema: Schema) throws(StorageError) {
        executor = QueueExecutor(label: "concord.storage.writer")
        let connection = try SQLConnection(path: path, purpose: .writing)
        try schema.migrate(connection)
        self.connection = connection
    }

    func write<Value: Sendable>(
        _ body: @escaping @Sendable (borrowing SQLConnection) throws -> Value
    ) async throws -> Value {
        if let refusal { throw refusal }
        return try await withCheckedThrowingContinuation { continuation in
            waiting.append(Waiting(body, continuation))
            if !isDraining {
                isDraining = true
                // Runs behind the calls that already wait for this actor, so they all join the group.
                Task { drain() }
            }
        }
    }

    private func drain() {
        while !waiting.isEmpty {
            let group = Array(waiting.prefix(Self.maximumGroupCount))
            waiting.removeFirst(group.count)
            do throws(StorageError) {
                if let refusal { throw refusal }
                try commit(group)
            } catch {
                for write in group { write.refuse(error) }
                if error.isFatal, refusal == nil { refusal = .refusedAfterFailure }
            }
            count(group)
            for write in group { write.resume() }
            checkpointIfLong()
        }
        isDraining = false
    }

    /// Runs a group in one transaction. On return, the closures that did not throw are durable. An error concerns all of
    /// them: nothing of the group was committed, or, if the error is fatal, nobody knows.
    private func commit(_ group: [any WaitingWrite]) throws(StorageError) {
        let handle = connection.handle
        do throws(StorageError) {
            try handle.control("BEGIN IMMEDIATE")
            for write in group { try run(write, handle) }
            try handle.control("COMMIT")
        } catch {
            // SQLite rolls back by itself when the disk is full or fails; then there is nothing left to roll back.
            if !handle.isOutsideTransaction { try? handle.control("ROLLBACK") }
            throw error
        }
    }

    private func run(_ write: any WaitingWrite, _ handle: ConnectionHandle) throws(StorageError) {
        try handle.control("SAVEPOINT closure")
        write.run(connection)
        if let error = write.error as? StorageError, error.isFatal { throw error }
        if handle.isOutsideTransaction {
            // The whole transaction is gone, and the neighbours' work with it: none of them may be acknowledged.
            throw write.error as? StorageError ?? .invalidStatement("a closure ended the transaction of its group")
        }
        if write.error == nil, handle.hasUnresolvedForeignKeys {
            // Left in place, this would make the COMMIT fail for everybody.
            write.refuse(StorageError.constraint(.foreignKey, detail: "FOREIGN KEY constraint failed"))
        }
        if write.error != nil { try handle.control("ROLLBACK TO closure") }
        try handle.control("RELEASE closure")
    }

    private func count(_ group: [any WaitingWrite]) {
        let failed = group.count { $0.error != nil }
        counts.failed += failed
        counts.committed += group.count - failed
        if failed < group.count { counts.groups += 1 }
    }

    var statistics: WriteStatistics {
        var counts = counts
        counts.pagesInLog = connection.handle.pagesInLog
        return counts
    }

    /// Moves a long log into the database file, after the callers have their answers. A full disk only delays it.
    private func checkpointIfLong() {
        guard refusal == nil, connection.handle.pagesInLog >= Self.checkpointPageCount else { return }
        do throws(StorageError) {
            try connection.handle.checkpoint(truncating: false)
        } catch {
            if error.isFatal { refusal = .refusedAfterFailure }
        }
    }

    /// Empties the log into the database file.
    func checkpoint() throws(StorageError) {
        if let refusal { throw refusal }
        do throws(StorageError) {
            try connection.handle.checkpoint(truncating: true)
        } catch {
            if error.isFatal { refusal = .refusedAfterFailure }
            throw error
        }
    }

    /// Writes a compact copy of the database to a new file.
    func copy(to path: String) throws(StorageError) {
        let statement = try connection.handle.take("VACUUM INTO ?")
        defer { connection.handle.giveBack(statement) }
        try statement.bind([path])
        while try statement.step() {}
    }

    /// Commits what waits, then releases the file. SQLite empties the log when the last connection goes.
    func close() {
        drain()
        refusal = .closed
        connection.handle.close()
    }
}
