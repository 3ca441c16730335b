// What an engineer asks before there is a register: the same numbers as a session's, and refusals that say what would do.

import Foundation
import Testing

@testable import SecureAggregation

struct ParameterChoiceTests {
    /// The table of the specification's section 4, ring at every size.
    @Test(arguments: [
        (64, 4, 20, 2, 30, 19), (100, 5, 24, 2, 35, 22), (300, 15, 44, 7, 63, 41), (1000, 50, 98, 25, 134, 94),
    ])
    func theTableOfTheSpecification(
        nodes: Int, corrupt: Int, neighbours: Int, half: Int, committee: Int, quorum: Int
    ) throws {
        let choice = try ParameterChoice(
            registered: nodes, cohort: nodes, corruptMax: corrupt, dropoutPermille: 100, sparse: true)
        #expect(choice.neighbours == neighbours)
        #expect(choice.corruptHalf == half)
        #expect(choice.committeeSize == committee)
        #expect(choice.quorum == quorum)
        #expect(choice.minAlive == corrupt + 16)
    }

    @Test func aSmallCohortHasTheCompleteGraph() throws {
        let choice = try ParameterChoice(registered: 300, cohort: 300, corruptMax: 15, dropoutPermille: 100)
        #expect(choice.neighbours == 299)
        #expect(choice.corruptHalf == nil)
    }

    /// Every remedy that a refusal names is one: following it is accepted.
    @Test(arguments: [(100, 18, 5, 100), (100, 40, 5, 500), (100, 100, 30, 400), (40, 40, 20, 0)])
    func refusalsNameWhatWouldDo(registered: Int, cohort: Int, corrupt: Int, dropout: Int) throws {
        func choose(_ cohort: Int, _ corrupt: Int, _ dropout: Int) throws {
            _ = try ParameterChoice(
                registered: registered, cohort: cohort, corruptMax: corrupt, dropoutPermille: dropout)
        }
        let error = #expect(throws: SecureAggregationError.self) { try choose(cohort, corrupt, dropout) }
        guard case .infeasible(let why) = try #require(error) else {
            Issue.record("refused for another reason")
            return
        }
        func number(after text: String) -> Int? {
            why.range(of: text).flatMap { Int(why[$0.upperBound...].prefix { $0.isNumber }) }
        }
        let fewerCorrupt = number(after: "at most ")
        if why.hasPrefix("nodes:") {
            try choose(corrupt + 16, corrupt, 0)
        } else if let permille = number(after: "a dropout of at most ") {
            try choose(cohort, corrupt, permille)
            #expect(throws: SecureAggregationError.self, "and one more would not") {
                try choose(cohort, corrupt, permille + 1)
            }
        } else {
            try choose(cohort, try #require(fewerCorrupt), dropout)
        }
    }

    @Test func numbersOutsideTheirRangeAreNamed() {
        for (registered, cohort, corrupt, dropout, name) in [
            (0, 1, 1, 0, "registered"), (100, 101, 1, 0, "nodes"), (100, 0, 1, 0, "nodes"), (100, 100, 0, 0, "corrupt"),
            (100, 100, 100, 0, "corrupt"), (100, 100, 1, 1000, "dropout"), (100, 100, 1, -1, "dropout"),
        ] {
            #expect(throws: SecureAggregationError.self, "\(name)") {
                do {
                    _ = try ParameterChoice(
                        registered: registered, cohort: cohort, corruptMax: corrupt, dropoutPermille: dropout)
                } catch SecureAggregationError.infeasible(let why) where why.hasPrefix(name) {
                    throw SecureAggregationError.infeasible(why)
                } catch {
                    Issue.record("names another field")
                }
            }
        }
    }
}
