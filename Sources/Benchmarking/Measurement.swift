// Time and memory of this process, as the kernel counts them.

import CShims
import FoundationEssentials
import Glibc

/// CPU and wall time of a stretch of work.
public struct Measurement: Sendable, Equatable {
    /// Seconds of CPU, of one thread or of all, as measured.
    public var cpuSeconds: Double
    /// Seconds on the wall.
    public var wallSeconds: Double

    /// Nothing yet.
    public static let zero = Measurement(cpuSeconds: 0, wallSeconds: 0)

    static func + (left: Measurement, right: Measurement) -> Measurement {
        Measurement(
            cpuSeconds: left.cpuSeconds + right.cpuSeconds, wallSeconds: left.wallSeconds + right.wallSeconds)
    }

    static func += (left: inout Measurement, right: Measurement) { left = left + right }

    func multiplied(by count: Int) -> Measurement {
        Measurement(cpuSeconds: cpuSeconds * Double(count), wallSeconds: wallSeconds * Double(count))
    }

    func divided(by count: Int) -> Measurement {
        Measurement(cpuSeconds: cpuSeconds / Double(max(1, count)), wallSeconds: wallSeconds / Double(max(1, count)))
    }
}

/// Reads the kernel's clocks.
enum Stopwatch {
    private static func seconds(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Runs `body` and measures the calling thread's CPU time: `body` must not suspend.
    static func thread<Result>(_ body: () throws -> Result) rethrows -> (Result, Measurement) {
        let cpu = seconds(CLOCK_THREAD_CPUTIME_ID)
        let wall = seconds(CLOCK_MONOTONIC)
        let result = try body()
        return (
            result,
            Measurement(
                cpuSeconds: seconds(CLOCK_THREAD_CPUTIME_ID) - cpu, wallSeconds: seconds(CLOCK_MONOTONIC) - wall)
        )
    }

    /// Runs `body` and measures the CPU time of every thread of the process: nothing else may be running.
    static func process<Result>(_ body: () async throws -> Result) async rethrows -> (Result, Measurement) {
        let cpu = seconds(CLOCK_PROCESS_CPUTIME_ID)
        let wall = seconds(CLOCK_MONOTONIC)
        let result = try await body()
        return (
            result,
            Measurement(
                cpuSeconds: seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu, wallSeconds: seconds(CLOCK_MONOTONIC) - wall)
        )
    }
}

/// Resident memory of this process, in bytes.
enum ResidentMemory {
    /// The most since the process started, or since ``resetPeak()``.
    static var peak: Int { field("VmHWM:") }
    /// Now.
    static var current: Int { field("VmRSS:") }

    /// Hands free memory back to the kernel and restarts ``peak`` at what is left. Where the kernel refuses, the peak stays
    /// what it was: a figure that is too high, never too low.
    static func resetPeak() {
        concord_release_free_memory()
        // proc(5): 5 resets the peak resident set size to the current one.
        try? Data("5".utf8).write(to: URL(filePath: "/proc/self/clear_refs"))
    }

    private static func field(_ name: String) -> Int {
        guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else { return 0 }
        for line in status.split(separator: "\n") where line.hasPrefix(name) {
            let digits = line.dropFirst(name.count).filter(\.isNumber)
            return (Int(digits) ?? 0) * 1024
        }
        return 0
    }
}
