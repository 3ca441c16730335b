// One TLS connection: which phase it is in, since when, how much it holds, whom it speaks for. Lives as long as its
// `SSL*` (see `connectionIndex`) and is touched by its loop's thread only.

import CLibevent
import COpenSSL
import Glibc
import Identity

final class Connection {
    private enum Phase {
        /// The TLS handshake. Valid transitions are: - .idle - .condemned
        case handshaking(since: Int64)
        /// No request. Valid transitions are: - .receiving - .condemned
        case idle(since: Int64)
        /// Bytes of a request arrive. Valid transitions are: - .handling - .condemned
        case receiving(since: Int64)
        /// The handler has the request; libevent does not read. Valid transitions are: - .answering - .condemned
        case handling
        /// The answer is being written. Valid transitions are: - .idle - .receiving - .condemned
        case answering(since: Int64)
        /// The socket is shut down; libevent frees the connection at its next event. No valid transition.
        case condemned
    }

    /// Whom the client's certificate names; set by the handshake.
    private(set) var peer: PeerIdentity?
    private var phase: Phase
    private var address: String?
    private var isHandshakeCounted = false
    private let isWithinLimit: Bool
    /// Bytes of the request under way, and how many of them the ledger counts.
    private var received: Int64 = 0
    private var held = 0
    private var bufferevent: OpaquePointer?
    private let trustDomain: String
    private unowned let loop: EventLoop
    private var configuration: ServerConfiguration { loop.engine.configuration }
    private var ledger: ConnectionLedger { loop.engine.ledger }

    /// Over-long bodies are read and thrown away up to this length, so that the client gets to see the 413.
    private static let discardedBytes: Int64 = 8 << 20

    init(loop: EventLoop, trustDomain: String) {
        self.loop = loop
        self.trustDomain = trustDomain
        phase = .handshaking(since: Clock.monotonicMilliseconds())
        isWithinLimit = loop.engine.ledger.openConnection()
    }

    /// Creates the SSL object and the bufferevent that own a new connection; nil if memory is short.
    static func make(loop: EventLoop, base: OpaquePointer, context: TLSContext) -> OpaquePointer? {
        guard let ssl = SSL_new(context.pointer) else { return nil }
        let connection = Connection(loop: loop, trustDomain: context.trustDomain)
        let retained = Unmanaged.passRetained(connection)
        guard SSL_set_ex_data(ssl, connectionIndex, retained.toOpaque()) == 1 else {
            retained.release()
            connection.closed()
            SSL_free(ssl)
            return nil
        }
        loop.add(connection)
        // On failure libevent frees the SSL object, and that releases the connection.
        let created = bufferevent_openssl_socket_new(
            base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, Int32(BEV_OPT_CLOSE_ON_FREE.rawValue))
        guard let created else { return nil }
        bufferevent_openssl_set_allow_dirty_shutdown(created, 1)
        connection.bufferevent = created
        evbuffer_add_cb(bufferevent_get_input(created), inputChanged, retained.toOpaque())
        return created
    }

    /// The client hello is here: counts the handshake, or refuses it. May be called twice (HelloRetryRequest).
    func beginHandshake(address: String) -> Bool {
        if self.address != nil { return true }
        guard isWithinLimit, ledger.beginHandshake(address) else { return false }
        self.address = address
        isHandshakeCounted = true
        return true
    }

    /// The chain is verified: takes on the identity, or refuses it.
    func admit(_ peer: PeerIdentity) -> Bool {
        if let known = self.peer { return known == peer }
        guard peer.id.trustDomain == trustDomain, configuration.isRevoked?(peer) != true,
            ledger.admit(peer: peer.id.description)
        else { return false }
        self.peer = peer
        endHandshake()
        phase = .idle(since: Clock.monotonicMilliseconds())
        return true
    }

    /// Bytes came in from the network.
    fileprivate func receive(_ count: Int) {
        received += Int64(count)
        let counted = min(count, max(0, configuration.maximumHeadBytes + configuration.maximumBodyBytes - held))
        held += counted
        let isBelowHardLimit = ledger.receive(counted)
        let limit = Int64(configuration.maximumHeadBytes + configuration.maximumBodyBytes)
        switch phase {
        case .idle:
            phase = .receiving(since: Clock.monotonicMilliseconds())
            if !isBelowHardLimit { condemn() }
        case .receiving:
            if !isBelowHardLimit || received > limit + Connection.discardedBytes { condemn() }
        case .handling, .answering:
            // Pipelined requests wait in libevent's buffer; one is enough.
            if !isBelowHardLimit || received > limit { condemn() }
        case .handshaking, .condemned: condemn()
        }
    }

    /// The request is complete. Hands the count of its bytes over to whoever answers it.
    func handOver() -> Int {
        phase = .handling
        received = 0
        defer { held = 0 }
        return held
    }

    /// The answer is on its way.
    func answering() {
        if case .handling = phase { phase = .answering(since: Clock.monotonicMilliseconds()) }
    }

    /// The answer has left.
    func answered() {
        guard case .answering = phase else { return }
        let now = Clock.monotonicMilliseconds()
        phase = received > 0 ? .receiving(since: now) : .idle(since: now)
        if loop.isDraining, received == 0 { condemn() }
    }

    /// Closes the connection if it has had its time.
    func sweep(now: Int64) {
        switch phase {
        case .handshaking(let since):
            if !isWithinLimit || loop.isDraining || now - since > configuration.handshakeMilliseconds { condemn() }
        case .idle(let since), .answering(let since):
            if now - since > configuration.idleMilliseconds { condemn() }
        case .receiving(let since):
            let elapsed = now - since
            let isSlow =
                elapsed > configuration.requestGraceMilliseconds
                && received < elapsed / 1_000 * configuration.minimumBytesPerSecond
            if isSlow || elapsed > configuration.requestMilliseconds { condemn() }
        case .handling, .condemned: break
        }
    }

    /// Closes the connection if no request is in hand.
    func drain() {
        switch phase {
        case .handshaking, .idle: condemn()
        case .receiving, .handling, .answering, .condemned: break
        }
    }

    /// Shuts the socket down. libevent sees the end of the stream and frees everything in its own order; freeing from
    /// here could pull a buffer from under the caller.
    private func condemn() {
        phase = .condemned
        guard let bufferevent else { return }
        let descriptor = bufferevent_getfd(bufferevent)
        if descriptor >= 0 { shutdown(descriptor, Int32(SHUT_RDWR)) }
    }

    /// The SSL object is being freed.
    func closed() {
        bufferevent = nil
        endHandshake()
        if let peer { ledger.dismiss(peer: peer.id.description) }
        peer = nil
        ledger.release(held)
        held = 0
        ledger.closeConnection()
        loop.remove(self)
    }

    private func endHandshake() {
        if let address, isHandshakeCounted { ledger.endHandshake(address) }
        isHandshakeCounted = false
    }
}

private func inputChanged(
    _ buffer: OpaquePointer?, _ change: UnsafePointer<evbuffer_cb_info>?, _ context: UnsafeMutableRawPointer?
) {
    guard let change, let context, change.pointee.n_added > 0 else { return }
    Unmanaged<Connection>.fromOpaque(context).takeUnretainedValue().receive(change.pointee.n_added)
}
