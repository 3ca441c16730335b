// A clock that stands still until a test turns it.

import Coordinator
import Foundation

/// The coordinator's time in tests that call it directly.
final class ManualClock: Coordinator.Clock, @unchecked Sendable {
    // Proof for @unchecked Sendable: `now` is touched only under `lock`.
    private let lock = NSLock()
    private var now: Int64

    init(nowMilliseconds: Int64) { now = nowMilliseconds }

    func nowMilliseconds() -> Int64 { lock.withLock { now } }

    /// Lets time pass.
    func advance(milliseconds: Int64) { lock.withLock { now += milliseconds } }
}
