// What HTTPServer and PlainHTTPListener share: one listening socket, several loops, one end.

import CLibevent
import Glibc

final class ServerEngine: Sendable {
    private struct State: Sendable {
        var hasStarted = false
        var isStopping = false
        var loops: [EventLoop] = []
        var running = 0
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    let configuration: ServerConfiguration
    let ledger: ConnectionLedger
    let handler: HTTPHandler
    let isTLS: Bool
    private let context: Locked<TLSContext?>
    private let state = Locked(State())

    init(configuration: ServerConfiguration, context: TLSContext?, handler: @escaping HTTPHandler) {
        var configuration = configuration
        configuration.maximumConnections = min(
            configuration.maximumConnections, ServerEngine.raisedDescriptorLimit() - 128)
        self.configuration = configuration
        self.handler = handler
        ledger = ConnectionLedger(configuration)
        isTLS = context != nil
        self.context = Locked(context)
    }

    /// How often deadlines are checked.
    var sweepMilliseconds: Int64 {
        let shortest = min(
            configuration.handshakeMilliseconds, configuration.requestGraceMilliseconds,
            configuration.idleMilliseconds, configuration.handlerMilliseconds, configuration.drainMilliseconds)
        return min(250, max(10, shortest / 4))
    }

    func currentContext() -> TLSContext? { context.withLock { $0 } }
    func replaceContext(_ new: TLSContext) { context.withLock { $0 = new } }

    func start() throws(HTTPServerError) -> UInt16 {
        guard
            state.withLock({ state in
                defer { state.hasStarted = true }
                return !state.hasStarted
            })
        else { throw .alreadyStarted }
        _ = ServerEngine.processSetup
        let listener = try ListeningSocket(address: configuration.address, port: configuration.port)
        var loops: [EventLoop] = []
        do throws(HTTPServerError) {
            for _ in 0..<max(1, configuration.loopThreads) {
                loops.append(try EventLoop(engine: self, descriptor: try listener.duplicate()))
            }
        } catch {
            loops.forEach { $0.abandon() }
            throw error
        }
        state.withLock { [loops] state in
            state.loops = loops
            state.running = loops.count
        }
        for (index, loop) in loops.enumerated() {
            do throws(HTTPServerError) {
                try loop.start()
            } catch {
                for unstarted in loops[index...] {
                    unstarted.abandon()
                    loopEnded()
                }
                beginStopping(milliseconds: 0)
                throw error
            }
        }
        return listener.port
    }

    func stop() async {
        beginStopping(milliseconds: configuration.drainMilliseconds)
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if state.running > 0 { state.waiters.append(continuation) }
                return state.running == 0
            }
            if isOver { continuation.resume() }
        }
    }

    func beginStopping(milliseconds: Int64) {
        let loops = state.withLock { state in
            state.hasStarted = true  // a server that was stopped does not start
            return state.loops
        }
        let deadline = Clock.monotonicMilliseconds() + milliseconds
        loops.forEach { $0.drain(deadline: deadline) }
    }

    func loopEnded() {
        let waiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            state.running -= 1
            guard state.running == 0 else { return [] }
            state.loops = []
            defer { state.waiters = [] }
            return state.waiters
        }
        waiters.forEach { $0.resume() }
    }

    /// Once per process: libevent's locks, and no death by SIGPIPE when a client goes away while OpenSSL writes.
    private static let processSetup: Void = {
        evthread_use_pthreads()
        signal(SIGPIPE, SIG_IGN)
    }()

    /// Raises the soft limit of open files to the hard limit and returns it: one descriptor per connection.
    private static func raisedDescriptorLimit() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1_024 }
        if limit.rlim_cur < limit.rlim_max {
            var raised = limit
            raised.rlim_cur = limit.rlim_max
            if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limit = raised }
        }
        return Int(clamping: limit.rlim_cur)
    }
}
