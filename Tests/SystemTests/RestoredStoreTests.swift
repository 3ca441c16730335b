// A node whose store is an old copy, or gone: it notices at its start, holds no seat, uses no prekey it had, and answers no
// round it may have answered. And an agent that comes late joins by itself.

import ChainKeys
import Cryptography
import DifferentialPrivacy
import Foundation
import Rounds
import SecureAggregation
import Storage
import Testing

@testable import Coordinator
@testable import EdgeAgent

@Suite(.serialized) struct RestoredStoreTests {
    /// An agent's store without its agent.
    private final class Disk {
        let folder: TestFolder
        var counter: BootCounter { BootCounter(path: folder("counter")) }

        init() throws { folder = try TestFolder() }

        func open() throws -> AgentStore {
            AgentStore(
                database: try Database(path: folder("agent.sqlite"), schema: AgentSchema.schema, readers: 1),
                counter: counter)
        }

        /// Starts and stops once, doing `work` in between.
        @discardableResult
        func run(_ work: (AgentStore) async throws -> Void = { _ in }) async throws -> Bool {
            let counter = counter
            let store = AgentStore(
                database: try Database(path: folder("agent.sqlite"), schema: AgentSchema.schema, readers: 1),
                counter: counter)
            do {
                let restored = try await store.start(counter)
                try await work(store)
                await store.database.close()
                return restored
            } catch {
                await store.database.close()
                throw error
            }
        }

        func copy(to name: String) throws {
            for suffix in ["", "-wal", "-shm"] {
                let source = folder("agent.sqlite\(suffix)")
                guard FileManager.default.fileExists(atPath: source) else { continue }
                try FileManager.default.copyItem(atPath: source, toPath: folder("\(name)\(suffix)"))
            }
        }

        func restore(from name: String?) throws {
            for suffix in ["", "-wal", "-shm"] {
                try? FileManager.default.removeItem(atPath: folder("agent.sqlite\(suffix)"))
                guard let name, FileManager.default.fileExists(atPath: folder("\(name)\(suffix)")) else { continue }
                try FileManager.default.copyItem(
                    atPath: folder("\(name)\(suffix)"), toPath: folder("agent.sqlite\(suffix)"))
            }
        }

        func number() throws -> UInt64 { try #require(try counter.read()) }
    }

    private static let lock = LockChange.label(session: SHA256.hash([1]), label: SHA256.hash([2]))

    @Test func everyStartAndEveryPromiseRaisesTheCounter() async throws {
        let disk = try Disk()
        #expect(try await disk.run() == false)
        let first = try disk.number()
        #expect(try await disk.run() == false)
        #expect(try disk.number() == first + 1)
        try await disk.run { store in
            let before = try disk.number()
            try await store.store([Self.lock])
            #expect(try disk.number() == before + 1)
            try await store.store([])
            #expect(try disk.number() == before + 1)
        }
        #expect(try await disk.run() == false)
    }

    @Test func aCopyFromBeforeTheLastStartIsNoticed() async throws {
        let disk = try Disk()
        try await disk.run()
        try disk.copy(to: "copy")
        try await disk.run()
        try disk.restore(from: "copy")
        #expect(try await disk.run())
        // It stays one that has forgotten something, but it is not restored again.
        #expect(try await disk.run() == false)
    }

    /// Not only starts count: a copy that was made while the agent ran is older than the promises after it.
    @Test func aCopyFromTheSameRunIsNoticed() async throws {
        let disk = try Disk()
        try await disk.run { store in
            try await store.store([Self.lock])
            try await store.database.write { _ in }
            try disk.copy(to: "copy")
            try await store.store([LockChange.label(session: SHA256.hash([3]), label: SHA256.hash([4]))])
        }
        try disk.restore(from: "copy")
        #expect(try await disk.run())
    }

    @Test func aMissingStoreIsNoticed() async throws {
        let disk = try Disk()
        try await disk.run()
        try disk.restore(from: nil)
        #expect(try await disk.run())
    }

    /// A stop between store and counter is no restoration.
    @Test func aStopBetweenTheTwoIsNone() async throws {
        let disk = try Disk()
        try await disk.run()
        let before = try Data(contentsOf: URL(filePath: disk.folder("counter")))
        try await disk.run()
        try before.write(to: URL(filePath: disk.folder("counter")))
        #expect(try await disk.run() == false)
        // Two behind is a counter that was put back: which of them is right cannot be told.
        try before.write(to: URL(filePath: disk.folder("counter")))
        #expect(try await disk.run())
    }

    @Test func aMissingOrUnreadableCounterFailsClosed() async throws {
        let disk = try Disk()
        try await disk.run()
        try FileManager.default.removeItem(atPath: disk.folder("counter"))
        await #expect(throws: BootCounterError.self) { try await disk.run() }
        #expect(!FileManager.default.fileExists(atPath: disk.folder("counter")), "and it stays so")
        for text in ["", "x", "-1", "18446744073709551616"] {
            try Data(text.utf8).write(to: URL(filePath: disk.folder("counter")))
            await #expect(throws: BootCounterError.self, "\(text)") { try await disk.run() }
        }
        // As the message says: a number above the store's, and the node starts as a restored one.
        try Data("99".utf8).write(to: URL(filePath: disk.folder("counter")))
        #expect(try await disk.run())
        #expect(try disk.number() == 100)
    }

