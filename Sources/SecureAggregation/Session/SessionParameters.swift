// What a session is. Its id is the hash of all of this, and every mask, share and signature is derived under that id, so
// a message of one session is noise in any other.

import Cryptography
import Vectors
import WireFormat

extension JobID {
    /// The id of the job that `planDigest` describes.
    public init(planDigest: Digest) {
        let bytes = SHA256.tagged("job", planDigest.bytes).bytes
        self.init(
            high: bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) }, low: bytes[8..<16].reduce(0) { $0 << 8 | UInt64($1) })
    }
}

/// The parameters of one attempt at one round (Protocols/secure-aggregation.md, "Offer").
public struct SessionParameters: SignedBody {
    /// The message's name in the CDDL.
    public static let messageName = "session-parameters"
    /// Separates this message's signatures from all others.
    public static let signatureType = "offer"

    /// The register version.
    public let registerDigest: Digest
    /// The epoch.
    public let epochRoot: Digest
    /// The job; equals ``JobID/init(planDigest:)`` of ``planDigest``.
    public let jobID: JobID
    /// The round, from 1.
    public let round: UInt64
    /// The attempt, 1 or 2.
    public let attempt: UInt64
    /// SHA-256 of the model's bytes.
    public let modelDigest: Digest
    /// SHA-256 of the signed plan.
    public let planDigest: Digest
    /// The pinned consent checkpoint: eligibility and home stores are functions of exactly this tree size and root.
    public let consentSize: UInt64
    /// Root of the pinned checkpoint.
    public let consentRoot: Digest
    /// Size that the previous round pinned: a move recorded since leaves a gap this round.
    public let previousConsentSize: UInt64
    /// d: coordinates of the vector, ride-alongs included.
    public let dimension: Int
    /// How coordinates are packed into 64-bit words.
    public let layout: LaneLayout
    /// What masks are expanded with: the plan's.
    public let generator: KeystreamCipher
    /// n.
    public let cohortSize: Int
    /// Fewer survivors than this are never labelled.
    public let minAlive: Int
    /// Unix milliseconds after which uploads are refused.
    public let deadlineMilliseconds: Int64
    /// What every party derives itself and requires to be equal.
    public let derived: ProtocolParameters
    /// H("roster", roster bytes).
    public let rosterDigest: Digest
    /// Which group of the round this session sums, under a plan with ``PlanFacts/groupSize``; nil under any other plan.
    public let subCohort: SubCohortPlace?

    /// Attempts a round may have.
    public static let maximumAttempts: UInt64 = 2

    /// Collects the parameters.
    public init(
        registerDigest: Digest, epochRoot: Digest, round: UInt64, attempt: UInt64, modelDigest: Digest,
        planDigest: Digest, consentSize: UInt64, consentRoot: Digest, previousConsentSize: UInt64, dimension: Int,
        layout: LaneLayout, generator: KeystreamCipher, cohortSize: Int, minAlive: Int, deadlineMilliseconds: Int64,
        derived: ProtocolParameters, rosterDigest: Digest, subCohort: SubCohortPlace? = nil
    ) {
        self.registerDigest = registerDigest
        self.epochRoot = epochRoot
        jobID = JobID(planDigest: planDigest)
        self.round = round
        self.attempt = attempt
        self.modelDigest = modelDigest
        self.planDigest = planDigest
        self.consentSize = consentSize
        self.consentRoot = consentRoot
        self.previousConsentSize = previousConsentSize
        self.dimension = dimension
        self.layout = layout
        self.generator = generator
        self.cohortSize = cohortSize
        self.minAlive = minAlive
        self.deadlineMilliseconds = deadlineMilliseconds
        self.derived = derived
        self.rosterDigest = rosterDigest
        self.subCohort = subCohort
    }

    /// sid = H("session", parameters).
    public var sessionID: Digest { SHA256.tagged("session", encoded()) }

    /// 64-bit words of a packed vector.
    public var wordCount: Int { layout.wordCount(dimension: dimension) }

    /// The message as CBOR.
    public var cborValue: CBORValue {
        .message(
            (1, .bytes(registerDigest.bytes)), (2, .bytes(epochRoot.bytes)), (3, .bytes(jobID.bytes)),
            (4, .unsigned(round)), (5, .unsigned(attempt)), (6, .bytes(modelDigest.bytes)),
            (7, .bytes(planDigest.bytes)), (8, .unsigned(consentSize)), (9, .bytes(consentRoot.bytes)),
            (10, .unsigned(previousConsentSize)), (11, .unsigned(UInt64(dimension))),
            (12, .unsigned(UInt64(layout.lanes))), (13, .unsigned(UInt64(layout.bits))),
            (14, .unsigned(generator.rawValue)),
            (15, .unsigned(UInt64(cohortSize))), (16, .unsigned(UInt64(minAlive))),
            (17, CBORValue(deadlineMilliseconds)), (18, derived.cborValue), (19, .bytes(rosterDigest.bytes)),
            (20, subCohort?.cborValue))
    }

    /// Reads parameters; what they claim is checked by ``OfferCheck`` and ``CommitteeMember``.
    /// - Throws: ``WireFormatError``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        registerDigest = try fields.digest(1, "registerDigest")
        epochRoot = try fields.digest(2, "epochRoot")
        jobID = try JobID(fields.bytes(3, "jobId", count: 16))
        round = try fields.unsigned(4, "round", in: 1...UInt64(UInt32.max))
        attempt = try fields.unsigned(5, "attempt", in: 1...Self.maximumAttempts)
        modelDigest = try fields.digest(6, "modelDigest")
        planDigest = try fields.digest(7, "planDigest")
        consentSize = try fields.unsigned(8, "consentSize")
        consentRoot = try fields.digest(9, "consentRoot")
        previousConsentSize = try fields.unsigned(10, "previousConsentSize")
        dimension = try fields.integer(11, "dimension", in: 1...1 << 32)
        let lanes = try fields.integer(12, "lanes", in: 2...4)
        let bits = try fields.integer(13, "bits", in: 16...32)
        do { layout = try LaneLayout(lanes: lanes, bits: bits) } catch {
            throw .unexpected(field: "session-parameters.lanes", expected: "2×32, 3×21 or 4×16")
        }
        generator = try fields.keystreamCipher(14, "generator")
        cohortSize = try fields.integer(15, "cohortSize", in: 1...1_000_000)
        minAlive = try fields.integer(16, "minAlive", in: 1...1_000_000)
        deadlineMilliseconds = Int64(try fields.unsigned(17, "deadline"))
        derived = try ProtocolParameters(cborValue: try fields.field(18, "derived"))
        rosterDigest = try fields.digest(19, "rosterDigest")
        if let value = fields.optionalField(20) {
            subCohort = try SubCohortPlace(cborValue: value)
        } else {
            subCohort = nil
        }
        guard jobID == JobID(planDigest: planDigest) else {
            throw .unexpected(field: "session-parameters.jobId", expected: "the id of its plan")
        }
    }
}
