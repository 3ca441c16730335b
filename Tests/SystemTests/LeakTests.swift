// Planted secrets, looked for everywhere they must not be after a whole round with real agents.
//
// Planted: customers' loyalty ids; their handles; every secret key file. Searched: every file of the coordinator's data
// folder (database, write-ahead log, blobs, sealed uploads), every file of every agent's state folder, everything written
// to standard error, every answer that each role can get, and the texts of errors about bad input.
// Allowed: ids in the agents' input folders; handles as bytes in the ledger's database and in agents' state, and in what a
// store gets about its own customers; keys in key folders.

import ChainKeys
import Consent
import Cryptography
import Foundation
import HTTPClient
import HTTPServer
import Identity
import Rounds
import SecureAggregation
import Testing

@testable import Coordinator
@testable import EdgeAgent

extension LiveRoundTests {
    private static func keyCanaries() throws -> [Canary] {
        let keys = TestKeys.shared
        let names = TestFolder.files(below: keys.folder("keys")).filter { $0.path.hasSuffix(".key") }
        var canaries: [Canary] = []
        for (path, bytes) in names {
            let name = path.split(separator: "/").suffix(2).joined(separator: "/")
            if bytes.starts(with: [UInt8]("-----BEGIN".utf8)) {
                let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
                canaries.append(Canary(name, text: String(lines[1])))
            } else {
                canaries.append(Canary(name, bytes: bytes))
                if bytes.count == 64, let raw = try? Hex.decode(String(decoding: bytes, as: UTF8.self)) {
                    canaries.append(Canary(name, bytes: raw))
                }
            }
        }
        return canaries
    }

    @Test(.timeLimit(.minutes(2))) func nothingLeaks() async throws {
        let folder = try TestFolder()
        let capture = StandardErrorCapture(path: folder("stderr"))
        let fleet = try AgentFleet()
        let live = try await LiveChain(dataFolder: folder("data"))
        let stores = live.keys.stores.indices
        let keyCanaries = try Self.keyCanaries()
        #expect(keyCanaries.count > 3 * stores.count)
        let customerCanary = Canary("a customer's id", text: "CANARY-customer")
        let handleKey = try HandleKey(try live.keys.storeFolder(0).handleKey())
        let handles = try stores.map { store in
            try handleKey.handle(
                tenant: TestKeys.chain, namespace: "loyalty", canonicalID: AgentFleet.customer(store, 0))
        }
        let handleCanaries = handles.map { Canary("a handle", bytes: $0.bytes) }
        let handleTexts = handles.map { Canary("a handle as text", bytes: $0.bytes, textOnly: true) }

        // One store's captures are damaged, in a row that names a customer.
        try Data("customer_id,act\nCANARY-customer-x,granted\n".utf8)
            .write(to: URL(filePath: fleet.input(7, "consent/second.csv")))
        try await fleet.start(stores, port: live.port)
        try await live.wait("every node ready") { try await live.status().nodesReady == stores.count }
        let job = try await live.startTask()
        try await live.ask(job, rounds: 1)
        try await live.wait("round 1") { try await live.rounds(job).first?.state == "released" }

        // Every answer that each role can get.
        let model = try #require(try await live.rounds(job).first?.model)
        let plan = try ValidatedPlan(verifying: try live.keys.plan(), owner: live.keys.anchors.planOwnerKey)
        let size = try #require(
            String(decoding: try await live.success(.auditor, .get, "/checkpoint"), as: UTF8.self)
                .split(separator: "\n").dropFirst().first.flatMap { Int($0) })
        var answers = 0
        for role in Role.allCases where role != .coordinator {
            let client = try live.client(role)
            for path in [
                "/v1/work?ledger=0", "/v1/register", "/v1/epochs/current", "/v1/plans/\(plan.digest.hex)",
                "/v1/models/\(model)", "/v1/tasks", "/v1/tasks/\(job)/rounds", "/v1/status", "/checkpoint",
                "/v1/log/consistency?from=1&to=\(size)", "/tile/0/000.p/\(size % 256)",
                "/tile/entries/000.p/\(size % 256)",
                "/v1/subjects/\(Hex.encode(handles[0].bytes))/timeline", "/v1/nothing/CANARY",
            ] {
                let parts = path.split(separator: "?")
                var query: [String: String] = [:]
                for pair in parts.dropFirst().first?.split(separator: "&") ?? [] {
                    let halves = pair.split(separator: "=")
                    query[String(halves[0])] = String(halves[1])
                }
                let body = Data(try await client.send(.get, path: String(parts[0]), query: query).body)
                answers += body.isEmpty ? 0 : 1
                for canary in keyCanaries + [customerCanary] + handleCanaries {
                    #expect(!canary.occurs(in: body), "\(canary.name) for \(role.rawValue) at \(parts[0])")
                }
            }
        }
        #expect(answers > 60)
        let evidence = Data(try await live.success(.auditor, .post, "/v1/tasks/\(job)/evidence", body: []))
        for canary in keyCanaries + [customerCanary] + handleCanaries {
            #expect(!canary.occurs(in: evidence), "\(canary.name) in the evidence")
        }

        // Files, while everything runs: the write-ahead logs are full of what was written last.
        var searched = 0
        for (path, bytes) in TestFolder.files(below: folder("data")) {
            searched += 1
            for canary in keyCanaries + [customerCanary] + handleTexts {
                #expect(!canary.occurs(in: Data(bytes)), "\(canary.name) in the coordinator's \(path)")
            }
            guard !path.contains("coordinator.sqlite") else { continue }
            for canary in handleCanaries { #expect(!canary.occurs(in: Data(bytes)), "\(canary.name) in \(path)") }
        }
        for store in stores {
            for (path, bytes) in TestFolder.files(below: fleet.input(store, "state")) {
                searched += 1
                for canary in keyCanaries + [customerCanary] + handleTexts {
                    #expect(!canary.occurs(in: Data(bytes)), "\(canary.name) in the agent's \(path)")
                }
            }
        }
        #expect(searched > 2 * stores.count)

        await fleet.stopAll()
        try await live.stop()
        let log = capture.finish()
        #expect(log.range(of: Data("round.released".utf8)) != nil)
        #expect(log.range(of: Data("captures.refused".utf8)) != nil, "the damaged file was noticed")
        for canary in keyCanaries + [customerCanary] + handleCanaries {
            #expect(!canary.occurs(in: log), "\(canary.name) in the log")
        }
        try await errorTexts(fleet, customerCanary)
    }

    /// Bad input that names a customer: the error says where, not who.
    private func errorTexts(_ fleet: AgentFleet, _ canary: Canary) async throws {
        let header = "customer_id,store_id,timestamp,category,quantity,value\n"
        for row in [
            "CANARY-customer-1,s,notatime,bread,1,2.50", "CANARY-customer-1,s", "CANARY-customer-1,s,1,bread,x,2.50",
            "CANARY-customer-1,s,1,bread,1,1e999", "\"CANARY-customer-1,s,1,bread,1,2",
        ] {
            try Data("\(header)\(row)\n".utf8).write(to: URL(filePath: fleet.input(0, "transactions/bad.csv")))
            do {
                _ = try CustomerData(folder: fleet.input(0, "transactions"), maximumSkippedRows: 0) { _ in
                    try SubjectHandle([UInt8](repeating: 0, count: 16))
                }
                Issue.record("\(row) was accepted")
            } catch {
                #expect(!canary.occurs(in: Data("\(error) \(String(reflecting: error))".utf8)), "\(row)")
            }
        }
    }
}
