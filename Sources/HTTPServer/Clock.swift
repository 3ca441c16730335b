// The two clocks of a server. Cores get time passed in; this shell is where it comes from.

import Glibc

enum Clock {
    /// Never goes back; for deadlines.
    static func monotonicMilliseconds() -> Int64 { read(CLOCK_MONOTONIC) }

    /// Milliseconds since 1970 UTC; for certificate validity.
    static func wallMilliseconds() -> Int64 { read(CLOCK_REALTIME) }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }
}
