// Time, injected: tests turn it, and no state machine reads it by itself.

import Glibc

/// A source of wall-clock time.
public protocol Clock: Sendable {
    /// Milliseconds since 1970 UTC.
    func nowMilliseconds() -> Int64
}

/// The machine's clock.
public struct SystemClock: Clock {
    /// The real-time clock.
    public init() {}

    /// Reads `CLOCK_REALTIME`.
    public func nowMilliseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
