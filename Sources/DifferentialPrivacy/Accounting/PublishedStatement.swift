// The privacy statement of a job, in words a reader can hold the operator to, with the job's own numbers in it. Every
// ε comes from the accountant that enforces the budget; nothing in it is typed in by hand but names.

import Glibc

/// The facts a privacy statement is filled in from, and the statement.
///
/// Immutable and `Sendable`.
public struct PublishedStatement: Equatable, Sendable {
    /// Names and numbers that are not part of the mechanism.
    public struct Facts: Equatable, Sendable {
        /// The job's public name.
        public var job: String
        /// What identifies a customer, such as "loyalty number".
        public var customerIdentifier: String
        /// T: rounds planned before the first one.
        public var plannedRounds: Int
        /// δ of the mechanism, before the aggregation's failure probability is added.
        public var delta: Double
        /// Most committee members that may collude.
        public var corruptCommitteeMembers: Int
        /// Members of the committee.
        public var committeeMembers: Int
        /// Probability, over the whole job, that secure aggregation reveals more than one noisy sum a round. 0 in the
        /// current protocol, whose guarantee is computational.
        public var aggregationFailure: Double
        /// Cap across all jobs in millionths of zCDP, if customers have one.
        public var capMicroZCDP: UInt64?
        /// Digest of the signed plan.
        public var planDigest: String
        /// Where the proof can be read.
        public var proofDocument: String
        /// What an audit found, if there was one.
        public var auditResult: String?

        /// Collects the facts.
        public init(
            job: String, customerIdentifier: String, plannedRounds: Int, delta: Double, corruptCommitteeMembers: Int,
            committeeMembers: Int, aggregationFailure: Double = 0, capMicroZCDP: UInt64? = nil, planDigest: String,
            proofDocument: String, auditResult: String? = nil
        ) {
            self.job = job
            self.customerIdentifier = customerIdentifier
            self.plannedRounds = plannedRounds
            self.delta = delta
            self.corruptCommitteeMembers = corruptCommitteeMembers
            self.committeeMembers = committeeMembers
            self.aggregationFailure = aggregationFailure
            self.capMicroZCDP = capMicroZCDP
            self.planDigest = planDigest
            self.proofDocument = proofDocument
            self.auditResult = auditResult
        }
    }

    /// What is not part of the mechanism.
    public let facts: Facts
    /// The job's noise.
    public let mechanism: DistributedGaussian
    /// The job's sensitivity.
    public let bound: ContributionBound
    /// The job's accountant.
    public let accountant: RenyiAccountant

    /// Version of the accounting that the statement names.
    public static let accountantVersion = "concord-renyi/1"

    /// Puts a statement together.
    /// - Throws: ``MechanismError/outOfRange(field:)`` if the bound is not the one the noise was calibrated to, or a
    ///   number is outside its range.
    public init(
        facts: Facts, mechanism: DistributedGaussian, bound: ContributionBound, sampling: CustomerSampling
    ) throws(MechanismError) {
        if bound.squaredSensitivity != mechanism.squaredSensitivity { throw .outOfRange(field: "squaredSensitivity") }
        guard facts.delta > 0, facts.delta < 1 else { throw .outOfRange(field: "delta") }
        guard facts.aggregationFailure >= 0, facts.aggregationFailure < 1 else {
            throw .outOfRange(field: "aggregationFailure")
        }
        if facts.plannedRounds < 1 { throw .outOfRange(field: "plannedRounds") }
        self.facts = facts
        self.mechanism = mechanism
        self.bound = bound
        accountant = try RenyiAccountant(mechanism: mechanism, sampling: sampling, dimension: bound.vectorCount)
    }

    /// ε of the headline, rounded up.
    public var epsilon: Double { accountant.epsilon(rounds: facts.plannedRounds, delta: facts.delta) }

    /// δ of the headline: the mechanism's and (1 + e^ε) times the aggregation's failure probability, rounded up.
    public var delta: Double {
        if facts.aggregationFailure == 0 { return facts.delta }
        return (facts.delta + (1 + exp(epsilon)) * facts.aggregationFailure) * (1 + 0x1p-40)
    }

    /// ε if `honestShares` nodes added their noise instead of t − x, or nothing if that leaves no guarantee.
    private func epsilon(honestShares: Int) -> Double? {
        guard honestShares >= 1,
            let other = try? RenyiAccountant(
                noiseMultiplier: mechanism.accountedNoiseMultiplier(honestShares: honestShares),
                sampling: accountant.sampling,
                slackPerRound: mechanism.slackPerRound(dimension: bound.vectorCount, honestShares: honestShares))
        else { return nil }
        let value = other.epsilon(rounds: facts.plannedRounds, delta: facts.delta)
        return value.isFinite ? value : nil
    }

