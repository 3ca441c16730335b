// Four facts that together say "she had taken consent back, and her store left her out": the withdrawal is in the log
// before the round's checkpoint; the node's view of that checkpoint does not say "given"; the node committed to its set
// under exactly that view; and the committed set does not have her.

import Consent
import Cryptography
import MerkleLog
import WireFormat

/// Checks withdrawals against verified rounds.
struct WithdrawalCheck {
    let log: VerifiedLog
    let history: RoundHistory
    /// The log's key: it signs view statements too.
    let ledgerKey: Ed25519PublicKey

    /// Throws unless every proof about one customer and one round holds.
    func verify(_ evidence: WithdrawalEvidence, place: EvidenceError.Place) throws(EvidenceError) {
        let entry = try log.open(evidence.event, category: .consent, place: place)
        let event = try EvidenceError.reading(place) { () throws(WireFormatError) in
            try ConsentEvent(decoding: entry.payload)
        }
        guard event.handle == evidence.handle else { throw EvidenceError(place, .withdrawalSubject) }
        guard Self.endsTraining(event) else { throw EvidenceError(place, .withdrawalKind) }
        guard let round = history.round(evidence.round), !round.charges.isEmpty else {
            throw EvidenceError(place, .withdrawalRound)
        }
        guard evidence.event.index < round.opened.pinned.size else { throw EvidenceError(place, .withdrawalTooLate) }
        // Of a round in groups, the one group that the node is in.
        let commitments = round.charges.lazy.compactMap { round.commitments[$0.event.attempt.session]?[evidence.node] }
        guard let commitment = commitments.first else {
            throw EvidenceError(place, .withdrawalNode)
        }
        try verifyView(evidence, opened: round.opened, commitment: commitment, place: place)
        try EvidenceError.consent(place, EvidenceFailure.cohortProof) { () throws(ConsentError) in
            try commitment.verify(evidence.cohortAbsence, showsAbsenceOf: evidence.handle)
        }
    }

    private func verifyView(
        _ evidence: WithdrawalEvidence, opened: RoundOpened, commitment: CohortCommitment, place: EvidenceError.Place
    ) throws(EvidenceError) {
        let statement = evidence.statement
        let fields: [(name: String, holds: Bool)] = [
            ("origin", statement.origin == log.final.origin),
            ("node", statement.node == evidence.node),
            ("pinned checkpoint", statement.pinned == opened.pinned),
            ("previous checkpoint", statement.previousPinned == opened.previousPinned),
            ("root", statement.viewRoot == commitment.viewRoot),
        ]
        if let field = fields.first(where: { !$0.holds }) {
            throw EvidenceError(place, .viewMismatch(field: field.name))
        }
        try EvidenceError.consent(place, { _ in .viewSignature }) { () throws(ConsentError) in
            try statement.verify(signature: evidence.statementSignature, by: ledgerKey)
        }
        let isGiven = try EvidenceError.consent(place, EvidenceFailure.viewProof) { () throws(ConsentError) in
            switch evidence.standing {
            case .row(let leaf):
                return try statement.verify(leaf, showsRowOf: evidence.handle).trainStatus.permitsProcessing
            case .absent(let proof):
                try statement.verify(proof, showsNoRowOf: evidence.handle)
                return false
            }
        }
        if isGiven { throw EvidenceError(place, .consentGiven) }
    }

    /// Whether an event takes back consent to federated training. An erasure does too, but its payload is destroyed
    /// with the subject's key, so there is nothing to open.
    private static func endsTraining(_ event: ConsentEvent) -> Bool {
        switch event.kind {
        case .restricted: true
        case .withdrawn, .objection:
            event.purposes.contains { $0.purpose == .trainFederated && $0.answer == .deny }
        case .granted, .renewed, .refused, .expired, .objectionLifted, .unrestricted, .erased, .homeAssigned,
            .noticeServed:
            false
        }
    }
}
