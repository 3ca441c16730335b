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
    /// How a node of the chain makes the prekey of a number.
    private static func maker(
        of node: ScriptedNode, register: Register, epoch: Epoch
    ) -> @Sendable (UInt64) throws -> PreparedPrekey {
        { sequence in
            try PreparedPrekey(
                sequence: sequence, node: node.index, keys: node.keys, register: register, epoch: epoch,
                random: SystemRandomSource())
        }
    }

    /// Prekeys are burned, their numbers never come again, seats are empty, and charges are assumed.
    @Test func whatARestoredStoreStillDoes() async throws {
        let disk = try AgentDisk()
        let chain = try await DirectChain.ready()
        let epoch = try #require(chain.epoch)
        let node = chain.nodes[0]
        let register = chain.keys.register
        let make = Self.maker(of: node, register: register, epoch: epoch)
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

    /// A copy from the same run, from before prekeys were dealt and nothing else was promised: their numbers never come again, or two
    /// prekeys would have one, and with an upload of the one and the agreement key in the other an honest node could be framed.
    @Test func aCopyFromBeforePrekeysWereDealtIsNoticed() async throws {
        let disk = try AgentDisk()
        let chain = try await DirectChain.ready()
        let epoch = try #require(chain.epoch)
        let make = Self.maker(of: chain.nodes[0], register: chain.keys.register, epoch: epoch)
        var used: Set<UInt64> = []
        try await disk.run { store in
            _ = try await store.agreementKey(epoch: epoch.number, random: SystemRandomSource())
            try disk.copy(to: "copy")
            _ = try await store.prekeys(stock: 2, epoch: epoch, make: make)
            used = Set(try await store.unusedPrekeys().keys)
            let number = try disk.number()
            _ = try await store.prekeys(stock: 2, epoch: epoch, make: make)
            #expect(try disk.number() == number, "a turn that deals nothing promises nothing")
        }
        #expect(used.count == 2)
        try disk.restore(from: "copy")
        let restored = try await disk.run { store in
            _ = try await store.prekeys(stock: 2, epoch: epoch, make: make)
            #expect(try await used.isDisjoint(with: store.unusedPrekeys().keys))
        }
        #expect(restored)
    }

    /// A coordinator that opened the last epoch there may be, or a node that has no number left, costs prekeys and not the
    /// process.
    @Test func thereIsALastSequence() async throws {
        let disk = try AgentDisk()
        let chain = try await DirectChain.ready()
        let epoch = try #require(chain.epoch)
        let node = chain.nodes[0]
        let register = chain.keys.register
        let make = Self.maker(of: node, register: register, epoch: epoch)
        try await disk.run { store in
            _ = try await store.agreementKey(epoch: epoch.number, random: SystemRandomSource())
            let floor = try await store.database.read { try AgentStore.sequenceFloor(epoch: Epoch.maximumNumber, $0) }
            #expect(floor == Epoch.maximumNumber << 32)
            #expect(floor + UInt64(UInt32.max) == Prekey.maximumSequence)
            try await store.database.write { connection in
                try connection.execute("INSERT INTO sqlite_sequence VALUES ('prekey', ?)", Int64.max - 1)
            }
            let error = SecureAggregationError.alreadyUsed("the last prekey sequence")
            await #expect(throws: error) { try await store.prekeys(stock: 2, epoch: epoch, make: make) }
            #expect(
                try await store.prekeys(stock: 1, epoch: epoch, make: make).map(\.sequence) == [Prekey.maximumSequence])
            // As high as a counter can be.
            try await store.database.write { connection in
                try connection.execute("INSERT INTO restoration VALUES (?, 1)", Int64(1) << 40)
            }
            let last = try await store.database.read { try AgentStore.sequenceFloor(epoch: Epoch.maximumNumber, $0) }
            #expect(last > Prekey.maximumSequence)
        }
    }

    /// Two sessions signed as one attempt: the node that answered the first keeps the proof.
    @Test func aSecondSessionOfOneAttemptIsEvidence() async throws {
        let disk = try AgentDisk()
        let chain = try await DirectChain.ready()
        let epoch = try #require(chain.epoch)
        let register = chain.keys.register
        let coordinator = try KeyFolder(path: chain.keys.coordinatorFolder).offerKey()
        let first = try await chain.offer(0, try await chain.openAttempt()).parameters
        let node = chain.nodes[0]
        try await disk.run { store in
            func evidence(_ offered: SignedMessage<SessionParameters>) async throws -> FaultEvidence? {
                try await store.equivocation(
                    of: offered, register: register, coordinatorKey: coordinator.publicKey)
            }
            let second = try first.secondSession(attempt: 1, key: coordinator)
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
            #expect(try await evidence(first.secondSession(attempt: 2, key: coordinator)) == nil)
            #expect(try await evidence(first.secondSession(attempt: 1, key: chain.keys.planKey)) == nil)
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
        #expect(contributed.count { $0 == 1 } == 1, "no second upload of the round that it forgot")
        #expect(contributed.contains(2), "its fresh prekeys are used before those that it burned")
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
