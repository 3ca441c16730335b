// The life of a round at the coordinator: what is stored when, what a crash changes (nothing), and what is spent.

import Consent
import Cryptography
import DifferentialPrivacy
import Foundation
import HTTPServer
import Identity
import PeopleAPI
import Rounds
import SecureAggregation
import Storage
import Testing
import WireFormat

@testable import Coordinator

@Suite struct RoundLifeTests {
    @Test func wholeRounds() async throws {
        let chain = try await DirectChain.ready()
        try await chain.round()
        try await chain.round(0..<20)  // four nodes vanish
        #expect(try await chain.attemptStates() == ["released", "released"])
        #expect(try await chain.sums() == [chain.expectedSum(0..<24), chain.expectedSum(0..<20)])
    }

    /// A store sends what no customer's clip allows, or words that leave their lanes: the sum is released all the same, and said.
    @Test func aSumOutOfRangeRaisesAnAlarm() async throws {
        let chain = try await DirectChain.ready()
        try await chain.round()
        let session = try await chain.openAttempt()
        let values = [3: [Int64](repeating: .max / 3, count: chain.plan.dimension)]
        try await chain.upload(chain.nodes.indices, session, values: values)
        try await chain.tick()
        try await chain.finish(session)
        #expect(try await chain.finishedStates() == ["released", "released"])
        let body = try await chain.success(
            try chain.person(.engineer), .get, "v1/tasks/\(chain.plan.jobID)/rounds")
        let rounds = try JSONDecoder().decode([AttemptSummary].self, from: Data(body))
        #expect(rounds.prefix(2).map(\.isAlarmed) == [false, true])
    }

    /// The lanes were chosen for so many customers. The chain grew: no round opens, until some of them are gone again.
    @Test(arguments: [3, 4, 5]) func aChainThatOutgrewItsPlan(customers: Int) async throws {
        let chain = try await DirectChain()
        try await chain.enlist()
        try await chain.enrol(customers: customers)
        // Known, but not eligible: a customer who only enrolled counts for nothing.
        let other = try BadRequestTests.handle("customer-9", chain)
        let home = try BadRequestTests.event(.homeAssigned, other, number: 90, home: 0)
        try await chain.success(
            chain.nodes[0].peer, .post, "v1/events", body: EventBatch(events: [home.encoded()]).encoded())
        try await chain.startTask(try chain.keys.plan(maximumCustomers: 4))
        try await chain.poll()
        try await chain.tick()
        #expect(try await chain.attemptStates() == (customers > 4 ? [] : ["offered"]))
    }

    // MARK: Crashes

    /// Where the coordinator is killed.
    enum Moment: String, CaseIterable, Sendable {
        case offered, collecting, labelling, revealing, unmasking, aggregated
    }

    @Test(arguments: Moment.allCases)
    func killedIn(moment: Moment) async throws {
        let chain = try await DirectChain.ready()
        let session = try await chain.openAttempt()
        var envelopes: [Int: UploadEnvelope] = [:]
        func crash() async throws {
            #expect(try await chain.attemptStates() == [moment.rawValue])
            let before = try await chain.rowCounts()
            try await chain.crash()
            #expect(try await chain.rowCounts() == before)
            #expect(try await chain.attemptStates() == [moment.rawValue])
        }
        if moment == .offered { try await crash() }
        envelopes = try await chain.upload(0..<9, session)
        if moment == .collecting { try await crash() }
        envelopes.merge(try await chain.upload(9..<20, session)) { $1 }
        chain.clock.advance(milliseconds: DirectChain.deadlines.collecting)
        try await chain.tick()
        if moment == .labelling {
            try await chain.vote(chain.quorum.prefix(3), session)
            try await crash()
            // Votes that were acknowledged count; the others come now.
            try await chain.vote(chain.quorum.dropFirst(3), session)
        } else {
            try await chain.vote(chain.quorum, session)
        }
        try await chain.reveal(chain.quorum.prefix(3), session)
        if moment == .revealing { try await crash() }
        try await chain.reveal(chain.quorum.dropFirst(3), session)
        if moment == .unmasking { try await crash() }
        if moment == .aggregated {
            // The model cannot be read just now: the sum is stored, the release is not.
            let models = "\(chain.dataFolder)/models"
            try FileManager.default.moveItem(atPath: models, toPath: "\(models)-away")
            try await chain.tick()
            #expect(try await chain.attemptStates() == ["aggregated"])
            try await chain.crash { folder in
                try FileManager.default.moveItem(atPath: "\(folder)/models-away", toPath: "\(folder)/models")
            }
        }
        try await chain.tick()
        try await chain.tick()
        #expect(try await chain.attemptStates() == ["released"])
        #expect(try await chain.sums() == [chain.expectedSum(0..<20)])
        let counts = try await chain.rowCounts()
        #expect(counts["release"] == 1)
        #expect(counts["charge"] == 1)
        for (index, envelope) in envelopes {
            #expect(await chain.commit(index, envelope, session).status == 200, "acknowledged before, so also now")
        }
        try await chain.crash()
        try await chain.tick()
        #expect(try await chain.sums() == [chain.expectedSum(0..<20)])
        #expect(try await chain.rowCounts()["release"] == 1)
    }

