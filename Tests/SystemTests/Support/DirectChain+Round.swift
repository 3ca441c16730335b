// The steps of a round, one call each.

import Consent
import Cryptography
import HTTPServer
import MerkleLog
import Rounds
import SecureAggregation
import Testing
import WireFormat

@testable import Coordinator

extension DirectChain {
    /// Everyone asks for work, so that the coordinator knows who is there.
    func poll(_ indices: Range<Int>? = nil, ledgerSeen: Int = 0) async throws {
        for index in indices ?? nodes.indices { _ = try await work(index, ledgerSeen: ledgerSeen) }
    }

    func work(_ index: Int, ledgerSeen: Int = 0) async throws -> WorkList {
        try WorkList(
            decoding: try await success(nodes[index].peer, .get, "v1/work", query: ["ledger": String(ledgerSeen)]))
    }

    /// Opens the next attempt with the nodes that are there.
    func openAttempt(_ indices: Range<Int>? = nil) async throws -> Digest {
        try await poll(indices)
        try await tick()
        let items = try await work(indices?.lowerBound ?? 0).items
        return try #require(items.first { $0.kind == .offer }).sessionID
    }

    /// Customers of node 0, each of whom consents to training: "customer-0" and so on.
    func enrol(customers: Int) async throws {
        var events: [[UInt8]] = []
        for number in 0..<customers {
            let handle = try BadRequestTests.handle("customer-\(number)", self)
            let home = try BadRequestTests.event(.homeAssigned, handle, number: UInt64(2 * number), home: 0)
            let granted = try ConsentEvent(
                .granted, of: handle,
                identifier: try EventIdentifier.make(
                    source: 0, boot: [UInt8](repeating: 1, count: 16), sequence: UInt64(2 * number + 1)),
                purposes: [PurposeDecision(.grant, .trainFederated, level: 1)], legalBasis: .consent,
                jurisdiction: "DE",
                notice: NoticeReference(identifier: "notice", version: 1, digest: SHA256.hash([1])),
                channel: .kiosk, actor: .subject, capturedAtMilliseconds: clock.nowMilliseconds() - 1_000)
            events += [home.encoded(), granted.encoded()]
        }
        try await success(nodes[0].peer, .post, "v1/events", body: EventBatch(events: events).encoded())
    }

    func context() throws -> SessionContext {
        SessionContext(
            register: keys.register, epoch: try #require(epoch), coordinatorKey: keys.anchors.coordinatorKey,
            plan: plan.facts, nowMilliseconds: clock.nowMilliseconds())
    }

    func offer(_ index: Int, _ session: Digest) async throws -> RoundOffer {
        try RoundOffer(
            decoding: try await success(nodes[index].peer, .get, "v1/sessions/\(session.hex)/offer"))
    }

    /// The vector a scripted node uploads: 1 at its own place, so that a sum counts uploads by node.
    func oneHot(_ index: Int) -> [Int64] {
        var values = [Int64](repeating: 0, count: plan.dimension)
        values[index] = 1
        return values
    }

    /// The sum that holds exactly the uploads of `indices`, once each.
    func expectedSum(_ indices: some Sequence<Int>) -> [Int64] {
        var values = [Int64](repeating: 0, count: plan.dimension)
        for index in indices { values[index] += 1 }
        return values
    }

    /// A node's verified view at the checkpoint the offer pins.
    func view(_ index: Int, offer: RoundOffer) async throws -> VerifiedView {
        let parameters = offer.parameters.body
        let delivery = try ViewDelivery(
            decoding: try await success(
                nodes[index].peer, .get, "v1/views/\(parameters.consentSize)",
                query: ["previous": String(parameters.previousConsentSize)]))
        let ledgerKey = try NoteVerifierKey(parsing: keys.anchors.ledgerVerifierKey)
        return try VerifiedView(
            verifying: try ConsentView(decoding: delivery.view), signature: delivery.signature,
            by: ledgerKey.publicKey, origin: ledgerKey.name, node: nodes[index].index,
            pinned: try PinnedCheckpoint(size: Int(parameters.consentSize), root: parameters.consentRoot),
            previousPinned: Int(parameters.previousConsentSize))
    }

