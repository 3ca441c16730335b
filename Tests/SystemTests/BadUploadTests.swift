// Uploads that are wrong in one way each: refused with the status that says why, and nothing of them is stored.

import Consent
import Cryptography
import HTTPServer
import Rounds
import SecureAggregation
import Testing
import WireFormat

@testable import Coordinator

@Suite struct BadUploadTests {
    private static let nowhere = SHA256.hash([0]).hex

    @Test func replayedAndAlteredUploads() async throws {
        let chain = try await DirectChain.ready()
        let session = try await chain.openAttempt()
        let envelopes = try await chain.upload(0..<20, session)
        let envelope = try #require(envelopes[3])
        let receipt = await chain.commit(3, envelope, session)
        #expect(receipt.status == 200)
        let signed = try SignedMessage<UploadReceipt>(decoding: receipt.body)
        try signed.verify(by: chain.keys.anchors.coordinatorKey)
        #expect(signed.body.envelopeDigest == envelope.digest)

        // Another upload of the same node: signed by it, and still a contradiction.
        let altered = UploadEnvelope(
            upload: try SignedMessage(signing: envelope.upload.body, key: chain.nodes[3].keys.protocolKey),
            shares: envelope.shares, chunkDigests: envelope.chunkDigests + [SHA256.hash([1])])
        try await chain.expectRefusal(409, "conflict") { await chain.commit(3, altered, session) }

        chain.clock.advance(milliseconds: DirectChain.deadlines.collecting)
        try await chain.tick()
        #expect(try await chain.attemptStates() == ["labelling"])
        #expect(await chain.commit(3, envelope, session).body == receipt.body, "after the seal")
        try await chain.expectRefusal(409, "conflict") { await chain.commit(3, altered, session) }
        try await chain.vote(chain.quorum, session)
        try await chain.reveal(chain.quorum, session)
        try await chain.tick()
        #expect(try await chain.attemptStates() == ["released"])
        #expect(await chain.commit(3, envelope, session).body == receipt.body, "after the release")
        try await chain.expectRefusal(409, "conflict") { await chain.commit(3, altered, session) }
        #expect(try await chain.sums() == [chain.expectedSum(0..<20)])
    }

    @Test func lateUpload() async throws {
        let chain = try await DirectChain.ready()
        let session = try await chain.openAttempt()
        let late = try await chain.prepareUpload(23, session)
        try await chain.upload(0..<20, session)
        chain.clock.advance(milliseconds: DirectChain.deadlines.collecting)
        // The deadline counts, not the moment at which somebody looks.
        try await chain.expectRefusal(410, "closed") { await chain.commit(23, late.envelope, session) }
        try await chain.tick()
        try await chain.expectRefusal(410, "closed") { await chain.commit(23, late.envelope, session) }
    }

    @Test func uploadWithoutCohortCommitment() async throws {
        let chain = try await DirectChain.ready()
        let session = try await chain.openAttempt()
        let offer = try await chain.offer(0, session)
        let upload = try chain.nodes[0].maskedUpload(
            chain.oneHot(0), offer: offer, context: try chain.context())
        let digest = try #require(upload.envelope.chunkDigests.first)
        try await chain.expectRefusal(422, "refused") { await chain.commit(0, upload.envelope, session) }
        try await chain.success(
            chain.nodes[0].peer, .put, "v1/sessions/\(session.hex)/chunks/0", query: ["sha256": digest.hex],
            body: VectorChunks.encode(upload.words[...]))
        try await chain.expectRefusal(422, "refused") { await chain.commit(0, upload.envelope, session) }
    }

    @Test func uploadWithoutChunks() async throws {
        let chain = try await DirectChain.ready()
        let session = try await chain.openAttempt()
        let offer = try await chain.offer(0, session)
        let upload = try chain.nodes[0].maskedUpload(
            chain.oneHot(0), offer: offer, context: try chain.context())
        try await chain.success(
            chain.nodes[0].peer, .post, "v1/sessions/\(session.hex)/cohort",
            body: try await chain.cohort(0, offer: offer).encoded())
        try await chain.expectRefusal(422, "refused") { await chain.commit(0, upload.envelope, session) }
    }

