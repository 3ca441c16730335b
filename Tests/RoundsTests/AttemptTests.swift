// The attempt's state machine, one line an event: every legal edge, every refusal, and that what is stored is enough to
// come back to the same state.

import Cryptography
import Rounds
import SecureAggregation
import TestSupport
import Testing

@Suite struct AttemptTests {
    private static let fixture = Result { try RoundFixture() }
    private let fixture: RoundFixture
    private let now = RoundFixture.now
    private let closing = RoundFixture.now + RoundFixture.deadlines.collecting

    init() throws { fixture = try Self.fixture.get() }

    private var quorum: Int { fixture.register.quorum }

    // MARK: Getting there

    private func attempt(in state: AttemptState) throws -> Attempt {
        var attempt = fixture.attempt()
        if state == .offered { return attempt }
        for upload in fixture.uploads.prefix(state == .collecting ? 1 : 20) {
            _ = try attempt.receive(upload, nowMilliseconds: now)
        }
        if state == .collecting { return attempt }
        if state == .void {
            _ = attempt.abandon(.stopped)
            return attempt
        }
        _ = attempt.tick(nowMilliseconds: closing)
        if state == .labelling { return attempt }
        for member in 0..<quorum { _ = try attempt.receive(fixture.vote(member, attempt), nowMilliseconds: closing) }
        if state == .revealing { return attempt }
        for member in 0..<quorum { _ = try attempt.receive(fixture.reveal(member, attempt), nowMilliseconds: closing) }
        if state == .unmasking { return attempt }
        _ = try attempt.aggregated(nowMilliseconds: closing)
        if state == .aggregated { return attempt }
        _ = try attempt.released(nowMilliseconds: closing)
        return attempt
    }

    @Test(arguments: AttemptState.allCases) func everyStateIsReached(state: AttemptState) throws {
        #expect(try attempt(in: state).state == state)
    }

    private func moves(_ effects: [AttemptEffect]) -> [AttemptState] {
        effects.compactMap { if case .move(let target, _) = $0 { target } else { nil } }
    }

    // MARK: Legal events

    @Test func firstUpload() throws {
        var attempt = try attempt(in: .offered)
        let (acceptance, effects) = try attempt.receive(fixture.uploads[4], nowMilliseconds: now)
        #expect(acceptance == .new)
        #expect(moves(effects) == [.collecting])
        guard case .storeUpload(let position, let stored) = effects.first else {
            Issue.record("the upload is stored")
            return
        }
        #expect(position == 4)
        #expect(stored == fixture.uploads[4])
        let again = try attempt.receive(fixture.uploads[4], nowMilliseconds: now)
        #expect(again.acceptance == .repeated)
        #expect(again.effects.isEmpty)
        #expect(moves(try attempt.receive(fixture.uploads[5], nowMilliseconds: now).effects).isEmpty)
    }

    @Test func sealAtTheDeadlineOrWhenEveryoneIsThere() throws {
        var early = try attempt(in: .collecting)
        #expect(early.tick(nowMilliseconds: closing - 1).isEmpty)
        var late = fixture.attempt()
        for upload in fixture.uploads.prefix(18) { _ = try late.receive(upload, nowMilliseconds: closing - 1) }
        let effects = late.tick(nowMilliseconds: closing)
        #expect(moves(effects) == [.labelling])
        #expect(late.session.survivors?.survivorCount == 18)
        #expect(late.dueMilliseconds == closing + RoundFixture.deadlines.labelling)
        var complete = fixture.attempt()
        for upload in fixture.uploads { _ = try complete.receive(upload, nowMilliseconds: now) }
        #expect(complete.everyoneUploaded)
        #expect(moves(complete.tick(nowMilliseconds: now)) == [.labelling])
    }

    @Test func aRevokedNodeIsNotCounted() throws {
        var attempt = fixture.attempt()
        for upload in fixture.uploads { _ = try attempt.receive(upload, nowMilliseconds: now) }
        _ = attempt.tick(nowMilliseconds: now, excluding: [3])
        #expect(attempt.session.survivors?.survivorCount == 23)
        #expect(attempt.session.survivors?.alive[3] == false)
    }

    @Test func tooFew() throws {
        for state in [AttemptState.offered, .collecting] {
            var attempt = try attempt(in: state)
            let effects = attempt.tick(nowMilliseconds: closing)
            #expect(moves(effects) == [.void])
            guard case .void(.tooFewSurvivors, spent: false) = effects.first else {
                Issue.record("void for too few survivors, not spent")
                return
            }
        }
    }

