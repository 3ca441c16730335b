import SecureAggregation

/// Why an attempt refused an event. Safe to log.
public enum AttemptError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The event does not fit the state; both are named.
    case illegal(event: String, state: AttemptState)
    /// Uploads are closed or the deadline has passed.
    case closed
    /// The aggregation protocol refused the message.
    case refused(SecureAggregationError)

    /// Safe to log: carries no secret and no customer data.
    public var description: String {
        switch self {
        case .illegal(let event, let state): "\(event) does not fit an attempt that is \(state.rawValue)"
        case .closed: "uploads are closed"
        case .refused(let error): error.description
        }
    }
}