    @Test func wrongChunks() async throws {
        let chain = try await DirectChain.ready()
        let session = try await chain.openAttempt()
        let words = try await chain.offer(0, session).parameters.body.wordCount
        let bytes = [UInt8](repeating: 1, count: words * 8)
        let digest = SHA256.hash(bytes).hex
        let peer = chain.nodes[0].peer
        func put(_ index: String, _ body: [UInt8], _ digest: String?) async -> HTTPResponse {
            await chain.call(
                peer, .put, "v1/sessions/\(session.hex)/chunks/\(index)", query: digest.map { ["sha256": $0] } ?? [:],
                body: body)
        }
        try await chain.expectRefusal(422, "refused") { await put("0", bytes, Self.nowhere) }
        try await chain.expectRefusal(400, "bad-request") { await put("0", bytes, nil) }
        try await chain.expectRefusal(400, "bad-request") { await put("0", bytes, "00") }
        try await chain.expectRefusal(400, "bad-request") { await put("0", Array(bytes.dropLast()), digest) }
        try await chain.expectRefusal(400, "bad-request") { await put("0", bytes + [0], digest) }
        for index in ["1", "-1", "x", "9223372036854775808"] {
            try await chain.expectRefusal(400, "bad-request") { await put(index, bytes, digest) }
        }
        #expect(await put("0", bytes, digest).status == 204)
        #expect(await put("0", bytes, digest).status == 204, "the same bytes again")
        let others = [UInt8](repeating: 2, count: words * 8)
        try await chain.expectRefusal(409, "conflict") { await put("0", others, SHA256.hash(others).hex) }
        let progress = try UploadProgress(
            decoding: try await chain.success(peer, .get, "v1/sessions/\(session.hex)/upload"))
        #expect(progress.storedChunks == [0])
        #expect(!progress.committed)
    }

    /// Whose message it is decides the certificate, not the field.
    @Test func anotherNodesMessages() async throws {
        let chain = try await DirectChain.ready()
        let session = try await chain.openAttempt()
        let upload = try await chain.prepareUpload(0, session)
        let thief = chain.nodes[1].peer
        let path = "v1/sessions/\(session.hex)"
        try await chain.expectRefusal(403, "forbidden") {
            await chain.call(thief, .post, "\(path)/upload", body: upload.envelope.encoded())
        }
        let offer = try await chain.offer(2, session)
        let cohort = try await chain.cohort(2, offer: offer)
        try await chain.expectRefusal(403, "forbidden") {
            await chain.call(thief, .post, "\(path)/cohort", body: cohort.encoded())
        }
        let epoch = try #require(chain.epoch)
        let bundle = try chain.nodes[2].dealPrekey(register: chain.keys.register, epoch: epoch)
        try await chain.expectRefusal(403, "forbidden") {
            await chain.call(thief, .post, "v1/prekeys", body: bundle.encoded())
        }
    }

    @Test func staleConsentView() async throws {
        let chain = try await DirectChain.ready()
        let first = try await chain.openAttempt()
        let stale = try await chain.cohort(0, offer: try await chain.offer(0, first))
        chain.clock.advance(milliseconds: DirectChain.deadlines.collecting)
        try await chain.tick()  // too few: void, and the second attempt pins a newer checkpoint
        let moved = try BadRequestTests.event(
            .homeAssigned, try BadRequestTests.handle("customer-1", chain), number: 1, home: 0)
        try await chain.success(
            chain.nodes[0].peer, .post, "v1/events", body: EventBatch(events: [moved.encoded()]).encoded())
        let second = try await chain.openAttempt()
        #expect(first != second)
        let offer = try await chain.offer(0, second)
        let fresh = try await chain.cohort(0, offer: offer)
        #expect(fresh.commitment.pinnedSize > stale.commitment.pinnedSize)
        func post(_ cohort: CohortCommitted, _ session: Digest) async -> HTTPResponse {
            await chain.call(
                chain.nodes[0].peer, .post, "v1/sessions/\(session.hex)/cohort", body: cohort.encoded())
        }
        /// The fresh commitment with fields of the stale one, signed again.
        func altered(pinnedSize: Bool, viewRoot: Bool) throws -> CohortCommitted {
            var value = fresh.commitment.cborValue
            let other = stale.commitment.cborValue
            if pinnedSize { value = try value.replacing(field: 5, from: other) }
            if viewRoot { value = try value.replacing(field: 6, from: other) }
            let commitment = try CohortCommitment(cborValue: value)
            return try CohortCommitted(
                commitment: commitment, signature: try commitment.signature(by: chain.nodes[0].keys.protocolKey))
        }
        try await chain.expectRefusal(403, "forbidden") { await post(stale, second) }
        try await chain.expectRefusal(410, "closed") { await post(stale, first) }
        let older = try altered(pinnedSize: true, viewRoot: true)
        try await chain.expectRefusal(422, "refused") { await post(older, second) }
        let otherRoot = try altered(pinnedSize: false, viewRoot: true)
        try await chain.expectRefusal(422, "refused") { await post(otherRoot, second) }
        let unsigned = try CohortCommitted(commitment: fresh.commitment, signature: stale.signature)
        try await chain.expectRefusal(422, "refused") { await post(unsigned, second) }
        #expect(await post(fresh, second).status == 204)
        #expect(await post(fresh, second).status == 204, "the same bytes again")
        let another = try await chain.cohort(0, offer: offer)  // another salt
        try await chain.expectRefusal(409, "conflict") { await post(another, second) }
    }

