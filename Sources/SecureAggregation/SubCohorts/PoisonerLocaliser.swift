// Which store poisons, when nobody sees a store's vector: groups change at random every round, so the one that is always in
// an alarmed group stands out. A sequential test for each node, with a bound on ever naming an honest one.

import Glibc

/// The rates under which alarms are evidence.
public struct AlarmRates: Equatable, Sendable {
    /// f: probability, at most, that a group without a poisoner alarms.
    public let falseAlarm: Double
    /// Probability that the group of a persistent poisoner does not alarm. A guess costs rounds, never an honest node.
    public let miss: Double
    /// p: poisoners, at most, for which the bound on naming an honest node holds.
    public let poisoners: Int
    /// a: probability, at most, that any honest node is ever named.
    public let falseNaming: Double

    /// States the rates.
    /// - Parameters:
    ///   - falseAlarm: above 0 and below 1; ``GroupAlarm/falseAlarmRate``.
    ///   - miss: above 0 and below 1.
    ///   - poisoners: 1 or more.
    ///   - falseNaming: above 0 and below 1.
    /// - Throws: ``SecureAggregationError/malformed(_:)`` naming the rate out of range.
    public init(
        falseAlarm: Double, miss: Double, poisoners: Int, falseNaming: Double
    ) throws(SecureAggregationError) {
        guard falseAlarm > 0, falseAlarm < 1 else { throw .malformed("falseAlarm: expected above 0 and below 1") }
        guard miss > 0, miss < 1 else { throw .malformed("miss: expected above 0 and below 1") }
        guard poisoners >= 1 else { throw .malformed("poisoners: expected 1 or more") }
        guard falseNaming > 0, falseNaming < 1 else { throw .malformed("falseNaming: expected above 0 and below 1") }
        self.falseAlarm = falseAlarm
        self.miss = miss
        self.poisoners = poisoners
        self.falseNaming = falseNaming
    }
}

/// Finds a persistent poisoner from the history of groups and alarms.
///
/// For an honest node in a group of g out of n nodes, grouped at random, the group alarms with probability at most
/// q = f + p·(g − 1)/(n − 1), whatever the p poisoners do, aiming at this very node included: either it shares the group with
/// one of them, or the alarm is false. A poisoner's group alarms with probability 1 − miss. The likelihood ratio of a round is
/// (1 − miss)/q for an alarm and miss/(1 − q) for none; its mean is at most 1 for an honest node. Started afresh in every
/// round s with weight 1/(s(s + 1)), because a poisoner may start late, the weighted products stay a supermartingale with
/// mean at most 1, so by Ville's inequality (1939) they ever reach N/a for any of N honest nodes with probability at most a.
/// A node is a suspect from the round on in which its evidence reaches N/a.
///
/// Two assumptions carry the bound: the coordinator did not choose the groups (it is honest-but-curious), and whether a node
/// or a group is left out of a round does not depend on how the others were grouped.
///
/// An incremental value: record the rounds of a job in order.
public struct PoisonerLocaliser: Equatable, Sendable {
    /// Rates the bound is stated for.
    public let rates: AlarmRates
    /// N: nodes that may ever be recorded.
    public let nodeCount: Int
    /// Rounds recorded.
    public private(set) var roundCount = 0
    /// Natural logarithm of the evidence against a node, by node.
    private var logEvidence: [NodeIndex: Double] = [:]
    private var named: Set<NodeIndex> = []

    /// Starts without evidence.
    /// - Parameter nodeCount: N, 1 or more: the register's nodes.
    /// - Throws: ``SecureAggregationError/malformed(_:)``.
    public init(rates: AlarmRates, nodeCount: Int) throws(SecureAggregationError) {
        guard nodeCount >= 1 else { throw .malformed("nodeCount: expected 1 or more") }
        self.rates = rates
        self.nodeCount = nodeCount
    }

    /// ln(N/a): evidence that names a node.
    public var bound: Double { log(Double(nodeCount) / rates.falseNaming) }

    /// Nodes whose evidence has reached the bound in some round, ascending. Suspects, not culprits: look at the store.
    public var suspects: [NodeIndex] { named.sorted() }

    /// Natural logarithm of the evidence against `node`; −∞ before its first round.
    public func evidence(against node: NodeIndex) -> Double { logEvidence[node] ?? -.infinity }

    /// Records a round.
    /// - Parameters:
    ///   - assignment: the round's groups.
    ///   - alarmed: groups whose sum alarmed.
    ///   - void: groups without an opened sum: no evidence for anybody in them.
    ///   - absent: nodes that were in no sum: no evidence about them.
    /// - Throws: ``SecureAggregationError/infeasible(_:)`` if an alarm would say nothing about a node, because with so many
    ///   poisoners and so large groups honest nodes sit in alarmed groups too;
    ///   ``SecureAggregationError/malformed(_:)`` for groups that do not exist, are both alarmed and void, or hold more than
    ///   N nodes. Nothing is recorded then.
    public mutating func record(
        _ assignment: SubCohortAssignment, alarmed: Set<Int>, void: Set<Int> = [], absent: Set<NodeIndex> = []
    ) throws(SecureAggregationError) {
        let groups = assignment.groups
        guard alarmed.union(void).allSatisfy(groups.indices.contains), alarmed.isDisjoint(with: void) else {
            throw .malformed("alarmed or void groups")
        }
        let assigned = groups.reduce(0) { $0 + $1.count }
        guard assigned >= 2, assigned <= nodeCount else { throw .malformed("groups: expected 2 to \(nodeCount) nodes") }
        let weights = try groups.map { (group) throws(SecureAggregationError) in
            try logRatios(groupSize: group.count, assigned: assigned)
        }
        roundCount += 1
        let start = -log(Double(roundCount) * Double(roundCount + 1))
        for (index, group) in groups.enumerated() where !void.contains(index) {
            let ratio = alarmed.contains(index) ? weights[index].alarm : weights[index].silence
            for node in group where !absent.contains(node) {
                let evidence = logSum(evidence(against: node), start) + ratio
                logEvidence[node] = evidence
                if evidence >= bound { named.insert(node) }
            }
        }
    }

    /// Logarithms of the likelihood ratios of a round.
    private func logRatios(
        groupSize: Int, assigned: Int
    ) throws(SecureAggregationError) -> (alarm: Double, silence: Double) {
        let shared = Double(rates.poisoners) * Double(groupSize - 1) / Double(assigned - 1)
        let innocent = rates.falseAlarm + shared
        guard innocent < 1 - rates.miss else {
            throw .infeasible(
                "localisation: an honest node's group alarms as often as a poisoner's with \(rates.poisoners) poisoners "
                    + "and groups of \(groupSize) of \(assigned); smaller groups or fewer poisoners would do")
        }
        return (log((1 - rates.miss) / innocent), log(rates.miss / (1 - innocent)))
    }

    private func logSum(_ left: Double, _ right: Double) -> Double {
        left == -.infinity ? right : max(left, right) + log1p(exp(-abs(left - right)))
    }
}
