// One rule of the fold a test.

import Testing

@testable import Consent

@Suite struct FoldRuleTests {
    private func status(
        _ events: [ConsentEvent], _ purpose: Purpose = .trainFederated, _ level: Int = 1, at time: Int64 = 10 * day
    ) -> ConsentStatus {
        fold(events).state().status(of: purpose, level: level, atMilliseconds: time)
    }

    @Test func nothingRecordedIsUnknown() throws {
        #expect(status([]) == .unknown)
        #expect(status([try event(.granted, 1, [personalise(2)])]) == .unknown)
        #expect(status([try event(.noticeServed, 1)]) == .unknown)
    }

    @Test func aGrantCoversItsLevelAndThoseBelow() throws {
        let events = [try event(.granted, 1, [personalise(2)])]
        let levels = (0...5).map { status(events, .personalise, $0) }
        #expect(levels == [.unknown, .given, .given, .unknown, .unknown, .unknown])
    }

    @Test func aWithdrawalThatTheGrantHadNotSeenWins() throws {
        let grant = try event(.granted, 1, [train])
        let withdrawal = try event(.withdrawn, 2, [noTrain], seen: [1])
        #expect(status([grant, withdrawal]) == .withdrawn)
        #expect(status([grant, try event(.withdrawn, 2, [noTrain])]) == .withdrawn)
        #expect(status([grant, withdrawal, try event(.granted, 3, [train], seen: [2])]) == .given)
        #expect(status([grant, withdrawal, try event(.granted, 3, [train], seen: [1])]) == .withdrawn)
    }

    @Test func aRefusalIsNamedARefusal() throws {
        #expect(status([try event(.refused, 1, [noTrain])]) == .refused)
        let events = [
            try event(.granted, 1, [train]), try event(.withdrawn, 2, [noTrain], seen: [1]),
            try event(.refused, 3, [noTrain], seen: [2]),
        ]
        #expect(status(events) == .refused)
        #expect(status([try event(.granted, 1, [personalise(1), noTrain])]) == .refused)
    }

    @Test func aDenialRemovesItsLevelAndThoseAbove() throws {
        let events = [
            try event(.granted, 1, [personalise(3)]), try event(.withdrawn, 2, [noPersonalise(2)], seen: [1]),
        ]
        #expect((1...3).map { status(events, .personalise, $0) } == [.given, .withdrawn, .withdrawn])
    }

    @Test func aFormMayGrantOneLevelAndDenyTheNext() throws {
        let both = [try event(.granted, 1, [personalise(1), noPersonalise(2)])]
        #expect((1...2).map { status(both, .personalise, $0) } == [.given, .refused])
        // On one level of one form, no wins.
        let clash = [try event(.granted, 1, [personalise(2), noPersonalise(2)])]
        #expect((1...2).map { status(clash, .personalise, $0) } == [.given, .refused])
    }

    @Test func anUnknownAncestorLeavesAGrantUnconfirmed() throws {
        #expect(status([try event(.granted, 1, [train], seen: [9])]) == .unconfirmed)
        let indirect = [
            try event(.granted, 1, [train], seen: [9]), try event(.renewed, 2, [train], seen: [1]),
        ]
        #expect(status(indirect) == .unconfirmed)
        #expect(status(indirect + [try event(.refused, 9, [noTrain])]) == .given)
    }

    @Test func aCircleOfAncestorsPermitsNothing() throws {
        let circle = [
            try event(.granted, 1, [train], seen: [2]), try event(.withdrawn, 2, [noTrain], seen: [1]),
        ]
        #expect(status(circle) == .withdrawn)
        let grants = [try event(.granted, 1, [train], seen: [2]), try event(.granted, 2, [train], seen: [1])]
        #expect(status(grants) == .unconfirmed)
        // Whoever is asked again, by somebody who knows of the circle, is outside it.
        #expect(status(grants + [try event(.granted, 3, [train], seen: [1])]) == .given)
    }

    @Test func twoContentsUnderOneNamePermitNothing() throws {
        let one = try event(.granted, 1, [train])
        let other = try event(.granted, 1, [train, personalise(1)])
        #expect(status([one, one]) == .given)
        #expect(status([one, other]) == .unconfirmed)
        #expect(status([one, other, try event(.renewed, 2, [train], seen: [1])]) == .unconfirmed)
        #expect(status([one, try event(.withdrawn, 1, [noTrain])]) == .withdrawn)
    }

    @Test func clocksOnlyShortenConsent() throws {
        var fold = ConsentFold()
        fold.insert(try event(.granted, 1, [train], at: 2 * day), index: 0, recordedMilliseconds: 5 * day)
        // A withdrawal whose device runs a year ahead counts from when it was recorded.
        fold.insert(
            try event(.withdrawn, 2, [noTrain], at: 365 * day, seen: [1]), index: 1, recordedMilliseconds: 8 * day)
        let state = fold.state()
        let days: [Int64] = [1, 4, 5, 7, 8, 400]
        let statuses = days.map { state.status(of: .trainFederated, atMilliseconds: $0 * day) }
        #expect(statuses == [.unknown, .pending, .given, .given, .withdrawn, .withdrawn])
    }

