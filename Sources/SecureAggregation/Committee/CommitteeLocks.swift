// What a committee member has promised. Maps that only grow; every answer follows from them, and they are durable
// before the answer leaves.

import Cryptography
import WireFormat

/// A change to the locks that must be stored before the member answers.
public enum LockChange: Equatable, Hashable, Sendable {
    /// This session has this label, and no other, ever.
    case label(session: Digest, label: Digest)
    /// This prekey belongs to this session, and no other, ever.
    case prekey(node: NodeIndex, sequence: UInt64, session: Digest)
    /// This round of this job is opened by answering this one request (``RevealRequest/openingDigest``), and no other, for
    /// the job's life: one session, one survivor set, one ciphertext a node.
    case round(job: JobID, round: UInt64, opening: Digest)
    /// The same for one group of a round, under a plan that sums in groups. A job has one plan, so one of the two kinds.
    case groupRound(job: JobID, round: UInt64, group: Int, opening: Digest)
    /// The groups of this round of this job are those of this epoch, and of no other, for the job's life: in another epoch a node
    /// may be in another group, and so in two sums of one round.
    case groupEpoch(job: JobID, round: UInt64, epochRoot: Digest)

    /// The promise about a round, as one about the group that the session sums, if it sums one.
    func within(_ place: SubCohortPlace?) -> LockChange {
        guard let place, case .round(let job, let round, let opening) = self else { return self }
        return .groupRound(job: job, round: round, group: place.index, opening: opening)
    }
}

/// A member's promises.
public struct CommitteeLocks: Equatable, Sendable {
    private struct PrekeyName: Hashable {
        let node: NodeIndex
        let sequence: UInt64
    }
    private struct RoundName: Hashable {
        let job: JobID
        let round: UInt64
        /// Nil for a round that is summed at once.
        let group: Int?
    }

    private var labels: [Digest: Digest] = [:]
    private var prekeys: [PrekeyName: Digest] = [:]
    private var rounds: [RoundName: Digest] = [:]
    /// By rounds without a group.
    private var groupEpochs: [RoundName: Digest] = [:]

    /// No promises yet.
    public init() {}

    /// Restores promises from storage.
    /// - Throws: ``SecureAggregationError/conflict(_:)`` if two stored promises contradict each other.
    public init(restoring changes: some Sequence<LockChange>) throws(SecureAggregationError) {
        for change in changes {
            guard permits(change) else { throw .conflict("stored committee locks") }
            apply(change)
        }
    }

    /// Whether `change` agrees with every earlier promise.
    public func permits(_ change: LockChange) -> Bool {
        let held = holder(of: change)
        return held == nil || held == target(of: change)
    }

    /// Whether `change` was promised already.
    public func contains(_ change: LockChange) -> Bool { holder(of: change) == target(of: change) }

    /// Records a promise; the caller has stored it.
    public mutating func apply(_ change: LockChange) {
        switch change {
        case .label(let session, let label): labels[session] = label
        case .prekey(let node, let sequence, let session):
            prekeys[PrekeyName(node: node, sequence: sequence)] = session
        case .round(let job, let round, let opening):
            rounds[RoundName(job: job, round: round, group: nil)] = opening
        case .groupRound(let job, let round, let group, let opening):
            rounds[RoundName(job: job, round: round, group: group)] = opening
        case .groupEpoch(let job, let round, let root):
            groupEpochs[RoundName(job: job, round: round, group: nil)] = root
        }
    }

    private func holder(of change: LockChange) -> Digest? {
        switch change {
        case .label(let session, _): labels[session]
        case .prekey(let node, let sequence, _): prekeys[PrekeyName(node: node, sequence: sequence)]
        case .round(let job, let round, _): rounds[RoundName(job: job, round: round, group: nil)]
        case .groupRound(let job, let round, let group, _): rounds[RoundName(job: job, round: round, group: group)]
        case .groupEpoch(let job, let round, _): groupEpochs[RoundName(job: job, round: round, group: nil)]
        }
    }

    private func target(of change: LockChange) -> Digest {
        switch change {
        case .label(_, let label): label
        case .prekey(_, _, let session): session
        case .round(_, _, let opening), .groupRound(_, _, _, let opening): opening
        case .groupEpoch(_, _, let root): root
        }
    }
}
