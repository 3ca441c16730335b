// A node's only way out: HTTPS to one coordinator over mutual TLS 1.3, by libcurl. Nothing else: no redirects, no proxies,
// no other scheme, no root but the chain's.

import Dispatch
import Identity

/// A client of one server. Keeps one connection open and sends one request at a time; make several for more.
///
/// Thread safety: may be used from any task. Requests wait their turn on the client's own queue, so a slow server blocks
/// no thread of the concurrency pool.
public final class HTTPClient: Sendable {
    /// The methods a server of this project has.
    public enum Method: String, Hashable, Sendable {
        /// Read.
        case get = "GET"
        /// Store under a known name.
        case put = "PUT"
        /// Change.
        case post = "POST"
        /// Remove.
        case delete = "DELETE"
        /// Read the head.
        case head = "HEAD"
    }

    /// Times and sizes.
    public struct Configuration: Hashable, Sendable {
        /// TCP and TLS must be up after this time.
        public var connectMilliseconds = 10_000
        /// The whole request, from connecting to the last byte of the answer.
        public var totalMilliseconds = 60_000
        /// The longest response body: 64 MiB.
        public var maximumResponseBytes = 64 << 20

        /// All defaults.
        public init() {}
    }

    private let origin: String
    private let configuration: Configuration
    private let queue = DispatchQueue(label: "concord.http-client")
    private let transport: CurlTransport

    /// Prepares a client; nothing connects yet. The files are read again for each new connection, so renewed ones are
    /// taken up.
    /// - Parameter baseURL: `https://host[:port]`, host a name or an address of the server's certificate.
    /// - Throws: ``HTTPClientError/badBaseURL``, or ``HTTPClientError/identity(_:)`` if the key file is not private or the
    ///   three files do not fit together.
    public convenience init(
        baseURL: String, tls: TLSFiles, configuration: Configuration = Configuration()
    ) throws(HTTPClientError) {
        do throws(IdentityError) {
            _ = try TLSCredentials(files: tls)
        } catch {
            throw .identity(error)
        }
        try self.init(baseURL: baseURL, uncheckedTLS: tls, presentsCertificate: true, configuration: configuration)
    }

    /// Without looking at the files first, and possibly without a certificate: how tests play a stranger.
    init(
        baseURL: String, uncheckedTLS tls: TLSFiles, presentsCertificate: Bool, configuration: Configuration
    ) throws(HTTPClientError) {
        guard let origin = RequestText.origin(baseURL) else { throw .badBaseURL }
        self.origin = origin
        self.configuration = configuration
        guard let transport = CurlTransport(tls: tls, presentsCertificate: presentsCertificate) else {
            throw .failed(code: 2)  // CURLE_FAILED_INIT
        }
        self.transport = transport
    }

    /// Sends one request and waits for the whole answer. Any status is an answer, not an error.
    /// - Parameter path: begins with `/`; sent as it is, so its components must be percent-encoded: see ``encode(_:)``.
    /// - Parameter query: fields in plain text; encoded and sorted by name here.
    /// - Parameter body: nil for none.
    /// - Parameter headers: further header fields in plain text.
    /// - Throws: ``HTTPClientError``. After ``HTTPClientError/connectionFailed``, ``HTTPClientError/timedOut`` or
    ///   ``HTTPClientError/cancelled`` the server may or may not have acted: repeat only what is idempotent.
    public func send(
        _ method: Method, path: String, query: [String: String] = [:], body: [UInt8]? = nil,
        contentType: String? = nil, headers: [String: String] = [:]
    ) async throws(HTTPClientError) -> HTTPClientResponse {
        var fields = headers
        if let contentType { fields["Content-Type"] = contentType }
        guard let target = RequestText.target(path: path, query: query), let lines = RequestText.lines(fields) else {
            throw .badRequest
        }
        let exchange = CurlExchange(
            url: origin + target, method: method, headerLines: lines, body: body, configuration: configuration)
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                queue.async { [transport] in continuation.resume(returning: transport.perform(exchange)) }
            }
        } onCancel: {
            exchange.cancel()
        }
        return try result.get()
    }

    /// Percent-encodes a path component (RFC 3986 section 2.3).
    public static func encode(_ component: String) -> String { RequestText.encoded(component) }
}

/// An answer.
public struct HTTPClientResponse: Hashable, Sendable {
    /// Status code.
    public let status: Int
    /// Content-Type, as sent.
    public let contentType: String?
    /// The whole body.
    public let body: [UInt8]
    /// All header fields by lower-case name; of fields that occur twice, the last.
    public let headers: [String: String]
}
