// What a real agent does in a turn, and what it leaves alone, among scripted nodes.

import ChainKeys
import Consent
import Cryptography
import DifferentialPrivacy
import Foundation
import HTTPServer
import MerkleLog
import Rounds
import SecureAggregation
import Storage
import Testing
import WireFormat

@testable import Coordinator
@testable import EdgeAgent

@Suite struct AgentTurnTests {
    private func uploads(_ stage: AgentStage) async throws -> Int {
        try await stage.chain.rowCounts()["upload"] ?? -1
    }

    /// A capture file that cannot be read may hold a withdrawal: until it can, the node answers no offer.
    @Test func noOfferWhileACaptureIsRefused() async throws {
        let stage = try await AgentStage()
        let bad = stage.folder("consent/b.csv")
        try Data("customer_id\n".utf8).write(to: URL(filePath: bad))
        let session = try await stage.chain.openAttempt()
        try await stage.withAgent { agent in
            for _ in 0..<2 {
                _ = try await agent.turn()
                #expect(try await self.uploads(stage) == 0)
                guard case .new = try await agent.store.record(of: session) else {
                    Issue.record("the offer was touched")
                    return
                }
            }
            try FileManager.default.removeItem(atPath: bad)
            _ = try await agent.turn()
            #expect(try await self.uploads(stage) == 1, "the same offer, once every capture is readable")
        }
        await stage.stop()
    }

    /// A folder of captures that cannot be read is no empty folder either: the turn fails before it asks for work.
    @Test func noOfferWithoutTheCaptureFolder() async throws {
        let stage = try await AgentStage()
        _ = try await stage.chain.openAttempt()
        try FileManager.default.removeItem(atPath: stage.folder("consent"))
        try await stage.withAgent { agent in
            await #expect(throws: (any Error).self) { _ = try await agent.turn() }
        }
        #expect(try await uploads(stage) == 0)
        await stage.stop()
    }

    // MARK: Keys

    /// The epoch has another agreement key of this store, from before its disk was replaced: it can open nothing of this
    /// epoch, so it deals nothing and answers nothing, at the first look and at the next.
    @Test func anEpochWithAnotherKeyOfItsOwn() async throws {
        let stage = try await AgentStage(.nothing)
        _ = try await stage.chain.openAttempt()
        let before = try await stage.chain.rowCounts()
        for _ in 0..<2 {
            try await stage.withAgent { agent in
                _ = try await agent.turn()
                #expect(try await agent.store.announcement(epoch: 1) != nil, "the epoch's root is pinned all the same")
                #expect(try await agent.store.unusedPrekeys().isEmpty)
            }
        }
        #expect(try await stage.chain.rowCounts() == before)
        await stage.stop()
    }

    /// Sequences begin with the epoch's number, so a replaced disk starts behind every number the store ever used.
    @Test func sequencesBeginWithTheEpoch() async throws {
        let stage = try await AgentStage(.noPrekeys)
        let first = UInt64(1) << 32
        for _ in 0..<2 {
            try await stage.withAgent { agent in
                _ = try await agent.turn()
                #expect(try await agent.store.unusedPrekeys().keys.sorted() == [first, first + 1, first + 2])
            }
        }
        let stored = try await stage.chain.service.store.database.read { connection in
            try connection.query("SELECT sequence FROM prekey WHERE node = 0 ORDER BY sequence") {
                UInt64(try $0.integer(0))
            }
        }
        #expect(stored == [1, 2, 3, first, first + 1, first + 2])
        await stage.stop()
    }

