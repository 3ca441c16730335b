// A thread of its own for blocking work. fdatasync takes milliseconds; on Swift's cooperative pool, which has one thread
// per core, a few of them would stop every task of the process. (Dispatch on Linux has no DispatchSerialQueue to use as
// an executor directly, so this wraps a queue.)

import Dispatch

/// An actor executor that runs its jobs one after the other on a private dispatch queue.
final class QueueExecutor: SerialExecutor {
    private let queue: DispatchQueue

    init(label: String) {
        queue = DispatchQueue(label: label)
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}
