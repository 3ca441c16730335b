// The parameters a chain would run with, before there is a register: what an engineer asks for when sizing a chain, and
// what benchmarks build their register from. Everything is one function of five public numbers.

import Glibc

/// Every parameter of a session, from the size of the chain and the bounds its owner accepts.
public struct ParameterChoice: Equatable, Sendable {
    /// Registered nodes (N).
    public let registered: Int
    /// Nodes of the cohort (n).
    public let cohort: Int
    /// Corrupt nodes the session withstands (C).
    public let corruptMax: Int
    /// Share of nodes, in thousandths, whose absence it survives (δ).
    public let dropoutPermille: Int
    /// k: n − 1 for the complete graph.
    public let neighbours: Int
    /// ⌊C/2⌋ on the ring; nil for the complete graph, which needs no window check.
    public let corruptHalf: Int?
    /// L: the smallest committee that reaches its quorum except with probability 2^−20, corrupt members being silent.
    public let committeeSize: Int
    /// l.
    public let quorum: Int
    /// The smallest survivor set that may be labelled alive: C + 16.
    public let minAlive: Int

    /// Computes the parameters of Protocols/secure-aggregation.md, section 4.
    /// - Parameters:
    ///   - registered: N, 1 or more.
    ///   - cohort: n, at most N.
    ///   - corruptMax: C, 1 ..< N.
    ///   - dropoutPermille: 0 ..< 1000.
    ///   - sparse: use the ring also for a cohort that is small enough for the complete graph.
    /// - Throws: ``SecureAggregationError/infeasible(_:)`` naming the bound that fails and what would do.
    public init(
        registered: Int, cohort: Int, corruptMax: Int, dropoutPermille: Int, sparse: Bool = false
    ) throws(SecureAggregationError) {
        guard (1...1_000_000).contains(registered) else { throw .infeasible("registered: expected 1 to 1000000") }
        guard (0..<1000).contains(dropoutPermille) else {
            throw .infeasible("dropout: expected 0 or more and below 1000 thousandths")
        }
        guard corruptMax >= 1, corruptMax < registered else {
            throw .infeasible("corrupt: expected 1 to \(registered - 1), fewer than the \(registered) registered nodes")
        }
        guard cohort >= 1, cohort <= registered else {
            throw .infeasible("nodes: expected 1 to \(registered), the registered nodes")
        }
        let minAlive = corruptMax + Register.minimumHonestSurvivors
        guard cohort >= minAlive else {
            let fewerCorrupt = cohort - Register.minimumHonestSurvivors
            throw .infeasible(
                "nodes: a cohort of \(cohort) is below C + 16 = \(minAlive), the fewest survivors that may be summed; "
                    + "\(minAlive) nodes would do" + (fewerCorrupt >= 1 ? ", or at most \(fewerCorrupt) corrupt" : ""))
        }
        let survivors = cohort - ProtocolParameters.ceilingShare(dropoutPermille, of: cohort)
        guard survivors >= minAlive else {
            // What is named must do for the committee too.
            let most = Self.largest(below: (cohort - minAlive) * 1000 / cohort + 1) {
                ProtocolParameters.smallestCommittee(
                    registered: registered, corruptMax: corruptMax, dropoutPermille: $0) != nil
            }
            throw .infeasible(
                "dropout: \(cohort) nodes less \(cohort - survivors) that drop are \(survivors), below C + 16 = "
                    + "\(minAlive); " + (most.map { "a dropout of at most \($0) thousandths would do, or " } ?? "")
                    + "more nodes, or fewer corrupt")
        }
        guard
            let committee = ProtocolParameters.smallestCommittee(
                registered: registered, corruptMax: corruptMax, dropoutPermille: dropoutPermille)
        else { throw Self.noCommittee(registered, corruptMax, dropoutPermille) }
        let isComplete = !sparse && cohort <= ProtocolParameters.completeGraphLimit
        let ring =
            isComplete
            ? nil
            : ProtocolParameters.ringParameters(
                cohort: cohort, corruptMax: corruptMax, dropoutPermille: dropoutPermille)
        self.registered = registered
        self.cohort = cohort
        self.corruptMax = corruptMax
        self.dropoutPermille = dropoutPermille
        neighbours = ring?.neighbours ?? cohort - 1
        corruptHalf = ring?.corruptHalf
        committeeSize = committee
        quorum = Register.quorum(committeeSize: committee, corruptMax: min(corruptMax, committee))
        self.minAlive = minAlive
    }

    /// Says which bound no committee meets, and the nearest request that one would.
    private static func noCommittee(
        _ registered: Int, _ corruptMax: Int, _ dropoutPermille: Int
    ) -> SecureAggregationError {
        func works(_ corrupt: Int, _ dropout: Int) -> Bool {
            ProtocolParameters.smallestCommittee(
                registered: registered, corruptMax: corrupt, dropoutPermille: dropout) != nil
        }
        // Both searches are monotone: fewer corrupt and less dropout only help.
        let corrupt = largest(below: corruptMax) { $0 == 0 || works($0, dropoutPermille) }
        let dropout = largest(below: dropoutPermille) { works(corruptMax, $0) }
        let remedies = [
            corrupt.flatMap { $0 >= 1 ? "at most \($0) corrupt" : nil },
            dropout.map { "a dropout of at most \($0) thousandths" },
            "more registered nodes",
        ].compactMap(\.self).joined(separator: ", or ")
        return .infeasible(
            "committee: with \(corruptMax) of \(registered) nodes silent and \(dropoutPermille) thousandths dropped, no "
                + "committee reaches the quorum (L + C + 3)/2 + 1; \(remedies) would do")
    }

    /// The largest number below `bound` that works, if zero does and `works` is monotone.
    private static func largest(below bound: Int, _ works: (Int) -> Bool) -> Int? {
        guard bound > 0 else { return nil }
        var low = -1
        var high = bound
        while high - low > 1 {
            let middle = (low + high) / 2
            if works(middle) { low = middle } else { high = middle }
        }
        return low >= 0 ? low : nil
    }
}
