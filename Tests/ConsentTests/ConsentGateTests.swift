// The gate against a dictionary, and the ways it must fail closed.

import Testing

@testable import Consent

@Suite struct ConsentGateTests {
    private let now = 100 * day

    private func gate(_ rows: [ViewRow], staleness: Int64 = day) throws -> ConsentGate {
        try ConsentGate(verifiedView(rows), maximumStalenessMilliseconds: staleness)
    }

    /// Rows of every shape, around the time `now`.
    private func randomRow(_ handle: SubjectHandle, _ generator: inout TestGenerator) -> ViewRow {
        let statuses = ConsentStatus.allCases.filter { $0 != .unassigned }
        let status = generator.chance(60) ? .given : statuses.randomElement(using: &generator) ?? .unknown
        let seconds = UInt32(now / 1000 + Int64.random(in: -100_000...100_000, using: &generator))
        let level = UInt8.random(in: 0...4, using: &generator)
        return row(
            handle, status, until: status == .given && generator.chance(70) ? seconds : 0, level: level,
            untilDay: level > 0 && generator.chance(70) ? UInt16.random(in: 98...102, using: &generator) : 0)
    }

    private func model(_ row: ViewRow?, _ purpose: Purpose, _ level: Int, at time: Int64) -> Bool {
        guard let row else { return false }
        switch purpose {
        case .trainFederated:
            return level == 1 && row.trainStatus == .given
                && (row.trainExpiresSeconds == 0 || time < Int64(row.trainExpiresSeconds) * 1000)
        case .personalise:
            return level >= 1 && level <= row.personaliseLevel
                && (row.personaliseExpiresDay == 0 || time < Int64(row.personaliseExpiresDay) * day)
        default: return false
        }
    }

