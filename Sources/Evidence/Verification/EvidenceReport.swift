// What a bundle shows once every check held: public facts about the job, and nobody's handle.

import Cryptography
import WireFormat

/// The verified content of a bundle.
public struct EvidenceReport: Equatable, Sendable {
    /// A round of the job.
    public struct Round: Equatable, Sendable {
        /// Its number in the job.
        public let round: UInt32
        /// Size of the consent ledger that decided who could take part.
        public let pinnedSize: Int
        /// Spent ε after the round, in millionths; unchanged by a round that was not charged.
        public let epsilonAfterMicro: UInt64
        /// What was charged; nil if no sum of the round can have been learned.
        public let charge: Charge?
        /// What was released; nil if the round gave no model.
        public let release: Release?
        /// Sessions of the round that were given up.
        public let voidedSessions: Int
    }

    /// A charged attempt.
    public struct Charge: Equatable, Sendable {
        /// 1, or 2 if the first attempt was given up before anything could be learned.
        public let attempt: UInt64
        /// Nodes that were offered the round.
        public let offeredNodes: Int
        /// Nodes whose updates are in the sum; each has a cohort commitment.
        public let survivingNodes: Int
        /// Votes of the committee for exactly these nodes.
        public let votes: Int
        /// Log index of the charge; of the first one, which pays, in a round summed in groups.
        public let index: Int
        /// Groups whose sums could be learned, in a round summed in groups: the other numbers are of all of them together. Nil
        /// for one sum over everybody.
        public let groups: Int?
    }

    /// A released model.
    public struct Release: Equatable, Sendable {
        /// Log index of the release: above the charge's.
        public let index: Int
        /// Digest of the model.
        public let modelDigest: Digest
    }

    /// A customer shown to have been outside a round after taking consent back.
    public struct Withdrawal: Equatable, Sendable {
        /// Log index of the event that took consent back.
        public let index: Int
        /// The round.
        public let round: UInt32
        /// Register index of the node.
        public let node: UInt32
    }

    /// How many things of each kind were checked.
    public struct Checks: Equatable, Sendable {
        /// Signatures verified, of whatever kind.
        public internal(set) var signatures = 0
        /// Consistency proofs between checkpoints.
        public internal(set) var consistencyProofs = 0
        /// Log entries opened against their leaf and shown to be in the log.
        public internal(set) var inclusionProofs = 0
        /// Cohort commitments of survivors.
        public internal(set) var survivorCommitments = 0
        /// Certificates of the committee.
        public internal(set) var certificates = 0
        /// Releases whose model follows from the one before.
        public internal(set) var modelSteps = 0
    }

    /// The trust domain.
    public let chain: String
    /// 32 hexadecimal digits.
    public let jobID: String
    /// Digest of the plan.
    public let planDigest: Digest
    /// Version of the register.
    public let registerVersion: UInt64
    /// Name of the log.
    public let logOrigin: String
    /// Entries in the log at the bundle's last checkpoint.
    public let logSize: Int
    /// Root of the log there.
    public let logRoot: Digest
    /// The rounds, ascending.
    public let rounds: [Round]
    /// Customers shown to have been outside a round.
    public let withdrawals: [Withdrawal]
    /// Spent ε, in millionths.
    public let epsilonMicro: UInt64
    /// The cap on ε, in millionths.
    public let epsilonCapMicro: UInt64
    /// Digest of the final model.
    public let modelDigest: Digest
    /// Whether the model's own bytes were given and have this digest.
    public let isModelFileVerified: Bool
    /// What was checked.
    public let checks: Checks
}
