// A value behind a pthread mutex. Synchronization.Mutex would do, but ThreadSanitizer reports false races on it under
// Linux, and a race detector that cries wolf is no detector.

import Glibc

/// A value that one thread at a time may touch.
public final class Locked<Value>: @unchecked Sendable {
    // Proof for @unchecked Sendable: `value` is reached only inside `withLock`, between lock and unlock of `mutex`, and
    // both live at a fixed address for the life of the object.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private var value: Value

    /// Wraps a value.
    public init(_ value: sending Value) {
        self.value = value
        mutex = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// Runs `body` alone. Do not block in it.
    public func withLock<Result: Sendable, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value)
    }
}