    /// What is erased leaves the disk and not only the table: a database's log keeps old pages, or its file does while the new
    /// ones are in the log.
    @Test func erasedKeysLeaveTheDisk() async throws {
        let stage = try await AgentStage()
        func isOnDisk(_ secret: [UInt8]) -> Bool {
            TestFolder.files(below: stage.folder("state")).contains { Data($0.bytes).range(of: Data(secret)) != nil }
        }
        let session = try await stage.chain.openAttempt()
        try await stage.withAgent { agent in
            _ = try await agent.turn()
            #expect(try await self.uploads(stage) == 1)
            let sequence = try await agent.store.database.read { connection in
                try connection.queryOne("SELECT sequence FROM prekey WHERE session = ?", session.bytes) {
                    UInt64(try $0.integer(0))
                }
            }
            let prekey = try #require(stage.chain.nodes[0].prekeys.values.first { $0.sequence == sequence })
            let burned = prekey.privateKey.rawRepresentation.unprotectedCopy()
            let agreement = stage.chain.nodes[0].keys.agreementKey.rawRepresentation.unprotectedCopy()
            #expect(isOnDisk(burned), "the turn that burns it is not over before the next begins")
            _ = try await agent.turn()
            #expect(!isOnDisk(burned))
            #expect(isOnDisk(agreement))
            #expect(try await agent.store.eraseEndedEpochs(nowMilliseconds: .max))
            #expect(isOnDisk(agreement))
            await #expect(throws: SecureAggregationError.tooLate("the epoch")) { _ = try await agent.turn() }
            #expect(!isOnDisk(agreement))
        }
        await stage.stop()
    }

    // MARK: Timing

    /// An upload leaves at the end of its slot, however long the computation took; one that took longer than the slot, at
    /// the end of a later one.
    @Test(arguments: [(0, 1), (1, 1), (50, 1), (20_000, nil)] as [(Int, Int?)])
    func uploadsLeaveAtTheEndOfASlot(delay: Int, slots: Int?) async throws {
        let stage = try await AgentStage()
        let service = stage.chain.service
        _ = try await stage.chain.openAttempt()
        let clock = SteppedClock(whileAsleep: {
            let sent = try await service.store.transact { state, _ in
                state.attempts.values.reduce(0) { $0 + $1.attempt.session.uploads.compactMap { $0 }.count }
            }
            #expect(sent == 0, "nothing of it is sent before")
            #expect(TestFolder.files(below: service.configuration.dataDirectory + "/uploads").isEmpty)
        })
        try await stage.withAgent(
            clock: clock, random: SlowRandomSource(clock: clock, delay: .milliseconds(delay))
        ) { _ = try await $0.turn() }
        #expect(try await uploads(stage) == 1)
        let slot = Duration.seconds(10)
        let sleep = try #require(clock.sleeps.first)
        #expect(clock.sleeps.count == 1)
        #expect((sleep.from > .zero) == (delay > 0), "the computation did take time")
        if let slots {
            #expect(sleep.to == slot * slots)
        } else {
            #expect(sleep.from > slot)
            let number = sleep.to / slot
            #expect(number == number.rounded())
            #expect(sleep.to >= sleep.from && sleep.to - sleep.from < slot)
        }
        await stage.stop()
    }

    // MARK: Crashes and lost rounds

    private struct Crash: Error {}

    /// A stage whose agent was killed between storing its upload and sending it.
    private func interrupted() async throws -> (stage: AgentStage, session: Digest) {
        let stage = try await AgentStage()
        let session = try await stage.chain.openAttempt()
        try await stage.withAgent(clock: SteppedClock(whileAsleep: { throw Crash() })) { agent in
            // The turn itself goes on to its other work, so the crash is put where the next request would be.
            let keys = NodeKeys(
                protocolKey: stage.chain.nodes[0].keys.protocolKey,
                agreementKey: try await agent.store.agreementKey(epoch: 1, random: SystemRandomSource()),
                hedge: stage.chain.nodes[0].keys.hedge)
            await #expect(throws: Crash.self) {
                try await agent.takePart(in: session, keys: keys, epoch: try #require(stage.chain.epoch))
            }
            guard case .stored = try await agent.store.record(of: session) else {
                Issue.record("the upload is stored before it is sent")
                return
            }
        }
        #expect(try await uploads(stage) == 0)
        #expect(try stage.stateFiles("upload-") == ["upload-\(session.hex)", "upload-keys"])
        return (stage, session)
    }

