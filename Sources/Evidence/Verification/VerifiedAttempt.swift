// The aggregation's side of a round: the session is the one that was charged, and the committee certified its survivors.

import Consent
import Cryptography
import SecureAggregation
import WireFormat

/// A charged attempt after verification.
struct VerifiedAttempt {
    /// Nodes that were offered the round.
    let offered: Set<UInt32>
    /// The group that the session summed; nil for a sum over everybody.
    let group: SubCohortPlace?
    /// Attempt number, 1 or 2.
    let number: UInt64
    /// H("label", …) of the certified survivor set.
    let survivorDigest: Digest
    /// Register indices of the survivors, ascending.
    let survivors: [UInt32]
    /// Votes of the certificate.
    let voteCount: Int

    /// Checks an attempt against what the log says about its round.
    /// - Parameters:
    ///   - opened: the round as it was opened for the attempt.
    ///   - number: how often the round was opened by then.
    ///   - charge: the charge that the attempt must be of.
    init(
        _ evidence: AttemptEvidence, opened: RoundOpened, number: UInt64, charge: BudgetCharged, register: Register,
        coordinatorKey: Ed25519PublicKey
    ) throws(EvidenceError) {
        let place = EvidenceError.Place.round(opened.round.round)
        let parameters = evidence.parameters.body
        guard (try? evidence.parameters.verify(by: coordinatorKey)) != nil else {
            throw EvidenceError(place, .parametersSignature)
        }
        let roster = try EvidenceError.aggregation(place, EvidenceFailure.rosterRefused) {
            () throws(SecureAggregationError) in try Roster(bytes: evidence.rosterBytes)
        }
        try Self.check(parameters, opened: opened, charge: charge, register: register, roster: roster)
        guard parameters.attempt == number else { throw EvidenceError(place, .parametersMismatch(field: "attempt")) }
        for entry in roster.entries where register.node(entry.node) == nil {
            throw EvidenceError(place, .rosterStranger(node: entry.node))
        }
        let survivors = try EvidenceError.aggregation(place, EvidenceFailure.survivorsRefused) {
            () throws(SecureAggregationError) in
            try SurvivorSet(
                sessionID: charge.attempt.session, bitmap: evidence.survivorBitmap, count: roster.entries.count)
        }
        guard parameters.minAlive >= register.smallestMinAlive else {
            throw EvidenceError(
                place, .minAliveTooSmall(have: parameters.minAlive, need: register.smallestMinAlive))
        }
        guard survivors.survivorCount >= parameters.minAlive else {
            throw EvidenceError(
                place, .tooFewSurvivors(have: survivors.survivorCount, need: parameters.minAlive))
        }
        try EvidenceError.aggregation(place, { _ in .survivorsDisconnected }) {
            () throws(SecureAggregationError) in
            try MaskGraph(nodeCount: roster.entries.count, parameters: parameters.derived)
                .requireConnected(alive: survivors.alive)
        }
        try EvidenceError.aggregation(place, EvidenceFailure.certificateRefused) {
            () throws(SecureAggregationError) in
            try evidence.certificate.verify(survivors: survivors, register: register)
        }
        guard evidence.certificate.digest == charge.certificateDigest else {
            throw EvidenceError(place, .certificateDigest)
        }
        offered = Set(roster.entries.map(\.node))
        group = parameters.subCohort
        self.number = number
        survivorDigest = survivors.digest
        self.survivors = zip(roster.entries, survivors.alive).filter(\.1).map(\.0.node)
        voteCount = evidence.certificate.votes.count
    }

    /// Every parameter that something else in the bundle fixes must be equal to it.
    private static func check(
        _ parameters: SessionParameters, opened: RoundOpened, charge: BudgetCharged, register: Register,
        roster: Roster
    ) throws(EvidenceError) {
        let derived = try? ProtocolParameters.derive(register: register, cohort: roster.entries.count)
        let fields: [(name: String, holds: Bool)] = [
            ("sessionId", parameters.sessionID == charge.attempt.session),
            ("registerDigest", parameters.registerDigest == register.digest),
            ("jobId", parameters.jobID.bytes == opened.round.job.bytes),
            ("planDigest", parameters.planDigest == opened.planDigest),
            ("round", parameters.round == UInt64(opened.round.round)),
            ("modelDigest", parameters.modelDigest == opened.modelDigest),
            ("consentSize", parameters.consentSize == UInt64(opened.pinned.size)),
            ("consentRoot", parameters.consentRoot == opened.pinned.root),
            ("previousConsentSize", parameters.previousConsentSize == UInt64(opened.previousPinned)),
            ("rosterDigest", parameters.rosterDigest == roster.digest),
            ("cohortSize", parameters.cohortSize == roster.entries.count),
            ("derived parameters", parameters.derived == derived),
            // Groups have no second attempt.
            ("attempt", parameters.subCohort == nil || parameters.attempt == 1),
        ]
        if let field = fields.first(where: { !$0.holds }) {
            throw EvidenceError(.round(opened.round.round), .parametersMismatch(field: field.name))
        }
    }
}
