// Properties over random histories, and a second, naive implementation of the rules to agree with.

import Testing

@testable import Consent

/// A random history of one subject: several stores, some offline, some lying about what they saw.
func randomHistory(_ generator: inout TestGenerator, count: Int) throws -> [ConsentEvent] {
    let kinds: [EventKind] = [
        .granted, .granted, .granted, .renewed, .refused, .withdrawn, .objection, .objectionLifted, .restricted,
        .unrestricted, .erased, .expired,
    ]
    return try (0..<count).map { number in
        let kind = generator.chance(60) ? EventKind.granted : kinds.randomElement(using: &generator) ?? .granted
        // Mostly the latest events, now and then one that comes later or never.
        var seen = (0..<number).filter { $0 >= number - 2 ? generator.chance(70) : generator.chance(20) }
        if generator.chance(4) { seen.append(Int.random(in: number + 1...count + 2, using: &generator)) }
        let level = Int.random(in: 1...3, using: &generator)
        let purposes: [PurposeDecision] =
            switch kind {
            case .granted, .renewed:
                generator.chance(20) ? [train, noPersonalise(level)] : [train, personalise(level)]
            case .refused, .withdrawn, .objection, .expired: generator.chance(50) ? [noTrain] : [noPersonalise(level)]
            default: []
            }
        let needsSupersedes = kind == .objectionLifted || kind == .unrestricted
        let supersedes = needsSupersedes || kind == .granted ? Array(seen.suffix(needsSupersedes ? 3 : 1)) : []
        let time = Int64.random(in: 0...30, using: &generator) * day
        let isGrant = kind == .granted || kind == .renewed
        return try event(
            needsSupersedes && supersedes.isEmpty ? .restricted : kind, number, purposes, at: time,
            expires: isGrant ? time + Int64.random(in: 1...40, using: &generator) * day : nil, seen: seen,
            supersedes: supersedes)
    }
}

/// The rules of the specification, each as one sentence, without any regard to cost.
private struct NaiveFold {
    let events: [ConsentEvent]

    private func past(_ event: ConsentEvent) -> (events: Set<EventIdentifier>, isReliable: Bool) {
        var past: Set<EventIdentifier> = []
        var isReliable = true
        var pending = event.seen
        while let name = pending.popLast() {
            guard past.insert(name).inserted else { continue }
            guard let ancestor = events.first(where: { $0.identifier == name && $0.kind.isDecision }) else {
                isReliable = false
                continue
            }
            pending += ancestor.seen
        }
        return (past, isReliable && !past.contains(event.identifier))
    }

    func allows(_ purpose: Purpose, _ level: Int, at time: Int64) -> Bool {
        let denials = events.filter { denial in
            denial.capturedAtMilliseconds <= time
                && (denial.kind == .erased
                    || denial.kind.isDecision
                        && denial.purposes.contains {
                            $0.answer == .deny && $0.purpose == purpose && $0.level <= level
                        })
        }
        let isRestricted = events.contains { restriction in
            restriction.kind == .restricted && restriction.capturedAtMilliseconds <= time
                && !events.contains {
                    $0.kind == .unrestricted && $0.capturedAtMilliseconds <= time && past($0).isReliable
                        && past($0).events.contains(restriction.identifier)
                        && $0.supersedes.contains(restriction.identifier)
                }
        }
        if isRestricted { return false }
        return events.contains { grant in
            let (past, isReliable) = past(grant)
            return isReliable && grant.capturedAtMilliseconds <= time && time < grant.expiresAtMilliseconds ?? .max
                && grant.purposes.contains { $0.answer == .grant && $0.purpose == purpose && $0.level >= level }
                && denials.allSatisfy { denial in
                    past.contains(denial.identifier)
                        && (denial.kind != .objection || grant.supersedes.contains(denial.identifier)
                            || events.contains { lift in
                                lift.kind == .objectionLifted && past.contains(lift.identifier)
                                    && self.past(lift).isReliable
                                    && self.past(lift).events.contains(denial.identifier)
                                    && lift.supersedes.contains(denial.identifier)
                            })
                }
        }
    }
}

private let questions: [(Purpose, Int, Int64)] = [
    (.trainFederated, 1, 15 * day), (.trainFederated, 1, 40 * day), (.personalise, 1, 31 * day),
    (.personalise, 2, 20 * day), (.personalise, 3, 31 * day),
]

@Suite struct FoldPropertyTests {
    @Test func orderAndRepetitionMakeNoDifference() throws {
        var generator = TestGenerator(seed: 2)
        for _ in 0..<2000 {
            let events = try randomHistory(&generator, count: Int.random(in: 1...8, using: &generator))
            let entries = events.enumerated().map { ($0.offset, $0.element, Int64($0.offset) * day) }
            let repeated = entries + entries.filter { _ in generator.chance(40) }.map { ($0.0 + 100, $0.1, 99 * day) }
            var straight = ConsentFold()
            for (index, event, time) in entries { straight.insert(event, index: index, recordedMilliseconds: time) }
            var mixed = ConsentFold()
            for (index, event, time) in repeated.shuffled(using: &generator) {
                mixed.insert(event, index: index, recordedMilliseconds: time)
            }
            #expect(straight == mixed)
            #expect(straight.state() == mixed.state())
            let size = Int.random(in: 0...events.count, using: &generator)
            #expect(straight.state(known: size) == mixed.state(known: size))
        }
    }

    @Test func theRulesReadNaivelyGiveTheSameAnswers() throws {
        var generator = TestGenerator(seed: 3)
        var allowed = 0
        for _ in 0..<2000 {
            let events = try randomHistory(&generator, count: Int.random(in: 1...8, using: &generator))
            let naive = NaiveFold(events: events)
            // Recorded when captured: the naive model knows one clock.
            var fold = ConsentFold()
            for (index, event) in events.enumerated() {
                fold.insert(event, index: index, recordedMilliseconds: event.capturedAtMilliseconds)
            }
            let state = fold.state()
            for (purpose, level, time) in questions {
                let isAllowed = state.status(of: purpose, level: level, atMilliseconds: time) == .given
                #expect(isAllowed == naive.allows(purpose, level, at: time))
                #expect(isAllowed == (state.grant(of: purpose, level: level, atMilliseconds: time) != nil))
                if isAllowed { allowed += 1 }
            }
        }
        #expect(allowed > 500, "the histories must not all deny")
    }

    @Test func aNewDenialNeverPermits() throws {
        var generator = TestGenerator(seed: 4)
        for _ in 0..<2000 {
            let events = try randomHistory(&generator, count: Int.random(in: 1...7, using: &generator))
            let before = fold(events)
            let seen = (0..<events.count).filter { _ in generator.chance(50) }
            let denials: [(EventKind, [PurposeDecision])] = [
                (.refused, [noTrain]), (.withdrawn, [noPersonalise(2)]), (.objection, [noTrain, noPersonalise(1)]),
                (.restricted, []), (.erased, []),
            ]
            let (kind, purposes) = denials[Int.random(in: 0..<5, using: &generator)]
            var after = before
            // A name that no event claims to have seen: an awaited one completes a past, which is another matter.
            after.insert(try event(kind, 1000, purposes, seen: seen), index: 1000, recordedMilliseconds: 0)
            for (purpose, level, time) in questions {
                let was = before.state().status(of: purpose, level: level, atMilliseconds: time)
                let becomes = after.state().status(of: purpose, level: level, atMilliseconds: time)
                #expect(was == .given || becomes != .given)
            }
        }
    }
}
