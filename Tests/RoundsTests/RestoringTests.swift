// What is stored is enough: after every event of a random history, an attempt rebuilt from the stored messages is the one
// that lived. Stored messages come back in the order of nodes, whatever the order of their arrival.

import Cryptography
import Rounds
import SecureAggregation
import Testing

/// Keeps what effects say, as the coordinator's database does.
private struct Stored {
    var state = AttemptState.offered
    var due: Int64
    var uploads: [Int: UploadEnvelope] = [:]
    var survivors: SurvivorSet?
    var votes: [NodeIndex: SignedMessage<LabelVote>] = [:]
    var reveals: [NodeIndex: SignedMessage<Reveal>] = [:]
    var charges = 0
    var faults: [FaultEvidence] = []

    mutating func carryOut(_ effects: [AttemptEffect]) {
        for effect in effects {
            switch effect {
            case .move(let target, let due):
                #expect(state.successors.contains(target), "\(state.rawValue) to \(target.rawValue)")
                state = target
                self.due = due
            case .storeUpload(let position, let envelope):
                #expect(uploads.updateValue(envelope, forKey: position) == nil, "an upload is stored once")
            case .storeSurvivors(let set):
                #expect(survivors == nil, "survivors are fixed once")
                survivors = set
            case .storeVote(let vote):
                #expect(votes.updateValue(vote, forKey: vote.body.node) == nil, "a vote is stored once")
            case .charge: charges += 1
            case .storeReveal(let reveal):
                #expect(charges == 1, "nothing is revealed before the charge")
                #expect(reveals.updateValue(reveal, forKey: reveal.body.node) == nil, "a reveal is stored once")
            case .recordFault(let evidence): faults.append(evidence)
            case .void(_, let spent): #expect(spent == (charges == 1))
            }
        }
    }

    func restored(_ fixture: RoundFixture) throws -> Attempt {
        var excluded: Set<NodeIndex> = []
        if let survivors {
            for (index, entry) in fixture.session.roster.entries.enumerated()
            where uploads[index] != nil && !survivors.alive[index] { excluded.insert(entry.node) }
        }
        return try Attempt(
            restoring: fixture.session, deadlines: RoundFixture.deadlines, state: state, dueMilliseconds: due,
            uploads: uploads.sorted { $0.key < $1.key }.map(\.value), excluded: excluded,
            votes: votes.sorted { $0.key < $1.key }.map(\.value),
            reveals: reveals.sorted { $0.key < $1.key }.map(\.value))
    }
}

/// SplitMix64 (Steele et al. 2014): repeatable by seed.
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}

@Suite struct RestoringTests {
    private static let fixture = Result { try RoundFixture() }

    @Test(arguments: 1...12) func randomHistories(seed: Int) throws {
        let fixture = try Self.fixture.get()
        var random = SeededGenerator(state: UInt64(seed))
        var attempt = fixture.attempt()
        var stored = Stored(due: attempt.dueMilliseconds)
        var now = RoundFixture.now
        let liar = Int.random(in: 0..<16, using: &random)
        // Most histories let most nodes arrive before time passes; some do not, and end void.
        let haste = [60, 60, 60, 12][seed % 4]
        for _ in 0..<220 where !attempt.state.isFinal {
            var effects: [AttemptEffect] = []
            switch Int.random(in: 0..<haste, using: &random) {
            case 0: now += Int64.random(in: 1...90_000, using: &random)
            case 1: effects = attempt.tick(nowMilliseconds: now, excluding: seed % 3 == 0 ? [2] : [])
            case 2 where attempt.state == .unmasking: effects = try attempt.aggregated(nowMilliseconds: now)
            case 2 where attempt.state == .aggregated: effects = try attempt.released(nowMilliseconds: now)
            case 3 where seed % 5 == 0: effects = attempt.abandon(.stopped)
            case let number where number.isMultiple(of: 2) || attempt.state == .offered || attempt.state == .collecting:
                let upload = fixture.uploads.randomElement(using: &random) ?? fixture.uploads[0]
                effects = (try? attempt.receive(upload, nowMilliseconds: now))?.effects ?? []
            default:
                let member = Int.random(in: 0..<16, using: &random)
                if Bool.random(using: &random) {
                    let vote = try fixture.vote(member, attempt)
                    effects = (try? attempt.receive(vote, nowMilliseconds: now)) ?? []
                } else {
                    let reveal = try fixture.reveal(member, attempt, spoiled: member == liar)
                    effects = (try? attempt.receive(reveal, nowMilliseconds: now)) ?? []
                }
            }
            stored.carryOut(effects)
            if !effects.isEmpty { try Self.expectSame(attempt, try stored.restored(fixture)) }
        }
    }

