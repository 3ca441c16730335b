// The ring stays connected for any placement of C corrupt nodes: checked for every small ring, every placement and every
// survivor set that passes, and shown to fail if the bound is one lower.

import Testing

@testable import SecureAggregation

struct MaskGraphTests {
    static func graph(_ count: Int, half: Int, corruptHalf: Int) -> MaskGraph {
        MaskGraph(
            nodeCount: count,
            parameters: ProtocolParameters(
                neighbours: 2 * half, corruptHalf: corruptHalf, committeeSize: 0, quorum: 0))
    }

    /// Whether the ring's nodes in `mask` form one connected piece.
    private static func isConnected(_ mask: Int, count: Int, half: Int, neighbours: [Int]) -> Bool {
        guard mask != 0 else { return true }
        var reached = 1 << mask.trailingZeroBitCount
        var frontier = reached
        while frontier != 0 {
            let node = frontier.trailingZeroBitCount
            frontier &= frontier - 1
            let fresh = neighbours[node] & mask & ~reached
            reached |= fresh
            frontier |= fresh
        }
        return reached == mask
    }

    /// Passing survivor sets over all placements of `corrupt` nodes, and how many of them leave honest survivors apart.
    private static func search(
        count: Int, half: Int, corrupt: Int, corruptHalf: Int
    ) -> (passing: Int, disconnected: Int) {
        let graph = graph(count, half: half, corruptHalf: corruptHalf)
        let neighbours = (0..<count).map { graph.neighbours(of: $0).reduce(0) { $0 | 1 << $1 } }
        let passes = (0..<(1 << count)).map { mask in
            (try? graph.requireConnected(alive: (0..<count).map { mask >> $0 & 1 == 1 })) != nil
        }
        var passing = 0
        var disconnected = 0
        // The ring turns: one corrupt node may be taken to sit at position 0. Corrupt nodes are best labelled alive.
        for placement in 0..<(1 << count)
        where placement.nonzeroBitCount == corrupt && (corrupt == 0 || placement & 1 == 1) {
            let others = ((1 << count) - 1) & ~placement
            var honest = others
            while honest > 0 {
                if passes[honest | placement] {
                    passing += 1
                    if !isConnected(honest, count: count, half: half, neighbours: neighbours) { disconnected += 1 }
                }
                honest = (honest - 1) & others
            }
        }
        return (passing, disconnected)
    }

    private static func searchAll(lower: Int) -> (passing: Int, disconnected: Int) {
        var total = (passing: 0, disconnected: 0)
        for count in 6...10 {
            for half in stride(from: 1, to: count, by: 1) where 2 * half + 1 < count {
                for corrupt in 0...5 {
                    let corruptHalf = corrupt / 2 - lower
                    guard corruptHalf >= 0, corruptHalf < half else { continue }
                    let found = search(count: count, half: half, corrupt: corrupt, corruptHalf: corruptHalf)
                    total.passing += found.passing
                    total.disconnected += found.disconnected
                }
            }
        }
        return total
    }

    /// Row 2 of the attack table.
    @Test("Row 2: any placement of corrupt nodes leaves the honest connected")
    func anyPlacementOfCorruptNodesLeavesTheHonestConnected() {
        let found = Self.searchAll(lower: 0)
        #expect(found.passing > 10_000)
        #expect(found.disconnected == 0)
    }

    @Test("Row 2: a bound one lower would not hold") func aBoundOneLowerWouldNotHold() {
        #expect(Self.searchAll(lower: 1).disconnected > 1000)
    }

    @Test func neighboursAreMutualAndAsManyAsStated() {
        for (count, half) in [(9, 2), (10, 3), (301, 17)] {
            let graph = Self.graph(count, half: half, corruptHalf: 0)
            for position in 0..<count {
                let neighbours = graph.neighbours(of: position)
                #expect(neighbours.count == 2 * half && neighbours == neighbours.sorted())
                #expect(Set(neighbours).count == 2 * half && !neighbours.contains(position))
                for neighbour in neighbours where !graph.neighbours(of: neighbour).contains(position) {
                    Issue.record("\(position) and \(neighbour)")
                }
            }
        }
        let complete = Self.graph(5, half: 2, corruptHalf: 0)
        #expect(complete.isComplete && complete.neighbours(of: 2) == [0, 1, 3, 4])
        #expect(Self.graph(5, half: 0, corruptHalf: 0).neighbours(of: 2).isEmpty)
    }

    @Test("Row 2: every window is checked") func everyWindowIsChecked() {
        let graph = Self.graph(12, half: 3, corruptHalf: 1)
        #expect(throws: Never.self) { try graph.requireConnected(alive: [Bool](repeating: true, count: 12)) }
        for start in 0..<12 {
            var alive = [Bool](repeating: true, count: 12)
            alive[start] = false
            #expect(throws: Never.self) { try graph.requireConnected(alive: alive) }
            alive[(start + 2) % 12] = false
            #expect(throws: SecureAggregationError.disconnected) { try graph.requireConnected(alive: alive) }
        }
        for count in [0, 11, 13] {
            #expect(throws: SecureAggregationError.mismatch(field: "alive bitmap length")) {
                try graph.requireConnected(alive: [Bool](repeating: true, count: count))
            }
        }
    }
}
