// One libevent loop with its thread. Everything libevent and OpenSSL own is touched by that thread only; the rest of the
// process talks to it through a mailbox.

import CLibevent
import Glibc

final class EventLoop: @unchecked Sendable {
    // Proof for @unchecked Sendable: `base`, `http` and `wake` are set by init before the thread starts. After that every
    // mutable property is used by the loop's thread alone, except `mailbox`, which has its own lock, and `wake`, which
    // `post` activates under that lock (event_active is thread-safe once evthread_use_pthreads was called).

    private enum Message: Sendable {
        case reply(exchange: UInt64, HTTPResponse)
        case drain(deadline: Int64)
    }

    private struct Mailbox: Sendable {
        var messages: [Message] = []
        var isOpen = true
    }

    let engine: ServerEngine
    private let base: OpaquePointer
    private let http: OpaquePointer
    private let socket: OpaquePointer
    private var wake: OpaquePointer?
    private var ticker: OpaquePointer?
    private let mailbox = Locked(Mailbox())

    private var connections: [ObjectIdentifier: Connection] = [:]
    var exchanges: [UInt64: Exchange] = [:]
    var lastExchange: UInt64 = 0
    private var isListening = true
    private var drainDeadline: Int64?
    private var isQuiet = false
    /// Whether the server is stopping.
    var isDraining: Bool { drainDeadline != nil }

    /// Builds a loop that accepts on `descriptor`, a listening non-blocking socket that the loop closes.
    init(engine: ServerEngine, descriptor: Int32) throws(HTTPServerError) {
        self.engine = engine
        guard let base = event_base_new() else {
            close(descriptor)
            throw .operationFailed("event_base_new")
        }
        guard let http = evhttp_new(base) else {
            close(descriptor)
            event_base_free(base)
            throw .operationFailed("evhttp_new")
        }
        let flags = UInt32(LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC)
        guard let listener = evconnlistener_new(base, nil, nil, flags, 0, descriptor) else {
            close(descriptor)
            evhttp_free(http)
            event_base_free(base)
            throw .operationFailed("evconnlistener_new")
        }
        guard let socket = evhttp_bind_listener(http, listener) else {
            evconnlistener_free(listener)
            evhttp_free(http)
            event_base_free(base)
            throw .operationFailed("evhttp_bind_listener")
        }
        self.base = base
        self.http = http
        self.socket = socket
        configure()
    }

    private func configure() {
        let configuration = engine.configuration
        evhttp_set_max_headers_size(http, configuration.maximumHeadBytes)
        evhttp_set_max_body_size(http, configuration.maximumBodyBytes)
        var idle = EventLoop.interval(milliseconds: configuration.idleMilliseconds)
        evhttp_set_timeout_tv(http, &idle)
        evhttp_set_default_content_type(http, nil)
        // Every method libevent can read comes to us, so that a refusal is a problem document and not libevent's page.
        evhttp_set_allowed_methods(http, UInt16.max)
        // Reads an over-long body to its end before answering 413; `Connection` bounds how much.
        evhttp_set_flags(http, EVHTTP_SERVER_LINGERING_CLOSE)
        let context = Unmanaged.passUnretained(self).toOpaque()
        if engine.isTLS { evhttp_set_bevcb(http, makeBufferevent, context) }
        evhttp_set_gencb(http, requestArrived, context)
        wake = event_new(
            base, -1, Int16(EV_PERSIST), { _, _, context in EventLoop.from(context)?.readMailbox() }, context)
        ticker = event_new(base, -1, Int16(EV_PERSIST), { _, _, context in EventLoop.from(context)?.tick() }, context)
        var interval = EventLoop.interval(milliseconds: engine.sweepMilliseconds)
        event_add(ticker, &interval)
    }

    /// The loop behind a C callback's context.
    static func from(_ context: UnsafeMutableRawPointer?) -> EventLoop? {
        context.map { Unmanaged<EventLoop>.fromOpaque($0).takeUnretainedValue() }
    }

    private static func interval(milliseconds: Int64) -> timeval {
        timeval(tv_sec: Int(milliseconds / 1_000), tv_usec: Int(milliseconds % 1_000) * 1_000)
    }

