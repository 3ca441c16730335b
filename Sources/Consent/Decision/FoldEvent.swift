// A decision event reduced to what the fold reads: about 100 bytes, so that a chain of a million customers fits memory.

/// One decision event as the fold sees it.
struct FoldEvent: Hashable, Sendable {
    let identifier: EventIdentifier
    let kind: EventKind
    /// Four bits a purpose: the level granted, or 0.
    let grants: UInt32
    /// Four bits a purpose: the lowest level removed, or 0.
    let denials: UInt32
    /// The earlier of captured and effective time.
    let earliest: Int64
    /// The later of captured and effective time.
    let latest: Int64
    /// When a grant ends; `Int64.max` if it has no end of its own.
    let expires: Int64
    let seen: [EventIdentifier]
    let supersedes: [EventIdentifier]
    /// Log index of the event's first appearance.
    private(set) var index: Int
    /// When the ledger recorded that first appearance.
    private(set) var recorded: Int64

    /// A tombstone removes level 1 and above of every purpose.
    private static let everyPurpose: UInt32 = 0x1111_1111

    init(_ event: ConsentEvent, index: Int, recordedMilliseconds: Int64) {
        identifier = event.identifier
        kind = event.kind
        var grants: UInt32 = 0
        var denials: UInt32 = event.kind == .erased ? Self.everyPurpose : 0
        for decision in event.purposes {
            let bits = UInt32(decision.level) << Self.shift(decision.purpose)
            switch decision.answer {
            case .grant: grants |= bits
            case .deny: denials |= bits
            }
        }
        self.grants = grants
        self.denials = denials
        earliest = min(event.capturedAtMilliseconds, event.effectiveAtMilliseconds)
        latest = max(event.capturedAtMilliseconds, event.effectiveAtMilliseconds)
        expires = event.expiresAtMilliseconds ?? .max
        seen = event.seen
        supersedes = event.supersedes
        self.index = index
        recorded = recordedMilliseconds
    }

    private static func shift(_ purpose: Purpose) -> UInt32 { UInt32(purpose.rawValue - 1) * 4 }

    /// The level of `purpose` granted, or 0.
    func grantedLevel(_ purpose: Purpose) -> Int { Int(grants >> Self.shift(purpose) & 15) }

    /// Whether the event denies `level` of `purpose`: a denial removes its own level and those above.
    func denies(_ purpose: Purpose, level: Int) -> Bool {
        let from = Int(denials >> Self.shift(purpose) & 15)
        return from != 0 && from <= level
    }

    /// From when a permission counts. Rule 2: the latest of all clocks, so a skewed clock can only shorten consent.
    var permissionStart: Int64 { max(latest, recorded) }

    /// From when a denial counts. Rule 2: the earliest of all clocks.
    var denialStart: Int64 { min(earliest, recorded) }

    /// Whether both say the same, wherever they were recorded.
    func hasSameContent(as other: FoldEvent) -> Bool {
        identifier == other.identifier && kind == other.kind && grants == other.grants && denials == other.denials
            && earliest == other.earliest && latest == other.latest && expires == other.expires && seen == other.seen
            && supersedes == other.supersedes
    }

    /// Keeps the first of two appearances of the same event.
    mutating func keepEarlierAppearance(of other: FoldEvent) {
        if (other.index, other.recorded) < (index, recorded) {
            index = other.index
            recorded = other.recorded
        }
    }
}