    /// Everything the coordinator reads of an attempt.
    private static func expectSame(_ live: Attempt, _ restored: Attempt) throws {
        #expect(restored.state == live.state)
        #expect(restored.dueMilliseconds == live.dueMilliseconds)
        #expect(restored.everyoneUploaded == live.everyoneUploaded)
        #expect(restored.session.uploads == live.session.uploads)
        if live.state == .void { return }  // nothing is asked of it any more
        #expect(restored.session.phase == live.session.phase)
        #expect(restored.session.survivors == live.session.survivors)
        #expect(restored.session.labelProposal == live.session.labelProposal)
        #expect(restored.session.certificate == live.session.certificate)
        #expect(restored.session.revealRequest(for: 0) == live.session.revealRequest(for: 0))
        if live.state == .unmasking {
            #expect(try restored.session.unmaskPlan().survivorPositions == live.session.unmaskPlan().survivorPositions)
        }
    }

    /// A member's rubbish, stored and fed last, must not make the rest unreadable.
    @Test func aBadShareIsNoObstacle() throws {
        let fixture = try Self.fixture.get()
        var attempt = fixture.attempt()
        var stored = Stored(due: attempt.dueMilliseconds)
        for upload in fixture.uploads {
            stored.carryOut(try attempt.receive(upload, nowMilliseconds: RoundFixture.now).effects)
        }
        stored.carryOut(attempt.tick(nowMilliseconds: RoundFixture.now))
        for member in 0..<fixture.register.quorum {
            stored.carryOut(try attempt.receive(fixture.vote(member, attempt), nowMilliseconds: RoundFixture.now))
        }
        stored.carryOut(
            try attempt.receive(fixture.reveal(15, attempt, spoiled: true), nowMilliseconds: RoundFixture.now))
        for member in 0..<fixture.register.quorum {
            stored.carryOut(try attempt.receive(fixture.reveal(member, attempt), nowMilliseconds: RoundFixture.now))
        }
        #expect(attempt.state == .unmasking)
        try Self.expectSame(attempt, try stored.restored(fixture))
    }

    @Test func messagesThatContradictTheirState() throws {
        let fixture = try Self.fixture.get()
        let uploads = Array(fixture.uploads.prefix(20))
        func restore(_ state: AttemptState, _ uploads: [UploadEnvelope]) throws -> Attempt {
            try Attempt(
                restoring: fixture.session, deadlines: RoundFixture.deadlines, state: state,
                dueMilliseconds: RoundFixture.now, uploads: uploads, excluded: [], votes: [], reveals: [])
        }
        #expect(try restore(.offered, []).state == .offered)
        #expect(try restore(.collecting, uploads).state == .collecting)
        #expect(try restore(.labelling, uploads).state == .labelling)
        #expect(throws: AttemptError.illegal(event: "the stored messages", state: .offered)) {
            try restore(.offered, uploads)
        }
        #expect(throws: AttemptError.illegal(event: "the stored messages", state: .collecting)) {
            try restore(.collecting, [])
        }
        for state in [AttemptState.revealing, .unmasking, .aggregated] {
            #expect(throws: AttemptError.illegal(event: "the stored messages", state: state)) {
                try restore(state, uploads)
            }
        }
        #expect(throws: AttemptError.self) { try restore(.labelling, Array(uploads.prefix(5))) }
    }
}
