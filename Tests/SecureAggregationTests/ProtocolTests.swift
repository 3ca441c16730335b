import Cryptography
import TestSupport
import Testing
import Vectors
import WireFormat

@testable import SecureAggregation

/// The honest protocol, end to end, in every shape of the first release.
struct ProtocolTests {
    /// Small enough for 16-bit lanes, signed, and different at every node and coordinate.
    private func values(_ node: NodeIndex, dimension: Int) -> [Int64] {
        (0..<dimension).map { Int64(node) * 11 - 7 * Int64($0) }
    }

    private func run(
        _ scenario: inout AggregationScenario, nodes: [NodeIndex]? = nil, dropped: Set<NodeIndex>,
        members: [NodeIndex]? = nil
    ) throws -> (sum: [Int64], expected: [Int64]) {
        var session = try scenario.session(nodes: nodes)
        let dimension = scenario.plan.dimension
        let words = try scenario.collect(&session, dropped: dropped) { values($0, dimension: dimension) }
        var expected = [Int64](repeating: 0, count: dimension)
        for entry in session.roster.entries where !dropped.contains(entry.node) {
            for (index, value) in values(entry.node, dimension: dimension).enumerated() { expected[index] += value }
        }
        return (try scenario.finish(&session, words: words, members: members), expected)
    }

    @Test(arguments: [LaneLayout.twoBy32, .threeBy21, .fourBy16])
    func sumOfAllSurvivorsIsExact(layout: LaneLayout) throws {
        var scenario = try AggregationScenario(dimension: 101, layout: layout)
        let (sum, expected) = try run(&scenario, dropped: [])
        #expect(sum == expected)
    }

    @Test(arguments: KeystreamCipher.allCases)
    func everyGeneratorGivesTheSameSum(generator: KeystreamCipher) throws {
        var scenario = try AggregationScenario(dimension: 45, generator: generator)
        let session = try scenario.session()
        #expect(session.parameters.body.generator == generator)
        let (sum, expected) = try run(&scenario, dropped: [6])
        #expect(sum == expected)
    }

    @Test func nodesThatVanishAreLeftOut() throws {
        var scenario = try AggregationScenario(nodes: 22)
        let (sum, expected) = try run(&scenario, dropped: [0, 5, 21])
        #expect(sum == expected)
    }

    @Test func aCohortIsAnySubsetOfTheRegister() throws {
        var scenario = try AggregationScenario(nodes: 24)
        let nodes = (0..<24).filter { $0 % 6 != 1 }.map { NodeIndex($0) }
        let (sum, expected) = try run(&scenario, nodes: nodes, dropped: [23])
        #expect(sum == expected)
    }

    @Test func anySubsetOfTheCommitteeOfQuorumSizeOpensTheSameSum() throws {
        var scenario = try AggregationScenario(nodes: 19)
        let (sum, expected) = try run(
            &scenario, dropped: [3], members: Array(scenario.register.committee.suffix(scenario.register.quorum)))
        #expect(sum == expected)
    }

    @Test func sparseRingGivesTheSameSum() throws {
        // The smallest committee and bound of corrupt nodes: what is tested is the ring, just above the limit of the
        // complete graph.
        let nodes = ProtocolParameters.completeGraphLimit + 1
        var scenario = try AggregationScenario(nodes: nodes, committee: 6, dimension: 6)
        let derived = try ProtocolParameters.derive(register: scenario.register, cohort: nodes)
        #expect(derived.neighbours < nodes - 1)
        // Three of four vanish: every window still holds a survivor, and most pair masks have to be opened.
        let dropped = (0..<NodeIndex(nodes)).filter { $0 % 4 != 0 }
        let (sum, expected) = try run(&scenario, dropped: Set(dropped))
        #expect(sum == expected)
    }