    /// A member that sends rubbish instead of shares costs nothing: not the round, and not the next start.
    @Test func badSharesAndARestart() async throws {
        let chain = try await DirectChain.ready()
        let session = try await chain.openAttempt()
        try await chain.upload(chain.nodes.indices, session)
        try await chain.tick()
        try await chain.vote(chain.quorum, session)
        let liar = try #require(chain.committee.last)
        let honest = try await chain.makeReveal(liar, session)
        let rubbish = try SignedMessage(
            signing: Reveal(
                sessionID: session, node: chain.nodes[liar].index, labelDigest: honest.body.labelDigest,
                shares: honest.body.shares.map { $0.map { $0 ^ 1 } }, openingDigest: honest.body.openingDigest),
            key: chain.nodes[liar].keys.protocolKey)
        try await chain.success(
            chain.nodes[liar].peer, .post, "v1/sessions/\(session.hex)/reveals", body: rubbish.encoded())
        try await chain.reveal(chain.quorum, session)
        #expect(try await chain.attemptStates() == ["unmasking"])
        try await chain.crash()
        try await chain.tick()
        #expect(try await chain.attemptStates() == ["released"])
        #expect(try await chain.sums() == [chain.expectedSum(chain.nodes.indices)])
    }

    // MARK: Void

    @Test func theSecondAttempt() async throws {
        let chain = try await DirectChain.ready()
        let first = try await chain.openAttempt()
        try await chain.upload(0..<5, first)
        #expect(Self.uploadFiles(chain) > 0)
        chain.clock.advance(milliseconds: DirectChain.deadlines.collecting)
        try await chain.tick()
        #expect(try await chain.attemptStates() == ["void"])
        #expect(Self.uploadFiles(chain) == 0, "masked uploads of a void attempt are destroyed at once")
        #expect(try await chain.rowCounts()["reservation"] == 1, "the round is still to come")
        try await chain.crash()
        let second = try await chain.openAttempt()
        #expect(first != second)
        let parameters = try await chain.offer(0, second).parameters.body
        #expect(parameters.round == 1)
        #expect(parameters.attempt == 2)
        try await chain.upload(chain.nodes.indices, second)
        try await chain.tick()
        try await chain.vote(chain.quorum, second)
        try await chain.reveal(chain.quorum, second)
        try await chain.tick()
        #expect(try await chain.attemptStates().prefix(2) == ["void", "released"])
        #expect(try await chain.sums() == [chain.expectedSum(chain.nodes.indices)])
        #expect(try await chain.rowCounts()["charge"] == 1)
    }

    @Test func twoAttemptsAreAllThereIs() async throws {
        let chain = try await DirectChain.ready()
        for _ in 0..<2 {
            _ = try await chain.openAttempt()
            chain.clock.advance(milliseconds: DirectChain.deadlines.collecting)
            try await chain.tick()
        }
        let counts = try await chain.rowCounts()
        #expect(counts["reservation"] == 0)
        #expect(counts["charge"] == 0)
        let third = try await chain.openAttempt()
        let parameters = try await chain.offer(0, third).parameters.body
        #expect(parameters.round == 2)
        #expect(parameters.attempt == 1)
    }

    /// After the charge a void round stays spent, and its number does not come back.
    @Test func voidAfterTheCharge() async throws {
        let chain = try await DirectChain.ready()
        let session = try await chain.openAttempt()
        try await chain.upload(chain.nodes.indices, session)
        try await chain.tick()
        try await chain.vote(chain.quorum, session)
        try await chain.reveal(chain.quorum.prefix(2), session)
        #expect(try await chain.rowCounts()["reveal"] == 2)
        chain.clock.advance(milliseconds: DirectChain.deadlines.revealing)
        try await chain.tick()
        #expect(try await chain.attemptStates() == ["void"])
        let counts = try await chain.rowCounts()
        #expect(counts["charge"] == 1)
        #expect(counts["reservation"] == 0)
        #expect(counts["release"] == 0)
        #expect(counts["reveal"] == 0, "shares for a sum that will not be are not kept")
        #expect(Self.uploadFiles(chain) == 0)
        try await chain.crash()
        let next = try await chain.openAttempt()
        #expect(try await chain.offer(0, next).parameters.body.round == 2)
    }

    @Test func anOfficersStop() async throws {
        let chain = try await DirectChain.ready()
        let session = try await chain.openAttempt()
        try await chain.upload(0..<20, session)
        let job = chain.plan.jobID
        try await chain.success(try chain.person(.officer), .post, "v1/tasks/\(job)/stop")
        #expect(try await chain.attemptStates() == ["void"])
        try await chain.tick()
        #expect(Self.uploadFiles(chain) == 0)
        #expect(try await chain.rowCounts()["reservation"] == 0)
        let response = await chain.call(chain.nodes[21].peer, .get, "v1/sessions/\(session.hex)/offer")
        #expect(response.status == 410)
        for _ in 0..<2 {
            try await chain.poll()
            chain.clock.advance(milliseconds: 2_000)
            try await chain.tick()
            #expect(try await chain.work(0).items.allSatisfy { $0.kind == .shareCheck })
            try await chain.crash()
        }
        try await chain.expectRefusal(410, "closed") {
            await chain.call(
                try chain.person(.engineer), .post, "v1/tasks/\(job)/rounds", body: [UInt8]("{\"total\":2}".utf8))
        }
    }

