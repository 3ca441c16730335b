// One attempt at one round, as a state machine: the aggregation session, its deadlines, and the moments at which budget is
// charged. Pure: events in, effects out. The shell runs each event inside one database transaction, carries the effects
// out in it, and keeps the new state only if the transaction committed.

import Cryptography
import SecureAggregation

/// What the shell must make durable in the transaction of the event.
public enum AttemptEffect: Sendable {
    /// Record the new state and when ``Attempt/tick(nowMilliseconds:)`` is due.
    case move(to: AttemptState, dueMilliseconds: Int64)
    /// Store an upload, then acknowledge it.
    case storeUpload(position: Int, UploadEnvelope)
    /// Store the survivor set; from now on votes are asked for.
    case storeSurvivors(SurvivorSet)
    /// Store a vote.
    case storeVote(SignedMessage<LabelVote>)
    /// Store the certificate and charge the round's budget, before any reveal request can be read.
    case charge(LabelCertificate)
    /// Store a reveal.
    case storeReveal(SignedMessage<Reveal>)
    /// Store evidence of a fault that an accepted message proves.
    case recordFault(FaultEvidence)
    /// Give up. The reservation is released unless `spent`.
    case void(VoidReason, spent: Bool)
}

/// One attempt at one round.
public struct Attempt: Sendable {
    /// The aggregation session.
    public private(set) var session: CoordinatorSession
    /// Where the attempt stands.
    public private(set) var state: AttemptState
    /// Unix milliseconds at which ``tick(nowMilliseconds:)`` will act.
    public private(set) var dueMilliseconds: Int64
    private let deadlines: AttemptDeadlines

    /// Opens an attempt; the caller stores it with its reservation.
    public init(session: CoordinatorSession, deadlines: AttemptDeadlines) {
        self.session = session
        self.deadlines = deadlines
        state = .offered
        dueMilliseconds = session.parameters.body.deadlineMilliseconds
    }

    /// Rebuilds an attempt from its stored messages, by feeding them through the same code that accepted them.
    /// - Parameters:
    ///   - state: the stored state, which the messages must be able to reach.
    ///   - excluded: the nodes that were excluded when uploads closed.
    /// - Throws: ``AttemptError`` if the stored messages contradict the stored state.
    public init(
        restoring session: CoordinatorSession, deadlines: AttemptDeadlines, state: AttemptState, dueMilliseconds: Int64,
        uploads: [UploadEnvelope], excluded: Set<NodeIndex>, votes: [SignedMessage<LabelVote>],
        reveals: [SignedMessage<Reveal>]
    ) throws(AttemptError) {
        var session = session
        do {
            for upload in uploads { _ = try session.receive(upload) }
            switch state {
            case .offered, .collecting: break
            case .labelling, .revealing, .unmasking, .aggregated, .released:
                _ = try session.closeUploads(excluding: excluded)
                for vote in votes { _ = try session.receive(vote) }
                // In whatever order they come back, a quorum of good shares may be complete before the last of them: a
                // member that sent a bad share must not be able to make what is stored unreadable.
                for reveal in reveals where session.phase != .unmasking { _ = try session.receive(reveal) }
            case .void: break
            }
        } catch {
            throw .refused(error)
        }
        let phase: CoordinatorSession.Phase? =
            switch state {
            case .offered, .collecting: .collecting
            case .labelling: .labelling
            case .revealing: .revealing
            case .unmasking, .aggregated: .unmasking
            // Their shares are destroyed, and nothing follows.
            case .released, .void: nil
            }
        guard phase == nil || phase == session.phase, (state == .offered) == (uploads.isEmpty && !state.isFinal) else {
            throw .illegal(event: "the stored messages", state: state)
        }
        self.session = session
        self.deadlines = deadlines
        self.state = state
        self.dueMilliseconds = dueMilliseconds
    }

    // MARK: Events

    /// A node committed its upload; its chunks are stored and verified.
    /// - Throws: ``AttemptError/closed`` after the seal or the deadline; ``AttemptError/refused(_:)``.
    public mutating func receive(
        _ upload: UploadEnvelope, nowMilliseconds: Int64
    ) throws(AttemptError) -> (acceptance: CoordinatorSession.Acceptance, effects: [AttemptEffect]) {
        // Before the session takes it: a refused upload leaves no trace, not even in a value that is thrown away.
        let isOpen = (state == .offered || state == .collecting) && nowMilliseconds < dueMilliseconds
        if !isOpen, let position = session.roster.position(of: upload.upload.body.node),
            session.uploads[position] == nil
        {
            throw .closed
        }
        let acceptance: CoordinatorSession.Acceptance
        do {
            // A repeated upload gets its receipt even after the seal: the node may have missed the first one.
            acceptance = try session.receive(upload)
        } catch .wrongPhase {
            throw .closed
        } catch {
            throw .refused(error)
        }
        if acceptance == .repeated { return (.repeated, []) }
        var effects: [AttemptEffect] = []
        if let position = session.roster.position(of: upload.upload.body.node) {
            effects.append(.storeUpload(position: position, upload))
        }
        if state == .offered {
            state = .collecting
            effects.append(.move(to: .collecting, dueMilliseconds: dueMilliseconds))
        }
        return (.new, effects)
    }

