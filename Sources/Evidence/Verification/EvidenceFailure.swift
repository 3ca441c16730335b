// One case for every check of Protocols/evidence-bundle.md; the codes there are these.

import Consent
import MerkleLog
import SecureAggregation
import WireFormat

/// The check that failed.
public enum EvidenceFailure: Equatable, Sendable {
    // Structure.
    /// Bytes are not the message they should be.
    case malformed(WireFormatError)
    // Register and plan.
    /// The register is of another chain than the trust anchors.
    case otherChain
    /// The register's signature is not the authority's.
    case registerSignature
    /// The plan's signature is not its owner's.
    case planSignature
    // Log.
    /// There is no checkpoint.
    case checkpointMissing
    /// The note is malformed, of another log, or not signed by the log.
    case checkpointRefused(MerkleLogError)
    /// The checkpoint is not larger than the one before it.
    case checkpointOrder
    /// The log at this checkpoint does not extend the one before it.
    case inconsistent(MerkleLogError)
    /// The entry's index is not above the one before it.
    case entryOrder
    /// The leaf is malformed.
    case leafRefused(ConsentError)
    /// The leaf is of another class than the entry must have.
    case leafClass
    /// The leaf commits to another payload.
    case leafCommitment
    /// The last checkpoint does not contain the leaf at this index.
    case notIncluded(MerkleLogError)
    /// The entry is of another job than the plan's.
    case otherJob
    // Rounds.
    /// No round was opened.
    case roundMissing
    /// A round is opened out of turn: not the next one, or again without its earlier attempt given up unspent.
    case roundOrder
    /// A record comes before its round was opened, or after the next one was.
    case recordOutsideRound(RecordKind)
    /// The round was opened under another plan.
    case openedPlan
    /// The round trains from another model than the last one released.
    case openedModel
    /// The pinned checkpoint is not in the bundle.
    case pinnedUnknown
    /// The pinned checkpoint is later than the entry that opens the round.
    case pinnedTooLate
    /// The pinned checkpoint is older than an earlier attempt's or round's: withdrawals in between would be undone.
    case pinnedGoesBack
    /// The size that the round names as previously pinned is not the one that the round before pinned.
    case previousPinned
    /// The cap on ε differs from the previous round's.
    case capChanged
    /// Spent ε is less than before.
    case epsilonDecreases
    /// More ε was spent before the round than the charges in the bundle say.
    case epsilonUnaccounted
    /// Spent ε exceeds the cap.
    case epsilonAboveCap
    // Cohort commitments.
    /// A commitment is by a node that the register does not have.
    case commitmentStranger(node: UInt32)
    /// A commitment's signature is not the node's.
    case commitmentSignature(node: UInt32)
    /// A commitment is about another checkpoint than the round pinned.
    case commitmentPinned(node: UInt32)
    /// A node committed twice in one session.
    case commitmentRepeated(node: UInt32)
    /// A commitment was recorded after its session was charged.
    case commitmentAfterCharge(node: UInt32)
    /// A survivor has no commitment in the session before its charge.
    case commitmentMissing(node: UInt32)
    // Attempts.
    /// A charged round has no attempt in the bundle.
    case attemptMissing
    /// An attempt is out of order, repeated, or of a round that was not charged.
    case attemptUnexpected
    /// The session parameters' signature is not the coordinator's.
    case parametersSignature
    /// A session parameter is not what register, plan, round or charge say.
    case parametersMismatch(field: String)
    /// The roster is malformed.
    case rosterRefused(SecureAggregationError)
    /// The roster names a node that the register does not have.
    case rosterStranger(node: UInt32)
    /// The survivor bitmap does not fit the roster.
    case survivorsRefused(SecureAggregationError)
    /// The session allows fewer survivors than the register does.
    case minAliveTooSmall(have: Int, need: Int)
    /// Fewer nodes survived than the session requires.
    case tooFewSurvivors(have: Int, need: Int)
    /// The survivors do not stay connected whatever the corrupt nodes do.
    case survivorsDisconnected
    /// The certificate is not a quorum of the committee for this survivor set.
    case certificateRefused(SecureAggregationError)
    // Charge, release, void.
    /// The round was charged twice.
    case secondCharge
    /// Two groups of a round were offered to the same node, so one charge does not cover both.
    case groupsOverlap
    /// The charge names another certificate.
    case certificateDigest
    /// A model was released before the round was charged.
    case releaseWithoutCharge
    /// The round released twice.
    case secondRelease
    /// The release is of another session than the charge.
    case releaseSession
    /// The release points at another entry than the charge.
    case chargeIndex
    /// The release names another survivor set.
    case survivorDigest
    /// The released model's parent is not the model the round was opened on.
    case parentModel
    /// A session was given up after it had released or been given up, charged after it was given up, or misstates
    /// whether its charge was spent.
    case voidContradicts
    // Final model.
    /// The bundle's model is not the last one released.
    case finalModel
    /// The model file is not the bundle's model.
    case modelBytes
    // Withdrawals.
    /// The opened event is of another data subject.
    case withdrawalSubject
    /// The opened event does not take back consent to training.
    case withdrawalKind
    /// The withdrawal is not in the checkpoint that the round pinned.
    case withdrawalTooLate
    /// The round was not charged, so nobody's data was used in it.
    case withdrawalRound
    /// The node made no commitment in the round's session.
    case withdrawalNode
    /// The view statement is not about this log, node or round, or not the view that the node committed under.
    case viewMismatch(field: String)
    /// The view statement's signature is not the log's.
    case viewSignature
    /// The proof about the view does not hold.
    case viewProof(ConsentError)
    /// The view says that consent is given.
    case consentGiven
    /// The proof that the committed set does not have the subject does not hold.
    case cohortProof(ConsentError)
    // Seal.
    /// The seal is not the coordinator's signature of the file: something was altered that no other check reads.
    case seal

    /// A record about a round.
    public enum RecordKind: String, Sendable {
        /// A node's cohort commitment.
        case cohortCommitted = "cohort commitment"
        /// The charge.
        case budgetCharged = "charge"
        /// The release.
        case modelReleased = "release"
        /// The end without a model.
        case voided = "void"
    }
}
