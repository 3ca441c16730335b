// The job as the log tells it: one pass over the round records in log order. Each record is judged when it comes, by what
// came before it, so "before" and "after" need no other check.

import Consent
import Cryptography
import SecureAggregation
import WireFormat

/// What the records so far say.
struct RoundHistory {
    /// One round.
    struct Round {
        /// The latest opening: every attempt has its own, on its own checkpoint.
        var opened: RoundOpened
        /// Attempts opened.
        var openings: UInt64 = 1
        /// By session, then by node.
        var commitments: [Digest: [UInt32: CohortCommitment]] = [:]
        /// One; of a round in groups one for every group that could be opened, in the order of the log. The first pays.
        var charges: [(index: Int, event: BudgetCharged, attempt: VerifiedAttempt)] = []
        var release: (index: Int, event: ModelReleased)?
        /// Sessions that were given up.
        var voided: [Digest: RoundVoided.Reason] = [:]

        var number: UInt32 { opened.round.round }

        /// The charge of a session.
        func charge(of session: Digest) -> (index: Int, event: BudgetCharged, attempt: VerifiedAttempt)? {
            charges.first { $0.event.attempt.session == session }
        }
    }

    private let register: Register
    private let plan: SignedPlan
    private let log: VerifiedLog
    private let coordinatorKey: Ed25519PublicKey
    private var attempts: ArraySlice<AttemptEvidence>

    /// The rounds, ascending.
    private(set) var rounds: [Round] = []
    /// The model that the next round must train from; nil before the first round.
    private(set) var model: Digest?
    /// Spent so far, in millionths of ε.
    private(set) var epsilonMicro: UInt64 = 0

    init(
        register: Register, plan: SignedPlan, log: VerifiedLog, coordinatorKey: Ed25519PublicKey,
        attempts: [AttemptEvidence]
    ) {
        self.register = register
        self.plan = plan
        self.log = log
        self.coordinatorKey = coordinatorKey
        self.attempts = attempts[...]
    }

    /// Takes in the record at a log index, later than all before it.
    mutating func take(_ event: RoundEvent, index: Int, place: EvidenceError.Place) throws(EvidenceError) {
        guard event.round.job.bytes == plan.jobID.bytes else { throw EvidenceError(place, .otherJob) }
        switch event {
        case .opened(let event): try open(event, index: index)
        case .cohortCommitted(let event): try commit(event)
        case .budgetCharged(let event): try charge(event, index: index)
        case .modelReleased(let event): try release(event, index: index)
        case .voided(let event): try void(event)
        }
    }

    /// Ends the history: nothing may be left over.
    func finish() throws(EvidenceError) {
        if rounds.isEmpty { throw EvidenceError(.file, .roundMissing) }
        if !attempts.isEmpty { throw EvidenceError(.attempt(attempts.startIndex), .attemptUnexpected) }
    }

    /// The round with a number.
    func round(_ number: UInt32) -> Round? { rounds.first { $0.number == number } }

    // MARK: Records

    private mutating func open(_ event: RoundOpened, index: Int) throws(EvidenceError) {
        let place = EvidenceError.Place.round(event.round.round)
        let isRetry = rounds.last?.number == event.round.round
        try checkTurn(event, isRetry: isRetry, place)
        guard event.planDigest == plan.digest else { throw EvidenceError(place, .openedPlan) }
        guard model == nil || model == event.modelDigest else { throw EvidenceError(place, .openedModel) }
        guard log.contains(event.pinned) else { throw EvidenceError(place, .pinnedUnknown) }
        guard event.pinned.size <= index else { throw EvidenceError(place, .pinnedTooLate) }
        guard event.epsilonBeforeMicro <= epsilonMicro else { throw EvidenceError(place, .epsilonUnaccounted) }
        try spend(event.epsilonBeforeMicro, cap: event.epsilonCapMicro, place)
        model = event.modelDigest
        if isRetry {
            rounds[rounds.count - 1].opened = event
            rounds[rounds.count - 1].openings += 1
        } else {
            rounds.append(Round(opened: event))
        }
    }

