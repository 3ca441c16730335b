// Real messages for `make fuzz-seeds`: one round of a chain, every message of it under the name of its fuzz target.

import ChainKeys
import Consent
import Cryptography
import Foundation
import HTTPServer
import Identity
import Learning
import MerkleLog
import Rounds
import SecureAggregation
import Storage
import Testing
import WireFormat

@testable import Coordinator

@Suite struct FuzzSeedTests {
    private static let folder = ProcessInfo.processInfo.environment["CONCORD_FUZZ_SEEDS"]

    /// Writes seeds below a folder.
    private final class Seeds {
        private let folder: String
        private(set) var counts: [String: Int] = [:]

        init(_ folder: String) { self.folder = folder }

        func add(_ name: String, _ bytes: [UInt8]) throws {
            let number = counts[name, default: 0]
            counts[name] = number + 1
            try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
            try Data(bytes).write(to: URL(filePath: "\(folder)/\(name)/seed-\(number)"))
        }

        func add(_ message: some WireMessage) throws { try add(type(of: message).messageName, message.encoded()) }
        func add(_ name: String, text: String) throws { try add(name, [UInt8](text.utf8)) }
    }

    @Test(.enabled(if: folder != nil, "CONCORD_FUZZ_SEEDS names no folder"))
    func writeSeeds() async throws {
        let seeds = Seeds(try #require(Self.folder))
        let chain = try await DirectChain.ready()
        try Self.texts(seeds, chain)
        try await Self.consent(seeds, chain)
        let session = try await Self.round(seeds, chain)
        try await Self.evidence(seeds, chain, session)
        try await Self.faults(seeds, chain, session)
        #expect(seeds.counts.count > 50)
    }

    private static func consent(_ seeds: Seeds, _ chain: DirectChain) async throws {
        let now = chain.clock.nowMilliseconds()
        let boot = [UInt8](repeating: 1, count: 16)
        let notice = NoticeReference(identifier: "notice", version: 1, digest: SHA256.hash([1]))
        let decision = PurposeDecision(.grant, .trainFederated, level: 1)
        var events: [ConsentEvent] = []
        for number in 0..<3 {
            let handle = try BadRequestTests.handle("customer-\(number)", chain)
            events.append(try BadRequestTests.event(.homeAssigned, handle, number: UInt64(2 * number), home: 0))
            let identifier = try EventIdentifier.make(source: 0, boot: boot, sequence: UInt64(2 * number + 1))
            events.append(
                try ConsentEvent(
                    .granted, of: handle, identifier: identifier, purposes: [decision], legalBasis: .consent,
                    jurisdiction: "DE", notice: notice, channel: .kiosk, actor: .subject,
                    capturedAtMilliseconds: now - 1_000, expiresAtMilliseconds: now + 1_000_000_000))
        }
        for event in events.prefix(2) { try seeds.add(event) }
        try seeds.add(notice)
        try seeds.add(decision)
        let batch = EventBatch(events: events.map { $0.encoded() })
        try seeds.add(batch)
        let receipts = try await chain.success(chain.nodes[0].peer, .post, "v1/events", body: batch.encoded())
        try seeds.add("event-receipts", receipts)
        try seeds.add(
            "capture-file",
            text: """
                customer_id,act,purposes,captured_at_ms,expires_at_ms,channel,jurisdiction,notice
                a,granted,train.federated personalise:2,10,20,kiosk,DE,n:1:\(String(repeating: "ab", count: 32))
                b,withdrawn,train.federated,11,,pos,,
                """)
    }

    private static func round(_ seeds: Seeds, _ chain: DirectChain) async throws -> Digest {
        let epoch = try await chain.success(chain.nodes[0].peer, .get, "v1/epochs/current")
        let announcement = try EpochAnnouncement(decoding: epoch)
        try seeds.add(announcement)
        try seeds.add("epoch-hello", try #require(announcement.hellos.first).encoded())
        let prekey = try #require(chain.nodes[0].prekeys[1]).bundle
        try seeds.add(prekey)
        try seeds.add(prekey.prekey)
        try seeds.add(prekey.shares)
        let session = try await chain.openAttempt()
        try seeds.add(try await chain.work(0))
        let offer = try await chain.offer(0, session)
        try seeds.add(offer)
        try seeds.add(offer.parameters)
        try seeds.add("roster", offer.roster.bytes)
        let parameters = offer.parameters.body
        try seeds.add(
            "view-delivery",
            try await chain.success(
                chain.nodes[0].peer, .get, "v1/views/\(parameters.consentSize)",
                query: ["previous": String(parameters.previousConsentSize)]))
        let view = try await chain.view(0, offer: offer)
        try seeds.add(view.view)
        try seeds.add(view.view.statement)
        try seeds.add(SystemEvent.viewRoot(view.view.statement))
        try seeds.add("view-row", try #require(view.rows.first).encoded())
        let committed = try await chain.cohort(0, offer: offer)
        try seeds.add(committed)
        try seeds.add(committed.commitment)
        let cohort = Cohort(view, salt: try CohortSalt(random: SystemRandomSource()))
        if let opening = try cohort.opening(of: try BadRequestTests.handle("customer-0", chain)) {
            try seeds.add(opening)
            try seeds.add(opening.leaf)
        }
        let stranger = try BadRequestTests.handle("nobody", chain)
        let absence = try #require(try cohort.absence(of: stranger))
        try seeds.add(absence)
        try seeds.add(absence.proof)
        let signature = try ViewDelivery(
            decoding: try await chain.success(
                chain.nodes[0].peer, .get, "v1/views/\(parameters.consentSize)",
                query: ["previous": String(parameters.previousConsentSize)])
        ).signature
        try seeds.add(
            try AbsenceAnswer(
                handle: stranger, round: 1, view: view, statementSignature: signature,
                salt: try CohortSalt(random: SystemRandomSource())))
        let envelopes = try await chain.upload(chain.nodes.indices, session)
        let envelope = try #require(envelopes[0])
        try seeds.add(envelope)
        try seeds.add(envelope.upload)
        let receipt = await chain.commit(0, envelope, session).body
        try seeds.add("upload-receipt", receipt)
        try seeds.add(
            "upload-progress", try await chain.success(chain.nodes[0].peer, .get, "v1/sessions/\(session.hex)/upload"))
        let checks = try #require(try await chain.shareChecks(chain.quorum[0]))
        // Two deals say as much as five hundred.
        let few = ShareChecks(
            epochRoot: checks.epochRoot, sessions: checks.sessions, items: Array(checks.items.prefix(2)))
        try seeds.add(few)
        let report = try chain.nodes[chain.quorum[0]].report(
            few, register: chain.keys.register, epoch: try #require(chain.epoch))
        try seeds.add(try #require(report))
        try seeds.add("vector-chunk", VectorChunks.encode([1, 2, 3][...]))
        try await chain.tick()
        let member = try #require(chain.quorum.first)
        let proposal = try await chain.proposal(member, session)
        try seeds.add(proposal)
        let survivors = proposal.survivors
        try seeds.add("survivor-bitmap", [0, UInt8(survivors.alive.count)] + survivors.bitmap)
        let vote = try chain.nodes[member].vote(proposal, context: try chain.context())
        try seeds.add(try #require(vote))
        try await chain.vote(chain.quorum, session)
        let request = try RevealRequest(
            decoding: try await chain.success(
                chain.nodes[member].peer, .get, "v1/sessions/\(session.hex)/reveal-request"))
        try seeds.add(request)
        try seeds.add(request.certificate)
        try seeds.add(try await chain.makeReveal(member, session))
        try await chain.reveal(chain.quorum, session)
        try await chain.tick()
        return session
    }

    /// A vote beside another of the same member, and a complaint about a prekey: evidence with and without what binds it.
    private static func faults(_ seeds: Seeds, _ chain: DirectChain, _ session: Digest) async throws {
        let register = chain.keys.register
        let votes = try (UInt8(1)...2).map { label in
            try SignedMessage(
                signing: LabelVote(
                    sessionID: session, node: chain.nodes[chain.quorum[0]].index, labelDigest: SHA256.hash([label])),
                key: chain.nodes[chain.quorum[0]].keys.protocolKey)
        }
        try seeds.add(FaultEvidence(registerDigest: register.digest, fault: .doubleVote(votes[0], votes[1])))
        let deal = Deal(prekey: try #require(chain.nodes[0].prekeys.first).value.bundle.prekey)
        let reports = try chain.committee.prefix(register.corruptMax + 1).map { member in
            try SignedMessage(
                signing: ShareReport(
                    epochRoot: try #require(chain.epoch).root, node: chain.nodes[member].index,
                    results: [ShareReport.Result(deal: deal.digest, isValid: false)]),
                key: chain.nodes[member].keys.protocolKey)
        }
        try seeds.add(
            FaultEvidence(
                registerDigest: register.digest, fault: .rejectedDeal(deal, reports: reports),
                epoch: try #require(chain.epoch).head))
    }

    private static func evidence(_ seeds: Seeds, _ chain: DirectChain, _ session: Digest) async throws {
        let bundle = try await chain.success(
            try chain.person(.auditor), .post, "v1/tasks/\(chain.plan.jobID)/evidence")
        try seeds.add("evidence-bundle", bundle)
        try seeds.add("cbor", try chain.keys.plan().encoded())
        try seeds.add(try chain.keys.plan(subCohorts: SubCohortSettings(groupSize: 18, trim: 1)))
        let payloads = try await chain.service.store.database.read { connection in
            try connection.query(
                """
                SELECT l.leaf, p.payload FROM public_payload p JOIN ledger l ON l.position = p.position
                ORDER BY p.position
                """
            ) { (leaf: try LedgerLeaf(decoding: try $0.blob(0)), payload: try $0.blob(1)) }
        }
        for row in payloads {
            if row.leaf.category == .round { try seeds.add("round-event", row.payload) }
        }
        try seeds.add("ledger-leaf", try #require(payloads.first).leaf.encoded())
        chain.clock.advance(milliseconds: 2_000)
        try await chain.tick()
        let note = String(decoding: await chain.call(chain.nodes[0].peer, .get, "checkpoint").body, as: UTF8.self)
        try seeds.add("signed-note", text: note)
        let signed = try SignedNote(parsing: note)
        try seeds.add("checkpoint", text: signed.text)
        let (size, proof, consistency) = try await chain.service.store.transact { state, _ in
            let size = try Checkpoint(parsing: signed.text).size
            return (
                size,
                try TlogProof(
                    inclusion: try state.tree.inclusionProof(index: 1, size: size), signedCheckpoint: signed),
                try state.tree.consistencyProof(from: 3, to: size)
            )
        }
        try seeds.add("tlog-proof", text: proof.encoded)
        try seeds.add(ConsistencyDelivery(hashes: consistency.hashes))
        try seeds.add(
            "merkle-proofs",
            [0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, UInt8(size)] + consistency.hashes.flatMap(\.bytes))
        let entries = await chain.call(chain.nodes[0].peer, .get, "tile/entries/000.p/\(size)").body
        try seeds.add("entry-bundle", [UInt8(size - 1)] + entries)
        let model = try TestKeys.initialModel()
        try seeds.add("safetensors", model)
        try seeds.add("model-file", model)
        let optimizer = try await chain.service.store.transact { state, _ in
            state.tasks.values.first?.optimizer
        }
        try seeds.add("server-optimizer", try await chain.service.models.read(try #require(optimizer)))
    }

    private static func texts(_ seeds: Seeds, _ chain: DirectChain) throws {
        try seeds.add(chain.service.keys.signedRegister)
        try seeds.add(chain.keys.anchors)
        try seeds.add(try chain.keys.plan())
        try seeds.add(try TestKeys.job())
        try seeds.add("hex", text: SHA256.hash([]).hex)
        try seeds.add("base64", text: Base64.encode([1, 2, 3, 4]))
        try seeds.add("verifier-key", text: chain.keys.anchors.ledgerVerifierKey)
        for path in ["tile/0/x001/234.p/7", "tile/entries/000", "tile/63/000"] {
            try seeds.add("tile-path", text: path)
        }
        try seeds.add(
            "transactions-csv",
            text: """
                \u{7}customer_id,store_id,timestamp,category,quantity,value
                a,s,1700000000,"bread, white",1,2.50
                b,s,2023-11-14T22:13:20Z,milk,-1,1e3
                """)
        try seeds.add(
            "coordinator-configuration",
            text: "{dataDirectory: 'd', keysDirectory: \"k\", port: 8443, /* x */ epochMilliseconds: 9,}")
        try seeds.add(
            "agent-configuration",
            text: """
                {coordinator: 'https://h:1', keysDirectory: 'k', stateDirectory: 's', transactionsDirectory: 't',
                consentDirectory: 'c', prekeyStock: 2}
                """)
        try seeds.add("people-request", text: "{\"total\": 3}")
        try seeds.add("people-request", text: "{\"certificate\": \"\(SHA256.hash([]).hex)\", \"x\": [null, 1e2]}")
        try seeds.add("spiffe-id", text: "spiffe://test.example/store/store-001")
        let pem = try String(contentsOfFile: chain.keys.storeFolder(0).tls.certificate, encoding: .utf8)
        try seeds.add("certificate-pem", text: pem)
        let lines = pem.split(separator: "\n").filter { !$0.hasPrefix("-") }
        try seeds.add("certificate", try Base64.decode(lines.joined()))
        for target in [
            "/v1/views/7?previous=3", "/v1/sessions/\(SHA256.hash([]).hex)/chunks/0?sha256=00", "/tile/x/%41%42/0",
        ] { try seeds.add("request-target", text: target) }
    }
}