    @Test func aStoredUploadSurvivesARestart() async throws {
        let (stage, session) = try await interrupted()
        try await stage.withAgent { agent in
            #expect(try stage.stateFiles("upload-").count == 2, "the sweep at the start keeps it")
            _ = try await agent.turn()
            #expect(try await self.uploads(stage) == 1)
            guard case .closed = try await agent.store.record(of: session) else {
                Issue.record("acknowledged, so closed")
                return
            }
        }
        #expect(try stage.stateFiles("upload-") == ["upload-keys"])
        #expect(try stage.stateFiles(session.hex, in: "state/upload-keys").isEmpty)
        await stage.stop()
    }

    /// The upload counted, and only its receipt was lost on the way. The node asks again when the round is over.
    @Test func aReceiptIsGivenAfterTheRoundToo() async throws {
        let (stage, session) = try await interrupted()
        try await stage.withAgent { agent in
            guard case .stored(let envelope) = try await agent.store.record(of: session) else {
                Issue.record("stored")
                return
            }
            for (index, digest) in envelope.chunkDigests.enumerated() {
                let bytes = try await agent.uploads.chunk(index, digest: digest, session: session)
                try await agent.client.putChunk(bytes, index: index, digest: digest, session: session)
            }
            _ = try await agent.client.post(envelope, session: session)
            stage.chain.clock.advance(milliseconds: DirectChain.deadlines.collecting)
            try await stage.chain.tick()
            #expect(try await stage.chain.attemptStates() == ["void"])
            _ = try await agent.turn()
            let receipt = try await agent.store.database.read { connection in
                try connection.queryOne("SELECT receipt FROM session WHERE session = ?", session.bytes) {
                    try $0.optionalBlob(0)
                } ?? nil
            }
            let signed = try SignedMessage<UploadReceipt>(decoding: try #require(receipt))
            #expect(signed.body.envelopeDigest == envelope.digest)
        }
        #expect(try stage.stateFiles("upload-") == ["upload-keys"])
        await stage.stop()
    }

    /// The round went on without this node: what it stored is destroyed, and the prekey stays burned.
    @Test func anUploadThatCameTooLate() async throws {
        let (stage, session) = try await interrupted()
        stage.chain.clock.advance(milliseconds: DirectChain.deadlines.collecting)
        try await stage.chain.tick()
        #expect(try await stage.chain.attemptStates() == ["void"])
        try await stage.withAgent { agent in
            _ = try await agent.turn()
            guard case .closed = try await agent.store.record(of: session) else {
                Issue.record("given up")
                return
            }
            let burned = try #require(try await agent.store.sequence(of: session))
            #expect(try await agent.store.unusedPrekeys()[burned] == nil)
        }
        #expect(try await uploads(stage) == 0)
        #expect(try stage.stateFiles("upload-") == ["upload-keys"])
        #expect(try stage.stateFiles(session.hex, in: "state/upload-keys").isEmpty)
        await stage.stop()
    }

    /// The crash came before the envelope was stored: what lies there belongs to no upload and goes at the next start; the
    /// session stays unanswered.
    @Test func aBurnedSessionStaysUnanswered() async throws {
        let (stage, session) = try await interrupted()
        let database = try Database(path: stage.folder("state/agent.sqlite"), schema: AgentSchema.schema, readers: 1)
        try await database.write { connection in _ = try connection.execute("UPDATE session SET envelope = NULL") }
        await database.close()
        try await stage.withAgent { agent in
            #expect(try stage.stateFiles("upload-") == ["upload-keys"])
            for _ in 0..<2 { _ = try await agent.turn() }
            guard case .closed = try await agent.store.record(of: session) else {
                Issue.record("given up")
                return
            }
        }
        #expect(try await uploads(stage) == 0)
        await stage.stop()
    }

    // MARK: Budget

    /// A second job is no second budget.
    @Test func theCapCoversAllJobs() async throws {
        let stage = try await AgentStage()
        let owner = stage.chain.keys.anchors.planOwnerKey
        let one = try ValidatedPlan(verifying: try stage.chain.keys.plan("one"), owner: owner)
        let two = try ValidatedPlan(verifying: try stage.chain.keys.plan("two"), owner: owner)
        let cost = one.accountant.microZCDPPerRound
        try await stage.withAgent { agent in
            let store = agent.store
            let first = try await store.charge(one, round: 1, cap: 2 * cost)
            let second = try await store.charge(two, round: 1, cap: 2 * cost)
            #expect(first != second)
            #expect(try await store.charge(one, round: 1, cap: 2 * cost) == first, "a second attempt costs nothing")
            for plan in [one, two] {
                await #expect {
                    try await store.charge(plan, round: 2, cap: 2 * cost)
                } throws: { error in
                    guard case BudgetError.capExceeded(_, let cap, let spent, let asked) = error else { return false }
                    return cap == 2 * cost && spent == 2 * cost && asked == 3 * cost
                }
            }
            #expect(try await store.charge(two, round: 2, cap: nil) != second, "without a cap the plan bounds it")
        }
        await stage.stop()
    }

