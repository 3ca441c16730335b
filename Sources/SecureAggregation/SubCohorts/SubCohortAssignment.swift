// Rounds summed in groups: which node belongs to which group. A pure function of what every party holds already, so nobody
// has to be told, and the round's number is in the seed, so every round groups anew.

import Cryptography
import WireFormat

/// The groups of one round.
///
/// Each group is one ordinary session, and a robust statistic over the group sums (``GroupStatistics``) limits what a
/// poisoned store can do to the model. **This mode is for an honest-but-curious coordinator only**: it closes the epoch's
/// list, which the seed hashes, and chooses who of a group is asked, so it can try until it likes the groups, and it alone
/// computes the statistic. The bound C of corrupt nodes holds within each group, since all of them may meet in one. A node
/// hides among the survivors of its group, about g and at least `minAlive`, **not among n**; and **each group carries the full
/// noise of its own**, so the average over k groups is about √k times noisier than one sum over everybody.
public struct SubCohortAssignment: Equatable, Sendable {
    /// g: no group has fewer assigned nodes.
    public let groupSize: Int
    /// The groups, each by strictly increasing node. Sizes differ by at most one.
    public let groups: [[NodeIndex]]

    /// One group would be the ordinary session, under another name and with nothing to compare it with.
    public static let minimumGroups = 2

    /// Deals `nodes` to ⌊n/g⌋ groups: Fisher–Yates from the last place down, then consecutive runs, the longer ones first.
    /// - Parameters:
    ///   - nodes: n nodes by strictly increasing index.
    ///   - groupSize: g, at least `minAlive`.
    ///   - minAlive: the plan's; at least C + 16.
    ///   - register: gives C.
    ///   - seed: ``seed(epochRoot:jobID:round:)``.
    /// - Throws: ``SecureAggregationError/infeasible(_:)`` naming the bound that fails and what would do,
    ///   ``SecureAggregationError/mismatch(field:)`` for nodes out of order.
    public init(
        nodes: [NodeIndex], groupSize: Int, minAlive: Int, register: Register, seed: Digest
    ) throws(SecureAggregationError) {
        guard zip(nodes, nodes.dropFirst()).allSatisfy({ $0 < $1 }) else { throw .mismatch(field: "order of nodes") }
        let fewest = register.smallestMinAlive
        guard groupSize >= fewest else {
            throw .infeasible(
                "groupSize: \(groupSize) is below C + \(Register.minimumHonestSurvivors) = \(fewest), since all corrupt "
                    + "nodes may meet in one group; \(fewest) would do, or corruptMax at most "
                    + "\(max(0, groupSize - Register.minimumHonestSurvivors)) in the register")
        }
        guard groupSize >= minAlive else {
            throw .infeasible(
                "groupSize: \(groupSize) is below minAlive \(minAlive), so no group could be summed; \(minAlive) would do"
            )
        }
        let count = nodes.count / groupSize
        guard count >= Self.minimumGroups else {
            let largest = nodes.count / Self.minimumGroups
            throw .infeasible(
                "groupSize: \(nodes.count) nodes make fewer than \(Self.minimumGroups) groups of \(groupSize); "
                    + (largest >= max(fewest, minAlive) ? "groups of \(largest) would do, or " : "")
                    + "\(Self.minimumGroups * groupSize) nodes would do")
        }
        let shuffled = try Self.shuffled(nodes, seed: seed)
        let (size, longer) = nodes.count.quotientAndRemainder(dividingBy: count)
        var start = 0
        groups = (0..<count).map { index in
            let end = start + size + (index < longer ? 1 : 0)
            defer { start = end }
            return shuffled[start..<end].sorted()
        }
        self.groupSize = groupSize
    }

    /// The groups of a round among the nodes of the epoch's closed list. A node that joined later belongs to no group until
    /// the next epoch, since the seed is fixed without it.
    /// - Throws: ``SecureAggregationError``: as ``init(nodes:groupSize:minAlive:register:seed:)``; a plan without groups.
    public init(epoch: Epoch, plan: PlanFacts, round: UInt64, register: Register) throws(SecureAggregationError) {
        guard let groupSize = plan.groupSize else { throw .mismatch(field: "groupSize of the plan") }
        try self.init(
            nodes: epoch.agreementKeys.keys.sorted(), groupSize: groupSize, minAlive: plan.minAlive,
            register: register,
            seed: Self.seed(epochRoot: epoch.root, jobID: JobID(planDigest: plan.planDigest), round: round))
    }

