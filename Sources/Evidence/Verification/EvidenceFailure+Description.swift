// The words and the codes of failures.

import Consent
import MerkleLog
import SecureAggregation
import WireFormat

extension EvidenceFailure: CustomStringConvertible {
    /// A stable word for programs, as listed in Protocols/evidence-bundle.md.
    public var code: String { explanation.code }

    /// What failed, in words; safe to log.
    public var description: String { explanation.text }

    private var explanation: (code: String, text: String) {
        switch self {
        case .malformed(let error): ("malformed", error.description)
        case .otherChain: ("chain", "the register is of another chain than the trust anchors")
        case .registerSignature: ("register-signature", "not signed by the chain's authority")
        case .planSignature: ("plan-signature", "not signed by the plan's owner")
        case .checkpointMissing: ("checkpoint-missing", "there is no checkpoint")
        case .checkpointRefused(let error): ("checkpoint", "not a checkpoint signed by the log: \(error)")
        case .checkpointOrder: ("checkpoint-order", "not larger than the checkpoint before it")
        case .inconsistent(let error): ("consistency", "does not extend the checkpoint before it: \(error)")
        case .entryOrder: ("entry-order", "its index is not above that of the entry before it")
        case .leafRefused(let error): ("leaf", "the leaf is malformed: \(error)")
        case .leafClass: ("leaf-class", "the leaf is of the wrong class")
        case .leafCommitment: ("leaf-commitment", "the leaf commits to another payload")
        case .notIncluded(let error): ("inclusion", "the last checkpoint does not contain it: \(error)")
        case .otherJob: ("job", "it is of another job")
        case .roundMissing: ("round-missing", "no round was opened")
        case .roundOrder: ("round-order", "opened out of turn")
        case .recordOutsideRound(let kind): ("record-order", "a \(kind.rawValue) is not between its round and the next")
        case .openedPlan: ("opened-plan", "opened under another plan")
        case .openedModel: ("opened-model", "trains from another model than the last one released")
        case .pinnedUnknown: ("pinned-checkpoint", "the pinned checkpoint is not in the bundle")
        case .pinnedTooLate: ("pinned-late", "the pinned checkpoint is later than the opening entry")
        case .pinnedGoesBack: ("pinned-back", "the pinned checkpoint is older than one pinned before")
        case .previousPinned: ("previous-pinned", "names another checkpoint as previously pinned than was")
        case .capChanged: ("epsilon-cap", "the cap on ε differs from the previous round's")
        case .epsilonDecreases: ("epsilon-decreases", "spent ε is less than before")
        case .epsilonUnaccounted: ("epsilon-unaccounted", "ε was spent that no charge in the bundle accounts for")
        case .epsilonAboveCap: ("epsilon-above-cap", "spent ε exceeds the cap")
        case .commitmentStranger(let node): ("commitment-node", "node \(node) committed but is not registered")
        case .commitmentSignature(let node): ("commitment-signature", "node \(node) did not sign its commitment")
        case .commitmentPinned(let node):
            ("commitment-pinned", "node \(node) committed to another checkpoint than was pinned")
        case .commitmentRepeated(let node): ("commitment-repeated", "node \(node) committed twice in one session")
        case .commitmentAfterCharge(let node): ("commitment-late", "node \(node) committed after the charge")
        case .commitmentMissing(let node): ("commitment-missing", "node \(node) survived without a commitment")
        case .attemptMissing: ("attempt-missing", "charged, but the bundle has no attempt of it")
        case .attemptUnexpected: ("attempt-unexpected", "out of order, repeated, or of a round that was not charged")
        case .parametersSignature: ("parameters-signature", "the session is not signed by the coordinator")
        case .parametersMismatch(let field): ("parameters", "the session's \(field) is not what it must be")
        case .rosterRefused(let error): ("roster", "the roster is refused: \(error)")
        case .rosterStranger(let node): ("roster-node", "node \(node) is in the roster but not registered")
        case .survivorsRefused(let error): ("survivors", "the survivor set is refused: \(error)")
        case .minAliveTooSmall(let have, let need):
            ("min-alive", "the session is content with \(have) survivors, the register demands \(need)")
        case .tooFewSurvivors(let have, let need): ("too-few-survivors", "\(have) survivors, \(need) needed")
        case .survivorsDisconnected: ("disconnected", "the survivors do not stay connected")
        case .certificateRefused(let error): ("certificate", "the certificate is refused: \(error)")
        case .secondCharge: ("second-charge", "charged twice")
        case .groupsOverlap: ("groups-overlap", "a node is in two groups of the round, which paid once")
        case .certificateDigest: ("certificate-digest", "the charge names another certificate")
        case .releaseWithoutCharge: ("release-before-charge", "a model was released before the charge")
        case .secondRelease: ("second-release", "released twice")
        case .releaseSession: ("release-session", "the release is of another session than the charge")
        case .chargeIndex: ("charge-index", "the release points at another entry than the charge")
        case .survivorDigest: ("survivor-digest", "the release names another survivor set")
        case .parentModel: ("parent-model", "the released model's parent is not the model the round was opened on")
        case .voidContradicts: ("void", "a session that was given up contradicts its charge or release")
        case .finalModel: ("final-model", "not the last model released")
        case .modelBytes: ("model-bytes", "the file is not the bundle's model")
        case .withdrawalSubject: ("withdrawal-subject", "the event is of another data subject")
        case .withdrawalKind: ("withdrawal-kind", "the event does not take back consent to training")
        case .withdrawalTooLate: ("withdrawal-late", "the event is not in the checkpoint that the round pinned")
        case .withdrawalRound: ("withdrawal-round", "the round was not charged")
        case .withdrawalNode: ("withdrawal-node", "the node made no commitment in the round")
        case .viewMismatch(let field): ("view", "the view's \(field) is not the round's")
        case .viewSignature: ("view-signature", "the view is not signed by the log")
        case .viewProof(let error): ("view-proof", "the proof about the view is refused: \(error)")
        case .consentGiven: ("consent-given", "the view says that consent is given")
        case .cohortProof(let error): ("cohort-proof", "not shown to be outside the committed set: \(error)")
        case .seal: ("seal", "not the coordinator's seal of this file")
        }
    }
}