    /// A member reads no promise but these: one that is not among them would never be held against a request.
    @Test(arguments: [nil, 18])
    func everyPromiseIsLookedUp(groupSize: Int?) throws {
        var scenario = try AggregationScenario(nodes: groupSize == nil ? 18 : 36, groupSize: groupSize)
        var session = try groupSize == nil ? scenario.session() : scenario.session(group: 1)
        _ = try scenario.collect(&session) { values($0, dimension: 100) }
        _ = try session.closeUploads()
        let names = try CommitteeLocks(
            restoring: CommitteeMember.promisesToLookUp(for: session.parameters.body, roster: session.roster))
        let member = try #require(scenario.register.committee.first)
        let vote = try scenario.seat(of: member).decideVote(
            #require(session.labelProposal), locks: CommitteeLocks(), context: scenario.context)
        for member in scenario.register.committee.prefix(scenario.register.quorum) {
            _ = try session.receive(scenario.vote(#require(session.labelProposal), member: member))
        }
        let reveal = try scenario.seat(of: member).decideReveal(
            #require(session.revealRequest(for: member)), parameters: session.parameters, roster: session.roster,
            locks: CommitteeLocks(), agreementKey: scenario.keys(of: member).agreementKey, context: scenario.context)
        #expect(vote.lockChanges.count == 19 && reveal.lockChanges.count == (groupSize == nil ? 20 : 21))
        for change in vote.lockChanges + reveal.lockChanges {
            #expect(names.contains(change) || !names.permits(change), "\(change)")
        }
    }

    @Test func tooFewSurvivorsAreNeverLabelled() throws {
        let scenario = try AggregationScenario()
        var session = try scenario.session()
        _ = try scenario.collect(&session, dropped: [4, 9]) { values($0, dimension: 100) }
        #expect(throws: SecureAggregationError.tooFew("survivors", have: 16, need: 17)) {
            try session.closeUploads()
        }
        #expect(session.phase == .collecting && session.labelProposal == nil)
    }

    @Test func replayedUploadIsRepeatedAndAlteredOneConflicts() throws {
        let scenario = try AggregationScenario()
        var session = try scenario.session()
        let offer = try #require(session.offer(for: 4))
        let first = try scenario.upload(values(4, dimension: 100), node: 4, offer: offer)
        let second = try scenario.upload(values(4, dimension: 100), node: 4, offer: offer)
        #expect(try session.receive(first.envelope) == .new)
        #expect(try session.receive(first.envelope) == .repeated)
        #expect(throws: SecureAggregationError.conflict("the upload")) { try session.receive(second.envelope) }
    }

    @Test func uploadsAfterTheSealAreRefused() throws {
        let scenario = try AggregationScenario()
        var session = try scenario.session()
        _ = try scenario.collect(&session, dropped: [9]) { values($0, dimension: 100) }
        let late = try scenario.upload(
            values(9, dimension: 100), node: 9, offer: #require(session.offer(for: 9)))
        _ = try session.closeUploads()
        #expect(throws: SecureAggregationError.wrongPhase("an upload")) { try session.receive(late.envelope) }
    }

    @Test func unmaskingInRangesGivesTheSameWords() throws {
        var scenario = try AggregationScenario(dimension: 41)
        var session = try scenario.session()
        let words = try scenario.collect(&session, dropped: [2]) { values($0, dimension: 41) }
        let sum = try scenario.finish(&session, words: words)
        let masks = try session.unmaskPlan().masks()
        var total = [UInt64](repeating: 0, count: masks.wordCount)
        for node in words.values { try WordVector.add(node, into: &total) }
        var joined: [UInt64] = []
        for range in [0..<2, 2..<10, 10..<20, 20..<21] {
            var part = Array(total[range])
            try masks.remove(from: &part, wordOffset: range.lowerBound)
            joined += part
        }
        #expect(try scenario.plan.layout.unpackSum(joined, dimension: 41) == sum)
        var part: [UInt64] = [0, 0]
        for offset in [1, -2, 20, Int.max - 1] {
            #expect(throws: SecureAggregationError.malformed("word range")) {
                try masks.remove(from: &part, wordOffset: offset)
            }
        }
    }
}
