// The state of a whole chain against a replay of each prefix of its log, and the one rule privacy rests on: a customer is
// in at most one node's eligible set in a round.

import Testing

@testable import Consent

/// A log of `subjects` customers of `nodes` stores: grants, withdrawals, moves, returns and repeated uploads.
func randomLog(_ generator: inout TestGenerator, subjects: Int, nodes: UInt32, count: Int) throws -> [ConsentEvent?] {
    let handles = (0..<subjects).map { _ in generator.handle() }
    var log: [ConsentEvent?] = []
    var latest: [SubjectHandle: Int] = [:]
    for number in 0..<count {
        let handle = handles[Int.random(in: 0..<subjects, using: &generator)]
        let seen = latest[handle].map { [$0] } ?? []
        let time = Int64(number) * day / 4
        switch Int.random(in: 0..<100, using: &generator) {
        case 0..<8: log.append(nil)
        case 8..<16: log.append(log.randomElement(using: &generator) ?? nil)
        case 16..<45:
            let node = UInt32.random(in: 0..<nodes, using: &generator)
            log.append(try event(.homeAssigned, number, of: handle, at: time, home: node))
        case 45..<85:
            let purposes =
                generator.chance(60) ? [train, personalise(Int.random(in: 1...4, using: &generator))] : [train]
            let effective = generator.chance(10) ? time + 5 * day : time
            let life = Int64.random(in: 1...80, using: &generator) * day
            log.append(
                try event(
                    .granted, number, of: handle, purposes, at: time, effective: effective,
                    expires: generator.chance(70) ? effective + life : nil, seen: seen))
            latest[handle] = number
        default:
            let kinds: [(EventKind, [PurposeDecision])] = [
                (.withdrawn, [noTrain]), (.refused, [noPersonalise(2)]), (.restricted, []), (.erased, []),
            ]
            let (kind, purposes) = kinds[Int.random(in: 0..<4, using: &generator)]
            log.append(try event(kind, number, of: handle, purposes, at: time, seen: seen))
            latest[handle] = number
        }
    }
    return log
}

func replay(_ log: some Sequence<ConsentEvent?>) throws -> LedgerState {
    var state = LedgerState()
    for (index, event) in log.enumerated() {
        if let event {
            try state.ingest(event, index: index, recordedMilliseconds: Int64(index) * day / 4)
        } else {
            try state.skip(index: index)
        }
    }
    return state
}

@Suite struct LedgerStateTests {
    private let nodes: UInt32 = 4

