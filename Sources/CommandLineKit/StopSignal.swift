// SIGTERM and SIGINT as something to wait for: services stop what they do, in order, and exit 0.

import Dispatch
import Glibc

/// Turns the first SIGTERM or SIGINT into a flag and a resumption. Create one early, in `main`.
public final class StopSignal: Sendable {
    // Proof for nonisolated(unsafe): written once in init, never read again; it only keeps the sources alive.
    private nonisolated(unsafe) let sources: [any DispatchSourceSignal]
    private let (stream, continuation) = AsyncStream<Void>.makeStream()
    private let flag = UnsafeFlag()

    /// A flag that a signal handler's queue sets and anyone reads.
    private final class UnsafeFlag: @unchecked Sendable {
        // Proof for @unchecked Sendable: `value` is touched only on `queue`.
        private let queue = DispatchQueue(label: "stop-signal-flag")
        private var value = false
        func set() { queue.sync { value = true } }
        var isSet: Bool { queue.sync { value } }
    }

    /// Takes over SIGTERM and SIGINT; SIGPIPE is ignored, so a vanished peer is an error, not an end.
    public init() {
        signal(SIGPIPE, SIG_IGN)
        var sources: [any DispatchSourceSignal] = []
        for number in [SIGTERM, SIGINT] {
            signal(number, SIG_IGN)
            sources.append(DispatchSource.makeSignalSource(signal: number, queue: .global()))
        }
        self.sources = sources
        for source in sources {
            source.setEventHandler { [flag, continuation] in
                flag.set()
                continuation.finish()
            }
            source.resume()
        }
    }

    /// Whether a signal has come.
    public var isSet: Bool { flag.isSet }

    /// Returns once a signal has come.
    public func wait() async {
        for await _ in stream {}
    }
}
