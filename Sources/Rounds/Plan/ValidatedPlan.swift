// A plan whose numbers hold together: everything that follows from it is computed once, here, by the same code at the
// owner, the officer, the coordinator, every node and the auditor.

import Consent
import Cryptography
import DifferentialPrivacy
import Learning
import SecureAggregation
import Vectors
import WireFormat

/// Why a plan cannot be carried out. Names the bound that fails.
public struct PlanError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The field at fault.
    public let field: String
    /// What was expected of it.
    public let expected: String

    /// Describes a fault.
    public init(field: String, expected: String) {
        self.field = field
        self.expected = expected
    }

    /// Safe to log: carries public numbers only.
    public var description: String { "plan: \(field): \(expected)" }
}

/// A checked plan with everything derived from it.
public struct ValidatedPlan: Sendable {
    /// The plan.
    public let plan: TrainingPlan
    /// SHA-256 of the signed plan's body.
    public let digest: Digest
    /// The job.
    public let jobID: JobID
    /// Shape of the model.
    public let modelLayout: FeatureLayout
    /// Bound of one customer's contribution.
    public let bound: ContributionBound
    /// The noise.
    public let mechanism: DistributedGaussian
    /// Who takes part.
    public let sampling: CustomerSampling
    /// What rounds cost.
    public let accountant: RenyiAccountant

    /// δ.
    public var delta: Double { 1 / Double(plan.deltaReciprocal) }
    /// ε cap.
    public var epsilonCap: Double { Double(plan.epsilonCapMillionths) / 1e6 }
    /// C_t.
    public var clipNorm: Double { Double(plan.job.clipNorm) }
    /// d: coordinates of the vector, ride-alongs included.
    public var dimension: Int { bound.vectorCount }

    /// Verifies and checks a signed plan.
    /// - Throws: ``PlanError`` naming the field: a bad signature, a purpose that is not training, a mechanism that cannot be
    ///   built, a sum that could wrap with probability above 2^−40, or rounds that exceed the cap.
    public init(
        verifying signed: SignedMessage<TrainingPlan>, owner: Ed25519PublicKey
    ) throws(PlanError) {
        do { try signed.verify(by: owner) } catch {
            throw PlanError(field: "signature", expected: "the plan owner's")
        }
        try self.init(plan: signed.body, digest: SHA256.tagged("plan", signed.bodyBytes))
    }

    private init(plan: TrainingPlan, digest: Digest) throws(PlanError) {
        guard plan.purpose == .trainFederated else {
            throw PlanError(field: "purpose", expected: Purpose.trainFederated.text)
        }
        guard plan.rideAlongWeights.count == TrainingPlan.rideAlongNames.count else {
            throw PlanError(field: "rideAlongWeights", expected: "\(TrainingPlan.rideAlongNames.count) weights")
        }
        if let settings = plan.subCohorts, settings.groupSize < plan.minAlive {
            throw PlanError(
                field: "subCohorts.groupSize", expected: "at least minAlive, \(plan.minAlive), or no group has a sum")
        }
        self.plan = plan
        self.digest = digest
        jobID = JobID(planDigest: digest)
        modelLayout = plan.job.layout
        do {
            bound = try ContributionBound(
                dimension: modelLayout.parameterCount, radius: plan.clipRadius, rideAlongWeights: plan.rideAlongWeights)
            mechanism = try DistributedGaussian(
                noiseMultiplier: NoiseMultiplier(thousandths: plan.noiseMultiplierThousandths),
                squaredSensitivity: bound.squaredSensitivity, minimumAlive: plan.minAlive,
                maximumCorrupt: plan.corruptMax)
            sampling =
                plan.samplingMillionths == 1_000_000
                ? .everyone : try CustomerSampling(millionths: plan.samplingMillionths)
            accountant = try RenyiAccountant(mechanism: mechanism, sampling: sampling, dimension: bound.vectorCount)
        } catch {
            throw PlanError(field: "mechanism", expected: "\(error)")
        }
        let epsilon = accountant.epsilon(rounds: plan.roundCount, delta: 1 / Double(plan.deltaReciprocal))
        guard epsilon <= Double(plan.epsilonCapMillionths) / 1e6 else {
            throw PlanError(
                field: "epsilonCap", expected: "at least \(epsilon), which \(plan.roundCount) rounds of this noise cost"
            )
        }
    }

    /// Throws unless every sum of `registered` nodes, or of groups of them, fits the lanes except with probability 2^−40 over
    /// the whole job.
    /// - Throws: ``PlanError``.
    public func requireRange(registered: Int) throws(PlanError) {
        do {
            let range = try SumRange(
                maximumCustomers: plan.maximumCustomers, coordinateBound: bound.coordinateBound,
                noiseStandardDeviation: mechanism.noiseStandardDeviation(aliveNodes: registered),
                dimension: dimension, rounds: plan.roundCount * max(1, groupCount(registered: registered)))
            try range.check(plan.layout)
        } catch {
            throw PlanError(field: "lanes", expected: "\(error)")
        }
    }

    /// What the aggregation protocol takes from the plan.
    public var facts: PlanFacts {
        PlanFacts(
            planDigest: digest, dimension: dimension, layout: plan.layout, generator: plan.generator,
            minAlive: plan.minAlive, roundCount: UInt64(plan.roundCount), groupSize: plan.subCohorts?.groupSize)
    }

    /// What turns a sum into a mean: the customers eligible at the pinned checkpoint, times the sampling probability; whatever
    /// number really took part, and at least 1.
    func divisor(customers: Int) -> Double { max(1, Double(customers) * sampling.probability) }

    /// The sum's coordinates per customer, ride-alongs included, in integer units.
    /// - Parameter customers: customers eligible at the pinned checkpoint, a public number.
    public func mean(ofSum sum: [Int64], customers: Int) -> [Double] {
        let divisor = divisor(customers: customers)
        return sum.map { Double($0) / divisor }
    }

    /// The average update: the model coordinates of a mean, back in units of the clip norm.
    public func averageUpdate(means: [Double]) -> [Float] {
        let scale = clipNorm / Double(plan.clipRadius)
        return means.prefix(modelLayout.parameterCount).map { Float($0 * scale) }
    }

    /// The noisy ride-alongs, as averages per customer in −1 ... 1 (noise may carry them beyond).
    public func rideAlongAverages(means: [Double]) -> [Double] {
        zip(means.dropFirst(modelLayout.parameterCount), plan.rideAlongWeights).map { value, weight in
            weight == 0 ? 0 : value / Double(weight)
        }
    }
}
