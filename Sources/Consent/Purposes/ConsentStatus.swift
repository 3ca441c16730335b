// The state of one purpose for one subject. Terms follow ISO/IEC TS 27560 as the W3C Data Privacy Vocabulary 2.3 renders
// it, where it has one; only `given` permits processing.

/// What the ledger says about one subject and one purpose at one moment.
public enum ConsentStatus: UInt8, CaseIterable, Hashable, Sendable, CustomStringConvertible {
    /// A grant is live.
    case given = 1
    /// No decision about the purpose is recorded.
    case unknown = 2
    /// Asked, and the answer was no.
    case refused = 3
    /// Given once and taken back.
    case withdrawn = 4
    /// The last live grant has run out.
    case expired = 5
    /// An objection (GDPR Article 21) stands.
    case objected = 6
    /// Processing is restricted (GDPR Article 18).
    case restricted = 7
    /// The subject was erased and has not registered again.
    case erased = 8
    /// Consent is given, but the subject's home store changed since the previous round: nobody includes her this round.
    case moving = 9
    /// A grant is recorded and takes effect later.
    case pending = 10
    /// A grant is recorded that cannot be relied on: its context is incomplete or contradicts itself. Ask again.
    case unconfirmed = 11
    /// Consent is given, but no home store is assigned. Appears in counts, never in a view.
    case unassigned = 12

    /// Whether this status permits processing.
    public var permitsProcessing: Bool { self == .given }

    /// The status as a word.
    public var description: String {
        switch self {
        case .given: "given"
        case .unknown: "unknown"
        case .refused: "refused"
        case .withdrawn: "withdrawn"
        case .expired: "expired"
        case .objected: "objected"
        case .restricted: "restricted"
        case .erased: "erased"
        case .moving: "moving"
        case .pending: "pending"
        case .unconfirmed: "unconfirmed"
        case .unassigned: "unassigned"
        }
    }

    /// The term of the W3C Data Privacy Vocabulary 2.3 (`dpv:`), for exports.
    public var vocabularyTerm: String {
        switch self {
        case .given, .moving, .unassigned: "ConsentGiven"
        case .unknown, .pending, .unconfirmed: "ConsentUnknown"
        case .refused: "ConsentRefused"
        case .withdrawn, .objected: "ConsentWithdrawn"
        case .expired: "ConsentExpired"
        case .restricted, .erased: "ConsentStatusInvalidForProcessing"
        }
    }
}
