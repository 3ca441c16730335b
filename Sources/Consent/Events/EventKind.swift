// The kinds of consent events this version knows, and which of them the fold reads.

/// What happened.
public enum EventKind: UInt8, CaseIterable, Hashable, Sendable {
    /// The subject gave consent to at least one purpose.
    case granted = 1
    /// The subject confirmed consent she had given.
    case renewed = 2
    /// The subject was asked and said no.
    case refused = 3
    /// The subject took consent back.
    case withdrawn = 4
    /// A grant ran out. For reports: the decision reads the grant's own expiry, so this event changes nothing.
    case expired = 5
    /// The subject objected (GDPR Article 21).
    case objection = 6
    /// The subject took an objection back; a fresh grant is still needed.
    case objectionLifted = 7
    /// Processing is restricted (GDPR Article 18).
    case restricted = 8
    /// The restriction ended; what was granted before it counts again.
    case unrestricted = 9
    /// The subject's data was erased; the tombstone denies every purpose.
    case erased = 10
    /// The subject's home store was assigned or changed.
    case homeAssigned = 11
    /// A notice was shown, whether or not a decision followed.
    case noticeServed = 12

    /// Whether the fold reads this kind. Other kinds are never a head, so no event lists them as seen.
    public var isDecision: Bool {
        switch self {
        case .expired, .homeAssigned, .noticeServed: false
        case .granted, .renewed, .refused, .withdrawn, .objection, .objectionLifted, .restricted, .unrestricted,
            .erased:
            true
        }
    }

    /// Whether events of this kind carry decisions about purposes.
    var carriesPurposes: Bool {
        switch self {
        case .granted, .renewed, .refused, .withdrawn, .expired, .objection: true
        case .objectionLifted, .restricted, .unrestricted, .erased, .homeAssigned, .noticeServed: false
        }
    }
}
