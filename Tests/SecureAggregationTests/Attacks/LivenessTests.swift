// Row 20 of the attack table: what the parameters promise to survive is survived, and what they do not is refused with a
// reason. Nothing here is about privacy: no attack on liveness may turn into one on the vectors.

import Cryptography
import TestSupport
import Testing
import Vectors
import WireFormat

@testable import SecureAggregation

struct LivenessTests {
    private static func generator(_ seed: UInt8) throws -> KeyedRandomGenerator {
        try KeyedRandomGenerator(key: SecretBytes(copying: [UInt8](repeating: seed, count: 32)))
    }

    /// `count` of 0 ..< `population`, uniformly.
    private static func sample(
        _ count: Int, of population: Int, _ random: inout KeyedRandomGenerator
    ) -> Set<Int> {
        var all = Array(0..<population)
        for index in 0..<count {
            all.swapAt(index, index + Int(random.uniform(below: UInt64(population - index))))
        }
        return Set(all.prefix(count))
    }

    @Test(
        "Row 20: the tables' committees reach their quorum with δ absent and C silent, drawn at random",
        arguments: ParameterTests.published.indices)
    func committeesReachTheirQuorum(row index: Int) throws {
        let row = ParameterTests.published[index]
        var random = try Self.generator(20)
        let absent = (row.registered * 100 + 999) / 1000
        func failures(absent: Int, trials: Int) -> Int {
            (0..<trials).count { _ in
                // Seats are drawn too, as an officer would; absent and silent nodes may hold any of them.
                let silent = Self.sample(absent + row.corruptMax, of: row.registered, &random)
                let seats = Self.sample(row.committee.size, of: row.registered, &random)
                return seats.subtracting(silent).count < row.committee.quorum
            }
        }
        #expect(failures(absent: absent, trials: 1500) == 0)
        // The count can fail: with four times as many absent, most draws miss the quorum.
        #expect(failures(absent: 4 * absent, trials: 50) > 25)
    }

    @Test(
        "Row 20: the tables' rings stay connected with δ dropped at random",
        arguments: ParameterTests.published.indices, [100, 200])
    func ringsStayConnected(row index: Int, permille: Int) throws {
        let row = ParameterTests.published[index]
        let neighbours = row.neighbours[permille == 100 ? 0 : 1]
        let graph = MaskGraph(
            nodeCount: row.registered,
            parameters: ProtocolParameters(
                neighbours: neighbours, corruptHalf: row.corruptMax / 2, committeeSize: 0, quorum: 0))
        var random = try Self.generator(21)
        let dropped = (row.registered * permille + 999) / 1000
        for _ in 0..<300 {
            let gone = Self.sample(dropped, of: row.registered, &random)
            let alive = (0..<row.registered).map { !gone.contains($0) }
            #expect(throws: Never.self) { try graph.requireConnected(alive: alive) }
        }
    }

    @Test("Row 20: a round ends with C members silent and δ of the nodes gone")
    func aRoundEndsAtTheStatedBounds() throws {
        // 24 nodes, C = 1, a committee of 8 with quorum 7: one member never answers, three nodes vanish.
        var scenario = try AggregationScenario(nodes: 24)
        #expect(scenario.register.quorum == 7 && scenario.register.committee.count == 8)
        for silent: NodeIndex in [0, 7] {
            for node in NodeIndex(0)..<24 { try scenario.dealPrekey(node, sequence: UInt64(silent) + 2) }
            var session = try scenario.session(round: UInt64(silent) + 1)
            let words = try scenario.collect(&session, dropped: [silent, 22, 23]) { _ in
                [Int64](repeating: 3, count: 100)
            }
            let members = scenario.register.committee.filter { $0 != silent }
            #expect(try scenario.finish(&session, words: words, members: members) == [Int64](repeating: 63, count: 100))
        }
    }