    @Test func votesAndReveals() async throws {
        let chain = try await DirectChain.ready()
        let session = try await chain.openAttempt()
        let member = try #require(chain.committee.first)
        let outsider = try #require(chain.nodes.indices.first { !chain.committee.contains($0) })
        func post(_ index: Int, _ vote: SignedMessage<LabelVote>) async -> HTTPResponse {
            await chain.call(
                chain.nodes[index].peer, .post, "v1/sessions/\(session.hex)/votes", body: vote.encoded())
        }
        func vote(_ index: Int, _ label: Digest, signer: Int? = nil) throws -> SignedMessage<LabelVote> {
            try SignedMessage(
                signing: LabelVote(sessionID: session, node: chain.nodes[index].index, labelDigest: label),
                key: chain.nodes[signer ?? index].keys.protocolKey)
        }
        let early = try vote(member, SHA256.hash([1]))
        try await chain.expectRefusal(410, "closed") { await post(member, early) }
        try await chain.upload(chain.nodes.indices, session)
        try await chain.tick()
        let label = try await chain.proposal(member, session).survivors.digest
        let wrong = try vote(member, SHA256.hash([1]))
        try await chain.expectRefusal(422, "refused") { await post(member, wrong) }
        let stranger = try vote(outsider, label)
        try await chain.expectRefusal(404, "not-found") { await post(outsider, stranger) }
        let forged = try vote(member, label, signer: outsider)
        try await chain.expectRefusal(422, "refused") { await post(member, forged) }
        // The charge comes with the certificate: before it there is nothing to read and nothing to reveal.
        try await chain.expectRefusal(404, "not-found") {
            await chain.call(chain.nodes[member].peer, .get, "v1/sessions/\(session.hex)/reveal-request")
        }
        try await chain.vote(chain.quorum, session)
        func post(_ index: Int, _ reveal: SignedMessage<Reveal>) async -> HTTPResponse {
            await chain.call(
                chain.nodes[index].peer, .post, "v1/sessions/\(session.hex)/reveals", body: reveal.encoded())
        }
        let reveal = try await chain.makeReveal(member, session)
        let forgedReveal = try SignedMessage(
            signing: reveal.body, key: chain.nodes[outsider].keys.protocolKey)
        try await chain.expectRefusal(422, "refused") { await post(member, forgedReveal) }
        let foreign = try SignedMessage(
            signing: Reveal(
                sessionID: session, node: chain.nodes[outsider].index, labelDigest: label, shares: reveal.body.shares,
                openingDigest: reveal.body.openingDigest),
            key: chain.nodes[outsider].keys.protocolKey)
        try await chain.expectRefusal(404, "not-found") { await post(outsider, foreign) }
        let otherLabel = try SignedMessage(
            signing: Reveal(
                sessionID: session, node: chain.nodes[member].index, labelDigest: SHA256.hash([1]),
                shares: reveal.body.shares, openingDigest: reveal.body.openingDigest),
            key: chain.nodes[member].keys.protocolKey)
        try await chain.expectRefusal(422, "refused") { await post(member, otherLabel) }
        let short = try SignedMessage(
            signing: Reveal(
                sessionID: session, node: chain.nodes[member].index, labelDigest: label,
                shares: Array(reveal.body.shares.dropLast()), openingDigest: reveal.body.openingDigest),
            key: chain.nodes[member].keys.protocolKey)
        try await chain.expectRefusal(422, "refused") { await post(member, short) }
        try await chain.reveal(chain.quorum, session)
        try await chain.tick()
        #expect(try await chain.sums() == [chain.expectedSum(chain.nodes.indices)])
    }
}