    /// H("sub-cohorts", epochRoot ‖ job ‖ u64 round).
    public static func seed(epochRoot: Digest, jobID: JobID, round: UInt64) -> Digest {
        SHA256.tagged("sub-cohorts", epochRoot.bytes + jobID.bytes + bigEndian(round))
    }

    /// The group of `node`, if it has one.
    public func group(of node: NodeIndex) -> Int? { groups.firstIndex { Self.contains(node, in: $0) } }

    /// Whether every entry of `roster` belongs to group `index`; absent nodes may be left out.
    func holds(_ roster: Roster, inGroup index: Int) -> Bool {
        groups.indices.contains(index) && roster.entries.allSatisfy { Self.contains($0.node, in: groups[index]) }
    }

    private static func contains(_ node: NodeIndex, in group: [NodeIndex]) -> Bool {
        var low = 0
        var high = group.count
        while low < high {
            let middle = (low + high) / 2
            if group[middle] < node { low = middle + 1 } else { high = middle }
        }
        return low < group.count && group[low] == node
    }

    private static func shuffled(_ nodes: [NodeIndex], seed: Digest) throws(SecureAggregationError) -> [NodeIndex] {
        try refusing(as: "seed of groups") {
            var shuffled = nodes
            // The seed is public; it only has to be a key of the right length.
            var generator = try KeyedRandomGenerator(key: SecretBytes(copying: seed.bytes))
            for place in stride(from: nodes.count - 1, to: 0, by: -1) {
                shuffled.swapAt(place, Int(generator.uniform(below: UInt64(place + 1))))
            }
            return shuffled
        }
    }
}

/// Which group of how many a session sums: field 20 of its parameters, and so in its id.
public struct SubCohortPlace: WireMessage {
    /// The message's name in the CDDL.
    public static let messageName = "sub-cohort"

    /// The group, 0 ..< ``count``.
    public let index: Int
    /// Groups of the round, ``SubCohortAssignment/minimumGroups`` or more.
    public let count: Int

    /// Names a group. What it claims is checked against the plan by nodes and committee members.
    public init(index: Int, count: Int) {
        self.index = index
        self.count = count
    }

    /// The message as CBOR.
    public var cborValue: CBORValue { .message((1, .unsigned(UInt64(index))), (2, .unsigned(UInt64(count)))) }

    /// Reads a place.
    /// - Throws: ``WireFormatError``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        let index = try fields.integer(1, "index", in: 0...999_999)
        count = try fields.integer(2, "count", in: SubCohortAssignment.minimumGroups...1_000_000)
        guard index < count else { throw .unexpected(field: "sub-cohort.index", expected: "below count") }
        self.index = index
    }
}

extension SessionContext {
    /// Throws unless the session is one group of the round exactly when the plan asks for groups, and its roster lies within
    /// the group that this party computes. So no member's answer can help one node into two group sums of a round.
    /// - Throws: ``SecureAggregationError`` naming the field.
    func requireSubCohort(_ parameters: SessionParameters, roster: Roster) throws(SecureAggregationError) {
        guard (parameters.subCohort != nil) == (plan.groupSize != nil) else { throw .mismatch(field: "subCohort") }
        guard let place = parameters.subCohort else { return }
        // An upload of an attempt that failed could otherwise be opened beside one of the next.
        guard parameters.attempt == 1 else { throw .mismatch(field: "attempt") }
        let assignment = try SubCohortAssignment(
            epoch: epoch, plan: plan, round: parameters.round, register: register)
        guard place.count == assignment.groups.count, place.index >= 0, place.index < place.count else {
            throw .mismatch(field: "subCohort")
        }
        guard assignment.holds(roster, inGroup: place.index) else { throw .mismatch(field: "roster of the group") }
    }
}