    @Test("Row 20: with one answer fewer nothing opens, and a late member still completes it")
    func oneAnswerFewerOpensNothing() throws {
        var uploaded = try AggregationScenario.uploaded()
        let proposal = try #require(
            {
                _ = try uploaded.session.closeUploads(); return uploaded.session.labelProposal
            }())
        for member in NodeIndex(0)..<6 {
            _ = try uploaded.session.receive(uploaded.scenario.vote(proposal, member: member))
        }
        #expect(uploaded.session.phase == .labelling && uploaded.session.certificate == nil)
        #expect(uploaded.session.revealRequest(for: 0) == nil)
        _ = try uploaded.session.receive(uploaded.scenario.vote(proposal, member: 7))
        for member in NodeIndex(0)..<6 {
            let request = try #require(uploaded.session.revealRequest(for: member))
            _ = try uploaded.session.receive(
                uploaded.scenario.reveal(request, session: uploaded.session, member: member))
        }
        #expect(throws: SecureAggregationError.wrongPhase("unmasking")) { try uploaded.session.unmaskPlan() }
        // The seventh never voted. It answers minutes after the deadline, within the grace.
        uploaded.scenario.now += 60_000 + CommitteeMember.graceMilliseconds - 1
        let request = try #require(uploaded.session.revealRequest(for: 6))
        _ = try uploaded.session.receive(uploaded.scenario.reveal(request, session: uploaded.session, member: 6))
        #expect(
            try uploaded.scenario.open(uploaded.session, words: uploaded.words) == AggregationScenario.Uploaded.sum())
    }

    @Test("Row 20: a mass drop voids the session before anyone voted, and says why")
    func aMassDropVoids() throws {
        let scenario = try AggregationScenario.standard()
        var session = try scenario.session()
        #expect(throws: SecureAggregationError.tooFew("survivors", have: 0, need: 17)) { try session.closeUploads() }
        _ = try scenario.collect(&session, dropped: Set(3..<18)) { _ in [Int64](repeating: 1, count: 100) }
        #expect(throws: SecureAggregationError.tooFew("survivors", have: 3, need: 17)) { try session.closeUploads() }
        #expect(session.labelProposal == nil && session.certificate == nil && session.survivors == nil)
        // Revoked since the offer: their uploads are left out, and that too can be too many.
        var revoked = try AggregationScenario.uploaded().session
        #expect(throws: SecureAggregationError.tooFew("survivors", have: 16, need: 17)) {
            try revoked.closeUploads(excluding: [2])
        }
        // A ring whose arc is gone is not connected, although enough are alive.
        let graph = MaskGraph(
            nodeCount: 1000,
            parameters: ProtocolParameters(neighbours: 98, corruptHalf: 25, committeeSize: 0, quorum: 0))
        let alive = (0..<1000).map { !(100..<149).contains($0) }
        #expect(alive.count { $0 } > 900)
        #expect(throws: SecureAggregationError.disconnected) { try graph.requireConnected(alive: alive) }
    }

    @Test("Row 13: a node revoked after its upload is not in the sum")
    func revokedNodesAreLeftOut() throws {
        var scenario = try AggregationScenario(nodes: 19)
        var session = try scenario.session()
        let words = try scenario.collect(&session) { node in [Int64](repeating: Int64(node), count: 100) }
        let set = try session.closeUploads(excluding: [2])
        #expect(set.survivorCount == 18 && !set.alive[2])
        for member in NodeIndex(0)..<7 {
            _ = try session.receive(scenario.vote(#require(session.labelProposal), member: member))
        }
        for member in NodeIndex(0)..<7 {
            _ = try session.receive(
                scenario.reveal(#require(session.revealRequest(for: member)), session: session, member: member))
        }
        #expect(try scenario.open(session, words: words) == [Int64](repeating: 171 - 2, count: 100))
    }

    @Test("Row 20: nodes come and go with the register; an epoch keeps the version it began with")
    func theRegisterChurns() throws {
        var before = try AggregationScenario(nodes: 20)
        var after = try AggregationScenario(nodes: 23, epochNumber: 2, version: 2)
        // The nodes that stay have their keys; three are new.
        #expect(before.register.nodes == Array(after.register.nodes.prefix(20)))
        var old = try before.session()
        let oldWords = try before.collect(&old, dropped: [19]) { _ in [Int64](repeating: 1, count: 100) }
        // A hello, a prekey or a session of the old version is nothing in the new.
        #expect(throws: SecureAggregationError.mismatch(field: "registerDigest")) {
            try Epoch(verifying: before.announcement, register: after.register)
        }
        #expect(throws: SecureAggregationError.mismatch(field: "epochRoot")) {
            try before.prekey(of: 3).bundle.verify(register: after.register, epoch: after.epoch)
        }
        // The round that was under way ends in its own epoch, and the next one starts in the new.
        #expect(try before.finish(&old, words: oldWords) == [Int64](repeating: 19, count: 100))
        for node in NodeIndex(0)..<23 { try after.dealPrekey(node, sequence: 2) }
        var new = try after.session(round: 2)
        let newWords = try after.collect(&new) { _ in [Int64](repeating: 1, count: 100) }
        #expect(try after.finish(&new, words: newWords) == [Int64](repeating: 23, count: 100))
    }
}
