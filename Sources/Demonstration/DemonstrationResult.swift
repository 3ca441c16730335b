// What a demonstration found out: the last object on standard output with --json, rounds.json, and what the report draws.

/// The outcome of one demonstration.
public struct DemonstrationResult: Codable, Sendable {
    /// One released round.
    public struct Round: Codable, Sendable {
        /// From 1.
        public var round: Int
        /// Nodes offered the round.
        public var offered: Int
        /// Nodes in the sum.
        public var survivors: Int
        /// offered − survivors.
        public var dropped: Int
        /// Customers whose consent lets them train at the round's pinned checkpoint.
        public var eligibleCustomers: Int
        /// Customers left out at the pinned checkpoint, by reason.
        public var excluded: [String: Int]
        /// ε spent after this round.
        public var epsilon: Double
        /// Headline utility of the released model on the held-out period.
        public var utility: Double
        /// Wall time from opening to release, in seconds.
        public var seconds: Double
        /// Noisy averages that rode along in the sum: clip indicator, training loss.
        public var rideAlongs: [String: Double]
    }

    /// The comparison on the held-out period, same customers for all three.
    public struct Utility: Codable, Sendable {
        /// What is measured.
        public var metric: String
        /// The model Concord released.
        public var concord: Double
        /// Non-private central training on the same consented customers.
        public var central: Double
        /// Categories ranked by overall popularity.
        public var popularity: Double
    }

    /// Where the data came from, for people.
    public var dataDescription: String
    /// Customers in the data.
    public var customers: Int
    /// Transactions in the data.
    public var transactions: Int
    /// Store nodes, one process each.
    public var nodes: Int
    /// Model parameters.
    public var parameters: Int
    /// One entry a released round.
    public var rounds: [Round]
    /// The task's cap on ε.
    public var epsilonCap: Double
    /// δ.
    public var delta: Double
    /// The comparison.
    public var utility: Utility
    /// Whether the withdrawn customer is proved absent from the round after her withdrawal.
    public var withdrawnCustomerAbsent: Bool
    /// Times the coordinator was killed with SIGKILL and went on.
    public var coordinatorRestarts: Int
    /// Agents killed with SIGKILL in the middle of a round.
    public var agentsKilled: Int
    /// Uploads acknowledged before the coordinator was killed, and found again after it.
    public var acknowledgedUploadsKept: Bool
    /// Whole run, in seconds.
    public var seconds: Double
    /// Largest proportional set size of all processes together, in bytes.
    public var peakMemoryBytes: Int
    /// Path of the evidence bundle.
    public var evidence: String
    /// Whether the evidence bundle verified.
    public var evidenceVerified: Bool
    /// Path of the model.
    public var model: String
    /// Path of the report.
    public var report: String
    /// What was promised and did not hold; empty if the run succeeded.
    public var broken: [String]
}