    /// Whether every node of the cohort has uploaded, so that waiting longer gains nothing.
    public var everyoneUploaded: Bool { session.uploads.count == session.roster.entries.count }

    /// Time has passed, or everyone uploaded: seals uploads when due, and gives up when a quorum is overdue.
    /// - Parameter excluding: nodes whose uploads are left out: revoked or quarantined since the offer, or with more complaints
    ///   about their shares than the committee can do without.
    public mutating func tick(
        nowMilliseconds: Int64, excluding: Set<NodeIndex> = []
    ) -> [AttemptEffect] {
        switch state {
        case .offered, .collecting:
            guard nowMilliseconds >= dueMilliseconds || everyoneUploaded else { return [] }
            return seal(nowMilliseconds: nowMilliseconds, excluding: excluding)
        case .labelling: return nowMilliseconds >= dueMilliseconds ? giveUp(.noQuorumOfVotes) : []
        case .revealing: return nowMilliseconds >= dueMilliseconds ? giveUp(.noQuorumOfReveals) : []
        case .unmasking, .aggregated, .released, .void: return []
        }
    }

    private mutating func seal(nowMilliseconds: Int64, excluding: Set<NodeIndex>) -> [AttemptEffect] {
        do {
            let survivors = try session.closeUploads(excluding: excluding)
            return [.storeSurvivors(survivors), move(to: .labelling, due: nowMilliseconds + deadlines.labelling)]
        } catch .disconnected {
            return giveUp(.disconnected)
        } catch {
            return giveUp(.tooFewSurvivors)
        }
    }

    /// A committee member voted.
    /// - Throws: ``AttemptError``.
    public mutating func receive(
        _ vote: SignedMessage<LabelVote>, nowMilliseconds: Int64
    ) throws(AttemptError) -> [AttemptEffect] {
        guard state == .labelling || state.isCharged else { throw .illegal(event: "a vote", state: state) }
        let acceptance: CoordinatorSession.Acceptance
        do { acceptance = try session.receive(vote) } catch .wrongPhase { return [] } catch { throw .refused(error) }
        guard acceptance == .new else { return [] }
        var effects: [AttemptEffect] = [.storeVote(vote)]
        if state == .labelling, let certificate = session.certificate {
            effects.append(.charge(certificate))
            effects.append(move(to: .revealing, due: nowMilliseconds + deadlines.revealing))
        }
        return effects
    }

    /// A committee member revealed.
    /// - Throws: ``AttemptError``.
    public mutating func receive(
        _ reveal: SignedMessage<Reveal>, nowMilliseconds: Int64
    ) throws(AttemptError) -> [AttemptEffect] {
        guard state.isCharged else { throw .illegal(event: "a reveal", state: state) }
        let acceptance: CoordinatorSession.Acceptance
        do { acceptance = try session.receive(reveal) } catch .wrongPhase { return [] } catch { throw .refused(error) }
        guard acceptance == .new else { return [] }
        var effects: [AttemptEffect] = [.storeReveal(reveal)]
        if let fault = session.fault(in: reveal) { effects.append(.recordFault(fault)) }
        if state == .revealing, session.phase == .unmasking {
            effects.append(move(to: .unmasking, due: nowMilliseconds))
        }
        return effects
    }

    /// The sum is computed and stored in this transaction.
    /// - Throws: ``AttemptError/illegal(event:state:)``.
    public mutating func aggregated(nowMilliseconds: Int64) throws(AttemptError) -> [AttemptEffect] {
        guard state == .unmasking else { throw .illegal(event: "an aggregate", state: state) }
        return [move(to: .aggregated, due: nowMilliseconds)]
    }

    /// The next model is stored in this transaction.
    /// - Throws: ``AttemptError/illegal(event:state:)``.
    public mutating func released(nowMilliseconds: Int64) throws(AttemptError) -> [AttemptEffect] {
        guard state == .aggregated else { throw .illegal(event: "a release", state: state) }
        return [move(to: .released, due: nowMilliseconds)]
    }

    /// Gives up for a reason from outside the machine; nothing happens in a final state.
    public mutating func abandon(_ reason: VoidReason) -> [AttemptEffect] {
        state.isFinal ? [] : giveUp(reason)
    }

    private mutating func giveUp(_ reason: VoidReason) -> [AttemptEffect] {
        let spent = state.isCharged
        state = .void
        return [.void(reason, spent: spent), .move(to: .void, dueMilliseconds: dueMilliseconds)]
    }

    private mutating func move(to next: AttemptState, due: Int64) -> AttemptEffect {
        precondition(state.successors.contains(next), "no edge from \(state.rawValue) to \(next.rawValue)")
        state = next
        dueMilliseconds = due
        return .move(to: next, dueMilliseconds: due)
    }
}
