// Rounds that are summed in groups, at the coordinator: sessions beside each other, one charge, a robust average, and evidence
// that nobody was in two groups.

import Cryptography
import DifferentialPrivacy
import Evidence
import Foundation
import HTTPServer
import Identity
import Learning
import PeopleAPI
import Rounds
import SecureAggregation
import Storage
import Testing
import WireFormat

@testable import Coordinator

@Suite struct GroupedRoundTests {
    /// The sessions of the round under way with the nodes of each, by group.
    private static func open(_ chain: DirectChain) async throws -> [(session: Digest, nodes: [Int])] {
        try await chain.poll()
        try await chain.tick()
        var nodes: [Digest: [Int]] = [:]
        for index in chain.nodes.indices {
            let offers = try await chain.work(index).items.filter { $0.kind == .offer }
            try #require(offers.count == 1, "a node is in one group")
            nodes[offers[0].sessionID, default: []].append(index)
        }
        var groups: [Int: (Digest, [Int])] = [:]
        for (session, members) in nodes {
            let place = try await chain.offer(members[0], session).parameters.body.subCohort
            groups[try #require(place).index] = (session, members)
        }
        return groups.sorted { $0.key < $1.key }.map(\.value)
    }

    /// Votes and shares of the whole quorum.
    private static func unmask(_ chain: DirectChain, _ session: Digest) async throws {
        try await chain.vote(chain.quorum, session)
        try await chain.reveal(chain.quorum, session)
    }

    /// A whole round with everyone.
    private static func round(
        _ chain: DirectChain, values: [Int: [Int64]] = [:]
    ) async throws -> [(session: Digest, nodes: [Int])] {
        let groups = try await open(chain)
        for group in groups { try await chain.upload(group.nodes, group.session, values: values) }
        try await chain.tick()
        for group in groups { try await unmask(chain, group.session) }
        try await chain.tick()
        return groups
    }

    /// The states of one round's groups; the next round opens at once.
    private static func states(_ chain: DirectChain, round: Int = 1) async throws -> [String] {
        try await rounds(chain, round: round).map(\.state)
    }

    private static func isReserved(_ chain: DirectChain, round: Int = 1) async throws -> Bool {
        try await chain.service.store.database.read { connection in
            try connection.queryOne("SELECT 1 FROM reservation WHERE round = ?", round, map: { _ in true }) ?? false
        }
    }

    private static func rounds(_ chain: DirectChain, round: Int = 1) async throws -> [PeopleAPI.AttemptSummary] {
        let body = try await chain.success(
            try chain.person(.engineer), .get, "v1/tasks/\(chain.plan.jobID)/rounds")
        return try JSONDecoder().decode([PeopleAPI.AttemptSummary].self, from: Data(body)).filter {
            $0.round == round
        }
    }

    private static func suspects(_ chain: DirectChain) async throws -> SuspectReport {
        let body = try await chain.success(
            try chain.person(.operator), .get, "v1/tasks/\(chain.plan.jobID)/suspects")
        return try JSONDecoder().decode(SuspectReport.self, from: Data(body))
    }

    private static func evidence(_ chain: DirectChain) async throws -> EvidenceReport {
        let bundle = try await chain.success(
            try chain.person(.auditor), .post, "v1/tasks/\(chain.plan.jobID)/evidence")
        return try EvidenceVerifier(anchors: chain.keys.anchors).verify(bytes: bundle)
    }

    @Test func aRoundInGroups() async throws {
        let chain = try await DirectChain.readyInGroups()
        let groups = try await Self.round(chain)
        #expect(groups.map(\.nodes.count) == [18, 18, 18])
        #expect(Set(groups.flatMap(\.nodes)) == Set(chain.nodes.indices))
        #expect(try await Self.states(chain) == ["released", "released", "released"])
        #expect(try await chain.sums() == groups.map { chain.expectedSum($0.nodes) })
        let counts = try await chain.rowCounts()
        #expect(counts["release"] == 1)
        #expect(counts["reveal"] == 0)
        #expect(try await !Self.isReserved(chain))

        let rounds = try await Self.rounds(chain)
        #expect(rounds.map { $0.group?.index } == [0, 1, 2])
        #expect(rounds.allSatisfy { $0.group?.count == 3 && $0.group?.isAlarmed == false && $0.survivors == 18 })
        #expect(Set(rounds.map(\.model)).count == 1)
        #expect(rounds[0].model != nil)
        // One round's price, whatever the number of groups.
        let price = chain.plan.accountant.epsilon(rounds: 1, delta: chain.plan.delta)
        #expect(rounds.allSatisfy { abs(($0.epsilonAfter ?? 0) - price) < 2e-6 })

        let report = try await Self.evidence(chain)
        #expect(report.rounds[0].charge?.groups == 3)
        #expect(report.rounds[0].charge?.survivingNodes == 54)
        #expect(report.checks.certificates == 3)

        // The next round groups anew, also after a restart, and costs the second price.
        try await chain.crash()
        let second = try await Self.round(chain)
        #expect(second.map(\.nodes) != groups.map(\.nodes))
        #expect(try await Self.states(chain, round: 2) == ["released", "released", "released"])
        #expect(try await Self.evidence(chain).rounds[1].charge?.groups == 3)
        let twice = chain.plan.accountant.epsilon(rounds: 2, delta: chain.plan.delta)
        #expect(try await abs((Self.rounds(chain, round: 2).last?.epsilonAfter ?? 0) - twice) < 2e-6)
    }

    /// One store sends what no customer's clip allows: its group alarms, the model is that of the honest groups, and the store
    /// gathers evidence.
    @Test func aPoisonedGroupIsDroppedAndSaid() async throws {
        let chain = try await DirectChain.readyInGroups()
        let poisoner = 7
        let values = [poisoner: [Int64](repeating: 1 << 26, count: chain.plan.dimension)]
        let groups = try await Self.round(chain, values: values)
        let poisoned = try #require(groups.firstIndex { $0.nodes.contains(poisoner) })
        let rounds = try await Self.rounds(chain)
        #expect(rounds.map { $0.group?.isAlarmed } == groups.indices.map { $0 == poisoned })

        // The median of three, by hand: no customer is enrolled, so every divisor is 1.
        let sums = try await chain.sums()
        let median = (0..<chain.plan.dimension).map { place in Double(sums.map { $0[place] }.sorted()[1]) }
        #expect(median.allSatisfy { $0 <= 1 })
        let job = chain.plan.plan.job
        var model = job.initialModel
        var optimizer = try job.makeServerOptimizer()
        try optimizer.step(&model, averageUpdate: chain.plan.averageUpdate(means: median))
        let digest = try #require(rounds[0].model)
        let released = await chain.call(try chain.person(.engineer), .get, "v1/models/\(digest)").body
        #expect(try ModelFile(decoding: released).model == model)

        let report = try await Self.suspects(chain)
        #expect(report.rounds == 1, "released ones")
        #expect(report.nodes.count == 54)
        #expect(report.nodes.allSatisfy { !$0.isSuspect }, "one round names nobody")
        let together = Set(groups[poisoned].nodes)
        #expect(Set(report.nodes.prefix(18).map(\.node)) == together)
        for values in [report.nodes.prefix(18), report.nodes.suffix(36)] {
            #expect(Set(values.map(\.evidence)).count == 1)
        }
        #expect(report.nodes[0].evidence > report.nodes[53].evidence)
    }

    /// An index may have been another store's under another register: what it did then is not held against this one.
    @Test func suspicionEndsWithTheRegister() async throws {
        let chain = try await DirectChain.readyInGroups()
        _ = try await Self.round(chain, values: [7: [Int64](repeating: 1 << 26, count: chain.plan.dimension)])
        #expect(try await Self.suspects(chain).rounds == 1)
        let job = chain.plan.jobID.bytes
        try await chain.service.store.database.write { connection in
            let rows = try connection.query("SELECT session, parameters FROM attempt WHERE job = ?", job) {
                (session: try $0.blob(0), parameters: try SignedMessage<SessionParameters>(decoding: try $0.blob(1)))
            }
            for row in rows {
                let other = try SessionParameters(
                    cborValue: row.parameters.body.cborValue.replacing(field: 1, with: .bytes(SHA256.hash([1]).bytes)))
                let signed = try SignedMessage(signing: other, key: try Ed25519PrivateKey())
                _ = try connection.execute(
                    "UPDATE attempt SET parameters = ? WHERE session = ?", signed.encoded(), row.session)
            }
        }
        let report = try await Self.suspects(chain)
        #expect(report.rounds == 0)
        #expect(report.nodes.isEmpty)
    }

    /// A sum is stored, another still waits for its committee, and the coordinator is killed.
    @Test func groupsWaitForEachOther() async throws {
        let chain = try await DirectChain.readyInGroups()
        let groups = try await Self.open(chain)
        for group in groups { try await chain.upload(group.nodes, group.session) }
        try await chain.tick()
        try await Self.unmask(chain, groups[1].session)
        try await chain.tick()
        #expect(try await Self.states(chain) == ["labelling", "aggregated", "labelling"])
        try await chain.crash()
        try await chain.tick()
        #expect(try await Self.states(chain) == ["labelling", "aggregated", "labelling"])
        #expect(try await chain.rowCounts()["release"] == 0)
        try await Self.unmask(chain, groups[2].session)
        try await Self.unmask(chain, groups[0].session)
        try await chain.tick()
        #expect(try await Self.states(chain) == ["released", "released", "released"])
        #expect(try await chain.rowCounts()["release"] == 1)
        // The charges came in another order than the groups: evidence follows the log.
        #expect(try await Self.evidence(chain).rounds[0].charge?.groups == 3)
    }

    /// Two sums are too few to drop one at each end: the round is spent and gives no model, and the next one opens.
    @Test func tooFewGroupsSpendTheRound() async throws {
        let chain = try await DirectChain.readyInGroups()
        let model = await chain.call(try chain.person(.engineer), .get, "v1/tasks").body
        let groups = try await Self.open(chain)
        try await chain.upload(groups[0].nodes, groups[0].session)
        try await chain.upload(groups[1].nodes.dropLast(1), groups[1].session)
        try await chain.upload(groups[2].nodes.dropLast(2), groups[2].session)
        chain.clock.advance(milliseconds: DirectChain.deadlines.collecting)
        try await chain.tick()
        #expect(try await Self.states(chain) == ["labelling", "labelling", "void"])
        #expect(try await Self.isReserved(chain), "the other groups still need it")
        for group in groups.prefix(2) { try await Self.unmask(chain, group.session) }
        try await chain.tick()
        #expect(try await Self.states(chain) == ["void", "void", "void"])
        let rounds = try await Self.rounds(chain)
        #expect(rounds.map(\.voidReason) == ["tooFewGroups", "tooFewGroups", "tooFewSurvivors"])
        #expect(rounds.map { $0.epsilonAfter != nil } == [true, true, false])
        let counts = try await chain.rowCounts()
        #expect(counts["release"] == 0)
        #expect(try await !Self.isReserved(chain))
        #expect(await chain.call(try chain.person(.engineer), .get, "v1/tasks").body != model, "budget was spent")
        let report = try await Self.evidence(chain)
        #expect(report.rounds[0].release == nil)
        #expect(report.rounds[0].voidedSessions == 3)

        // There is no second attempt at a round in groups, before or after a restart.
        try await chain.crash()
        let next = try await Self.open(chain)
        let parameters = try await chain.offer(next[0].nodes[0], next[0].session).parameters.body
        #expect(parameters.round == 2)
        #expect(parameters.attempt == 1)
    }

    /// Nothing of the round was learned: its reservation goes back with the last group.
    @Test func aRoundThatNoGroupReachesCostsNothing() async throws {
        let chain = try await DirectChain.readyInGroups()
        let groups = try await Self.open(chain)
        for group in groups { try await chain.upload(group.nodes.prefix(3), group.session) }
        chain.clock.advance(milliseconds: DirectChain.deadlines.collecting)
        try await chain.tick()
        #expect(try await Self.states(chain) == ["void", "void", "void"])
        let counts = try await chain.rowCounts()
        #expect(try await !Self.isReserved(chain))
        #expect(counts["charge"] == 0)
        #expect(try await Self.evidence(chain).epsilonMicro == 0)
    }

    @Test func stoppingStopsEveryGroup() async throws {
        let chain = try await DirectChain.readyInGroups()
        _ = try await Self.open(chain)
        try await chain.success(try chain.person(.officer), .post, "v1/tasks/\(chain.plan.jobID)/stop")
        #expect(try await Self.states(chain) == ["void", "void", "void"])
        #expect(try await !Self.isReserved(chain))
        try await chain.poll()
        try await chain.tick()
        #expect(try await chain.attemptStates().count == 3)
    }

    // MARK: Refusals

    @Test func aPlanThatTheRegisterCannotForm() async throws {
        let chain = try await DirectChain()
        let engineer = try chain.person(.engineer)
        try await chain.success(engineer, .post, "v1/models", body: try TestKeys.initialModel())
        for (settings, bound) in [
            (SubCohortSettings(groupSize: 18, trim: 0), "2 groups at least"),
            (SubCohortSettings(groupSize: 17, trim: 0), "subCohorts.groupSize"),
        ] {
            let plan = try chain.keys.plan(subCohorts: settings)
            let response = await chain.call(engineer, .post, "v1/tasks", body: plan.encoded())
            #expect(response.status == 422)
            #expect(String(decoding: response.body, as: UTF8.self).contains(bound))
        }
        #expect(try await chain.rowCounts()["task"] == 0)
    }

    @Test func onlyGroupsTellNodesApart() async throws {
        let chain = try await DirectChain.ready()
        let response = await chain.call(
            try chain.person(.officer), .get, "v1/tasks/\(chain.plan.jobID)/suspects")
        #expect(response.status == 422)
        #expect(String(decoding: response.body, as: UTF8.self).contains("subCohorts"))
    }

    // MARK: Databases from before

    /// What the second version of the schema stored is there in the third, and its constraints hold again.
    @Test func anOlderDatabaseKeepsWhatItHolds() async throws {
        let folder = try TestFolder()
        let path = folder("coordinator.sqlite")
        let older = Schema(Array(CoordinatorSchema.schema.migrations.prefix(2)))
        let first = try Database(path: path, schema: older)
        let session = [UInt8](repeating: 5, count: 32)
        let job = [UInt8](repeating: 6, count: 16)
        try await first.write { connection in
            try connection.execute("INSERT INTO ledger VALUES (0, zeroblob(52))")
            try connection.execute("INSERT INTO epoch VALUES (3, 77, 1, NULL), (4, 99, 2, NULL)")
            try connection.execute(
                "INSERT INTO task(job, plan, proposed_by, model) VALUES (?, x'00', 'a', zeroblob(32))", job)
            try connection.execute(
                """
                INSERT INTO attempt VALUES (?, ?, 3, 1, x'01', x'02', 9, '{}', 4, 'released', 5, NULL)
                """, session, job)
            try connection.execute("INSERT INTO survivors VALUES (?, x'ff')", session)
            try connection.execute("INSERT INTO charge VALUES (1, ?, 3, ?, 7, 8, x'03', 0)", job, session)
            try connection.execute("INSERT INTO aggregate VALUES (?, x'00', zeroblob(32))", session)
        }
        await first.close()
        let database = try Database(path: path, schema: CoordinatorSchema.schema)
        try await database.verifyIntegrity()
        let stored = try await database.read { connection in
            try connection.queryOne(
                """
                SELECT a.round, a.state, a.group_index, c.micro_zcdp, c.micro_epsilon_after, c.group_index
                FROM attempt a JOIN charge c ON c.session = a.session
                """
            ) {
                [
                    try $0.integer(0), try $0.text(1) == "released" ? 1 : 0, try $0.integer(2), try $0.integer(3),
                    try $0.integer(4), try $0.integer(5),
                ]
            }
        }
        #expect(stored == [3, 1, 0, 7, 8, 0])
        await #expect(throws: StorageError.self, "a reference to nothing") {
            try await database.write { connection in
                _ = try connection.execute("INSERT INTO survivors VALUES (zeroblob(32), x'ff')")
            }
        }
        await #expect(throws: StorageError.self, "append only") {
            try await database.write { connection in _ = try connection.execute("UPDATE charge SET micro_zcdp = 0") }
        }
        await #expect(throws: StorageError.self, "a round is paid once") {
            try await database.write { connection in
                _ = try connection.execute(
                    "INSERT INTO charge SELECT 2, job, round, zeroblob(32), 7, 8, x'03', 1, 1 FROM charge")
            }
        }
        let end = try await database.read { connection in
            try connection.queryOne("SELECT ends_at_ms FROM epoch WHERE number = 4") { try $0.integer(0) }
        }
        #expect(end == 0, "nothing of the running epoch can be used")
        await database.close()
    }

    /// A round under way was computed with another epoch root: the database stays as it is, and the error says what to do.
    @Test func aLiveRoundIsNotMigrated() async throws {
        let folder = try TestFolder()
        let path = folder("coordinator.sqlite")
        let older = Schema(Array(CoordinatorSchema.schema.migrations.prefix(2)))
        let first = try Database(path: path, schema: older)
        try await first.write { connection in
            let job = [UInt8](repeating: 6, count: 16)
            try connection.execute(
                "INSERT INTO task(job, plan, proposed_by, model) VALUES (?, x'00', 'a', zeroblob(32))", job)
            try connection.execute(
                "INSERT INTO attempt VALUES (zeroblob(32), ?, 3, 1, x'01', x'02', 9, '{}', 4, 'collecting', 5, NULL)",
                job)
        }
        await first.close()
        let error = #expect(throws: StorageError.self) {
            try Database(path: path, schema: CoordinatorSchema.schema)
        }
        #expect(error?.description.contains("finish_or_stop_live_rounds_first") == true, "\(String(describing: error))")
        let again = try Database(path: path, schema: older)
        let state = try await again.read { connection in
            try connection.queryOne("SELECT state FROM attempt") { try $0.text(0) }
        }
        #expect(state == "collecting")
        await again.close()
    }
}
