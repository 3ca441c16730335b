// A reading connection on a thread of its own. In WAL mode readers see the last committed state and never wait for the
// writer; a transaction around each closure makes all its statements see one state.

/// Owns one reading connection.
actor ReadQueue {
    private let executor: QueueExecutor
    private let connection: SQLConnection

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(path: String) throws(StorageError) {
        executor = QueueExecutor(label: "concord.storage.reader")
        connection = try SQLConnection(path: path, purpose: .reading)
    }

    func read<Value: Sendable>(_ body: @Sendable (borrowing SQLConnection) throws -> Value) throws -> Value {
        try connection.handle.control("BEGIN")
        defer { try? connection.handle.control("COMMIT") }  // it only ends a snapshot: nothing was written
        return try body(connection)
    }

    func close() { connection.handle.close() }
}
