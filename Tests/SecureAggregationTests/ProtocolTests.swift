import Cryptography
import TestSupport
import Testing
import Vectors
import WireFormat

@testable import SecureAggregation

/// The honest protocol, end to end, in every shape of the first release.
struct ProtocolTests {
    private func values(_ node: NodeIndex, dimension: Int) -> [Int64] {
        (0..<dimension).map { Int64(node) * 1000 - 7 * Int64($0) }
    }

    private func run(
        _ scenario: inout AggregationScenario, nodes: [NodeIndex]? = nil, dropped: Set<NodeIndex>,
        members: [NodeIndex]? = nil
    ) throws -> (sum: [Int64], expected: [Int64]) {
        var session = try scenario.session(nodes: nodes)
        var words: [NodeIndex: [UInt64]] = [:]
        var expected = [Int64](repeating: 0, count: scenario.plan.dimension)
        for entry in session.roster.entries {
            let offer = try #require(session.offer(for: entry.node))
            let vector = values(entry.node, dimension: scenario.plan.dimension)
            let upload = try scenario.upload(vector, node: entry.node, offer: offer)
            if dropped.contains(entry.node) { continue }
            #expect(try session.receive(upload.envelope) == .new)
            words[entry.node] = upload.words
            for index in vector.indices { expected[index] += vector[index] }
        }
        return (try scenario.finish(&session, words: words, members: members), expected)
    }

    @Test(arguments: [LaneLayout.twoBy32, .threeBy21, .fourBy16])
    func sumOfAllSurvivorsIsExact(layout: LaneLayout) throws {
        // 24 nodes of at most 23,000 a coordinate overflow 16 bits as a sum, so that layout gets small values.
        var scenario = try AggregationScenario(dimension: layout == .fourBy16 ? 5 : 101, layout: layout)
        if layout == .fourBy16 { return try checkSmall(&scenario) }
        let (sum, expected) = try run(&scenario, dropped: [])
        #expect(sum == expected)
    }

    private func checkSmall(_ scenario: inout AggregationScenario) throws {
        var session = try scenario.session()
        var words: [NodeIndex: [UInt64]] = [:]
        for entry in session.roster.entries {
            let upload = try scenario.upload(
                [1, -2, 3, -4, 5], node: entry.node, offer: #require(session.offer(for: entry.node)))
            _ = try session.receive(upload.envelope)
            words[entry.node] = upload.words
        }
        #expect(try scenario.finish(&session, words: words) == [24, -48, 72, -96, 120])
    }

    @Test func nodesThatVanishAreLeftOut() throws {
        var scenario = try AggregationScenario()
        let (sum, expected) = try run(&scenario, dropped: [0, 5, 23])
        #expect(sum == expected)
    }

    @Test func anySubsetOfTheCommitteeOfQuorumSizeOpensTheSameSum() throws {
        var scenario = try AggregationScenario()
        let (sum, expected) = try run(
            &scenario, dropped: [3], members: Array(scenario.register.committee.suffix(scenario.register.quorum)))
        #expect(sum == expected)
    }

    @Test func sparseRingGivesTheSameSum() throws {
        var scenario = try AggregationScenario(nodes: 320, committee: 70, corruptMax: 8, dimension: 6)
        let derived = try ProtocolParameters.derive(register: scenario.register, cohort: 320)
        #expect(!derived.isComplete(cohort: 320))
        let (sum, expected) = try run(&scenario, dropped: [1, 2, 100, 319])
        #expect(sum == expected)
    }

    @Test func tooFewSurvivorsAreNeverLabelled() throws {
        let scenario = try AggregationScenario()
        var session = try scenario.session()
        for entry in session.roster.entries.prefix(scenario.plan.minAlive - 1) {
            let upload = try scenario.upload(
                values(entry.node, dimension: 100), node: entry.node, offer: #require(session.offer(for: entry.node)))
            _ = try session.receive(upload.envelope)
        }
        #expect(throws: SecureAggregationError.tooFew("survivors", have: 17, need: 18)) {
            try session.closeUploads()
        }
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
        var late: UploadEnvelope?
        for entry in session.roster.entries {
            let upload = try scenario.upload(
                values(entry.node, dimension: 100), node: entry.node, offer: #require(session.offer(for: entry.node)))
            if entry.node == 9 { late = upload.envelope } else { _ = try session.receive(upload.envelope) }
        }
        _ = try session.closeUploads()
        #expect(throws: SecureAggregationError.wrongPhase("an upload")) { try session.receive(#require(late)) }
    }

    @Test func messagesSurviveTheirEncoding() throws {
        var scenario = try AggregationScenario()
        var session = try scenario.session()
        let offer = try #require(session.offer(for: 4))
        #expect(try RoundOffer(decoding: offer.encoded()) == offer)
        for entry in session.roster.entries {
            let upload = try scenario.upload(
                values(entry.node, dimension: 100), node: entry.node, offer: #require(session.offer(for: entry.node)))
            let decoded = try UploadEnvelope(decoding: upload.envelope.encoded())
            #expect(decoded == upload.envelope)
            _ = try session.receive(decoded)
        }
        _ = try session.closeUploads()
        let proposal = try #require(session.labelProposal)
        #expect(try LabelProposal(decoding: proposal.encoded()) == proposal)
        for member in scenario.register.committee.prefix(scenario.register.quorum) {
            let vote = try scenario.vote(LabelProposal(decoding: proposal.encoded()), member: member)
            _ = try session.receive(SignedMessage<LabelVote>(decoding: vote.encoded()))
        }
        let request = try #require(session.revealRequest(for: 0))
        #expect(try RevealRequest(decoding: request.encoded()) == request)
        let reveal = try scenario.reveal(request, session: session, member: 0)
        #expect(try SignedMessage<Reveal>(decoding: reveal.encoded()) == reveal)
        #expect(try Register(decoding: scenario.register.encoded()) == scenario.register)
        #expect(try EpochAnnouncement(decoding: scenario.announcement.encoded()) == scenario.announcement)
    }
}