    @Test(arguments: [0, 1, 2, 10, 1000, 20_000]) func theTableAnswersAsADictionaryDoes(count: Int) throws {
        var generator = TestGenerator(seed: UInt64(count))
        var rows: [SubjectHandle: ViewRow] = [:]
        for _ in 0..<count {
            let handle = generator.handle()
            rows[handle] = randomRow(handle, &generator)
        }
        var gate = try gate(Array(rows.values))
        #expect(gate.subjectCount == rows.count)
        var time = now
        for handle in Array(rows.keys) + (0..<500).map({ _ in generator.handle() }) {
            time += 1
            for (purpose, level) in [(Purpose.trainFederated, 1), (.personalise, 1), (.personalise, 3)] {
                let decision = gate.decide(handle, purpose: purpose, level: level, nowMilliseconds: time)
                #expect(decision.isAllowed == model(rows[handle], purpose, level, at: time))
            }
            if rows[handle] == nil {
                #expect(
                    gate.decide(handle, purpose: .trainFederated, nowMilliseconds: time) == .deny(.unknownSubject))
            }
        }
    }

    @Test func neighboursWithEqualHalvesAreToldApart() throws {
        let handles = (0..<50).map { SubjectHandle(high: UInt64.max, low: UInt64($0) * 2) }
        var gate = try gate(handles.map { row($0) })
        for low in 0..<100 as Range<UInt64> {
            let decision = gate.decide(
                SubjectHandle(high: .max, low: low), purpose: .trainFederated, nowMilliseconds: now)
            #expect(decision == (low.isMultiple(of: 2) ? .allow : .deny(.unknownSubject)))
        }
    }

    @Test func madeUpHandlesAreRefused() throws {
        let handles = (0..<UInt64(6 * ConsentGate.maximumDisplacement)).map { SubjectHandle(high: 5, low: $0) }
        #expect(throws: ConsentError.viewMismatch(field: "handles")) { try gate(handles.map { row($0) }) }
    }

    @Test func everyReasonToDeny() throws {
        let restricted = SubjectHandle(high: 2, low: 2)
        let expired = SubjectHandle(high: 3, low: 3)
        var gate = try gate([
            row(someone, level: 2, untilDay: 101), row(restricted, .restricted),
            row(expired, until: 8_640_000, level: 1),
        ])
        func ask(_ handle: SubjectHandle, _ purpose: Purpose, _ level: Int = 1, _ time: Int64? = nil) -> Decision {
            gate.decide(handle, purpose: purpose, level: level, nowMilliseconds: time ?? now)
        }
        #expect(ask(someone, .trainFederated) == .allow)
        #expect(ask(someone, .trainFederated, 2) == .deny(.unknownLevel))
        #expect(ask(someone, .trainFederated, 0) == .deny(.unknownLevel))
        #expect(ask(someone, .personalise, 2) == .allow)
        #expect(ask(someone, .personalise, 3) == .deny(.levelNotGranted))
        #expect(ask(someone, .personalise, 5) == .deny(.unknownLevel))
        #expect(ask(someone, .personalise, .min) == .deny(.unknownLevel))
        for purpose in Purpose.allCases where purpose != .trainFederated && purpose != .personalise {
            #expect(ask(someone, purpose) == .deny(.unknownPurpose))
        }
        #expect(ask(restricted, .trainFederated) == .deny(.status(.restricted)))
        #expect(ask(restricted, .personalise) == .deny(.status(.restricted)))
        #expect(ask(expired, .trainFederated) == .deny(.status(.expired)))
        #expect(ask(SubjectHandle(high: 9, low: 9), .personalise) == .deny(.unknownSubject))
        #expect(ask(someone, .trainFederated, 1, now - 1) == .deny(.clockWentBackwards))
        #expect(ask(someone, .trainFederated, 1, .min) == .deny(.clockWentBackwards))
        #expect(ask(someone, .trainFederated, 1, now + day) == .allow)
        #expect(ask(someone, .trainFederated, 1, now + day - 1) == .deny(.clockWentBackwards))
        #expect(ask(someone, .personalise, 1, now + day) == .deny(.status(.expired)))
        #expect(ask(someone, .trainFederated, 1, now + day + 1) == .deny(.staleView))
        #expect(ask(someone, .trainFederated, 1, .max) == .deny(.staleView))
        #expect(ask(someone, .trainFederated, 1, now) == .deny(.clockWentBackwards), "it does not come back")
    }

    @Test func aWithdrawalActsAtOnceAndOnlyRemoves() throws {
        var generator = TestGenerator(seed: 6)
        var handles: [SubjectHandle] = []
        for _ in 0..<300 { handles.append(generator.handle()) }
        var gate = try gate(handles.map { randomRow($0, &generator) })
        for _ in 0..<500 {
            let target = handles[Int.random(in: 0..<300, using: &generator)]
            let purpose = Purpose.allCases.randomElement(using: &generator) ?? .personalise
            let level = Int.random(in: -1...5, using: &generator)
            var before = gate
            gate.withdraw(target, purpose: purpose, level: level)
            for (asked, askedLevel) in [(Purpose.trainFederated, 1), (.personalise, 1), (.personalise, 3)] {
                let was = before.decide(target, purpose: asked, level: askedLevel, nowMilliseconds: now)
                let becomes = gate.decide(target, purpose: asked, level: askedLevel, nowMilliseconds: now)
                let isHit = asked == purpose && askedLevel >= level
                #expect(becomes.isAllowed == (was.isAllowed && !isHit))
            }
        }
        gate.withdraw(generator.handle(), purpose: .trainFederated)
    }

    @Test(arguments: 0..<20) func aNewerViewOnlyRemoves(seed: UInt64) throws {
        var generator = TestGenerator(seed: 300 + seed)
        var handles: [SubjectHandle] = []
        for _ in 0..<200 { handles.append(generator.handle()) }
        let old = handles.prefix(150).map { randomRow($0, &generator) }
        let new = handles.suffix(150).map { randomRow($0, &generator) }
        var pinned = try ConsentGate(verifiedView(old), maximumStalenessMilliseconds: .max)
        var newest = try ConsentGate(verifiedView(new, size: 20), maximumStalenessMilliseconds: .max)
        var both = pinned
        try both.restrict(by: verifiedView(new, size: 20))
        #expect(both.pinnedSize == 10 && both.restrictedSize == 20)
        for handle in handles {
            for (purpose, level) in [(Purpose.trainFederated, 1), (.personalise, 1), (.personalise, 3)] {
                let answers = [
                    pinned.decide(handle, purpose: purpose, level: level, nowMilliseconds: now),
                    newest.decide(handle, purpose: purpose, level: level, nowMilliseconds: now),
                    both.decide(handle, purpose: purpose, level: level, nowMilliseconds: now),
                ].map(\.isAllowed)
                if purpose == .trainFederated { #expect(answers[2] == (answers[0] && answers[1])) }
                #expect(!answers[2] || (answers[0] && answers[1]))
            }
        }
    }

    @Test func aViewThatDoesNotFitRestrictsNothing() throws {
        var gate = try gate([row(someone)])
        #expect(throws: ConsentError.viewMismatch(field: "node")) {
            try gate.restrict(by: verifiedView([], node: 2, size: 20))
        }
        #expect(throws: ConsentError.viewMismatch(field: "age")) { try gate.restrict(by: verifiedView([], size: 9)) }
        #expect(throws: ConsentError.viewMismatch(field: "age")) {
            try gate.restrict(by: verifiedView([], size: 11, asOf: 99 * day))
        }
        #expect(gate.decide(someone, purpose: .trainFederated, nowMilliseconds: now) == .allow)
        try gate.restrict(by: verifiedView([], size: 11))
        #expect(
            gate.decide(someone, purpose: .trainFederated, nowMilliseconds: now) == .deny(.status(.moving)))
        #expect(throws: ConsentError.viewMismatch(field: "age")) { try gate.restrict(by: verifiedView([], size: 10)) }
    }
}
