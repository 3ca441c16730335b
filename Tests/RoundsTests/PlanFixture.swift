// A plan that holds together, to be broken one field at a time.

import Consent
import Cryptography
import Learning
import Rounds
import SecureAggregation
import Vectors

/// The fields of a plan, changeable.
struct PlanFixture {
    var name = "a plan"
    var purpose = Purpose.trainFederated
    var categories = ["bread", "milk", "soap", "tea"]
    var rounds = 12
    var clipRadius: Int64 = 1 << 12
    var rideAlongWeights: [Int64] = [410, 410]
    var noiseMultiplierThousandths: Int64 = 6_000
    var samplingMillionths: UInt64 = 1_000_000
    var layout = LaneLayout.twoBy32
    var minAlive = 18
    var corruptMax = 2
    var epsilonCapMillionths: UInt64 = 4_000_000
    var deltaReciprocal: UInt64 = 1_000_000
    var maximumCustomers = 100_000
    var subCohorts: SubCohortSettings?
    var generator = KeystreamCipher.aes256Counter

    func plan() throws -> TrainingPlan {
        let job = try PropensityJob.defaults(
            vocabulary: try Vocabulary(categories), schedule: try ExampleSchedule(endSeconds: 1_700_000_000),
            rounds: rounds)
        return TrainingPlan(
            name: name, purpose: purpose, job: job, clipRadius: clipRadius, rideAlongWeights: rideAlongWeights,
            noiseMultiplierThousandths: noiseMultiplierThousandths, samplingMillionths: samplingMillionths,
            layout: layout, minAlive: minAlive, corruptMax: corruptMax, epsilonCapMillionths: epsilonCapMillionths,
            deltaReciprocal: deltaReciprocal, maximumCustomers: maximumCustomers,
            initialModelDigest: SHA256.hash([1]), subCohorts: subCohorts, generator: generator)
    }

    /// The owner's key of every signed fixture.
    static func owner() throws -> Ed25519PrivateKey {
        try Ed25519PrivateKey(SecretBytes(copying: [UInt8](repeating: 7, count: 32)))
    }

    func signed() throws -> SignedMessage<TrainingPlan> {
        try SignedMessage(signing: try plan(), key: try Self.owner())
    }

    func validated() throws -> ValidatedPlan {
        try ValidatedPlan(verifying: try signed(), owner: try Self.owner().publicKey)
    }
}