    // MARK: The log's head

    /// How a log can differ from the one whose signed head the node has.
    enum Fork: CaseIterable, Sendable { case sameSize, longer }

    /// A log that forked is said aloud: an honest coordinator learns that it lost entries and stops, and the offer on the
    /// other branch stays unanswered.
    @Test(arguments: Fork.allCases) func aForkIsReported(fork: Fork) async throws {
        let stage = try await AgentStage()
        let chain = stage.chain
        let backup = try chain.backup()
        func post(_ customers: Range<Int>) async throws {
            let events = try customers.map { number in
                try BadRequestTests.event(
                    .homeAssigned, try BadRequestTests.handle("customer-\(number)", chain), number: UInt64(number),
                    home: 0
                ).encoded()
            }
            try await chain.success(
                chain.nodes[0].peer, .post, "v1/events", body: EventBatch(events: events).encoded())
        }
        try await post(1..<3)
        _ = try await chain.openAttempt()
        let note = String(decoding: await chain.call(chain.nodes[5].peer, .get, "checkpoint").body, as: UTF8.self)
        let checkpoint = try Checkpoint(
            verifying: try SignedNote(parsing: note),
            with: [try NoteVerifierKey(parsing: chain.keys.anchors.ledgerVerifierKey)])
        try await stage.crash { folder in
            try FileManager.default.removeItem(atPath: folder)
            try TestFolder.image(of: backup, at: folder)
        }
        chain.clock.advance(milliseconds: 5_000)
        try await post(fork == .sameSize ? 11..<13 : 11..<16)
        let session = try await chain.openAttempt()
        let parameters = try await chain.offer(0, session).parameters.body
        #expect((Int(parameters.consentSize) == checkpoint.size) == (fork == .sameSize))
        #expect(Int(parameters.consentSize) >= checkpoint.size)
        try await stage.withAgent { agent in
            try await agent.store.storeHead(
                try PinnedCheckpoint(size: checkpoint.size, root: checkpoint.root), note: note)
            #expect(try await !chain.quarantined)
            _ = try await agent.turn()
            #expect(try await chain.quarantined)
            guard case .new = try await agent.store.record(of: session) else {
                Issue.record("the offer was answered")
                return
            }
        }
        #expect(try await uploads(stage) == 0)
        await stage.stop()
    }
}

extension AgentStore {
    /// The prekey that a session burned.
    fileprivate func sequence(of session: Digest) async throws -> UInt64? {
        try await database.read { connection in
            try connection.queryOne("SELECT sequence FROM session WHERE session = ?", session.bytes) {
                UInt64(try $0.integer(0))
            }
        }
    }
}
