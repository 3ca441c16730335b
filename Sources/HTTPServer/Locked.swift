// A value behind a lock. A pthread mutex, because ThreadSanitizer does not understand `Synchronization.Mutex` on Linux;
// the idea of one small box is swift-nio's NIOLockedValueBox.

import Glibc

/// Shares a value between threads: every access happens under one mutex.
final class Locked<Value>: @unchecked Sendable {
    // Proof for @unchecked Sendable: `value` is reached only inside `withLock`, which holds `mutex`; values enter and
    // leave by `sending` or as Sendable results.
    private var value: Value
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>

    init(_ value: sending Value) {
        self.value = value
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// Runs `body` while holding the lock. Keep it short; never wait inside.
    func withLock<Result: Sendable>(_ body: (inout Value) -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body(&value)
    }
}