    /// Whether it is this round's turn: rounds are counted without gaps, and a round is opened again only after every
    /// earlier attempt at it was given up unspent.
    private func checkTurn(_ event: RoundOpened, isRetry: Bool, _ place: EvidenceError.Place) throws(EvidenceError) {
        guard let previous = rounds.last else {
            guard event.round.round == 1 else { throw EvidenceError(place, .roundOrder) }
            guard event.previousPinned == 0 else { throw EvidenceError(place, .previousPinned) }
            return
        }
        if isRetry {
            guard previous.charges.isEmpty, UInt64(previous.voided.count) == previous.openings,
                previous.openings < SessionParameters.maximumAttempts
            else { throw EvidenceError(place, .roundOrder) }
        } else {
            guard event.round.round > 0, previous.number == event.round.round - 1 else {
                throw EvidenceError(place, .roundOrder)
            }
        }
        let expected = isRetry ? previous.opened.previousPinned : previous.opened.pinned.size
        guard event.previousPinned == expected else { throw EvidenceError(place, .previousPinned) }
        guard previous.opened.pinned.size <= event.pinned.size else { throw EvidenceError(place, .pinnedGoesBack) }
        guard previous.opened.epsilonCapMicro == event.epsilonCapMicro else {
            throw EvidenceError(place, .capChanged)
        }
    }

    private mutating func commit(_ event: CohortCommitted) throws(EvidenceError) {
        let commitment = event.commitment
        let current = try current(commitment.attempt.round, .cohortCommitted)
        let place = EvidenceError.Place.round(commitment.attempt.round.round)
        let node = commitment.node
        let session = commitment.attempt.session
        guard let registered = register.node(node) else { throw EvidenceError(place, .commitmentStranger(node: node)) }
        try EvidenceError.consent(place, { _ in .commitmentSignature(node: node) }) { () throws(ConsentError) in
            try commitment.verify(signature: event.signature, by: registered.protocolKey)
        }
        guard commitment.pinnedSize == rounds[current].opened.pinned.size else {
            throw EvidenceError(place, .commitmentPinned(node: node))
        }
        guard rounds[current].charge(of: session) == nil else {
            throw EvidenceError(place, .commitmentAfterCharge(node: node))
        }
        guard rounds[current].commitments[session, default: [:]].updateValue(commitment, forKey: node) == nil else {
            throw EvidenceError(place, .commitmentRepeated(node: node))
        }
    }

    private mutating func charge(_ event: BudgetCharged, index: Int) throws(EvidenceError) {
        let current = try current(event.attempt.round, .budgetCharged)
        let place = EvidenceError.Place.round(event.attempt.round.round)
        let round = rounds[current]
        // A second session of a round can only be another group of it, and a release ends the round.
        guard round.charges.allSatisfy({ $0.attempt.group != nil }), round.release == nil,
            round.charge(of: event.attempt.session) == nil
        else { throw EvidenceError(place, .secondCharge) }
        guard round.voided[event.attempt.session] == nil else { throw EvidenceError(place, .voidContradicts) }
        guard let evidence = attempts.first, evidence.parameters.body.round == UInt64(round.number) else {
            throw EvidenceError(place, .attemptMissing)
        }
        let attempt = try VerifiedAttempt(
            evidence, opened: round.opened, number: round.openings, charge: event, register: register,
            coordinatorKey: coordinatorKey)
        attempts.removeFirst()
        let committed = round.commitments[event.attempt.session] ?? [:]
        if let node = attempt.survivors.first(where: { committed[$0] == nil }) {
            throw EvidenceError(place, .commitmentMissing(node: node))
        }
        if let first = round.charges.first {
            try checkGroup(attempt, event, paidBy: first.event, in: round, place)
        }
        try spend(event.epsilonAfterMicro, cap: round.opened.epsilonCapMicro, place)
        rounds[current].charges.append((index, event, attempt))
    }

