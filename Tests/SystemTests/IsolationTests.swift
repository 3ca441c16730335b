// One task's or one node's trouble stays its own, and a restart forgets nothing that matters.

import Cryptography
import DifferentialPrivacy
import Foundation
import HTTPServer
import Identity
import Rounds
import SecureAggregation
import Testing
import WireFormat

@testable import Coordinator

@Suite struct IsolationTests {
    /// The chain's first task and another one, whose names the coordinator goes through in this order.
    private func twoTasks(_ chain: DirectChain, newFirst: Bool) async throws -> (first: JobID, second: JobID) {
        let old = chain.plan.jobID
        for number in 0..<64 {
            let signed = try chain.keys.plan("another-\(number)")
            let new = try ValidatedPlan(verifying: signed, owner: chain.keys.anchors.planOwnerKey).jobID
            guard (new.description < old.description) == newFirst else { continue }
            try await chain.startTask(signed)
            return newFirst ? (new, old) : (old, new)
        }
        throw Problem.notFound("a name")
    }

    private func sessions(_ chain: DirectChain) async throws -> [JobID: Digest] {
        try await chain.service.store.transact { state, _ in
            Dictionary(uniqueKeysWithValues: state.attempts.map { ($0.value.job, $0.key) })
        }
    }

    /// A task that cannot open a round, first in order, does not keep the next one from opening its own.
    @Test func oneTaskDoesNotBlockAnother() async throws {
        let chain = try await DirectChain.ready()
        let (first, second) = try await twoTasks(chain, newFirst: true)
        try await chain.service.store.transact { state, _ in
            var task = try state.requireTask(first)
            // A cap that no round fits under. No valid plan has one, so that a bug would be needed to come here.
            task.budget = try PrivacyBudget(
                task: first.description, capMicroEpsilon: 1, delta: task.plan.delta,
                accountant: task.plan.accountant)
            state.tasks[first] = task
        }
        try await chain.poll()
        let configuration = chain.service.configuration
        let now = chain.clock.nowMilliseconds()
        await #expect(throws: BudgetError.self, "the first task is broken") {
            try await chain.service.store.transact { state, connection in
                _ = try state.openRoundIfDue(
                    first, nowMilliseconds: now, configuration: configuration, random: SystemRandomSource(), connection)
            }
        }
        try await chain.tick()
        #expect(try await Set(sessions(chain).keys) == [second])
    }

    /// A sum that cannot be opened, pass after pass, holds up its own task only: rounds of others open, and checkpoints
    /// are signed.
    @Test func oneSumDoesNotBlockTheOthers() async throws {
        let chain = try await DirectChain.ready()
        let session = try await chain.openAttempt()
        try await chain.upload(chain.nodes.indices, session)
        try await chain.tick()
        try await chain.vote(chain.quorum, session)
        try await chain.reveal(chain.quorum, session)
        let (_, second) = try await twoTasks(chain, newFirst: false)
        // The model cannot be read: the sum is stored, its release fails again and again.
        let models = "\(chain.dataFolder)/models"
        try FileManager.default.moveItem(atPath: models, toPath: "\(models)-away")
        try await chain.poll()
        let before = try await chain.rowCounts()["ledger"] ?? 0
        for _ in 0..<2 {
            chain.clock.advance(milliseconds: 2_000)
            try await chain.tick()
        }
        #expect(try await chain.attemptStates().contains("aggregated"))
        let other = try #require(try await sessions(chain)[second])
        #expect(other != session)
        let signed = try await chain.service.store.transact { state, _ in state.lastCheckpoint?.size ?? 0 }
        #expect(signed > before)
        try FileManager.default.moveItem(atPath: "\(models)-away", toPath: models)
        try await chain.tick()
        #expect(try await chain.attemptStates().contains("released"), "it was only held up")
        #expect(try await chain.rowCounts()["release"] == 1)
    }

    /// A node follows the log forward only, so of two offers it must meet the older checkpoint first.
    @Test func offersComeInOrderOfTheirCheckpoints() async throws {
        // The order of a dictionary differs from run to run of the process, not from call to call: several chains.
        for round in 0..<4 {
            let chain = try await DirectChain.ready()
            _ = try await twoTasks(chain, newFirst: round.isMultiple(of: 2))
            try await chain.poll()
            try await chain.tick()
            var sizes: [UInt64] = []
            for item in try await chain.work(3).items where item.kind == .offer {
                sizes.append(try await chain.offer(3, item.sessionID).parameters.body.consentSize)
            }
            #expect(sizes.count == 2)
            #expect(sizes == sizes.sorted())
            #expect(Set(sizes).count == 2)
        }
    }

    /// After a restart nobody has asked for work yet. The first nodes to come back are not taken for all there are: a task
    /// without rounds, and one with rounds long ago, wait for the others as long as ever.
    @Test(arguments: [false, true]) func patienceAfterARestart(hadARound: Bool) async throws {
        let chain = try await DirectChain.ready()
        if hadARound {
            try await chain.round()
            try await chain.tick()
        }
        chain.clock.advance(milliseconds: 600_000)
        try await chain.crash()
        let few = chain.keys.register.smallestMinAlive
        #expect(few < chain.nodes.count)
        try await chain.poll(0..<few)
        try await chain.tick()
        #expect(try await sessions(chain).isEmpty, "the others have not had their time")
        chain.clock.advance(milliseconds: 999)
        try await chain.tick()
        #expect(try await sessions(chain).isEmpty)
        chain.clock.advance(milliseconds: 1)
        try await chain.tick()
        #expect(try await sessions(chain).count == 1, "whoever is there, after openPatienceMilliseconds")
    }

    /// One store deals another's prekey as its own: refused where only the copier feels it. In a roster the two would meet
    /// and stop every session.
    @Test func aCopiedPrekeyIsRefused() async throws {
        let chain = try await DirectChain.ready()
        let epoch = try #require(chain.epoch)
        let victim = try #require(chain.nodes[0].prekeys[1]).bundle.prekey.body
        let own = try chain.nodes[1].dealPrekey(register: chain.keys.register, epoch: epoch)
        // Field 4 is the public key; the copier signs the result as its own.
        let copied = try Prekey(
            cborValue: try own.prekey.body.cborValue.replacing(field: 4, with: .bytes(victim.publicKey.bytes)))
        let bundle = PrekeyBundle(
            prekey: try SignedMessage(signing: copied, key: chain.nodes[1].keys.protocolKey), shares: own.shares)
        try await chain.expectRefusal(409, "conflict") {
            await chain.call(chain.nodes[1].peer, .post, "v1/prekeys", body: bundle.encoded())
        }
        // Its own one, under the same number, is as welcome as ever, and sent again it is the same one.
        for _ in 0..<2 {
            try await chain.success(chain.nodes[1].peer, .post, "v1/prekeys", body: own.encoded())
        }
        // Used keys count too: no later session may have them again.
        let session = try await chain.openAttempt()
        #expect(try await chain.offer(0, session).parameters.body.round == 1)
        try await chain.expectRefusal(409, "conflict") {
            await chain.call(chain.nodes[1].peer, .post, "v1/prekeys", body: bundle.encoded())
        }
    }
}
