// What a handler sees of a request: parsed, bounded, and with the identity the TLS handshake proved.

import Identity

/// The methods a route may have. Any other is answered 405 before a handler runs.
public enum HTTPMethod: String, CaseIterable, Hashable, Sendable {
    /// Read.
    case get = "GET"
    /// Store under a name the caller chose; idempotent.
    case put = "PUT"
    /// Anything else that changes something.
    case post = "POST"
    /// Remove; idempotent.
    case delete = "DELETE"
    /// Read without the body. The server drops the handler's body and keeps its length.
    case head = "HEAD"
}

/// One request.
public struct HTTPRequest: Sendable {
    /// The header fields that handlers use. Others are not kept.
    public struct Headers: Hashable, Sendable {
        /// Content-Type, as sent.
        public var contentType: String?
        /// If-None-Match, as sent.
        public var ifNoneMatch: String?
        /// Range, as sent.
        public var range: String?

        /// Names the fields one by one.
        public init(contentType: String? = nil, ifNoneMatch: String? = nil, range: String? = nil) {
            self.contentType = contentType
            self.ifNoneMatch = ifNoneMatch
            self.range = range
        }
    }

    /// The method.
    public var method: HTTPMethod
    /// The path's components, percent-decoded; none is empty, `.`, `..`, or contains `/`, NUL or another control
    /// character. Empty for `/`.
    public var path: [String]
    /// The query's fields, percent-decoded. No field occurs twice. `+` means `+`.
    public var query: [String: String]
    /// The header fields that handlers use.
    public var headers: Headers
    /// X-Request-ID if it was 1 to 64 characters of `A-Z a-z 0-9 . _ -`, else 128 fresh random bits in hexadecimal.
    /// Returned in the answer's X-Request-ID.
    public var requestID: String
    /// The whole body; at most as long as the route allows.
    public var body: [UInt8]
    /// Whom the client's certificate names. Always present behind ``HTTPServer``, never behind ``PlainHTTPListener``.
    public var peer: PeerIdentity?

    /// Builds a request; for tests of handlers, and for a transport in memory.
    public init(
        method: HTTPMethod, path: [String], query: [String: String] = [:], headers: Headers = Headers(),
        requestID: String, body: [UInt8] = [], peer: PeerIdentity?
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.requestID = requestID
        self.body = body
        self.peer = peer
    }
}

/// Answers a request. Runs as a task of its own, many at once.
public typealias HTTPHandler = @Sendable (HTTPRequest) async -> HTTPResponse
