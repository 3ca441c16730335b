// Questions to the state, each as of a log size at most the one held: "known by then" is a size, so an answer can be
// proven and does not change when more becomes known.

extension LedgerState {
    /// The consent of one subject as of a log of `size` entries; a subject without events is denied everything.
    /// - Throws: ``ConsentError/beyondHead(size:)``.
    public func subject(_ handle: SubjectHandle, known size: Int) throws(ConsentError) -> SubjectState {
        try check(size)
        guard let position = position(of: handle) else { return SubjectState(events: []) }
        return folds[position].state(known: size)
    }

    /// The home of one subject in the round that pins `pinned`, after a round that pinned `previousPinned`.
    ///
    /// The home is the latest assignment with an index below `pinned`. If it is a move with an index of `previousPinned`
    /// or more, nobody includes the subject in this round.
    /// - Parameters:
    ///   - previousPinned: at most `pinned`; 0 for a first round.
    /// - Throws: ``ConsentError/beyondHead(size:)``, ``ConsentError/invalid(field:expected:)``.
    public func home(
        of handle: SubjectHandle, pinned: Int, previousPinned: Int
    ) throws(ConsentError) -> HomeAssignment {
        try check(pinned, previousPinned)
        guard let position = position(of: handle) else { return .none }
        return home(at: position, pinned: pinned, previousPinned: previousPinned)
    }

    /// The rows of a node's view: every subject whose home it is at `pinned`, ascending by handle.
    ///
    /// Denials held count whatever their time; permissions count from their start; expiries are judged at `asOf`.
    /// - Parameters:
    ///   - asOfMilliseconds: the pinned checkpoint's time.
    /// - Throws: ``ConsentError/beyondHead(size:)``, ``ConsentError/invalid(field:expected:)``.
    public func rows(
        node: UInt32, pinned: Int, previousPinned: Int, asOfMilliseconds: Int64
    ) throws(ConsentError) -> [ViewRow] {
        try check(pinned, previousPinned)
        var rows: [ViewRow] = []
        for position in everAssigned[node] ?? [] {
            let home = home(at: position, pinned: pinned, previousPinned: previousPinned)
            guard home.node == node else { continue }
            let row = summary(at: position, pinned: pinned, time: asOfMilliseconds)
                .row(of: handles[position], at: asOfMilliseconds)
            rows.append(home == .home(node: node) ? row : row.whileMoving)
        }
        rows.sort { $0.handle < $1.handle }
        return rows
    }

    /// Who may train in a round, chain-wide: one pass over all subjects.
    /// - Throws: ``ConsentError/beyondHead(size:)``, ``ConsentError/invalid(field:expected:)``.
    public func eligibility(
        pinned: Int, previousPinned: Int, asOfMilliseconds: Int64
    ) throws(ConsentError) -> EligibilityReport {
        try check(pinned, previousPinned)
        var eligibleByNode: [UInt32: Int] = [:]
        var excluded = [Int](repeating: 0, count: 256)
        for position in heads.indices where !heads[position].isForgotten {
            // A subject whose first event comes later is not known yet.
            if heads[position].firstIndex >= pinned { continue }
            var status = summary(at: position, pinned: pinned, time: asOfMilliseconds)
                .trainStatus(at: asOfMilliseconds)
            if status == .given {
                switch home(at: position, pinned: pinned, previousPinned: previousPinned) {
                case .home(let node):
                    eligibleByNode[node, default: 0] += 1
                    continue
                case .moving: status = .moving
                case .none: status = .unassigned
                }
            }
            excluded[Int(status.rawValue)] += 1
        }
        let reasons = ConsentStatus.allCases.map { ($0, excluded[Int($0.rawValue)]) }.filter { $0.1 > 0 }
        return EligibilityReport(
            eligibleByNode: eligibleByNode, excluded: Dictionary(uniqueKeysWithValues: reasons))
    }

    // MARK: One subject by position

    /// The home as of `pinned`: read off the head unless something happened since.
    @inline(__always)
    private func home(at position: Int, pinned: Int, previousPinned: Int) -> HomeAssignment {
        var node = heads[position].node
        var movedAt = heads[position].movedAt
        if heads[position].lastIndex >= pinned {
            guard let home = homes[position].home(known: pinned) else { return .none }
            node = home.node
            movedAt = home.movedAt ?? -1
        } else if !heads[position].hasHome {
            return .none
        }
        return movedAt >= previousPinned ? .moving(to: node) : .home(node: node)
    }

    /// The summary as of `pinned` at a time: the head's if nothing happened since and everything has started.
    @inline(__always)
    private func summary(at position: Int, pinned: Int, time: Int64) -> SubjectSummary {
        if heads[position].lastIndex < pinned, heads[position].consent.settledMilliseconds <= time {
            return heads[position].consent
        }
        return SubjectSummary(folds[position].state(known: pinned), at: time)
    }

    /// Refuses a size that the state has not reached, or a previous one above it.
    func check(_ size: Int, _ previous: Int = 0) throws(ConsentError) {
        guard size <= self.size else { throw .beyondHead(size: self.size) }
        guard size >= 0 else { throw .invalid(field: "size", expected: "0 or more") }
        guard (0...size).contains(previous) else { throw .invalid(field: "previousPinned", expected: "0 to pinned") }
    }
}