    @Test(arguments: 0..<12) func anAnswerAboutAnEarlierSizeIsTheAnswerGivenThen(seed: UInt64) throws {
        var generator = TestGenerator(seed: 100 + seed)
        let log = try randomLog(&generator, subjects: 12, nodes: nodes, count: 120)
        let head = try replay(log)
        for _ in 0..<12 {
            let pinned = Int.random(in: 0...log.count, using: &generator)
            let previous = Int.random(in: 0...pinned, using: &generator)
            let then = try replay(log.prefix(pinned))
            let times: [Int64] = [Int64(pinned) * day / 4, Int64.random(in: 0...100, using: &generator) * day]
            for time in times {
                for node in 0..<nodes {
                    let rows = try head.rows(
                        node: node, pinned: pinned, previousPinned: previous, asOfMilliseconds: time)
                    #expect(
                        try rows
                            == then.rows(
                                node: node, pinned: pinned, previousPinned: previous, asOfMilliseconds: time))
                    for row in rows where row.trainStatus == .given {
                        let state = try head.subject(row.handle, known: pinned)
                        #expect(state.evaluate(.trainFederated, level: 1, at: time, denialsUpTo: .max).isLive)
                    }
                }
                #expect(
                    try head.eligibility(pinned: pinned, previousPinned: previous, asOfMilliseconds: time)
                        == then.eligibility(pinned: pinned, previousPinned: previous, asOfMilliseconds: time))
            }
        }
    }

    @Test(arguments: 0..<12) func noRoundCountsACustomerTwice(seed: UInt64) throws {
        var generator = TestGenerator(seed: 200 + seed)
        let log = try randomLog(&generator, subjects: 8, nodes: nodes, count: 100)
        let state = try replay(log)
        // Pins of consecutive rounds.
        var pins = (0..<10).map { _ in Int.random(in: 0...log.count, using: &generator) }.sorted()
        pins.insert(0, at: 0)
        var homeBefore: [SubjectHandle: UInt32] = [:]
        for (previous, pinned) in zip(pins, pins.dropFirst()) {
            let time = Int64(pinned) * day / 4
            var home: [SubjectHandle: UInt32] = [:]
            var shown: Set<SubjectHandle> = []
            for node in 0..<nodes {
                let rows = try state.rows(
                    node: node, pinned: pinned, previousPinned: previous, asOfMilliseconds: time)
                for row in rows {
                    #expect(shown.insert(row.handle).inserted, "a subject has one row")
                    guard row.permitsTraining(atMilliseconds: time) else { continue }
                    #expect(home.updateValue(node, forKey: row.handle) == nil)
                    #expect(
                        try state.home(of: row.handle, pinned: pinned, previousPinned: previous) == .home(node: node))
                }
            }
            for (handle, node) in home {
                #expect(homeBefore[handle].map { $0 == node } ?? true, "a move leaves a gap round")
            }
            let report = try state.eligibility(pinned: pinned, previousPinned: previous, asOfMilliseconds: time)
            #expect(report.eligibleByNode == Dictionary(grouping: home.values) { $0 }.mapValues(\.count))
            homeBefore = home
        }
    }

    @Test func aMoveLeavesAGapAndAFirstHomeDoesNot() throws {
        let log = [
            try event(.homeAssigned, 0, home: 1), try event(.granted, 1, [train]),
            try event(.homeAssigned, 2, home: 1), try event(.homeAssigned, 3, home: 2),
            try event(.homeAssigned, 0, home: 1), try event(.homeAssigned, 5, home: 1),
        ]
        let state = try replay(log)
        func home(_ pinned: Int, _ previous: Int) throws -> HomeAssignment {
            try state.home(of: someone, pinned: pinned, previousPinned: previous)
        }
        #expect(try home(0, 0) == .none)
        #expect(try home(1, 0) == .home(node: 1))
        #expect(try home(3, 0) == .home(node: 1), "confirming a home is not a move")
        #expect(try home(4, 3) == .moving(to: 2))
        #expect(try home(4, 4) == .home(node: 2))
        #expect(try home(5, 4) == .home(node: 2), "a repeated upload moves nobody")
        #expect(try home(6, 5) == .moving(to: 1))
        #expect(try home(6, 0) == .moving(to: 1), "away and back is two moves")
        #expect(try home(6, 6) == .home(node: 1))
        let rows = try state.rows(node: 2, pinned: 4, previousPinned: 3, asOfMilliseconds: day)
        #expect(rows.map(\.trainStatus) == [.moving])
        #expect(try state.rows(node: 1, pinned: 4, previousPinned: 3, asOfMilliseconds: 0).isEmpty)
    }

    @Test func reasonsAreCounted() throws {
        var generator = TestGenerator(seed: 5)
        var log: [ConsentEvent?] = []
        let reasons: [(ConsentStatus, [(EventKind, [PurposeDecision])])] = [
            (.unknown, [(.granted, [personalise(1)])]), (.refused, [(.refused, [noTrain])]),
            (.withdrawn, [(.granted, [train]), (.withdrawn, [noTrain])]), (.objected, [(.objection, [noTrain])]),
            (.restricted, [(.granted, [train]), (.restricted, [])]), (.erased, [(.erased, [])]),
            (.given, [(.granted, [train])]),
        ]
        for (copies, (_, events)) in reasons.enumerated() {
            for _ in 0...copies {
                let handle = generator.handle()
                log.append(try event(.homeAssigned, log.count, of: handle, home: 3))
                for (kind, purposes) in events { log.append(try event(kind, log.count, of: handle, purposes)) }
            }
        }
        log.append(try event(.granted, log.count, of: generator.handle(), [train]))
        let short = generator.handle()
        log.append(try event(.homeAssigned, log.count, of: short, home: 3))
        log.append(try event(.granted, log.count, of: short, [train], expires: 50 * day))
        let state = try replay(log)
        let report = try state.eligibility(pinned: log.count, previousPinned: 0, asOfMilliseconds: 60 * day)
        #expect(report.eligibleByNode == [3: 7])
        #expect(
            report.excluded == [
                .unknown: 1, .refused: 2, .withdrawn: 3, .objected: 4, .restricted: 5, .erased: 6, .unassigned: 1,
                .expired: 1,
            ])
        #expect(report.subjects == state.subjectCount)
    }

    @Test func entriesComeOneByOne() throws {
        var state = LedgerState()
        let grant = try event(.granted, 1, [train])
        #expect(throws: ConsentError.outOfOrder(expected: 0, actual: 1)) {
            try state.ingest(grant, index: 1, recordedMilliseconds: 0)
        }
        try state.ingest(grant, index: 0, recordedMilliseconds: 0)
        #expect(throws: ConsentError.outOfOrder(expected: 1, actual: 0)) {
            try state.ingest(grant, index: 0, recordedMilliseconds: 0)
        }
        #expect(state.size == 1)
        #expect(throws: ConsentError.beyondHead(size: 1)) { try state.subject(someone, known: 2) }
        #expect(throws: ConsentError.beyondHead(size: 1)) {
            try state.rows(node: 1, pinned: 2, previousPinned: 0, asOfMilliseconds: 0)
        }
        #expect(throws: ConsentError.invalid(field: "previousPinned", expected: "0 to pinned")) {
            try state.home(of: someone, pinned: 0, previousPinned: 1)
        }
        #expect(throws: ConsentError.invalid(field: "size", expected: "0 or more")) {
            try state.subject(someone, known: -1)
        }
    }

    @Test func whoIsForgottenStartsFromNothing() throws {
        let log = [
            try event(.homeAssigned, 0, home: 1), try event(.granted, 1, [train]), try event(.erased, 2, seen: [1]),
        ]
        var state = try replay(log)
        #expect(throws: ConsentError.self) { try state.forget(someone, previousPinned: 2) }
        try state.forget(someone, previousPinned: 3)
        #expect(state.subjectCount == 0)
        #expect(try state.subject(someone, known: 3).isEmpty)
        #expect(try state.rows(node: 1, pinned: 3, previousPinned: 0, asOfMilliseconds: 0).isEmpty)
        #expect(try state.eligibility(pinned: 3, previousPinned: 3, asOfMilliseconds: 0).subjects == 0)
        try state.ingest(try event(.homeAssigned, 3, home: 2), index: 3, recordedMilliseconds: 0)
        let rows = try state.rows(node: 2, pinned: 4, previousPinned: 3, asOfMilliseconds: 0)
        #expect(rows.map(\.trainStatus) == [.unknown])
    }

    @Test func tooManyEventsDoNotPreventErasure() throws {
        var state = LedgerState()
        for index in 0...ConsentFold.maximumEvents + 3 {
            try state.ingest(
                event(.granted, index, [train], seen: index > 0 ? [index - 1] : []), index: index,
                recordedMilliseconds: 0)
        }
        let size = state.size
        func status(known size: Int) throws -> ConsentStatus {
            try state.subject(someone, known: size).status(of: .trainFederated, atMilliseconds: 0)
        }
        #expect(try status(known: ConsentFold.maximumEvents) == .given)
        #expect(try status(known: ConsentFold.maximumEvents + 1) == .unconfirmed)
        #expect(throws: ConsentError.self) { try state.forget(someone, previousPinned: size) }
        try state.ingest(event(.erased, 9999), index: size, recordedMilliseconds: 0)
        #expect(throws: ConsentError.beyondHead(size: size + 1)) {
            try state.forget(someone, previousPinned: size + 2)
        }
        try state.forget(someone, previousPinned: size + 1)
        #expect(state.subjectCount == 0)
    }

    @Test func onlyTheErasedAreForgotten() throws {
        var state = try replay([try event(.granted, 0, [train])])
        #expect(throws: ConsentError.self) { try state.forget(someone, previousPinned: 1) }
        #expect(state.subjectCount == 1)
    }
}

extension SubjectState.Evaluation {
    var isLive: Bool { if case .live = self { true } else { false } }
}