    /// Prekeys are burned, their numbers never come again, seats are empty, and charges are assumed.
    @Test func whatARestoredStoreStillDoes() async throws {
        let disk = try Disk()
        let chain = try await DirectChain.ready()
        let epoch = try #require(chain.epoch)
        let node = chain.nodes[0]
        let register = chain.keys.register
        @Sendable func make(_ sequence: UInt64) throws -> PreparedPrekey {
            try PreparedPrekey(
                sequence: sequence, node: node.index, keys: node.keys, register: register, epoch: epoch,
                random: SystemRandomSource())
        }
        func enter(_ store: AgentStore) async throws {
            _ = try await store.agreementKey(epoch: epoch.number, random: SystemRandomSource())
        }
        try await disk.run { store in
            try await enter(store)
            _ = try await store.prekeys(stock: 2, epoch: epoch, make: make)
        }
        try disk.copy(to: "copy")
        // The time that will be gone: more prekeys, two charged rounds.
        let plan = chain.plan
        var used: Set<UInt64> = []
        try await disk.run { store in
            _ = try await store.prekeys(stock: 6, epoch: epoch, make: make)
            used = Set(try await store.unusedPrekeys().keys)
            _ = try await store.charge(plan, round: 1, cap: nil)
            _ = try await store.charge(plan, round: 2, cap: nil)
        }
        #expect(used.count == 6)
        try disk.restore(from: "copy")
        try await disk.run { store in
            #expect(try await store.unusedPrekeys().isEmpty)
            _ = try await store.prekeys(stock: 3, epoch: epoch, make: make)
            let fresh = Set(try await store.unusedPrekeys().keys)
            #expect(fresh.count == 3 && (fresh.min() ?? 0) > (used.max() ?? .max))
            #expect(try await store.isAbsent(fromCommitteeOf: epoch.number))
            #expect(try await !store.isAbsent(fromCommitteeOf: epoch.number + 1))
            // Round 3 is charged together with the two before it, which the store does not know.
            _ = try await store.charge(plan, round: 3, cap: nil)
            let charged = try await store.database.read { connection in
                try connection.query("SELECT round FROM charge ORDER BY round") { try $0.integer(0) }
            }
            #expect(charged == [1, 2, 3])
            let cost = plan.accountant.microZCDPPerRound
            await #expect(throws: (any Error).self) { try await store.charge(plan, round: 4, cap: 4 * cost - 1) }
        }
    }

    /// Two sessions signed as one attempt: the node that answered the first keeps the proof.
    @Test func aSecondSessionOfOneAttemptIsEvidence() async throws {
        let disk = try Disk()
        let chain = try await DirectChain.ready()
        let epoch = try #require(chain.epoch)
        let register = chain.keys.register
        let coordinator = try KeyFolder(path: chain.keys.coordinatorFolder).offerKey()
        let first = try await chain.offer(0, try await chain.openAttempt()).parameters
        func other(attempt: UInt64, key: Ed25519PrivateKey) throws -> SignedMessage<SessionParameters> {
            let body = first.body
            return try SignedMessage(
                signing: SessionParameters(
                    registerDigest: body.registerDigest, epochRoot: body.epochRoot, round: body.round,
                    attempt: attempt, modelDigest: SHA256.hash([1]), planDigest: body.planDigest,
                    consentSize: body.consentSize, consentRoot: body.consentRoot,
                    previousConsentSize: body.previousConsentSize, dimension: body.dimension, layout: body.layout,
                    cohortSize: body.cohortSize, minAlive: body.minAlive,
                    deadlineMilliseconds: body.deadlineMilliseconds, derived: body.derived,
                    rosterDigest: body.rosterDigest), key: key)
        }
        let node = chain.nodes[0]
        try await disk.run { store in
            func evidence(_ offered: SignedMessage<SessionParameters>) async throws -> FaultEvidence? {
                try await store.equivocation(
                    of: offered, register: register, coordinatorKey: coordinator.publicKey)
            }
            let second = try other(attempt: 1, key: coordinator)
            #expect(try await evidence(second) == nil, "nothing was answered yet")
            _ = try await store.agreementKey(epoch: epoch.number, random: SystemRandomSource())
            _ = try await store.prekeys(stock: 1, epoch: epoch) { sequence in
                try PreparedPrekey(
                    sequence: sequence, node: node.index, keys: node.keys, register: register, epoch: epoch,
                    random: SystemRandomSource())
            }
            let sequence = try #require(try await store.unusedPrekeys().keys.first)
            _ = try await store.burn(sequence, for: first)
            #expect(try await evidence(first) == nil)
            #expect(try await evidence(other(attempt: 2, key: coordinator)) == nil)
            #expect(try await evidence(other(attempt: 1, key: chain.keys.planKey)) == nil, "not the coordinator's")
            let found = try #require(try await evidence(second))
            #expect(
                try found.verify(register: register, coordinatorKey: coordinator.publicKey) == .coordinator)
        }
    }