    /// Starts the thread; it keeps the loop alive until it ends.
    func start() throws(HTTPServerError) {
        let retained = Unmanaged.passRetained(self)
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                let loop = Unmanaged<EventLoop>.fromOpaque(context).takeRetainedValue()
                event_base_dispatch(loop.base)
                loop.end()
                loop.engine.loopEnded()
                return nil
            }, retained.toOpaque())
        guard code == 0 else {
            retained.release()
            throw .operationFailed("pthread_create")
        }
        pthread_detach(thread)
    }

    /// Ends a loop whose thread never started.
    func abandon() { end() }

    // MARK: From other threads

    /// Delivers a handler's answer. Nothing happens if the exchange is over or the loop has ended.
    func reply(_ response: HTTPResponse, to exchange: UInt64) { post(.reply(exchange: exchange, response)) }

    /// Stops accepting, lets requests in hand end until `deadline`, then ends the loop.
    func drain(deadline: Int64) { post(.drain(deadline: deadline)) }

    private func post(_ message: Message) {
        // The event is activated under the lock: `end` closes the mailbox under it before freeing the event.
        mailbox.withLock { mailbox in
            guard mailbox.isOpen else { return }
            mailbox.messages.append(message)
            if mailbox.messages.count == 1 { event_active(wake, 0, 0) }
        }
    }

    // MARK: On the loop's thread

    func add(_ connection: Connection) { connections[ObjectIdentifier(connection)] = connection }
    func remove(_ connection: Connection) { connections[ObjectIdentifier(connection)] = nil }

    private func readMailbox() {
        let messages = mailbox.withLock { mailbox in
            defer { mailbox.messages.removeAll(keepingCapacity: true) }
            return mailbox.messages
        }
        for message in messages {
            switch message {
            case .reply(let exchange, let response): finish(exchange, with: response)
            case .drain(let deadline): beginDraining(deadline)
            }
        }
    }

    private func tick() {
        let now = Clock.monotonicMilliseconds()
        for connection in connections.values { connection.sweep(now: now) }
        let late = exchanges.filter { now - $0.value.since > engine.configuration.handlerMilliseconds }
        for (identifier, exchange) in late {
            exchange.task?.cancel()
            finish(identifier, with: HTTPResponse.Refusal.handlerDeadline)
        }
        guard let drainDeadline else { return }
        // Without connections to watch (plain listener), one more interval lets the last answer leave.
        let isDone = exchanges.isEmpty && connections.isEmpty
        if now >= drainDeadline || (isDone && isQuiet) { event_base_loopbreak(base) }
        isQuiet = isDone
    }

    private func beginDraining(_ deadline: Int64) {
        if isListening { evhttp_del_accept_socket(http, socket) }
        isListening = false
        drainDeadline = min(drainDeadline ?? deadline, deadline)
        for connection in Array(connections.values) { connection.drain() }
    }

    /// Frees everything, in libevent's order.
    private func end() {
        mailbox.withLock { $0.isOpen = false }
        for exchange in exchanges.values {
            exchange.task?.cancel()
            engine.ledger.release(exchange.bytes)
            // A request that still has its connection is freed with it by evhttp_free.
            if evhttp_request_get_connection(exchange.request) == nil { evhttp_request_free(exchange.request) }
        }
        exchanges.removeAll()
        evhttp_free(http)
        event_free(wake)
        event_free(ticker)
        // Bufferevents are finalised by the loop: turn it once more.
        event_base_loop(base, EVLOOP_NONBLOCK)
        event_base_free(base)
    }
}

/// evhttp asks for the bufferevent of a new connection. If none can be made it falls back to plain text, which
/// `requestArrived` then refuses because it has no `SSL*`.
private func makeBufferevent(_ base: OpaquePointer?, _ context: UnsafeMutableRawPointer?) -> OpaquePointer? {
    guard let base, let loop = EventLoop.from(context), let tls = loop.engine.currentContext() else { return nil }
    return Connection.make(loop: loop, base: base, context: tls)
}

private func requestArrived(_ request: UnsafeMutablePointer<evhttp_request>?, _ context: UnsafeMutableRawPointer?) {
    guard let request, let loop = EventLoop.from(context) else { return }
    loop.receive(request)
}