    @Test func theQuorumOfVotesCharges() throws {
        var attempt = try attempt(in: .labelling)
        for member in 0..<quorum - 1 {
            let effects = try attempt.receive(fixture.vote(member, attempt), nowMilliseconds: closing)
            #expect(effects.count == 1)
            #expect(attempt.state == .labelling)
            #expect(try attempt.receive(fixture.vote(member, attempt), nowMilliseconds: closing).isEmpty, "again")
        }
        let effects = try attempt.receive(fixture.vote(quorum - 1, attempt), nowMilliseconds: closing)
        #expect(moves(effects) == [.revealing])
        #expect(effects.contains { if case .charge = $0 { true } else { false } })
        #expect(attempt.state.isCharged)
        #expect(attempt.dueMilliseconds == closing + RoundFixture.deadlines.revealing)
        #expect(try attempt.receive(fixture.vote(quorum, attempt), nowMilliseconds: closing).isEmpty, "one too many")
    }

    @Test func theQuorumOfRevealsUnmasks() throws {
        var attempt = try attempt(in: .revealing)
        for member in 0..<quorum - 1 {
            _ = try attempt.receive(fixture.reveal(member, attempt), nowMilliseconds: closing)
            #expect(attempt.state == .revealing)
        }
        let effects = try attempt.receive(fixture.reveal(quorum - 1, attempt), nowMilliseconds: closing)
        #expect(moves(effects) == [.unmasking])
        #expect(moves(try attempt.aggregated(nowMilliseconds: closing)) == [.aggregated])
        #expect(moves(try attempt.released(nowMilliseconds: closing)) == [.released])
    }

    @Test func overdueQuorums() throws {
        var voting = try attempt(in: .labelling)
        #expect(voting.tick(nowMilliseconds: voting.dueMilliseconds - 1).isEmpty)
        guard case .void(.noQuorumOfVotes, spent: false)? = voting.tick(nowMilliseconds: voting.dueMilliseconds).first
        else {
            Issue.record("void without votes, not spent")
            return
        }
        var revealing = try attempt(in: .revealing)
        guard
            case .void(.noQuorumOfReveals, spent: true)? =
                revealing.tick(nowMilliseconds: revealing.dueMilliseconds).first
        else {
            Issue.record("void without reveals, spent")
            return
        }
    }

    @Test(arguments: AttemptState.allCases) func abandoning(state: AttemptState) throws {
        var attempt = try attempt(in: state)
        let effects = attempt.abandon(.stopped)
        if state.isFinal {
            #expect(effects.isEmpty)
            #expect(attempt.state == state)
            return
        }
        #expect(attempt.state == .void)
        guard case .void(.stopped, let spent)? = effects.first else {
            Issue.record("void")
            return
        }
        #expect(spent == state.isCharged)
    }

    // MARK: Illegal events

    @Test(arguments: AttemptState.allCases) func uploadsAfterTheSeal(state: AttemptState) throws {
        var attempt = try attempt(in: state)
        let fresh = fixture.uploads[22]
        if state == .offered || state == .collecting {
            #expect(throws: AttemptError.closed) { try attempt.receive(fresh, nowMilliseconds: closing) }
            #expect(attempt.state == state)
            return
        }
        #expect(throws: AttemptError.closed) { try attempt.receive(fresh, nowMilliseconds: now) }
        // The node may have missed its receipt: the same bytes get it again, in every state.
        #expect(try attempt.receive(fixture.uploads[0], nowMilliseconds: closing).acceptance == .repeated)
    }

    @Test(arguments: AttemptState.allCases) func votesOutOfPlace(state: AttemptState) throws {
        var attempt = try attempt(in: state)
        let vote = try fixture.vote(quorum, attempt)
        if state == .labelling || state.isCharged {
            _ = try attempt.receive(vote, nowMilliseconds: closing)
        } else {
            #expect(throws: AttemptError.illegal(event: "a vote", state: state)) {
                try attempt.receive(vote, nowMilliseconds: closing)
            }
        }
    }

    @Test(arguments: AttemptState.allCases) func revealsOutOfPlace(state: AttemptState) throws {
        var attempt = try attempt(in: state)
        let reveal = try fixture.reveal(quorum, attempt)
        if state.isCharged {
            _ = try attempt.receive(reveal, nowMilliseconds: closing)
        } else {
            #expect(throws: AttemptError.illegal(event: "a reveal", state: state)) {
                try attempt.receive(reveal, nowMilliseconds: closing)
            }
        }
    }

    @Test(arguments: AttemptState.allCases) func resultsOutOfPlace(state: AttemptState) throws {
        var attempt = try attempt(in: state)
        if state != .unmasking {
            #expect(throws: AttemptError.illegal(event: "an aggregate", state: state)) {
                try attempt.aggregated(nowMilliseconds: closing)
            }
        }
        if state != .aggregated {
            #expect(throws: AttemptError.illegal(event: "a release", state: state)) {
                try attempt.released(nowMilliseconds: closing)
            }
        }
        #expect(attempt.state == state)
    }

    @Test(arguments: AttemptState.allCases) func timeMovesNothingElse(state: AttemptState) throws {
        var attempt = try attempt(in: state)
        let effects = attempt.tick(nowMilliseconds: .max)
        let waits: Set<AttemptState> = [.offered, .collecting, .labelling, .revealing]
        #expect(effects.isEmpty != waits.contains(state))
    }
}
