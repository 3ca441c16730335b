// What people see of a round.

/// Which group of a round an attempt summed, and what its sum says of it.
public struct GroupSummary: Codable, Sendable {
    /// The group, from 0.
    public let index: Int
    /// Groups of the round.
    public let count: Int
    /// ℓ2 norm of the sum over the most that honest nodes make of it; nil before the release.
    public let normRatio: Double?
    /// Largest coordinate of the sum over the most that honest nodes make of it; nil before the release.
    public let coordinateRatio: Double?

    /// Whether one of the ratios is above 1: somebody in this group did not follow the plan; nil before the release.
    public var isAlarmed: Bool? {
        guard let normRatio, let coordinateRatio else { return nil }
        return max(normRatio, coordinateRatio) > 1
    }

    /// Collects the fields.
    public init(index: Int, count: Int, normRatio: Double?, coordinateRatio: Double?) {
        self.index = index
        self.count = count
        self.normRatio = normRatio
        self.coordinateRatio = coordinateRatio
    }
}

/// Who may be poisoning the groups of a task: evidence, not proof.
public struct SuspectReport: Codable, Sendable {
    /// One node.
    public struct Node: Codable, Sendable {
        /// Register index.
        public let node: Int
        /// The store's name.
        public let name: String
        /// Natural logarithm of the evidence against it.
        public let evidence: Double
        /// Whether the evidence has reached ``SuspectReport/bound`` in some round.
        public let isSuspect: Bool

        /// Collects the fields.
        public init(node: Int, name: String, evidence: Double, isSuspect: Bool) {
            self.node = node
            self.name = name
            self.evidence = evidence
            self.isSuspect = isSuspect
        }
    }

    /// Released rounds that were looked at.
    public let rounds: Int
    /// Evidence that makes a node a suspect: that any honest node ever reaches it has a probability of 1 % at most.
    public let bound: Double
    /// Every node that was in a sum, strongest evidence first.
    public let nodes: [Node]

    /// Collects the fields.
    public init(rounds: Int, bound: Double, nodes: [Node]) {
        self.rounds = rounds
        self.bound = bound
        self.nodes = nodes
    }
}

/// One attempt at a round.
public struct AttemptSummary: Codable, Sendable {
    /// The round, from 1.
    public let round: Int
    /// 1, or 2 for a retry.
    public let attempt: Int
    /// The session's id, 64 hexadecimal digits.
    public let session: String
    /// The attempt's state.
    public let state: String
    /// Nodes that got the offer.
    public let offered: Int
    /// Nodes whose upload is stored.
    public let uploaded: Int
    /// Nodes in the sum; nil before they are known.
    public let survivors: Int?
    /// Nodes that got the offer and are not in the sum; nil before they are known.
    public let dropped: Int?
    /// Customers who may be trained on, in all stores.
    public let eligibleCustomers: Int
    /// Customers who may not, by reason.
    public let excluded: [String: Int]
    /// ε spent once this round was charged; nil before.
    public let epsilonAfter: Double?
    /// SHA-256 of the released model; nil before.
    public let model: String?
    /// Averages that came with the sum, by name; nil before the release.
    public let rideAlongs: [String: Double]?
    /// Why there is no model; nil if there is one or may be.
    public let voidReason: String?
    /// When it was opened, Unix milliseconds.
    public let openedMilliseconds: Int64
    /// When the model was released, Unix milliseconds; nil before.
    public let releasedMilliseconds: Int64?
    /// Whether the sum is beyond what honest nodes make of it; nil before the release.
    public let isAlarmed: Bool?
    /// The group that the attempt summed; nil for a sum over everybody.
    public let group: GroupSummary?

    /// Collects the fields.
    public init(
        round: Int, attempt: Int, session: String, state: String, offered: Int, uploaded: Int, survivors: Int?,
        dropped: Int?, eligibleCustomers: Int, excluded: [String: Int], epsilonAfter: Double?, model: String?,
        rideAlongs: [String: Double]?, voidReason: String?, openedMilliseconds: Int64, releasedMilliseconds: Int64?,
        isAlarmed: Bool? = nil, group: GroupSummary? = nil
    ) {
        self.round = round
        self.attempt = attempt
        self.session = session
        self.state = state
        self.offered = offered
        self.uploaded = uploaded
        self.survivors = survivors
        self.dropped = dropped
        self.eligibleCustomers = eligibleCustomers
        self.excluded = excluded
        self.epsilonAfter = epsilonAfter
        self.model = model
        self.rideAlongs = rideAlongs
        self.voidReason = voidReason
        self.openedMilliseconds = openedMilliseconds
        self.releasedMilliseconds = releasedMilliseconds
        self.isAlarmed = isAlarmed
        self.group = group
    }
}
