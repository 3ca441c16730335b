// Fault injection for everything below that touches files: the n-th write, flush or rename fails as a failing disk would
// make it fail. Production code passes none; the tests fail every n in turn (the method of sqlite.org/testing.html).

import Locking

/// Decides, before each file operation, whether it fails and with which `errno`.
public struct StorageFaults: Sendable {
    /// A file operation that can fail.
    public enum Operation: String, Sendable, CaseIterable {
        /// Opening or creating a file, or creating a folder.
        case open
        /// Writing bytes. An injected failure leaves half of them behind.
        case write
        /// Flushing a file.
        case flush
        /// Renaming a file.
        case rename
        /// Flushing a folder.
        case flushFolder
        /// Removing a file or folder.
        case remove
    }

    /// The `errno` to fail with, or `nil` to let the operation run.
    let errorCode: @Sendable (Operation) -> Int32?

    /// No faults.
    public static let none = StorageFaults { _ in nil }

    /// Asks `errorCode` before each operation; it may be called from any thread.
    public init(_ errorCode: @escaping @Sendable (Operation) -> Int32?) {
        self.errorCode = errorCode
    }

    /// Fails the `n`-th operation, counting from 0 over all kinds; later ones run again unless `sticky`.
    public static func failing(nth n: Int, errorCode: Int32, sticky: Bool = false) -> StorageFaults {
        let count = Locked(0)
        return StorageFaults { _ in
            let index = count.withLock { count in
                defer { count += 1 }
                return count
            }
            return index == n || (sticky && index > n) ? errorCode : nil
        }
    }
}
