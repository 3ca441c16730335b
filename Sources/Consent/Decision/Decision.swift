// The answer of the gate. There is no third one.

/// Whether one customer's data may be used now, for one purpose.
public enum Decision: Hashable, Sendable {
    /// It may.
    case allow
    /// It may not.
    case deny(DenialReason)

    /// Whether the answer is yes.
    public var isAllowed: Bool { self == .allow }
}

/// Why the gate says no. For the customer's own screen and for personalisation metrics; the reasons of a training gate
/// are never counted or logged, because whom a round left out must not be seen from outside.
public enum DenialReason: Hashable, Sendable {
    /// The view has no row of the subject.
    case unknownSubject
    /// Views say nothing about this purpose.
    case unknownPurpose
    /// The purpose has no such level.
    case unknownLevel
    /// The view is older than the policy allows.
    case staleView
    /// The clock is behind the view or behind an earlier question.
    case clockWentBackwards
    /// Consent covers lower levels only.
    case levelNotGranted
    /// The ledger's status is not ``ConsentStatus/given``.
    case status(ConsentStatus)
}
