// Which store a customer belongs to: a function of one log size, exactly (specification, section 6). If two nodes could
// both think a customer theirs, she would be in one sum twice and the noise would be too small for her.

/// The home assignments of one subject, in log order.
struct HomeHistory: Hashable, Sendable {
    private struct Assignment: Hashable {
        let index: Int
        let node: UInt32
        let identifier: EventIdentifier
    }

    private var assignments: [Assignment] = []

    /// Adds an assignment unless its event is already there: an upload repeated after a later move must not move back.
    /// - Returns: whether it was added.
    mutating func append(node: UInt32, index: Int, identifier: EventIdentifier) -> Bool {
        if assignments.contains(where: { $0.identifier == identifier }) { return false }
        assignments.append(Assignment(index: index, node: node, identifier: identifier))
        return true
    }

    /// Whether `node` was ever the home.
    func contains(_ node: UInt32) -> Bool { assignments.contains { $0.node == node } }

    /// The latest assignment with an index below `size`: its node, and since which index the home has been this node
    /// without interruption. `since` is nil if it has been from the first assignment on, which is not a move.
    func home(known size: Int) -> (node: UInt32, movedAt: Int?)? {
        guard let last = assignments.lastIndex(where: { $0.index < size }) else { return nil }
        let node = assignments[last].node
        var start = last
        while start > 0, assignments[start - 1].node == node { start -= 1 }
        return (node, start == 0 ? nil : assignments[start].index)
    }
}
