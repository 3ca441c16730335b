// The deny-wins causal fold: specification, section 5. "Latest timestamp wins" would honour a grant over a withdrawal
// that another store recorded while both were offline; here such a pair means no until the customer is asked again.

/// The decision events of one subject: a set, so the order and the number of times events arrive make no difference.
public struct ConsentFold: Hashable, Sendable {
    /// Above this many distinct events every purpose is ``ConsentStatus/unconfirmed``: a subject decides a few times a
    /// year, so more is a fault or an attack, and the bound keeps the cost of a decision small.
    public static let maximumEvents = 256

    /// Distinct events, ascending by identifier, then by content.
    private(set) var events: [FoldEvent] = []

    /// No events: every purpose is denied.
    public init() {}

    /// Adds an event; does nothing for one that is already there, or that is not a decision.
    /// - Parameters:
    ///   - event: an event of this subject; the caller has matched the handle.
    ///   - index: the event's index in the log, not negative.
    ///   - recordedMilliseconds: the leaf's time.
    public mutating func insert(_ event: ConsentEvent, index: Int, recordedMilliseconds: Int64) {
        guard event.kind.isDecision else { return }
        let new = FoldEvent(event, index: index, recordedMilliseconds: recordedMilliseconds)
        if let position = events.firstIndex(where: { $0.hasSameContent(as: new) }) {
            events[position].keepEarlierAppearance(of: new)
            return
        }
        let position = events.firstIndex { Self.precedes(new, $0) } ?? events.endIndex
        events.insert(new, at: position)
    }

    /// The state of the subject as of a log of `size` entries.
    public func state(known size: Int = .max) -> SubjectState {
        SubjectState(events: events.contains { $0.index >= size } ? events.filter { $0.index < size } : events)
    }

    /// Two contents under one identifier are a fault; they need a fixed order all the same, so that equal sets are equal.
    private static func precedes(_ left: FoldEvent, _ right: FoldEvent) -> Bool {
        if left.identifier != right.identifier { return left.identifier < right.identifier }
        return key(left).lexicographicallyPrecedes(key(right))
    }

    private static func key(_ event: FoldEvent) -> [UInt64] {
        var key: [UInt64] = [
            UInt64(event.kind.rawValue), UInt64(event.grants), UInt64(event.denials), UInt64(event.earliest),
            UInt64(event.latest), UInt64(event.expires), UInt64(event.seen.count),
        ]
        for identifier in event.seen + event.supersedes {
            key.append(identifier.bytes.bigEndian(at: 0, width: 8))
            key.append(identifier.bytes.bigEndian(at: 8, width: 8))
        }
        return key
    }
}