    private func show(_ epsilon: Double?) -> String {
        epsilon.map { decimalRoundedUp($0, places: 3) } ?? "no guarantee"
    }

    /// The statement, as paragraphs of text.
    public var text: String {
        [definition, unit, observer, assumptions, exclusions, sensitivities, evidence].joined(separator: "\n\n") + "\n"
    }

    private var definition: String {
        let slack = accountant.slack(rounds: facts.plannedRounds)
        let failure =
            facts.aggregationFailure == 0
            ? "0 in the aggregation protocol in use" : scientificRoundedUp(delta - facts.delta)
        return
            "Definition. For every pair of datasets that differ only in that all events of one enrolled customer are "
            + "used or not used (zero-out), every efficient observer O described below, and every set S of views: "
            + "Pr[view in S] <= e^eps Pr[view' in S] + delta, in both directions, with eps = \(show(epsilon)) and "
            + "delta = \(scientificRoundedUp(delta)). delta includes \(scientificRoundedUp(facts.delta)) of the mechanism, "
            + "the discrete-noise slack (eps is larger by 2Tc = \(scientificRoundedUp(2 * slack)), delta by the factor "
            + "e^Tc) and the failure probability of secure aggregation (\(failure)); remaining computational advantage "
            + "against AES-256, X25519 and SHA-256 is assumed negligible (computational differential privacy)."
    }

    private var unit: String {
        let groups = [2, 3, 5].map { customers in
            let value = accountant.epsilon(customers: customers, rounds: facts.plannedRounds, delta: facts.delta)
            return "K=\(customers): \(show(value.isFinite ? value : nil))"
        }
        return "Unit. One customer, identified by \(facts.customerIdentifier); all her events at all stores for the "
            + "whole job \"\(facts.job)\" of at most \(facts.plannedRounds) rounds, planned before the first round. Two "
            + "loyalty cards are two customers: the loss then grows as in the table (\(groups.joined(separator: ", "))). "
            + "Without ids the unit is (customer, store)."
    }

    private var observer: String {
        "Observer. The coordinator, acting maliciously, everyone who sees any model or released metric, at most "
            + "\(mechanism.maximumCorrupt) of the nodes in any round, and at most \(facts.corruptCommitteeMembers) of "
            + "\(facts.committeeMembers) committee members, colluding."
    }

    private var assumptions: String {
        let probability = accountant.sampling.threshold.map { "\($0)/2^64" } ?? "1"
        return "Assumed. The customer's own home node runs the published code and keeps its coins, noise and data "
            + "secret; in every released round at least \(mechanism.minimumAlive) nodes are counted of which at least "
            + "\(mechanism.honestShares) are honest and add their noise; at most one sum per round is revealed; each "
            + "customer is processed by one node per round; signed plan parameters z = \(mechanism.noiseMultiplier), "
            + "R = \(bound.radius), D^2 = \(bound.squaredSensitivity), q = \(probability), s^2 = "
            + "\(mechanism.shareVariance), t = \(mechanism.minimumAlive), x = \(mechanism.maximumCorrupt), T = "
            + "\(facts.plannedRounds) are those of this statement."
    }

    private var exclusions: String {
        let cap = facts.capMicroZCDP.map { "cap \(decimal($0, places: 6)) zCDP" } ?? "no cap is set"
        return
            "Not covered. Customers of a corrupt node, or whoever operates or breaks into the home node; the fact of "
            + "enrolment, consent, home store or eligibility; which stores took part, when, and node-level failures; "
            + "data leaving by other systems; what a model teaches about people in general; groups of customers "
            + "(households) beyond the table; choices made by looking at real data outside this mechanism (features, "
            + "hyper-parameters, pre-training, evaluation); poisoning; correctness of the model; other jobs (see the "
            + "customer's total across jobs: \(cap))."
    }

    private var sensitivities: String {
        var lines: [String] = []
        if accountant.sampling != .everyone {
            let known = accountant.withKnownCoins.epsilon(rounds: facts.plannedRounds, delta: facts.delta)
            lines.append("The bound relies on secret coins; with coins known eps would be \(show(known)).")
        }
        let doubled = epsilon(honestShares: mechanism.minimumAlive - 2 * mechanism.maximumCorrupt)
        lines.append("If x doubles: \(show(doubled)).")
        lines.append("Without collusion: \(show(epsilon(honestShares: mechanism.minimumAlive))).")
        return "If. " + lines.joined(separator: " ")
    }

    private var evidence: String {
        "Evidence. Accountant \(Self.accountantVersion), every number rounded up; plan digest \(facts.planDigest); proof "
            + "document \(facts.proofDocument); audit result: \(facts.auditResult ?? "none"). An audit is a check, not a "
            + "proof."
    }
}
