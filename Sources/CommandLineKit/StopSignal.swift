// SIGTERM and SIGINT as something to wait for: services stop what they do, in order, and exit 0.

import Dispatch
import Glibc
import Locking

/// Turns the first SIGTERM or SIGINT into a flag and a resumption. Create one early, in `main`.
public final class StopSignal: Sendable {
    // Proof for nonisolated(unsafe): written once in init, never read again; it only keeps the sources alive.
    private nonisolated(unsafe) let sources: [any DispatchSourceSignal]
    private let (stream, continuation) = AsyncStream<Void>.makeStream()
    private let flag = Locked(false)

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
                flag.withLock { $0 = true }
                continuation.finish()
            }
            source.resume()
        }
    }

    /// Whether a signal has come.
    public var isSet: Bool { flag.withLock { $0 } }

    /// Returns once a signal has come.
    public func wait() async {
        for await _ in stream {}
    }
}
