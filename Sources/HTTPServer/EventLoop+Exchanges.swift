// From libevent's request to the handler's task and back. libevent leaves a request to us from its callback until
// evhttp_send_reply, even if the connection dies in between (it then clears the request's connection and
// evhttp_send_reply frees the request): so every request gets exactly one reply, through `finish`.

import CLibevent
import COpenSSL
import Cryptography
import Glibc
import Identity

/// A request that a handler is answering.
struct Exchange {
    let request: UnsafeMutablePointer<evhttp_request>
    let method: HTTPMethod?
    let requestID: String
    /// What the ledger counts for it.
    let bytes: Int
    /// Monotonic milliseconds.
    let since: Int64
    var task: Task<Void, Never>?
}

extension EventLoop {
    /// A complete request arrived.
    func receive(_ request: UnsafeMutablePointer<evhttp_request>) {
        let connection = connection(of: request)
        let exchange = Exchange(
            request: request, method: EventLoop.method(of: request), requestID: EventLoop.requestID(of: request),
            bytes: connection?.handOver() ?? 0, since: Clock.monotonicMilliseconds())
        lastExchange += 1
        let identifier = lastExchange
        exchanges[identifier] = exchange
        do throws(Refused) {
            let parsed = try parse(exchange, peer: try identify(connection))
            exchanges[identifier]?.task = Task { [engine] in
                self.reply(await engine.handler(parsed), to: identifier)
            }
        } catch {
            finish(identifier, with: error.response, closing: error.isClosing)
        }
    }

    /// Sends the one reply of an exchange; nothing happens if it was sent before.
    func finish(_ identifier: UInt64, with response: HTTPResponse, closing: Bool = false) {
        guard let exchange = exchanges.removeValue(forKey: identifier) else { return }
        engine.ledger.release(exchange.bytes)
        let request = exchange.request
        let headers = evhttp_request_get_output_headers(request)
        let status = (200...599).contains(response.status) ? response.status : 500
        let hasBody = status != 204 && status != 304
        if hasBody {
            if let contentType = response.contentType { evhttp_add_header(headers, "Content-Type", contentType) }
            evhttp_add_header(headers, "Content-Length", String(response.body.count))
            if exchange.method != .head {
                evbuffer_add(evhttp_request_get_output_buffer(request), response.body, response.body.count)
            }
        }
        evhttp_add_header(headers, "X-Content-Type-Options", "nosniff")
        evhttp_add_header(headers, "X-Request-ID", exchange.requestID)
        for header in response.headers { evhttp_add_header(headers, header.name, header.value) }
        if closing || isDraining { evhttp_add_header(headers, "Connection", "close") }
        if let connection = connection(of: request) {
            connection.answering()
            evhttp_request_set_on_complete_cb(
                request,
                { _, context in
                    guard let context else { return }
                    Unmanaged<Connection>.fromOpaque(context).takeUnretainedValue().answered()
                }, Unmanaged.passUnretained(connection).toOpaque())
        }
        evhttp_send_reply(request, Int32(status), nil, nil)
    }

    // MARK: Reading a request

    private struct Refused: Error {
        let response: HTTPResponse
        var isClosing = false
    }

    /// Who sent it, asked again for every request: connections outlast revocations and certificates.
    private func identify(_ connection: Connection?) throws(Refused) -> PeerIdentity? {
        guard engine.isTLS else { return nil }
        guard let peer = connection?.peer else {
            throw Refused(response: HTTPResponse.Refusal.noIdentity, isClosing: true)
        }
        if engine.configuration.isRevoked?(peer) == true {
            throw Refused(response: HTTPResponse.Refusal.revoked, isClosing: true)
        }
        if peer.notAfterMilliseconds < Clock.wallMilliseconds() {
            throw Refused(response: HTTPResponse.Refusal.expired, isClosing: true)
        }
        return peer
    }

    private func parse(_ exchange: Exchange, peer: PeerIdentity?) throws(Refused) -> HTTPRequest {
        let request = exchange.request
        guard let method = exchange.method else { throw Refused(response: HTTPResponse.Refusal.methodNotAllowed) }
        let target: RequestTarget
        do throws(RequestTarget.Fault) {
            guard let text = evhttp_request_get_uri(request) else { throw .notOriginForm }
            target = try RequestTarget(
                UnsafeBufferPointer(start: text, count: strlen(text)).map(UInt8.init(bitPattern:)))
        } catch {
            throw Refused(response: HTTPResponse.Refusal.badTarget(error))
        }
        if EventLoop.header("Transfer-Encoding", of: request) != nil {
            throw Refused(response: HTTPResponse.Refusal.lengthRequired)
        }
        if let encoding = EventLoop.header("Content-Encoding", of: request), encoding != "identity" {
            throw Refused(response: HTTPResponse.Refusal.unsupportedEncoding)
        }
        let buffer = evhttp_request_get_input_buffer(request)
        let count = evbuffer_get_length(buffer)
        let configuration = engine.configuration
        let limit = configuration.routeBodyLimit?(method, target.path) ?? configuration.maximumBodyBytes
        guard count <= limit else { throw Refused(response: HTTPResponse.Refusal.bodyTooLarge(limit: limit)) }
        guard count == 0 || engine.ledger.isWithinBudget else {
            throw Refused(response: HTTPResponse.Refusal.overloaded)
        }
        let body = [UInt8](unsafeUninitializedCapacity: count) { bytes, initialised in
            initialised = max(0, Int(evbuffer_remove(buffer, bytes.baseAddress, count)))
        }
        return HTTPRequest(
            method: method, path: target.path, query: target.query,
            headers: HTTPRequest.Headers(
                contentType: EventLoop.header("Content-Type", of: request),
                ifNoneMatch: EventLoop.header("If-None-Match", of: request),
                range: EventLoop.header("Range", of: request)),
            requestID: exchange.requestID, body: body, peer: peer)
    }

    private func connection(of request: UnsafeMutablePointer<evhttp_request>) -> Connection? {
        guard engine.isTLS, let owner = evhttp_request_get_connection(request),
            let ssl = bufferevent_openssl_get_ssl(evhttp_connection_get_bufferevent(owner))
        else { return nil }
        return Connection.of(ssl)
    }

    private static func header(_ name: String, of request: UnsafeMutablePointer<evhttp_request>) -> String? {
        evhttp_find_header(evhttp_request_get_input_headers(request), name).map { String(cString: $0) }
    }

    private static func method(of request: UnsafeMutablePointer<evhttp_request>) -> HTTPMethod? {
        switch evhttp_request_get_command(request) {
        case EVHTTP_REQ_GET: .get
        case EVHTTP_REQ_PUT: .put
        case EVHTTP_REQ_POST: .post
        case EVHTTP_REQ_DELETE: .delete
        case EVHTTP_REQ_HEAD: .head
        default: nil
        }
    }

    private static func requestID(of request: UnsafeMutablePointer<evhttp_request>) -> String {
        if let given = header("X-Request-ID", of: request), (1...64).contains(given.utf8.count),
            given.utf8.allSatisfy({ byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || ".-_".utf8.contains(byte)
            })
        {
            return given
        }
        // Only a name for logs: without random bytes the request is still served.
        return (try? SystemRandomSource().publicBytes(count: 16)).map { Hex.encode($0) } ?? "none"
    }
}
