// What operators watch.

/// The chain at a glance.
public struct ChainStatus: Codable, Sendable {
    /// Nodes in the register.
    public let nodesRegistered: Int
    /// Nodes that asked for work lately.
    public let nodesLive: Int
    /// Live nodes with a prekey in stock.
    public let nodesReady: Int
    /// Number of the current epoch; 0 before the first.
    public let epoch: Int
    /// Whether its list of hellos is closed.
    public let epochClosed: Bool
    /// Entries of the consent log.
    public let ledgerSize: Int
    /// Data subjects in the ledger.
    public let subjects: Int
    /// Whether the log is behind what nodes have seen, and everything stands still.
    public let quarantined: Bool
    /// State of every attempt that is not over, by the first digits of its session.
    public let liveAttempts: [String: String]

    /// Collects the fields.
    public init(
        nodesRegistered: Int, nodesLive: Int, nodesReady: Int, epoch: Int, epochClosed: Bool, ledgerSize: Int,
        subjects: Int, quarantined: Bool, liveAttempts: [String: String]
    ) {
        self.nodesRegistered = nodesRegistered
        self.nodesLive = nodesLive
        self.nodesReady = nodesReady
        self.epoch = epoch
        self.epochClosed = epochClosed
        self.ledgerSize = ledgerSize
        self.subjects = subjects
        self.quarantined = quarantined
        self.liveAttempts = liveAttempts
    }
}