    @Test func consentRunsOut() throws {
        let grant = try event(.granted, 1, [train], expires: 5 * day)
        #expect(status([grant], at: 5 * day - 1) == .given)
        #expect(status([grant], at: 5 * day) == .expired)
        let renewed = [grant, try event(.renewed, 2, [train], at: 4 * day, expires: 9 * day, seen: [1])]
        #expect(status(renewed, at: 5 * day) == .given)
        #expect(status(renewed, at: 9 * day) == .expired)
        // The derived event reports and decides nothing.
        #expect(status([grant, try event(.expired, 3, [noTrain])], at: 4 * day) == .given)
        let answer = fold(renewed).state().grant(of: .trainFederated, atMilliseconds: 5 * day)
        #expect(answer?.identifier == (try name(2)) && answer?.expiresAtMilliseconds == 9 * day)
        #expect(fold(renewed).state().grant(of: .trainFederated, atMilliseconds: 9 * day) == nil)
    }

    @Test func anObjectionMustBeAnsweredByName() throws {
        let start = [try event(.granted, 1, [train]), try event(.objection, 2, [noTrain], seen: [1])]
        #expect(status(start) == .objected)
        #expect(status(start + [try event(.granted, 3, [train], seen: [2])]) == .objected)
        #expect(status(start + [try event(.granted, 3, [train], seen: [2], supersedes: [2])]) == .given)
        #expect(status(start + [try event(.granted, 3, [train], supersedes: [2])]) == .objected)
        // A lift alone does not bring the old grant back.
        let lifted = start + [try event(.objectionLifted, 3, seen: [2], supersedes: [2])]
        #expect(status(lifted) == .objected)
        #expect(status(lifted + [try event(.granted, 4, [train], seen: [3])]) == .given)
        #expect(status(lifted + [try event(.granted, 4, [train], seen: [2])]) == .objected)
        // A lift by somebody who had not seen the objection lifts nothing.
        let blind =
            start + [
                try event(.objectionLifted, 3, seen: [1], supersedes: [2]),
                try event(.granted, 4, [train], seen: [2, 3]),
            ]
        #expect(status(blind) == .objected)
    }

    @Test func aRestrictionHoldsEverythingUntilItIsEnded() throws {
        let start = [try event(.granted, 1, [train, personalise(2)]), try event(.restricted, 2, at: 3 * day)]
        #expect(status(start) == .restricted)
        #expect(status(start, .personalise) == .restricted)
        #expect(status(start + [try event(.granted, 3, [train], seen: [1, 2])]) == .restricted)
        #expect(status(start + [try event(.unrestricted, 3, supersedes: [2])]) == .restricted)
        #expect(status(start + [try event(.unrestricted, 3, seen: [2], supersedes: [1])]) == .restricted)
        let ended = start + [try event(.unrestricted, 3, at: 20 * day, seen: [2], supersedes: [2])]
        #expect(status(ended, at: 10 * day) == .restricted)
        #expect(status(ended, at: 20 * day) == .given)
    }

    @Test func erasureDeniesEverythingUntilSheRegistersAgain() throws {
        let erased = [try event(.granted, 1, [train, personalise(2)]), try event(.erased, 2, seen: [1])]
        #expect(Purpose.allCases.allSatisfy { status(erased, $0) == .erased })
        #expect(status(erased + [try event(.renewed, 3, [train], seen: [1])]) == .erased)
        #expect(status(erased + [try event(.restricted, 3)]) == .erased)
        let again = erased + [try event(.granted, 3, [train], seen: [2])]
        #expect(status(again) == .given)
        #expect(status(again, .personalise) == .erased)
    }

    @Test func tooManyEventsPermitNothing() throws {
        var events = [try event(.granted, 1, [train])]
        for number in 2...ConsentFold.maximumEvents {
            events.append(try event(.renewed, number, [train], seen: [number - 1]))
        }
        #expect(status(events) == .given)
        events.append(try event(.renewed, 9999, [train], seen: [1]))
        #expect(status(events) == .unconfirmed)
        #expect(fold(events).state().heads.isEmpty)
    }

    @Test func headsAreWhatNobodyHasSeen() throws {
        let events = [
            try event(.granted, 1, [train]), try event(.refused, 2, [noPersonalise(1)]),
            try event(.withdrawn, 3, [noTrain], seen: [1]), try event(.noticeServed, 4),
        ]
        #expect(fold(events).state().heads == [try name(2), try name(3)])
    }
}
