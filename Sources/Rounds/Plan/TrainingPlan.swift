// What a job will do, signed by its owner before the first round: the features, the model, the clip, the noise, the number
// of rounds and the budget. Nodes and committee take every number from here and recompute what follows from it; the
// coordinator can only carry the plan out or not.

import Consent
import Cryptography
import DifferentialPrivacy
import Learning
import SecureAggregation
import Vectors
import WireFormat

/// The plan of one job (Protocols/node-api.md, "Plan").
public struct TrainingPlan: SignedBody {
    /// The message's name in the CDDL.
    public static let messageName = "training-plan"
    /// Separates this message's signatures from all others.
    public static let signatureType = "training-plan"

    /// A public name for people.
    public let name: String
    /// The purpose that customers must have consented to.
    public let purpose: Purpose
    /// Features, examples, local training, clip norm, server optimiser and number of rounds.
    public let job: PropensityJob
    /// R: the integer radius the clip norm is scaled to.
    public let clipRadius: Int64
    /// Weights of the scalars that ride along: the clip indicator, then the training loss.
    public let rideAlongWeights: [Int64]
    /// z, in thousandths.
    public let noiseMultiplierThousandths: Int64
    /// Probability that a customer takes part in a round, in millionths; 1,000,000 is everyone.
    public let samplingMillionths: UInt64
    /// How the vector is packed.
    public let layout: LaneLayout
    /// What masks are expanded with: AES-256-CTR, or ChaCha20 for a chain whose stores have processors without AES instructions.
    public let generator: KeystreamCipher
    /// t: sessions need exactly this many survivors at least.
    public let minAlive: Int
    /// C of the register this plan was made for.
    public let corruptMax: Int
    /// The cap on ε, in millionths.
    public let epsilonCapMillionths: UInt64
    /// δ = 1 / this.
    public let deltaReciprocal: UInt64
    /// Most customers a round may have, for the range of the sum.
    public let maximumCustomers: Int
    /// SHA-256 of the model that round 1 starts from.
    public let initialModelDigest: Digest
    /// Whether, and how, rounds are summed in groups; nil is one sum over everybody.
    public let subCohorts: SubCohortSettings?

    /// Names of the ride-alongs, in order.
    public static let rideAlongNames = ["clipIndicator", "trainingLoss"]
    /// Training losses are scaled from 0 ... this many nats a label to 0 ... 1.
    public static let lossScale = 1.0

    /// Collects a plan; ``validated()`` checks it.
    public init(
        name: String, purpose: Purpose, job: PropensityJob, clipRadius: Int64, rideAlongWeights: [Int64],
        noiseMultiplierThousandths: Int64, samplingMillionths: UInt64, layout: LaneLayout, minAlive: Int,
        corruptMax: Int, epsilonCapMillionths: UInt64, deltaReciprocal: UInt64, maximumCustomers: Int,
        initialModelDigest: Digest, subCohorts: SubCohortSettings? = nil, generator: KeystreamCipher = .aes256Counter
    ) {
        self.name = name
        self.purpose = purpose
        self.job = job
        self.clipRadius = clipRadius
        self.rideAlongWeights = rideAlongWeights
        self.noiseMultiplierThousandths = noiseMultiplierThousandths
        self.samplingMillionths = samplingMillionths
        self.layout = layout
        self.minAlive = minAlive
        self.corruptMax = corruptMax
        self.epsilonCapMillionths = epsilonCapMillionths
        self.deltaReciprocal = deltaReciprocal
        self.maximumCustomers = maximumCustomers
        self.initialModelDigest = initialModelDigest
        self.subCohorts = subCohorts
        self.generator = generator
    }

    /// T: rounds, planned before the first.
    public var roundCount: Int { job.rounds }

    /// The message as CBOR.
    public var cborValue: CBORValue {
        .message(
            (1, .text(name)), (2, .text(purpose.text)), (3, job.cborValue), (4, CBORValue(clipRadius)),
            (5, .array(rideAlongWeights.map { CBORValue($0) })), (6, CBORValue(noiseMultiplierThousandths)),
            (7, .unsigned(samplingMillionths)), (8, .unsigned(UInt64(layout.lanes))),
            (9, .unsigned(UInt64(layout.bits))), (10, .unsigned(UInt64(minAlive))),
            (11, .unsigned(UInt64(corruptMax))), (12, .unsigned(epsilonCapMillionths)),
            (13, .unsigned(deltaReciprocal)), (14, .unsigned(UInt64(maximumCustomers))),
            (15, .bytes(initialModelDigest.bytes)), (16, subCohorts?.cborValue),
            (17, generator == .aes256Counter ? nil : .unsigned(generator.rawValue)))
    }

    /// Reads a plan; ``validated()`` checks what the numbers mean together.
    /// - Throws: ``WireFormatError``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        name = try fields.text(1, "name", maximum: 128)
        let purposeText = try fields.text(2, "purpose", maximum: 64)
        do { purpose = try Purpose(text: purposeText) } catch {
            throw .unexpected(field: "training-plan.purpose", expected: "a known purpose")
        }
        job = try fields.message(3, "job")
        clipRadius = Int64(try fields.unsigned(4, "clipRadius", in: 1...UInt64(ContributionBound.maximumRadius)))
        rideAlongWeights = try fields.array(5, "rideAlongWeights", maximum: 16) { (value) throws(WireFormatError) in
            guard case .unsigned(let weight) = value, weight <= UInt64(ContributionBound.maximumRadius) else {
                throw .unexpected(field: "training-plan.rideAlongWeights", expected: "weights")
            }
            return Int64(weight)
        }
        noiseMultiplierThousandths = Int64(
            try fields.unsigned(6, "noiseMultiplier", in: 1...UInt64(NoiseMultiplier.maximumThousandths)))
        samplingMillionths = try fields.unsigned(7, "sampling", in: 1...1_000_000)
        let lanes = try fields.integer(8, "lanes", in: 2...4)
        let bits = try fields.integer(9, "bits", in: 16...32)
        do { layout = try LaneLayout(lanes: lanes, bits: bits) } catch {
            throw .unexpected(field: "training-plan.lanes", expected: "2×32, 3×21 or 4×16")
        }
        minAlive = try fields.integer(10, "minAlive", in: 1...1_000_000)
        corruptMax = try fields.integer(11, "corruptMax", in: 1...1_000_000)
        epsilonCapMillionths = try fields.unsigned(12, "epsilonCap", in: 1...1_000_000_000)
        deltaReciprocal = try fields.unsigned(13, "deltaReciprocal", in: 2...1_000_000_000_000_000)
        maximumCustomers = try fields.integer(14, "maximumCustomers", in: 1...1_000_000_000)
        let digest = try fields.bytes(15, "initialModelDigest", count: Digest.byteCount)
        do { initialModelDigest = try Digest(digest) } catch {
            throw .unexpected(field: "training-plan.initialModelDigest", expected: "a digest")
        }
        if let value = fields.optionalField(16) {
            subCohorts = try SubCohortSettings(cborValue: value)
        } else {
            subCohorts = nil
        }
        if let value = fields.optionalField(17) {
            guard value == .unsigned(KeystreamCipher.chaCha20.rawValue) else {
                throw .unexpected(
                    field: "training-plan.generator", expected: "2 for ChaCha20, or nothing for AES-256-CTR")
            }
            generator = .chaCha20
        } else {
            generator = .aes256Counter
        }
    }
}
