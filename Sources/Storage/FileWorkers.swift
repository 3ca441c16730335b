// Threads for file work. A flush takes milliseconds; four of them side by side keep a disk busy without taking a thread
// of Swift's cooperative pool, which has one per core.

import Dispatch
import Locking

/// A few serial queues that run blocking closures for async callers.
final class FileWorkers: Sendable {
    /// The process's workers: the disk is shared, so its threads are too.
    static let shared = FileWorkers(count: 4)

    private let queues: [DispatchQueue]
    private let next = Locked(0)

    init(count: Int) {
        queues = (0..<count).map { DispatchQueue(label: "concord.storage.files.\($0)") }
    }

    /// Runs `body` on one of the threads, in turn. It runs to its end even if the calling task is cancelled.
    func run<Value: Sendable>(
        _ body: @escaping @Sendable () throws(StorageError) -> Value
    ) async throws(StorageError) -> Value {
        let queue = queues[
            next.withLock { next in
                next = (next + 1) % queues.count
                return next
            }]
        let result: Result<Value, StorageError> = await withCheckedContinuation { continuation in
            queue.async {
                continuation.resume(returning: Result { () throws(StorageError) in try body() })
            }
        }
        return try result.get()
    }
}