    // MARK: Budget

    /// Nobody can read a reveal request before the charge is on the disk, and the charge comes once.
    @Test func theChargeComesFirst() async throws {
        let chain = try await DirectChain.ready()
        let session = try await chain.openAttempt()
        try await chain.upload(chain.nodes.indices, session)
        try await chain.tick()
        let reader = chain.nodes[try #require(chain.committee.first)].peer
        let path = "v1/sessions/\(session.hex)/reveal-request"
        for member in chain.quorum {
            #expect(await chain.call(reader, .get, path).status == 404)
            #expect(try await chain.rowCounts()["charge"] == 0)
            try await chain.vote([member], session)
        }
        #expect(try await chain.rowCounts()["charge"] == 1)
        #expect(await chain.call(reader, .get, path).status == 200)
        // What a crash leaves of the last vote holds the charge too.
        try await chain.crash()
        #expect(try await chain.rowCounts()["charge"] == 1)
        #expect(try await chain.rowCounts()["reservation"] == 0)
        #expect(await chain.call(reader, .get, path).status == 200)
    }

    @Test func theCapRefusesTheNextRound() async throws {
        let chain = try await DirectChain.ready()
        let job = chain.plan.jobID
        let plan = chain.plan
        func ask(_ total: Int) async throws {
            try await chain.success(
                try chain.person(.engineer), .post, "v1/tasks/\(job)/rounds",
                body: [UInt8]("{\"total\":\(total)}".utf8))
        }
        try await ask(1)
        try await chain.round()
        try await ask(2)
        // A cap that one round reaches. No valid plan has one, so that a bug would be needed to come here.
        let spent = try await chain.service.store.transact { state, _ -> UInt64 in
            guard var task = state.tasks[job] else { throw Problem.notFound("task") }
            let spent = task.budget.spentMicroEpsilon
            task.budget = try PrivacyBudget(
                task: job.description, capMicroEpsilon: spent, delta: plan.delta, accountant: plan.accountant,
                charges: task.budget.charges)
            state.tasks[job] = task
            return spent
        }
        try await chain.poll()
        let before = try await chain.rowCounts()
        let clock = chain.clock
        let configuration = chain.service.configuration
        let refused = try await chain.service.store.transact { state, connection -> BudgetError? in
            do {
                _ = try state.openRoundIfDue(
                    job, nowMilliseconds: clock.nowMilliseconds(), configuration: configuration,
                    random: SystemRandomSource(), connection)
                return nil
            } catch let error as BudgetError {
                return error
            }
        }
        guard case .capExceeded(let task, let cap, let already, let asked) = refused else {
            Issue.record("expected a refusal, got \(String(describing: refused))")
            return
        }
        #expect(task == job.description)
        #expect(cap == spent)
        #expect(already == spent)
        #expect(asked > cap)
        let problem = Problem(BudgetError.capExceeded(task: task, cap: cap, spent: already, asked: asked))
        #expect(problem.status == 409)
        #expect(problem.code == "privacy-budget")
        #expect(problem.detail.contains(job.description))
        try await chain.tick()
        #expect(try await chain.rowCounts() == before)
        #expect(try await chain.work(0).items.allSatisfy { $0.kind == .shareCheck })
    }

    @Test func aReleasedModelNeverChanges() async throws {
        let chain = try await DirectChain.ready()
        let engineer = try chain.person(.engineer)
        try await chain.round()
        let rounds = await chain.call(engineer, .get, "v1/tasks/\(chain.plan.jobID)/rounds")
        let list = try #require(try JSONSerialization.jsonObject(with: Data(rounds.body)) as? [[String: Any]])
        let digest = try #require(list.first?["model"] as? String)
        let body = await chain.call(engineer, .get, "v1/models/\(digest)").body
        #expect(SHA256.hash(body).hex == digest)
        try await chain.tick()
        try await chain.round()
        try await chain.crash()
        #expect(await chain.call(engineer, .get, "v1/models/\(digest)").body == body)
        // The schema itself refuses: a release is written once.
        await #expect(throws: StorageError.self) {
            try await chain.service.store.database.write { connection in
                _ = try connection.execute("UPDATE release SET model = zeroblob(32)")
            }
        }
        await #expect(throws: StorageError.self) {
            try await chain.service.store.database.write { connection in
                _ = try connection.execute("UPDATE attempt SET state = 'collecting'")
            }
        }
    }

    private static func uploadFiles(_ chain: DirectChain) -> Int {
        TestFolder.files(below: "\(chain.dataFolder)/uploads").count
            + TestFolder.files(below: "\(chain.dataFolder)/upload-keys").count
    }
}
