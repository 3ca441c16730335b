/// Where an attempt at a round stands. Every state is durable before anything that follows from it is shown to anyone.
/// There is no backward edge.
public enum AttemptState: String, Sendable, CaseIterable, Codable {
    /// Parameters signed, roster fixed, budget reserved. Valid transitions: collecting, labelling, void.
    case offered
    /// At least one upload is stored. Valid transitions: labelling, void.
    case collecting
    /// The survivor set is fixed; the committee votes. Valid transitions: revealing, void.
    case labelling
    /// The certificate is stored and the budget charged in the same transaction: from here on the sum can be learned.
    /// Valid transitions: unmasking, void (spent).
    case revealing
    /// Enough shares are stored. Valid transitions: aggregated, void (spent).
    case unmasking
    /// The noisy sum is stored. Valid transitions: released, void (spent).
    case aggregated
    /// The next model is stored. Final.
    case released
    /// Given up, with a reason. Final.
    case void

    /// Whether nothing can follow.
    public var isFinal: Bool { self == .released || self == .void }

    /// Whether the round's privacy budget is spent in this state, whatever happens next.
    public var isCharged: Bool {
        switch self {
        case .revealing, .unmasking, .aggregated, .released: true
        case .offered, .collecting, .labelling, .void: false
        }
    }

    /// The states that may follow.
    public var successors: Set<AttemptState> {
        switch self {
        case .offered: [.collecting, .labelling, .void]
        case .collecting: [.labelling, .void]
        case .labelling: [.revealing, .void]
        case .revealing: [.unmasking, .void]
        case .unmasking: [.aggregated, .void]
        case .aggregated: [.released, .void]
        case .released, .void: []
        }
    }
}

/// How long an attempt waits in each state, in milliseconds.
public struct AttemptDeadlines: Equatable, Sendable {
    /// From the offer until uploads close, unless everyone has uploaded before.
    public let collecting: Int64
    /// From the seal until a quorum must have voted.
    public let labelling: Int64
    /// From the certificate until a quorum must have revealed.
    public let revealing: Int64

    /// The longest an attempt can take.
    public var total: Int64 { collecting + labelling + revealing }

    /// Two minutes, five minutes, thirty minutes.
    public static let standard = AttemptDeadlines(
        collecting: 120_000, labelling: 5 * 60_000, revealing: 30 * 60_000)

    /// Sets the deadlines, in milliseconds.
    public init(collecting: Int64, labelling: Int64, revealing: Int64) {
        self.collecting = collecting
        self.labelling = labelling
        self.revealing = revealing
    }
}

/// Why an attempt was given up.
public enum VoidReason: String, Sendable, Codable, CaseIterable {
    /// Fewer survivors than minAlive when uploads closed.
    case tooFewSurvivors
    /// A window of the ring held too few survivors.
    case disconnected
    /// No quorum of votes in time.
    case noQuorumOfVotes
    /// No quorum of shares in time.
    case noQuorumOfReveals
    /// A node's dealt secret did not match its own commitment.
    case badDealer
    /// An officer stopped the task.
    case stopped
    /// A stored upload was unreadable.
    case storageFault
    /// Too few other groups of the round had a sum for the plan's trimmed mean.
    case tooFewGroups
}
