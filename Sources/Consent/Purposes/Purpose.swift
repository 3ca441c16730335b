// The purposes a customer decides about, each on its own. The W3C Data Privacy Vocabulary 2.3 has no term for training a
// model and IAB's TCF has none either, so no imported signal can grant `train.*`: a person must say so here.

/// What data may be used for. A code outside this list is refused wherever it appears.
public enum Purpose: UInt8, CaseIterable, Hashable, Sendable, CustomStringConvertible {
    /// Train a model on data that stays in the store.
    case trainFederated = 1
    /// Train a model on data copied to a central place.
    case trainCentral = 2
    /// Personalise what the customer sees; see ``maximumLevel``.
    case personalise = 3
    /// Statistics with differential privacy.
    case analyticsDifferentiallyPrivate = 4
    /// Measurement with a partner in a clean room.
    case measureCleanRoom = 5
    /// Direct marketing.
    case marketDirect = 6
    /// Share or sell.
    case shareSell = 7
    /// Decisions with legal or similarly significant effect (GDPR Article 22).
    case decideSignificant = 8

    /// The purpose's name in notices, logs and command lines.
    public var text: String {
        switch self {
        case .trainFederated: "train.federated"
        case .trainCentral: "train.central"
        case .personalise: "personalise"
        case .analyticsDifferentiallyPrivate: "analytics.dp"
        case .measureCleanRoom: "measure.cleanroom"
        case .marketDirect: "market.direct"
        case .shareSell: "share.sell"
        case .decideSignificant: "decide.significant"
        }
    }

    /// The same as ``text``.
    public var description: String { text }

    /// The purpose that `text` names.
    /// - Throws: ``ConsentError/invalid(field:expected:)`` for any other text.
    public init(text: String) throws(ConsentError) {
        guard let purpose = Purpose.allCases.first(where: { $0.text == text }) else {
            throw .invalid(field: "purpose", expected: "a purpose of the registry")
        }
        self = purpose
    }

    /// The highest level that can be granted; consent to level n covers 1...n.
    ///
    /// Levels of `personalise`: 1 this basket, 2 own history, 3 across channels, 4 sensitive inference, which needs
    /// explicit consent (GDPR Article 9). Level 0, nothing, is the absence of a grant. Every other purpose has level 1 only.
    public var maximumLevel: Int { self == .personalise ? 4 : 1 }

    /// From this level on, consent must be explicit; nil where no level asks for it.
    var explicitFromLevel: Int? { self == .personalise ? 4 : nil }

    /// The nearest broader term of the W3C Data Privacy Vocabulary 2.3, for exports; nil where it has none.
    public var broaderTerm: String? {
        switch self {
        case .trainFederated, .trainCentral, .decideSignificant: nil
        case .personalise: "Personalisation"
        case .analyticsDifferentiallyPrivate: "ServiceUsageAnalytics"
        case .measureCleanRoom: "Marketing"
        case .marketDirect: "DirectMarketing"
        case .shareSell: "SellDataToThirdParties"
        }
    }
}
