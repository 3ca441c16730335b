// What people see of a round.

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

    /// Collects the fields.
    public init(
        round: Int, attempt: Int, session: String, state: String, offered: Int, uploaded: Int, survivors: Int?,
        dropped: Int?, eligibleCustomers: Int, excluded: [String: Int], epsilonAfter: Double?, model: String?,
        rideAlongs: [String: Double]?, voidReason: String?, openedMilliseconds: Int64, releasedMilliseconds: Int64?
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
    }
}