    /// A node's commitment to its consenting customers, at that checkpoint.
    func cohort(_ index: Int, offer: RoundOffer) async throws -> CohortCommitted {
        let parameters = offer.parameters.body
        let view = try await view(index, offer: offer)
        let commitment = Cohort(view, salt: try CohortSalt(random: SystemRandomSource())).commitment(
            for: AttemptReference(
                round: RoundReference(
                    job: parameters.jobID, round: UInt32(parameters.round)),
                session: parameters.sessionID))
        return try CohortCommitted(
            commitment: commitment, signature: try commitment.signature(by: nodes[index].keys.protocolKey))
    }

    /// Makes a node's upload and stores its cohort commitment and its chunks; what is left is to commit the envelope.
    /// - Parameter values: what it uploads; ``oneHot(_:)`` if nil.
    func prepareUpload(_ index: Int, _ session: Digest, values: [Int64]? = nil) async throws -> MaskedUpload {
        let offer = try await offer(index, session)
        let upload = try nodes[index].maskedUpload(values ?? oneHot(index), offer: offer, context: try context())
        try await success(
            nodes[index].peer, .post, "v1/sessions/\(session.hex)/cohort",
            body: try await cohort(index, offer: offer).encoded())
        for (chunk, digest) in upload.envelope.chunkDigests.enumerated() {
            try await success(
                nodes[index].peer, .put, "v1/sessions/\(session.hex)/chunks/\(chunk)", query: ["sha256": digest.hex],
                body: VectorChunks.encode(
                    upload.words[VectorChunks.range(chunk, wordCount: upload.words.count)]))
        }
        return upload
    }

    func commit(_ index: Int, _ envelope: UploadEnvelope, _ session: Digest) async -> HTTPResponse {
        await call(nodes[index].peer, .post, "v1/sessions/\(session.hex)/upload", body: envelope.encoded())
    }

    /// The nodes' whole uploads.
    @discardableResult
    func upload(
        _ indices: some Sequence<Int>, _ session: Digest, values: [Int: [Int64]] = [:]
    ) async throws -> [Int: UploadEnvelope] {
        var envelopes: [Int: UploadEnvelope] = [:]
        for index in indices {
            let upload = try await prepareUpload(index, session, values: values[index])
            let response = await commit(index, upload.envelope, session)
            try #require(response.status == 200)
            envelopes[index] = upload.envelope
        }
        return envelopes
    }

    var committee: [Int] { keys.register.committee.map(Int.init) }
    var quorum: [Int] { Array(committee.prefix(keys.register.quorum)) }

    func proposal(_ index: Int, _ session: Digest) async throws -> LabelProposal {
        try LabelProposal(
            decoding: try await success(nodes[index].peer, .get, "v1/sessions/\(session.hex)/label-proposal"))
    }

    func vote(_ members: some Sequence<Int>, _ session: Digest) async throws {
        for index in members {
            let vote = try nodes[index].vote(try await proposal(index, session), context: try context())
            try await success(
                nodes[index].peer, .post, "v1/sessions/\(session.hex)/votes", body: try #require(vote).encoded())
        }
    }

    func makeReveal(_ index: Int, _ session: Digest) async throws -> SignedMessage<Reveal> {
        let request = try RevealRequest(
            decoding: try await success(nodes[index].peer, .get, "v1/sessions/\(session.hex)/reveal-request"))
        return try #require(
            try nodes[index].reveal(
                request, proposal: try await proposal(index, session), context: try context()))
    }

    func reveal(_ members: some Sequence<Int>, _ session: Digest) async throws {
        for index in members {
            try await success(
                nodes[index].peer, .post, "v1/sessions/\(session.hex)/reveals",
                body: try await makeReveal(index, session).encoded())
        }
    }

    /// A whole round with the uploads of `survivors`.
    @discardableResult
    func round(_ survivors: Range<Int>? = nil) async throws -> Digest {
        let session = try await openAttempt()
        try await upload(survivors ?? nodes.indices, session)
        if survivors != nil { clock.advance(milliseconds: Self.deadlines.collecting) }
        try await tick()
        try await vote(quorum, session)
        try await reveal(quorum, session)
        try await tick()
        return session
    }
}
