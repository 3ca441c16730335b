// The auditor's side: bytes in, a report or the first check that failed out. Total on any input, and offline.

import Consent
import Cryptography
import MerkleLog
import SecureAggregation
import WireFormat

/// Verifies bundles under a chain's public keys. A value without state: use it from any thread.
public struct EvidenceVerifier: Sendable {
    private let anchors: TrustAnchors
    private let ledgerKey: NoteVerifierKey

    /// Trusts a chain's keys.
    /// - Throws: `MerkleLogError` if the anchors' verifier key is not one of a log.
    public init(anchors: TrustAnchors) throws(MerkleLogError) {
        ledgerKey = try NoteVerifierKey(parsing: anchors.ledgerVerifierKey)
        guard ledgerKey.kind == .text else { throw .malformed(.verifierKey, field: "signature type") }
        self.anchors = anchors
    }

    /// Trusts the keys of a trust file, the deterministic CBOR of `TrustAnchors`.
    /// - Throws: ``TrustFileError``.
    public init(trustFile bytes: [UInt8]) throws(TrustFileError) {
        let anchors: TrustAnchors
        do { anchors = try TrustAnchors(decoding: bytes) } catch { throw .malformed(error) }
        do { try self.init(anchors: anchors) } catch { throw .logKey(error) }
    }

    /// Checks everything a bundle claims (Protocols/evidence-bundle.md, "Checks"), hashes before signatures and the seal
    /// last: an altered byte is reported by the check it breaks.
    ///
    /// It does not show that the bundle has every record the log holds about the job; reading the whole log does.
    /// - Parameters:
    ///   - bytes: the file.
    ///   - modelBytes: the final model file, if it is at hand.
    /// - Throws: ``EvidenceError``, the first check that failed; never traps.
    public func verify(bytes: [UInt8], modelBytes: [UInt8]? = nil) throws(EvidenceError) -> EvidenceReport {
        let parts = try EvidenceBundle(locating: bytes).parts
        let register = try verifiedRegister(parts)
        guard parts.plan.isSigned(by: anchors.planOwnerKey) else { throw EvidenceError(.plan, .planSignature) }
        let log = try VerifiedLog(parts.checkpoints, key: ledgerKey)
        let history = try verifiedHistory(parts, register: register, log: log)
        let withdrawals = WithdrawalCheck(log: log, history: history, ledgerKey: ledgerKey.publicKey)
        for (position, evidence) in parts.withdrawals.enumerated() {
            try withdrawals.verify(evidence, place: .withdrawal(position))
        }
        guard history.model == parts.modelDigest else { throw EvidenceError(.model, .finalModel) }
        if let modelBytes, SHA256.hash(modelBytes) != parts.modelDigest { throw EvidenceError(.model, .modelBytes) }
        guard EvidenceBundle.isSealed(bytes, by: anchors.coordinatorKey) else { throw EvidenceError(.seal, .seal) }
        return EvidenceReport(
            parts: parts, log: log, history: history, isModelFileVerified: modelBytes != nil)
    }

    private func verifiedRegister(_ parts: EvidenceParts) throws(EvidenceError) -> Register {
        guard (try? parts.register.verify(by: anchors.authorityKey)) != nil else {
            throw EvidenceError(.register, .registerSignature)
        }
        guard parts.register.body.chain == anchors.chain else { throw EvidenceError(.register, .otherChain) }
        return parts.register.body
    }

    private func verifiedHistory(
        _ parts: EvidenceParts, register: Register, log: VerifiedLog
    ) throws(EvidenceError) -> RoundHistory {
        // All hashes first: an altered entry is then named as one, and costs no signature check.
        var events: [(index: Int, event: RoundEvent)] = []
        events.reserveCapacity(parts.entries.count)
        for (position, evidence) in parts.entries.enumerated() {
            let place = EvidenceError.Place.entry(position)
            if let last = events.last, last.index >= evidence.index { throw EvidenceError(place, .entryOrder) }
            let entry = try log.open(evidence, category: .round, place: place)
            events.append(
                (
                    evidence.index,
                    try EvidenceError.reading(place) { () throws(WireFormatError) in
                        try RoundEvent(decoding: entry.payload)
                    }
                ))
        }
        var history = RoundHistory(
            register: register, plan: parts.plan, log: log, coordinatorKey: anchors.coordinatorKey,
            attempts: parts.attempts)
        for (position, item) in events.enumerated() {
            try history.take(item.event, index: item.index, place: .entry(position))
        }
        try history.finish()
        return history
    }
}

/// Why a trust file cannot be used. Its description is safe to log.
public enum TrustFileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The bytes are not trust anchors.
    case malformed(WireFormatError)
    /// The log's verifier key is not one.
    case logKey(MerkleLogError)

    /// One sentence.
    public var description: String {
        switch self {
        case .malformed(let error): error.description
        case .logKey(let error): "ledgerVerifierKey: \(error)"
        }
    }
}

extension EvidenceReport {
    /// Reports what was verified.
    init(parts: EvidenceParts, log: VerifiedLog, history: RoundHistory, isModelFileVerified: Bool) {
        chain = parts.register.body.chain
        jobID = parts.plan.jobID.description
        planDigest = parts.plan.digest
        registerVersion = parts.register.body.version
        logOrigin = log.final.origin
        logSize = log.final.size
        logRoot = log.final.root
        var epsilon: UInt64 = 0
        rounds = history.rounds.map { round in
            epsilon = round.charges.last?.event.epsilonAfterMicro ?? round.opened.epsilonBeforeMicro
            return Round(round, epsilonAfterMicro: epsilon)
        }
        withdrawals = parts.withdrawals.map { Withdrawal(index: $0.event.index, round: $0.round, node: $0.node) }
        epsilonMicro = history.epsilonMicro
        epsilonCapMicro = history.rounds.last?.opened.epsilonCapMicro ?? 0
        modelDigest = parts.modelDigest
        self.isModelFileVerified = isModelFileVerified
        var checks = Checks()
        let commitments = history.rounds.flatMap { $0.commitments.values.map(\.count) }.reduce(0, +)
        let votes = rounds.compactMap { $0.charge?.votes }.reduce(0, +)
        checks.certificates = parts.attempts.count
        // Register, plan and seal; a session and its votes for every attempt.
        checks.signatures =
            3 + log.checkpoints.count + commitments + parts.attempts.count + votes + parts.withdrawals.count
        checks.consistencyProofs = log.checkpoints.count - 1
        checks.inclusionProofs = parts.entries.count + parts.withdrawals.count
        checks.survivorCommitments = rounds.compactMap { $0.charge?.survivingNodes }.reduce(0, +)
        checks.modelSteps = rounds.count { $0.release != nil }
        self.checks = checks
    }
}

extension EvidenceReport.Round {
    fileprivate init(_ verified: RoundHistory.Round, epsilonAfterMicro: UInt64) {
        round = verified.number
        pinnedSize = verified.opened.pinned.size
        self.epsilonAfterMicro = epsilonAfterMicro
        charge = verified.charges.first.map { first in
            EvidenceReport.Charge(
                attempt: first.attempt.number,
                offeredNodes: verified.charges.reduce(0) { $0 + $1.attempt.offered.count },
                survivingNodes: verified.charges.reduce(0) { $0 + $1.attempt.survivors.count },
                votes: verified.charges.reduce(0) { $0 + $1.attempt.voteCount }, index: first.index,
                groups: first.attempt.group.map { _ in verified.charges.count })
        }
        release = verified.release.map { EvidenceReport.Release(index: $0.index, modelDigest: $0.event.modelDigest) }
        voidedSessions = verified.voided.count
    }
}
