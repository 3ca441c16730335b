// Requests that name nothing, cannot be read, or contradict the ledger.

import ChainKeys
import Consent
import Cryptography
import HTTPServer
import Identity
import Rounds
import SecureAggregation
import Testing
import WireFormat

@testable import Coordinator

@Suite struct BadRequestTests {
    private static let unknown = SHA256.hash([0]).hex
    private static let unknownJob = String(repeating: "0", count: 32)

    @Test func namesOfNothing() async throws {
        let chain = try await DirectChain.ready()
        let (store, engineer) = (chain.nodes[0].peer, try chain.person(.engineer))
        let (officer, auditor) = (try chain.person(.officer), try chain.person(.auditor))
        let chunk: [String: String] = ["sha256": Self.unknown]
        let reads: [(PeerIdentity, String)] = [
            (store, "v1/plans/\(Self.unknown)"), (store, "v1/models/\(Self.unknown)"),
            (engineer, "v1/models/\(Self.unknown)"), (store, "v1/sessions/\(Self.unknown)/offer"),
            (store, "v1/sessions/\(Self.unknown)/label-proposal"),
            (store, "v1/sessions/\(Self.unknown)/reveal-request"), (store, "v1/sessions/\(Self.unknown)/upload"),
            (engineer, "v1/tasks/\(Self.unknownJob)/rounds"), (officer, "v1/subjects/\(Self.unknownJob)/timeline"),
            (auditor, "tile/7/000"), (auditor, "no/such/operation"),
        ]
        for (peer, path) in reads {
            let before = try await chain.rowCounts()
            let response = await chain.call(peer, .get, path)
            #expect(response.status == 404, "\(path): \(response.text)")
            #expect(response.problemCode == "not-found")
            #expect(try await chain.rowCounts() == before)
        }
        try await chain.expectRefusal(404, "not-found") {
            await chain.call(store, .get, "v1/views/77", query: ["previous": "0"])
        }
        try await chain.expectRefusal(404, "not-found") {
            await chain.call(store, .put, "v1/sessions/\(Self.unknown)/chunks/0", query: chunk, body: [0])
        }
        for act in ["approval", "stop"] {
            try await chain.expectRefusal(404, "not-found") {
                await chain.call(officer, .post, "v1/tasks/\(Self.unknownJob)/\(act)")
            }
        }
        try await chain.expectRefusal(404, "not-found") {
            await chain.call(
                engineer, .post, "v1/tasks/\(Self.unknownJob)/rounds", body: [UInt8]("{\"total\":1}".utf8))
        }
        try await chain.expectRefusal(404, "not-found") {
            await chain.call(auditor, .post, "v1/tasks/\(Self.unknownJob)/evidence")
        }
    }

    /// A well-formed upload for a session that never was must not leave a key or a folder behind.
    @Test func uploadsOfUnknownSessionsStoreNothing() async throws {
        let chain = try await DirectChain.ready()
        let session = try await chain.openAttempt()
        let envelope = try await chain.prepareUpload(0, session).envelope
        let before = TestFolder.files(below: chain.dataFolder).map(\.path).filter { $0.contains("upload") }
        let unknown = SHA256.hash([0])
        let forged = try UploadEnvelope(
            cborValue: try envelope.cborValue.replacing(
                field: 1,
                with: try SignedMessage(
                    signing: try Upload(
                        cborValue: try envelope.upload.body.cborValue.replacing(field: 1, with: .bytes(unknown.bytes))),
                    key: chain.nodes[0].keys.protocolKey
                ).cborValue))
        try await chain.expectRefusal(404, "not-found") { await chain.commit(0, forged, unknown) }
        #expect(TestFolder.files(below: chain.dataFolder).map(\.path).filter { $0.contains("upload") } == before)
    }

    @Test(arguments: Coordinator.Operation.allCases.filter { $0.rule.method == .post })
    func bodiesThatCannotBeRead(operation: Coordinator.Operation) async throws {
        let chain = try await DirectChain.ready()
        let session = try await chain.openAttempt()
        let role = try #require(operation.rule.roles.first)
        let peer = role == .store ? chain.nodes[0].peer : try chain.person(role)
        let path = operation.rule.path.split(separator: "/").map { part -> String in
            switch part {
            case ":session": session.hex
            case ":epoch": "1"
            case ":job": "\(chain.plan.jobID)"
            default: String(part)
            }
        }.joined(separator: "/")
        // Not CBOR, half of a map, an array where a map belongs, a field twice, a length beyond the message, deep nesting.
        let bodies: [[UInt8]] = [
            [0xff], [0xa1, 0x01], [0x80], [0xa2, 0x01, 0x00, 0x01, 0x00],
            [0x5b, 0x7f] + [UInt8](repeating: 0xff, count: 7),
            [UInt8](repeating: 0x81, count: 5_000), [UInt8]("{\"total\":\"x\"}".utf8), [0xa1, 0x18, 0x01, 0x00],
        ]
        for body in bodies {
            // Approval and stop have no body to read; an officer's act is the call.
            if operation == .approveTask || operation == .stopTask { continue }
            let before = try await chain.rowCounts()
            let response = await chain.call(peer, .post, path, body: body)
            #expect(response.status == 400, "\(operation), \(body.prefix(4)): \(response.text)")
            #expect(response.problemCode == "bad-request")
            #expect(try await chain.rowCounts() == before)
        }
    }

    // MARK: Consent events

    static func handle(_ customer: String, _ chain: DirectChain) throws -> SubjectHandle {
        try HandleKey(try chain.keys.storeFolder(0).handleKey())
            .handle(tenant: TestKeys.chain, namespace: "loyalty", canonicalID: customer)
    }

