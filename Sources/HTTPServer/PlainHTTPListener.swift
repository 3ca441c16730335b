// Health and metrics for the same machine: plain HTTP on loopback, without identities.

/// An HTTP/1.1 listener without TLS, on a loopback address only; ``HTTPRequest/peer`` is nil.
///
/// Of the limits it knows sizes, the idle time and the handler's time; connections are not counted.
/// Thread safety: as ``HTTPServer``.
public final class PlainHTTPListener: Sendable {
    private let engine: ServerEngine

    /// Prepares a listener; nothing listens yet.
    /// - Throws: ``HTTPServerError/badAddress`` for an address that is not 127.0.0.0/8 or ::1.
    public init(configuration: ServerConfiguration, handler: @escaping HTTPHandler) throws(HTTPServerError) {
        guard ListeningSocket.isLoopback(configuration.address) else { throw .badAddress }
        engine = ServerEngine(configuration: configuration, context: nil, handler: handler)
    }

    deinit { engine.beginStopping(milliseconds: 0) }

    /// Listens and starts the loops.
    /// - Returns: the port.
    /// - Throws: ``HTTPServerError``; the listener cannot be started again.
    public func start() throws(HTTPServerError) -> UInt16 { try engine.start() }

    /// Stops accepting, answers the requests in hand, and returns when the loops have ended.
    public func stop() async { await engine.stop() }
}
