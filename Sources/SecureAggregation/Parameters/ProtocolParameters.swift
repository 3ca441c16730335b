// Everything the protocol derives from the register and the cohort size. Nodes and committee members compute this
// themselves and require equality with the offer: a parameter the coordinator could move is a parameter it would move.

import Glibc
import WireFormat

/// The derived quantities of one session (Protocols/secure-aggregation.md, "Parameters").
public struct ProtocolParameters: Equatable, Sendable {
    /// k: neighbours of every node in the mask graph. n − 1 for the complete graph, else even.
    public let neighbours: Int
    /// cHalf = ⌊C/2⌋: every window of k/2 ring positions must hold more survivors than this. Zero for the complete graph.
    public let corruptHalf: Int
    /// L: committee members.
    public let committeeSize: Int
    /// l: votes that certify a survivor set, and shares that open a secret.
    public let quorum: Int

    /// Cohorts up to this size use the complete graph.
    public static let completeGraphLimit = 300
    /// A ring window fails to hold enough survivors with probability at most 2^−30 over all windows.
    static let windowFailureBits = 30.0
    /// The committee fails to reach its quorum with probability at most 2^−20.
    static let committeeFailureBits = 20.0

    /// Collects the four quantities.
    public init(neighbours: Int, corruptHalf: Int, committeeSize: Int, quorum: Int) {
        self.neighbours = neighbours
        self.corruptHalf = corruptHalf
        self.committeeSize = committeeSize
        self.quorum = quorum
    }

    /// Derives the parameters of a session with `cohort` nodes.
    /// - Throws: ``SecureAggregationError/infeasible(_:)`` naming the bound that fails and what would do.
    public static func derive(register: Register, cohort: Int) throws(SecureAggregationError) -> ProtocolParameters {
        guard cohort <= register.nodes.count else {
            throw .infeasible("a cohort of \(cohort) exceeds the \(register.nodes.count) registered nodes")
        }
        guard cohort >= register.smallestMinAlive else {
            throw .infeasible(
                "a cohort of \(cohort) is below C + \(Register.minimumHonestSurvivors) = \(register.smallestMinAlive):"
                    + " enlist more nodes or lower corruptMax in the register")
        }
        let ring =
            cohort <= completeGraphLimit
            ? nil
            : ringParameters(
                cohort: cohort, corruptMax: register.corruptMax, dropoutPermille: register.dropoutPermille)
        return ProtocolParameters(
            neighbours: ring?.neighbours ?? cohort - 1, corruptHalf: ring?.corruptHalf ?? 0,
            committeeSize: register.committee.count, quorum: register.quorum)
    }

    /// The sparse ring for `cohort` nodes: k = 2·min{h : aHalf(h) > ⌊C/2⌋}, or nil where only the complete graph will do.
    public static func ringParameters(
        cohort: Int, corruptMax: Int, dropoutPermille: Int
    ) -> (neighbours: Int, corruptHalf: Int)? {
        let corruptHalf = min(cohort, corruptMax) / 2
        let survivors = cohort - ceilingShare(dropoutPermille, of: cohort)
        let factorials = LogFactorials(upTo: cohort)
        let logBound = -windowFailureBits * M_LN2 - log(Double(cohort))
        var half = 1
        while 2 * half + 1 < cohort {
            // No tail is below one half where the mean is more than one short: spares the sum over the tail.
            if half * survivors < corruptHalf * cohort {
                half += 1
                continue
            }
            let guaranteed = factorials.guaranteedSuccesses(
                population: cohort, successes: survivors, draws: half, logBound: logBound)
            if guaranteed > corruptHalf { return (2 * half, corruptHalf) }
            half += 1
        }
        return nil
    }

    /// The smallest committee whose honest, responding members reach the quorum except with probability 2^−20, the C corrupt
    /// members being silent; nil if even all nodes cannot.
    public static func smallestCommittee(registered: Int, corruptMax: Int, dropoutPermille: Int) -> Int? {
        let responding = registered - ceilingShare(dropoutPermille, of: registered) - corruptMax
        guard responding > 0 else { return nil }
        let factorials = LogFactorials(upTo: registered)
        for size in stride(from: 3, through: registered, by: 1) {
            let quorum = Register.quorum(committeeSize: size, corruptMax: min(corruptMax, size))
            if quorum > size || size * responding < (quorum - 1) * registered { continue }
            let reached =
                size == registered
                ? responding
                : factorials.guaranteedSuccesses(
                    population: registered, successes: responding, draws: size,
                    logBound: -committeeFailureBits * M_LN2)
            if reached >= quorum { return size }
        }
        return nil
    }

    static func ceilingShare(_ permille: Int, of count: Int) -> Int { (count * permille + 999) / 1000 }

    var cborValue: CBORValue {
        .message(
            (1, .unsigned(UInt64(neighbours))), (2, .unsigned(UInt64(corruptHalf))),
            (3, .unsigned(UInt64(committeeSize))), (4, .unsigned(UInt64(quorum))))
    }

    init(cborValue: CBORValue) throws(WireFormatError) {
        var fields = try MessageReader(cborValue, message: "parameters")
        neighbours = try fields.integer(1, "neighbours", in: 0...1_000_000)
        corruptHalf = try fields.integer(2, "corruptHalf", in: 0...1_000_000)
        committeeSize = try fields.integer(3, "committeeSize", in: 0...1_000_000)
        quorum = try fields.integer(4, "quorum", in: 0...1_000_000)
        try fields.finish()
    }
}
