// Who had seen what when deciding. The order of the log says nothing about that: two stores without a connection decide
// at the same time, whatever the order of their uploads. Idea: causal sets of replicated data types; the fold built on it
// is specified in section 5.

/// The causal past of each event of one subject.
struct CausalOrder: Hashable, Sendable {
    private let words: Int
    /// Row i holds a bit for every event in the causal past of event i.
    private var past: [UInt64]
    /// Whether an event's permission may be relied on: its whole past is held, contains the event itself nowhere, and no
    /// identifier in it (its own included) stands for two different contents.
    private(set) var isReliable: [Bool]

    /// Orders events that each occur once.
    init(_ events: [FoldEvent]) {
        words = (events.count + 63) / 64
        past = [UInt64](repeating: 0, count: events.count * words)
        isReliable = [Bool](repeating: true, count: events.count)
        if events.count == 1, events[0].seen.isEmpty { return }
        let parents = Self.resolveParents(events, &isReliable)
        let reliableByItself = isReliable
        var pending: [Int] = []
        for event in events.indices {
            pending.append(contentsOf: parents[event])
            while let ancestor = pending.popLast() {
                if isPast(ancestor, of: event) { continue }
                past[event * words + ancestor / 64] |= 1 << UInt64(ancestor % 64)
                if !reliableByItself[ancestor] { isReliable[event] = false }
                pending.append(contentsOf: parents[ancestor])
            }
            if isPast(event, of: event) { isReliable[event] = false }
        }
    }

    /// Finds the events that each event names as seen. An identifier that nobody or more than one has names nobody.
    private static func resolveParents(_ events: [FoldEvent], _ isReliable: inout [Bool]) -> [[Int]] {
        var positions: [EventIdentifier: Int] = [:]
        for (position, event) in events.enumerated() {
            guard let other = positions.updateValue(position, forKey: event.identifier) else { continue }
            isReliable[position] = false
            if other >= 0 { isReliable[other] = false }
            positions[event.identifier] = -1
        }
        return events.indices.map { event in
            events[event].seen.compactMap { identifier in
                if let position = positions[identifier], position >= 0 { return position }
                isReliable[event] = false
                return nil
            }
        }
    }

    /// Whether `ancestor` is in the causal past of `event`.
    func isPast(_ ancestor: Int, of event: Int) -> Bool {
        past[event * words + ancestor / 64] >> UInt64(ancestor % 64) & 1 == 1
    }
}
