// Every limit of a server, with its default. Sizes follow the threat model: what one client can make the process hold.

import Identity

/// How a server listens and what it refuses. All limits count in bytes, connections or milliseconds.
public struct ServerConfiguration: Sendable {
    /// IPv4 or IPv6 address in text form.
    public var address = "127.0.0.1"
    /// TCP port; 0 lets the system choose a free one.
    public var port: UInt16 = 0
    /// Event loops, each with a thread. TLS runs on them; handlers do not.
    public var loopThreads = 2
    /// Request line and header fields together.
    public var maximumHeadBytes = 32 << 10
    /// The longest body any route takes: 1 MiB and room for framing.
    public var maximumBodyBytes = (1 << 20) + (64 << 10)
    /// The longest body of one route; ``maximumBodyBytes`` bounds it. Called on a loop thread: quick and without waiting.
    public var routeBodyLimit: (@Sendable (HTTPMethod, [String]) -> Int)?
    /// Connections in all.
    public var maximumConnections = 8_192
    /// Connections of one identity.
    public var maximumConnectionsPerPeer = 8
    /// Unfinished handshakes of one network address.
    public var maximumHandshakesPerAddress = 256
    /// Request bodies received or being handled, in all. Beyond it a complete request is answered 503 with Retry-After;
    /// beyond twice as much, connections that send are closed.
    public var maximumBytesInFlight = 256 << 20
    /// A handshake must be complete after this time.
    public var handshakeMilliseconds: Int64 = 10_000
    /// A request may be slow for so long; afterwards it must have arrived at ``minimumBytesPerSecond`` on average.
    public var requestGraceMilliseconds: Int64 = 10_000
    /// See ``requestGraceMilliseconds``. 1 KiB/s.
    public var minimumBytesPerSecond: Int64 = 1_024
    /// However fast, a request must be complete after this time.
    public var requestMilliseconds: Int64 = 120_000
    /// A connection without a request is closed after this time; so is one that does not take its answer.
    public var idleMilliseconds: Int64 = 120_000
    /// A handler that takes longer is cancelled and answered 503.
    public var handlerMilliseconds: Int64 = 60_000
    /// How long ``HTTPServer/stop()`` waits for requests in hand.
    public var drainMilliseconds: Int64 = 20_000
    /// Whether an identity is refused, asked in the handshake and again for every request, because long-lived
    /// connections outlast a revocation. Called on a loop thread: quick and without waiting.
    public var isRevoked: (@Sendable (PeerIdentity) -> Bool)?

    /// All defaults.
    public init() {}
}
