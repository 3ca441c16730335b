// What a coordinator, or a store that was put back, must not be able to make of a node: a full disk, a round that waits, a
// withdrawal that never arrives.

import ChainKeys
import Cryptography
import Foundation
import Rounds
import SecureAggregation
import Storage
import Testing
import WireFormat

@testable import Coordinator
@testable import EdgeAgent

@Suite struct AgentAgainstCoordinatorTests {
    // MARK: Evidence

    /// However many sessions a coordinator signs as one attempt, the node keeps one proof of it, the first.
    @Test func oneProofAnAttempt() async throws {
        let stage = try await AgentStage()
        let coordinator = try KeyFolder(path: stage.chain.keys.coordinatorFolder).offerKey()
        let first = try await stage.chain.offer(0, try await stage.chain.openAttempt()).parameters
        try await stage.withAgent { agent in
            _ = try await agent.turn()
            try await agent.refuseEquivocation(first)
            #expect(try stage.stateFiles("fault-").isEmpty)
            var kept: Data?
            for model in UInt8(1)..<5 {
                let second = try first.secondSession(attempt: 1, model: model, key: coordinator)
                await #expect(throws: SecureAggregationError.conflict("this attempt")) {
                    try await agent.refuseEquivocation(second)
                }
                let name = "fault-\(first.body.jobID)-1-1.cbor"
                #expect(try stage.stateFiles("fault-") == [name])
                let bytes = try Data(contentsOf: URL(filePath: stage.folder("state/\(name)")))
                if let kept { #expect(bytes == kept) }
                kept = bytes
            }
            let evidence = try FaultEvidence(decoding: [UInt8](try #require(kept)))
            #expect(
                try evidence.verify(register: stage.chain.keys.register, coordinatorKey: coordinator.publicKey)
                    == .coordinator)
        }
        await stage.stop()
    }

    // MARK: Plans

    /// Signed by its owner, but for another C: fewer honest nodes than the noise counts on. A coordinator that took it all the same
    /// finds no node that does.
    @Test func aPlanForAnotherC() async throws {
        let stage = try await AgentStage()
        let keys = stage.chain.keys
        let signed = try keys.plan("another C", corruptMax: keys.register.corruptMax + 1)
        let plan = try ValidatedPlan(verifying: signed, owner: keys.anchors.planOwnerKey)
        let own = stage.chain.plan
        try await stage.chain.service.store.transact { state, _ in
            let task = try #require(state.tasks[own.jobID])
            state.tasks[plan.jobID] = TaskState(
                plan: plan, signedPlan: signed, proposedBy: task.proposedBy, approvedBy: task.approvedBy,
                stoppedBy: nil, roundsRequested: 0, model: task.model, optimizer: nil, budget: task.budget,
                lastRound: 0, lastRoundAttempts: 0, lastRoundFinished: true, releasedRounds: 0, lastPinned: 0,
                lastEndedMilliseconds: 0)
        }
        try await stage.withAgent { agent in
            _ = try await agent.plan(own.digest)
            await #expect(throws: SecureAggregationError.mismatch(field: "corruptMax")) {
                try await agent.plan(plan.digest)
            }
        }
        await stage.stop()
    }

    // MARK: Order of work

    /// Share checks come after the upload of a turn, one message of them; a turn without other work asks until there is none.
    @Test func shareChecksComeLast() async throws {
        let stage = try await AgentStage()
        try #require(stage.chain.keys.register.committeePosition(of: 0) != nil)
        let session = try await stage.chain.openAttempt()
        try #require(try await stage.chain.work(0).items.first?.kind == .shareCheck, "listed first")
        func checks(_ requests: [String]) -> [Int] {
            requests.indices.filter { requests[$0].hasSuffix("v1/share-checks") }
        }
        try await stage.withAgent { agent in
            _ = stage.takeRequests()
            _ = try await agent.turn()
            let busy = stage.takeRequests()
            let upload = try #require(busy.firstIndex { $0.hasSuffix("\(session.hex)/upload") && !$0.contains("get") })
            #expect(checks(busy).count == 1)
            #expect(try #require(checks(busy).first) > upload)
            // Somebody else's upload is something to check, and all there is to do.
            try await stage.chain.upload([1], session)
            _ = try await agent.turn()
            #expect(checks(stage.takeRequests()).count == 2, "the second finds none left")
        }
        await stage.stop()
    }

    // MARK: Captures

    /// Captures are read again by name after the store was put back. In the order in which they arrived they are the same events.
    /// In another, the ledger has their identifiers for other events; that keeps no withdrawal from it.
    @Test(arguments: [("a.csv", "z.csv", 1), ("z.csv", "a.csv", 3)]) func capturesAreReadAgain(
        first: String, second: String, added: Int
    ) async throws {
        let stage = try await AgentStage()
        func capture(_ name: String, _ customer: String, _ act: String, at time: Int) throws {
            let row =
                "\(customer),\(act),train.federated,\(time),,kiosk,DE,notice:1:\(String(repeating: "ab", count: 32))"
            try Data("\(CaptureFile.header)\n\(row)\n".utf8).write(to: URL(filePath: stage.folder("consent/\(name)")))
        }
        func turn() async throws {
            try await stage.withAgent { agent in
                _ = try await agent.turn()
                let waiting = try await agent.store.database.read { connection in
                    try connection.queryOne("SELECT count(*) FROM consent_event WHERE position IS NULL") {
                        try $0.integer(0)
                    }
                }
                #expect(waiting == 0)
            }
        }
        try capture("0.csv", "one", "granted", at: 10)
        try await turn()
        try stage.copyState(to: "copy")
        try capture(first, "two", "granted", at: 20)
        try await turn()
        try capture(second, "three", "granted", at: 30)
        try await turn()
        let events = try await stage.chain.rowCounts()["event"] ?? 0
        try stage.putBackState(from: "copy")
        try capture("zz.csv", "one", "withdrawn", at: 40)
        try await turn()
        // The withdrawal, and what the copy did not know if it needed new names.
        #expect(try await stage.chain.rowCounts()["event"] == events + added)
        try await turn()
        #expect(try await stage.chain.rowCounts()["event"] == events + added, "a start is no restoration")
        await stage.stop()
    }
}