    /// Whether a session is one more group of a round: it costs nothing only because nobody of it is in another.
    private func checkGroup(
        _ attempt: VerifiedAttempt, _ event: BudgetCharged, paidBy first: BudgetCharged, in round: Round,
        _ place: EvidenceError.Place
    ) throws(EvidenceError) {
        guard let group = attempt.group else { throw EvidenceError(place, .secondCharge) }
        guard round.charges.allSatisfy({ $0.attempt.group?.count == group.count && $0.attempt.group != group }) else {
            throw EvidenceError(place, .parametersMismatch(field: "subCohort"))
        }
        guard round.charges.allSatisfy({ $0.attempt.offered.isDisjoint(with: attempt.offered) }) else {
            throw EvidenceError(place, .groupsOverlap)
        }
        guard event.costMicro == 0, event.epsilonAfterMicro == first.epsilonAfterMicro else {
            throw EvidenceError(place, .epsilonUnaccounted)
        }
    }

    private mutating func release(_ event: ModelReleased, index: Int) throws(EvidenceError) {
        let current = try current(event.attempt.round, .modelReleased)
        let place = EvidenceError.Place.round(event.attempt.round.round)
        let round = rounds[current]
        if round.charges.isEmpty { throw EvidenceError(place, .releaseWithoutCharge) }
        guard round.release == nil else { throw EvidenceError(place, .secondRelease) }
        let parts = try Self.parts(of: event, place)
        // Every group that was opened and not given up is in the model, once, in the order of the charges.
        let sessions = round.charges.map(\.event.attempt.session)
        guard parts.allSatisfy({ sessions.contains($0.session) }) else { throw EvidenceError(place, .releaseSession) }
        guard parts.allSatisfy({ round.voided[$0.session] == nil }) else {
            throw EvidenceError(place, .voidContradicts)
        }
        guard parts.map(\.session) == sessions.filter({ round.voided[$0] == nil }) else {
            throw EvidenceError(place, .releaseSession)
        }
        for part in parts {
            let charge = round.charge(of: part.session)
            guard part.chargeIndex == charge?.index else { throw EvidenceError(place, .chargeIndex) }
            guard part.survivorDigest == charge?.attempt.survivorDigest else {
                throw EvidenceError(place, .survivorDigest)
            }
        }
        guard event.parentModelDigest == round.opened.modelDigest else { throw EvidenceError(place, .parentModel) }
        rounds[current].release = (index, event)
        model = event.modelDigest
    }

    private static func parts(
        of event: ModelReleased, _ place: EvidenceError.Place
    ) throws(EvidenceError) -> [ReleasedGroup] {
        try EvidenceError.consent(place, { _ in .chargeIndex }) { () throws(ConsentError) in
            [
                try ReleasedGroup(
                    session: event.attempt.session, survivorDigest: event.survivorDigest, sumDigest: event.sumDigest,
                    chargeIndex: event.chargeIndex)
            ] + event.otherGroups
        }
    }

    private mutating func void(_ event: RoundVoided) throws(EvidenceError) {
        let current = try current(event.attempt.round, .voided)
        let place = EvidenceError.Place.round(event.attempt.round.round)
        let session = event.attempt.session
        let isCharged = rounds[current].charge(of: session) != nil
        guard !isCharged || rounds[current].release == nil, event.isSpent == isCharged,
            rounds[current].voided.updateValue(event.reason, forKey: session) == nil
        else { throw EvidenceError(place, .voidContradicts) }
    }

    // MARK: Helpers

    /// The position of the round under way, which must be the record's.
    private func current(
        _ round: RoundReference, _ kind: EvidenceFailure.RecordKind
    ) throws(EvidenceError) -> Int {
        guard let last = rounds.last, last.number == round.round else {
            throw EvidenceError(.round(round.round), .recordOutsideRound(kind))
        }
        return rounds.count - 1
    }

    private mutating func spend(_ micro: UInt64, cap: UInt64, _ place: EvidenceError.Place) throws(EvidenceError) {
        guard micro >= epsilonMicro else { throw EvidenceError(place, .epsilonDecreases) }
        guard micro <= cap else { throw EvidenceError(place, .epsilonAboveCap) }
        epsilonMicro = micro
    }
}