    // MARK: Whole agents

    /// Copied aside, run through a round, put back: no vote, no reveal, no second upload of a forgotten round; the others go
    /// on without it.
    @Test(.timeLimit(.minutes(3))) func anAgentThatWasPutBack() async throws {
        let folder = try TestFolder()
        let fleet = try AgentFleet()
        let live = try await LiveChain(dataFolder: folder("data"))
        let stores = live.keys.stores.indices
        let member = try #require(live.keys.register.committee.first)
        let store = Int(member)
        try await fleet.start(stores, port: live.port)
        try await live.wait("every node ready") { try await live.status().nodesReady == stores.count }
        let job = try await live.startTask()
        await fleet.stop([store])
        let state = fleet.input(store, "state")
        try FileManager.default.copyItem(atPath: state, toPath: "\(state)-copy")
        try await fleet.start([store], port: live.port)
        try await live.ask(job, rounds: 1)
        try await live.wait("round 1") { try await live.rounds(job).first?.state == "released" }
        await fleet.stop([store])
        let prekeys = try await live.prekeys(of: member)
        try FileManager.default.removeItem(atPath: state)
        try FileManager.default.moveItem(atPath: "\(state)-copy", toPath: state)
        let votes = try await live.answers(of: member)
        try await fleet.start([store], port: live.port)
        // Its new prekeys are above everything it ever dealt.
        try await live.wait("fresh prekeys") { try await live.prekeys(of: member) > prekeys }
        // So many other members stop that its vote would make the quorum: there is none.
        let register = live.keys.register
        let spare = register.committee.count - register.quorum
        let stopped = register.committee.dropFirst().suffix(spare).map { Int($0) }
        await fleet.stop(stopped)
        try await live.ask(job, rounds: 2)
        try await live.wait("no quorum") { try await live.rounds(job).contains { $0.voidReason == "noQuorumOfVotes" } }
        #expect(try await live.answers(of: member) == votes, "its seat is empty for this epoch")
        try await fleet.start(stopped, port: live.port)
        try await live.wait("round 2") { try await live.rounds(job).count { $0.state == "released" } == 2 }
        #expect(try await live.answers(of: member) == votes)
        let contributed = try await live.uploads(of: member)
        #expect(Set(contributed).count == contributed.count, "one upload a round")
        await fleet.stopAll()
        try await live.stop()
    }

    /// An agent that starts when the epoch's list is closed takes part in the next round.
    @Test(.timeLimit(.minutes(2))) func anAgentThatComesLate() async throws {
        let folder = try TestFolder()
        let fleet = try AgentFleet()
        let live = try await LiveChain(dataFolder: folder("data")) { $0.helloPatienceMilliseconds = 500 }
        let stores = Array(live.keys.stores.indices)
        let late = try #require(stores.last)
        try await fleet.start(stores.dropLast(), port: live.port)
        try await live.wait("the others ready") { try await live.status().nodesReady == stores.count - 1 }
        try await fleet.start([late], port: live.port)
        try await live.wait("the late one ready") { try await live.status().nodesReady == stores.count }
        let listed = try await live.service.store.transact { state, _ in
            state.epoch?.closed?.agreementKeys[NodeIndex(late)] != nil
        }
        #expect(!listed)
        let job = try await live.startTask()
        try await live.ask(job, rounds: 1)
        try await live.wait("round 1") { try await live.rounds(job).first?.state == "released" }
        #expect(try await live.rounds(job).first?.survivors == stores.count)
        #expect(try await live.uploads(of: NodeIndex(late)) == [1])
        await fleet.stopAll()
        try await live.stop()
    }
}

extension LiveChain {
    /// The highest sequence number of a node's prekeys.
    fileprivate func prekeys(of node: NodeIndex) async throws -> Int64 {
        try await service.store.database.read { connection in
            try connection.queryOne("SELECT max(sequence) FROM prekey WHERE node = ?", Int(node)) {
                try $0.optionalInteger(0) ?? 0
            } ?? 0
        }
    }

    /// Votes and stored reveals of a member, over all sessions; reveals of released rounds are deleted.
    fileprivate func answers(of node: NodeIndex) async throws -> Int {
        try await service.store.database.read { connection in
            try connection.queryOne(
                "SELECT (SELECT count(*) FROM vote WHERE node = ?) + (SELECT count(*) FROM reveal WHERE node = ?)",
                Int(node), Int(node)
            ) { Int(try $0.integer(0)) } ?? 0
        }
    }

    /// The rounds that hold an upload of a node.
    fileprivate func uploads(of node: NodeIndex) async throws -> [Int] {
        let rows = try await service.store.database.read { connection in
            try connection.query(
                "SELECT a.round, a.roster, u.position FROM upload u JOIN attempt a ON a.session = u.session ORDER BY 1"
            ) { (round: Int(try $0.integer(0)), roster: try $0.blob(1), position: Int(try $0.integer(2))) }
        }
        return try rows.filter { try Roster(bytes: $0.roster).entries[$0.position].node == node }.map(\.round)
    }
}
