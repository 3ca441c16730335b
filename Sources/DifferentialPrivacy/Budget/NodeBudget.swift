// What a node remembers by itself, whatever the coordinator says: which rounds of which job it has answered. Charges are
// nominal, the same for every customer at home there, whether her coin came up or not; so the record is as public as
// the job, one entry covers everybody, and nothing in it tells a sampled customer from another.

import Cryptography

/// A node's own ledger of charged rounds.
///
/// A value: make it durable before a round's first computation. Only ever grows: it is never rolled back, merged to
/// less, or reset by moving, erasing or registering again.
public struct NodeBudget: Equatable, Sendable {
    /// A job as the node knows it.
    public struct Job: Equatable, Sendable {
        /// T of the signed plan: most rounds this node ever answers.
        public let plannedRounds: UInt64
        /// Nominal cost of a round, in millionths of zCDP.
        public let microZCDPPerRound: UInt64
        /// Rounds that were charged, all in 1 ... `plannedRounds`.
        public fileprivate(set) var chargedRounds: Set<UInt64>

        /// A job as it was stored.
        public init(plannedRounds: UInt64, microZCDPPerRound: UInt64, chargedRounds: Set<UInt64> = []) {
            self.plannedRounds = plannedRounds
            self.microZCDPPerRound = microZCDPPerRound
            self.chargedRounds = chargedRounds
        }
    }

    /// Jobs by identifier.
    public private(set) var jobs: [[UInt8]: Job] = [:]
    /// Cap on the sum of all jobs, in millionths of zCDP, if the node's policy has one. zCDP adds across jobs even if a
    /// job was designed after the results of others.
    public let capMicroZCDP: UInt64?

    /// Starts or restores a ledger.
    /// - Parameters:
    ///   - jobs: what was stored.
    ///   - capMicroZCDP: the node's cap across jobs, or none.
    /// - Throws: ``BudgetError/invalid(field:)`` if a stored round lies beyond its plan.
    public init(jobs: [[UInt8]: Job] = [:], capMicroZCDP: UInt64? = nil) throws(BudgetError) {
        for job in jobs.values
        where !job.chargedRounds.allSatisfy({ $0 >= 1 && $0 <= job.plannedRounds }) {
            throw .invalid(field: "chargedRounds")
        }
        self.jobs = jobs
        self.capMicroZCDP = capMicroZCDP
    }

    /// Nominal total over all jobs, in millionths of zCDP; the same for every customer at home at this node.
    public var totalMicroZCDP: UInt64 {
        jobs.values.reduce(0) { saturatingSum($0, Self.cost(of: $1)) }
    }

    /// Charges a round before anything is computed for it.
    ///
    /// A second attempt at the last charged round costs nothing. Rounds move forward only: answering an old round again
    /// is how a malicious coordinator would average noise away.
    /// - Parameters:
    ///   - job: the job's identifier.
    ///   - round: counts from 1.
    ///   - plannedRounds: T of the signed plan.
    ///   - microZCDPPerRound: nominal cost of a round under the signed plan.
    /// - Returns: true if this call charged the round, false if it was charged before.
    /// - Throws: ``BudgetError``, and the ledger is then unchanged.
    @discardableResult
    public mutating func charge(
        job: [UInt8], round: UInt64, plannedRounds: UInt64, microZCDPPerRound: UInt64
    ) throws(BudgetError) -> Bool {
        let name = Hex.encode(job)
        var entry = jobs[job] ?? Job(plannedRounds: plannedRounds, microZCDPPerRound: microZCDPPerRound)
        guard entry.plannedRounds == plannedRounds, entry.microZCDPPerRound == microZCDPPerRound else {
            throw .planChanged(job: name)
        }
        let last = entry.chargedRounds.max()
        if let last, round == last { return false }
        if UInt64(entry.chargedRounds.count) >= plannedRounds {
            throw .roundsExhausted(job: name, planned: plannedRounds)
        }
        if round < 1 || round > plannedRounds { throw .roundOutOfOrder(job: name, round: round) }
        if let last, round < last { throw .roundOutOfOrder(job: name, round: round) }
        let total = totalMicroZCDP
        let asked = saturatingSum(total, microZCDPPerRound)
        if let capMicroZCDP, asked > capMicroZCDP {
            throw .capExceeded(task: "all jobs of this node (zCDP)", cap: capMicroZCDP, spent: total, asked: asked)
        }
        entry.chargedRounds.insert(round)
        jobs[job] = entry
        return true
    }

    /// Takes over what another home store has charged its customers, or what a lost record must be assumed to have held:
    /// the union of both, so a customer's total never falls by moving, erasure or restoring.
    /// - Throws: ``BudgetError/planChanged(job:)`` if the two disagree about a plan; the ledger is then unchanged.
    public mutating func merge(_ other: NodeBudget) throws(BudgetError) {
        var merged = jobs
        for (identifier, job) in other.jobs {
            guard var mine = merged[identifier] else {
                merged[identifier] = job
                continue
            }
            guard mine.plannedRounds == job.plannedRounds, mine.microZCDPPerRound == job.microZCDPPerRound else {
                throw .planChanged(job: Hex.encode(identifier))
            }
            mine.chargedRounds.formUnion(job.chargedRounds)
            merged[identifier] = mine
        }
        jobs = merged
    }

    /// Marks every planned round of a job as charged: what a node without a signed final record must assume about a
    /// customer's earlier jobs.
    /// - Parameter plannedRounds: at most 2^20.
    /// - Throws: ``BudgetError/planChanged(job:)`` or ``BudgetError/invalid(field:)``.
    public mutating func assumeFullyCharged(
        job: [UInt8], plannedRounds: UInt64, microZCDPPerRound: UInt64
    ) throws(BudgetError) {
        if plannedRounds > 1 << 20 { throw .invalid(field: "plannedRounds") }
        let assumed = Job(
            plannedRounds: plannedRounds, microZCDPPerRound: microZCDPPerRound,
            chargedRounds: plannedRounds == 0 ? [] : Set(1...plannedRounds))
        try merge(try NodeBudget(jobs: [job: assumed]))
    }

    private static func cost(of job: Job) -> UInt64 {
        let (cost, overflow) = job.microZCDPPerRound.multipliedReportingOverflow(by: UInt64(job.chargedRounds.count))
        return overflow ? .max : cost
    }
}

/// a + b, or the largest integer.
private func saturatingSum(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let (sum, overflow) = a.addingReportingOverflow(b)
    return overflow ? .max : sum
}
