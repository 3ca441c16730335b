// The shared conformance cases of the deny-wins fold.

import Foundation
import TestSupport
import Testing

@testable import Consent

private struct Cases: Decodable {
    struct Case: Decodable {
        let events: [Event]
        let level: Int
        let now: Int64
        let allow: Bool
    }
    struct Event: Decodable {
        let id: Int
        let kind: String
        let level: Int
        let seen: [Int]
        let expires: Int64
    }
    let cases: [Case]
}

private let path = "vectors/consent-fold/cases.json"

@Suite struct FoldVectorTests {
    @Test(.enabled(if: ReferenceData.isPresent(path), "\(ReferenceData.absence(of: path))"))
    func everyCaseAgreesInEveryOrder() throws {
        let cases = try JSONDecoder().decode(Cases.self, from: Data(ReferenceData.bytes(path))).cases
        #expect(cases.count == 300)
        var generator = TestGenerator(seed: 1)
        for (number, vector) in cases.enumerated() {
            let events = try vector.events.map { item in
                item.kind == "grant"
                    ? try event(.granted, item.id, [personalise(item.level)], expires: item.expires, seen: item.seen)
                    : try event(.withdrawn, item.id, [noPersonalise(item.level)], seen: item.seen)
            }
            for order in [events, events.shuffled(using: &generator)] {
                let status = fold(order).state().status(
                    of: .personalise, level: vector.level, atMilliseconds: vector.now)
                #expect((status == .given) == vector.allow, "case \(number)")
            }
        }
    }
}
