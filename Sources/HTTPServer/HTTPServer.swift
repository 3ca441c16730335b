// The coordinator's door: HTTP/1.1 over mutual TLS 1.3. libevent parses, OpenSSL proves who is there, a handler answers.

import Identity

/// An HTTP/1.1 server that only talks to clients with a certificate of the chain.
///
/// Every refusal before the handler is a problem document (RFC 9457), except two that libevent words itself because the
/// request cannot be parsed: 400 for a malformed head and 413 for a body beyond
/// ``ServerConfiguration/maximumBodyBytes``.
///
/// Thread safety: every method may be called from any thread. Handlers run as tasks on the concurrency pool, many at
/// once. Starting a server makes the process ignore SIGPIPE and raises its limit of open files to the hard limit.
public final class HTTPServer: Sendable {
    private let engine: ServerEngine

    /// Prepares a server; nothing listens yet.
    /// - Parameter credentials: the root that clients' certificates must come from, and the server's own identity, whose
    ///   trust domain is the only one accepted.
    /// - Parameter handler: answers each request.
    /// - Throws: ``HTTPServerError/identity(_:)`` if a certificate or the key is refused.
    public init(
        configuration: ServerConfiguration, credentials: TLSCredentials, handler: @escaping HTTPHandler
    ) throws(HTTPServerError) {
        engine = ServerEngine(
            configuration: configuration, context: try TLSContext(credentials), handler: handler)
    }

    /// Reads the credentials from files.
    /// - Throws: ``HTTPServerError/identity(_:)``.
    public convenience init(
        configuration: ServerConfiguration, files: TLSFiles, handler: @escaping HTTPHandler
    ) throws(HTTPServerError) {
        let credentials: TLSCredentials
        do throws(IdentityError) {
            credentials = try TLSCredentials(files: files)
        } catch {
            throw .identity(error)
        }
        try self.init(configuration: configuration, credentials: credentials, handler: handler)
    }

    deinit { engine.beginStopping(milliseconds: 0) }

    /// Listens and starts the loops.
    /// - Returns: the port.
    /// - Throws: ``HTTPServerError``; the server cannot be started again.
    public func start() throws(HTTPServerError) -> UInt16 { try engine.start() }

    /// Stops accepting, answers the requests in hand, and returns when every connection is closed, or after
    /// ``ServerConfiguration/drainMilliseconds``, when what is left is cut and its handlers' tasks are cancelled.
    public func stop() async { await engine.stop() }

    /// Uses other certificates for new connections; open ones keep theirs. For renewal without a restart.
    /// - Throws: ``HTTPServerError/identity(_:)``; the old certificates then stay in use.
    public func replaceCredentials(_ credentials: TLSCredentials) throws(HTTPServerError) {
        engine.replaceContext(try TLSContext(credentials))
    }

    /// Connections open now. For metrics.
    public var openConnections: Int { engine.ledger.connections }
    /// Bytes of requests received or in hand now. For metrics.
    public var bytesInFlight: Int { engine.ledger.bytes }
}