    static func event(
        _ kind: EventKind, _ handle: SubjectHandle, number: UInt64, home: UInt32? = nil,
        purposes: [PurposeDecision] = [], actor: EventActor = .subject
    ) throws -> ConsentEvent {
        try ConsentEvent(
            kind, of: handle,
            identifier: try EventIdentifier.make(source: 0, boot: [UInt8](repeating: 1, count: 16), sequence: number),
            purposes: purposes, channel: .pointOfSale, actor: actor, homeNode: home,
            capturedAtMilliseconds: TestKeys.shared.nowMilliseconds - 1_000)
    }

    private static func post(_ events: [ConsentEvent], as node: Int, _ chain: DirectChain) async -> HTTPResponse {
        await chain.call(
            chain.nodes[node].peer, .post, "v1/events", body: EventBatch(events: events.map { $0.encoded() }).encoded())
    }

    @Test func anIdentifierNamesOneEvent() async throws {
        let chain = try await DirectChain.ready()
        let handle = try Self.handle("customer-1", chain)
        let first = try Self.event(.homeAssigned, handle, number: 1, home: 0)
        let accepted = await Self.post([first], as: 0, chain)
        #expect(accepted.status == 200)
        #expect(await Self.post([first], as: 0, chain).body == accepted.body, "again: the same index")
        let other = try Self.event(.homeAssigned, try Self.handle("customer-2", chain), number: 1, home: 0)
        try await chain.expectRefusal(409, "conflict") { await Self.post([other], as: 0, chain) }
        // A batch is one: what stood before the contradiction is not stored either.
        let fresh = try Self.event(.homeAssigned, try Self.handle("customer-3", chain), number: 2, home: 0)
        try await chain.expectRefusal(409, "conflict") { await Self.post([fresh, other], as: 0, chain) }
        #expect(await Self.post([fresh], as: 0, chain).status == 200)
    }

    @Test func whatAStoreMayNotRecord() async throws {
        let chain = try await DirectChain.ready()
        let handle = try Self.handle("customer-1", chain)
        let away = try Self.event(.homeAssigned, handle, number: 1, home: 5)
        try await chain.expectRefusal(422, "refused") { await Self.post([away], as: 0, chain) }
        let kinds: [EventKind] = [.erased, .restricted, .expired]
        for (number, kind) in kinds.enumerated() {
            let event = try? Self.event(kind, handle, number: UInt64(number) + 10)
            let denial = try? Self.event(
                kind, handle, number: UInt64(number) + 20, purposes: [PurposeDecision(.deny, .trainFederated, level: 1)]
            )
            let either = try #require(event ?? denial, "\(kind)")
            try await chain.expectRefusal(403, "forbidden") { await Self.post([either], as: 0, chain) }
        }
    }

    @Test func timelineOfASubject() async throws {
        let chain = try await DirectChain.ready()
        let handle = try Self.handle("customer-1", chain)
        let home = try Self.event(.homeAssigned, handle, number: 1, home: 0)
        #expect(await Self.post([home], as: 0, chain).status == 200)
        let hex = Hex.encode(handle.bytes)
        let answer = await chain.call(try chain.person(.officer), .get, "v1/subjects/\(hex)/timeline")
        #expect(answer.status == 200)
        #expect((answer.json["events"] as? [Any])?.count == 1)
        try await chain.expectRefusal(400, "bad-request") {
            await chain.call(try chain.person(.officer), .get, "v1/subjects/zz/timeline")
        }
    }

    // MARK: Tasks

    @Test func plansThatAreNotTheOwners() async throws {
        let chain = try await DirectChain.ready()
        let engineer = try chain.person(.engineer)
        let plan = try chain.keys.plan("another")
        let forged = try SignedMessage(signing: plan.body, key: chain.nodes[0].keys.protocolKey)
        try await chain.expectRefusal(422, "refused") {
            await chain.call(engineer, .post, "v1/tasks", body: forged.encoded())
        }
        let poor = try chain.keys.plan("poor", epsilonCapMillionths: 1_000)
        try await chain.expectRefusal(422, "refused") {
            let response = await chain.call(engineer, .post, "v1/tasks", body: poor.encoded())
            #expect(response.text.contains("epsilonCap"))
            return response
        }
        // Row 3 of the attack table: noise for another number of corrupt nodes than the register has.
        let lax = try chain.keys.plan("lax", corruptMax: chain.keys.register.corruptMax + 1)
        try await chain.expectRefusal(422, "refused") {
            let response = await chain.call(engineer, .post, "v1/tasks", body: lax.encoded())
            #expect(response.text.contains("corruptMax"))
            return response
        }
        let first = await chain.call(engineer, .post, "v1/tasks", body: plan.encoded())
        #expect(first.status == 201)
        #expect(await chain.call(engineer, .post, "v1/tasks", body: plan.encoded()).body == first.body)
        let job = try #require(first.json["job"] as? String)
        let total = [UInt8]("{\"total\":1}".utf8)
        try await chain.expectRefusal(409, "conflict") {
            await chain.call(engineer, .post, "v1/tasks/\(job)/rounds", body: total)
        }
        try await chain.success(try chain.person(.officer), .post, "v1/tasks/\(job)/approval")
        for total in ["0", "-1", "5", "1e3"] {
            let response = await chain.call(
                engineer, .post, "v1/tasks/\(job)/rounds", body: [UInt8]("{\"total\":\(total)}".utf8))
            #expect(response.status == 422 || response.status == 400)
        }
    }
}
