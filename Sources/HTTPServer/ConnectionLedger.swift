// The counts behind the connection and byte limits, shared by all loops of a server.

/// How much the clients of one server hold. Thread-safe.
final class ConnectionLedger: Sendable {
    private struct Counts {
        var connections = 0
        var bytes = 0
        var peers: [String: Int] = [:]
        var handshakes: [String: Int] = [:]
    }

    private let counts = Locked(Counts())
    private let maximumConnections: Int
    private let maximumPerPeer: Int
    private let maximumPerAddress: Int
    private let maximumBytes: Int

    init(_ configuration: ServerConfiguration) {
        maximumConnections = configuration.maximumConnections
        maximumPerPeer = configuration.maximumConnectionsPerPeer
        maximumPerAddress = configuration.maximumHandshakesPerAddress
        maximumBytes = configuration.maximumBytesInFlight
    }

    /// Counts a connection in any case; tells whether it is within the limit.
    func openConnection() -> Bool {
        counts.withLock {
            $0.connections += 1
            return $0.connections <= maximumConnections
        }
    }

    func closeConnection() { counts.withLock { $0.connections -= 1 } }

    /// Counts a handshake of an address if the limit allows.
    func beginHandshake(_ address: String) -> Bool {
        counts.withLock { ConnectionLedger.take(&$0.handshakes, address, limit: maximumPerAddress) }
    }

    func endHandshake(_ address: String) { counts.withLock { ConnectionLedger.give(&$0.handshakes, address) } }

    /// Counts a connection of an identity if the limit allows.
    func admit(peer: String) -> Bool {
        counts.withLock { ConnectionLedger.take(&$0.peers, peer, limit: maximumPerPeer) }
    }

    func dismiss(peer: String) { counts.withLock { ConnectionLedger.give(&$0.peers, peer) } }

    /// Counts received bytes; false beyond twice the budget, where a connection must not go on sending.
    func receive(_ bytes: Int) -> Bool {
        counts.withLock {
            $0.bytes += bytes
            return $0.bytes / 2 <= maximumBytes
        }
    }

    func release(_ bytes: Int) { counts.withLock { $0.bytes -= bytes } }

    /// Whether what is held is within the budget.
    var isWithinBudget: Bool { counts.withLock { $0.bytes <= maximumBytes } }

    /// Connections open now.
    var connections: Int { counts.withLock { $0.connections } }
    /// Bytes held now.
    var bytes: Int { counts.withLock { $0.bytes } }

    private static func take(_ table: inout [String: Int], _ key: String, limit: Int) -> Bool {
        let count = table[key, default: 0]
        guard count < limit else { return false }
        table[key] = count + 1
        return true
    }

    private static func give(_ table: inout [String: Int], _ key: String) {
        let count = table[key, default: 0] - 1
        table[key] = count > 0 ? count : nil
    }
}
