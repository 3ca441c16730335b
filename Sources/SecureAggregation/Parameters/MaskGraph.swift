// Who shares a mask with whom. Positions are roster positions; the ring follows roster order, so nobody chooses it.

/// The mask graph of a session: complete, or a ring with k/2 neighbours on each side.
public struct MaskGraph: Equatable, Sendable {
    /// n.
    public let nodeCount: Int
    /// k.
    public let neighbours: Int
    /// cHalf.
    public let corruptHalf: Int

    /// The graph that `parameters` describe for `nodeCount` nodes.
    public init(nodeCount: Int, parameters: ProtocolParameters) {
        self.nodeCount = nodeCount
        neighbours = parameters.neighbours
        corruptHalf = parameters.corruptHalf
    }

    /// Whether every pair is joined.
    public var isComplete: Bool { neighbours >= nodeCount - 1 }

    /// The roster positions joined to `position`, ascending.
    public func neighbours(of position: Int) -> [Int] {
        if isComplete { return (0..<nodeCount).filter { $0 != position } }
        return stride(from: 1, through: neighbours / 2, by: 1).flatMap {
            [(position + $0) % nodeCount, (position - $0 + nodeCount) % nodeCount]
        }.sorted()
    }

    /// Throws unless the survivors stay connected whatever C nodes are corrupt.
    ///
    /// On the ring every h = k/2 consecutive positions must hold more than cHalf nodes labelled alive. A ring minus one gap
    /// is still a path, so isolating a node needs two disjoint gaps of h positions, each filled with more than cHalf
    /// corrupt nodes labelled alive: more than C in all. On the complete graph any two survivors are joined.
    /// - Parameter alive: one flag a roster position.
    /// - Throws: ``SecureAggregationError/disconnected``.
    public func requireConnected(alive: [Bool]) throws(SecureAggregationError) {
        guard alive.count == nodeCount else { throw .mismatch(field: "alive bitmap length") }
        if isComplete { return }
        let half = neighbours / 2
        var survivors = alive.prefix(half).count { $0 }
        for start in 0..<nodeCount {
            if survivors <= corruptHalf { throw .disconnected }
            survivors += (alive[(start + half) % nodeCount] ? 1 : 0) - (alive[start] ? 1 : 0)
        }
    }
}
