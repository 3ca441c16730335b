// The answer to "whose customer is she in this round?".

/// A subject's home in the round that pins one log size after another round pinned an earlier one.
public enum HomeAssignment: Hashable, Sendable {
    /// No home store was assigned.
    case none
    /// This node's, and only this node's, customer.
    case home(node: UInt32)
    /// Moved to this node since the previous round: nobody includes her this round.
    case moving(to: UInt32)

    /// The node whose view shows the subject; nil without one.
    public var node: UInt32? {
        switch self {
        case .none: nil
        case .home(let node), .moving(let node): node
        }
    }
}
