// Whole rounds over mutual TLS with 24 real agents, and what of their secrets turns up where it should not.

import Consent
import Cryptography
import Foundation
import HTTPClient
import Identity
import Rounds
import SecureAggregation
import Testing

@testable import Coordinator
@testable import EdgeAgent

@Suite(.serialized) struct LiveRoundTests {
    @Test(.timeLimit(.minutes(2))) func agentsComeAndGo() async throws {
        let folder = try TestFolder()
        let fleet = try AgentFleet()
        var live = try await LiveChain(dataFolder: folder("data"))
        let port = live.port
        let stores = live.keys.stores.indices
        try await fleet.start(stores, port: port)
        let chain = live
        try await chain.wait("every node ready") {
            let status = try await chain.status()
            return status.nodesReady == stores.count && status.subjects == stores.count * AgentFleet.customersPerStore
        }
        let job = try await live.startTask()
        try await live.ask(job, rounds: 1)
        try await chain.wait("round 1") { try await chain.rounds(job).first?.state == "released" }
        let first = try #require(try await live.rounds(job).first)
        #expect(first.survivors == 24)
        #expect(first.eligibleCustomers == 24 * (AgentFleet.customersPerStore - 1))
        #expect(first.excluded.values.reduce(0, +) == 24, "those who refused")

        // Three nodes vanish while the round is open, the coordinator restarts, and the round comes out all the same.
        await fleet.stop(0..<3)
        try await live.stop()
        // The first service object of this process still holds its folder; the second one gets what is on the disk.
        try TestFolder.image(of: folder("data"), at: folder("data-2"))
        live = try await LiveChain(dataFolder: folder("data-2"), port: port)
        let again = live
        try await again.ask(job, rounds: 2)
        try await again.wait("round 2") { try await again.rounds(job).last { $0.round == 2 }?.state == "released" }
        let second = try #require(try await again.rounds(job).last)
        #expect((18...24).contains(second.survivors ?? 0))
        #expect(try await again.rounds(job).first?.model == first.model)
        #expect(second.model != first.model)
        await fleet.stopAll()
        try await again.stop()
        // Restored, and only the nodes can know: they say what they saw, and everything stops.
        try await restoredFolder(folder, fleet: fleet, port: port)
    }

    /// Fifty-four agents in three groups: they check the groups themselves, members open every group, and two rounds group anew.
    /// Their masks are of ChaCha20.
    @Test(.timeLimit(.minutes(4))) func agentsInGroups() async throws {
        let folder = try TestFolder()
        let fleet = try AgentFleet(keys: .grouped)
        let live = try await LiveChain(dataFolder: folder("data"), keys: .grouped) { configuration in
            configuration.deadlines = AttemptDeadlines(collecting: 30_000, labelling: 30_000, revealing: 30_000)
            configuration.livenessMilliseconds = 15_000
            configuration.openPatienceMilliseconds = 20_000
            configuration.pollMilliseconds = 500
        }
        let stores = live.keys.stores.indices
        try await fleet.start(stores, port: live.port)
        try await live.wait("every node ready", seconds: 60) {
            let status = try await live.status()
            return status.nodesReady == stores.count && status.subjects == stores.count * AgentFleet.customersPerStore
        }
        let job = try await live.startTask(SubCohortSettings(groupSize: 18, trim: 1), generator: .chaCha20)
        try await live.ask(job, rounds: 2)
        for round in 1...2 {
            try await live.wait("round \(round)", seconds: 60) {
                let states = try await live.rounds(job).filter { $0.round == round }.map(\.state)
                return states == ["released", "released", "released"]
            }
        }
        let rounds = try await live.rounds(job)
        #expect(rounds.count == 6)
        #expect(rounds.allSatisfy { (17...18).contains($0.survivors ?? 0) })
        let eligible = AgentFleet.customersPerStore - 1
        #expect(rounds.allSatisfy { $0.eligibleCustomers == 18 * eligible })
        #expect(Set(rounds.map(\.model)).count == 2, "one model a round")
        let suspects = try await live.success(.operator, .get, "/v1/tasks/\(job)/suspects")
        #expect(String(decoding: suspects, as: UTF8.self).contains("\"rounds\":2"))
        await fleet.stopAll()
        try await live.stop()
    }

    /// The agents have seen a longer log than the one that comes back.
    private func restoredFolder(_ folder: TestFolder, fleet: AgentFleet, port: UInt16) async throws {
        let emptied = folder("emptied")
        let live = try await LiveChain(dataFolder: emptied, port: port)
        try await fleet.start(5..<8, port: port)
        try await live.wait("quarantine") { try await live.status().quarantined }
        #expect(try await live.status().ledgerSize == 0)
        await fleet.stopAll()
        try await live.stop()
    }
}
