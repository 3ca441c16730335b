// Dealers, members and the coordinator lie about shares: row 15 of the attack table.

import Cryptography
import TestSupport
import Testing
import Vectors
import WireFormat

@testable import SecureAggregation

struct DealerAttackTests {
    private var uploaded: AggregationScenario.Uploaded

    init() throws { uploaded = try AggregationScenario.uploaded() }

    private var values: [Int64] { AggregationScenario.Uploaded.values(4) }

    /// The upload of node 4 with shares of `secret`, signed by node 4.
    private func dishonest(dealing secret: SecretBytes?) throws -> UploadEnvelope {
        let scenario = uploaded.scenario
        let honest = try #require(uploaded.session.uploads[4])
        let keys = try scenario.keys(of: 4)
        let context = ShareContext(
            kind: .selfMaskSeed, scope: uploaded.session.sessionID, dealer: 4, chargeSequence: 1)
        var shares = honest.shares
        if let secret {
            shares = try SharePackage(
                dealing: secret, context: context, register: scenario.register, epoch: scenario.epoch,
                agreementKey: keys.agreementKey, hedge: keys.hedge, random: scenario.random)
        } else {
            // The right commitments, and ciphertexts that do not open.
            shares = try shares.replacing(
                1, with: .array(shares.ciphertexts.map { .bytes([UInt8](repeating: 1, count: $0.count)) }))
        }
        let body = honest.upload.body
        let upload = Upload(
            sessionID: body.sessionID, node: 4, sequence: body.sequence, chargeSequence: body.chargeSequence,
            selfMaskCommitment: body.selfMaskCommitment, vectorDigest: body.vectorDigest, shareRoot: shares.root)
        return UploadEnvelope(
            upload: try SignedMessage(signing: upload, key: keys.protocolKey), shares: shares,
            chunkDigests: honest.chunkDigests)
    }

    private func session(with envelope: UploadEnvelope) throws -> CoordinatorSession {
        var session = try uploaded.scenario.session(
            signing: uploaded.session.parameters.body, roster: uploaded.session.roster)
        for (position, honest) in uploaded.session.uploads.sorted(by: { $0.key < $1.key }) {
            _ = try session.receive(position == 4 ? envelope : honest)
        }
        return session
    }

    @Test func aDealerOfAnotherSecretIsNamed() throws {
        var uploaded = uploaded
        let envelope = try dishonest(dealing: VectorChain.fixed(3))
        var session = try session(with: envelope)
        #expect(throws: SecureAggregationError.badShare("self-mask seed of node 4")) {
            try uploaded.scenario.finish(&session, words: uploaded.words)
        }
        #expect(session.phase == .unmasking)
    }

    @Test func aDealerWhoseSharesDoNotOpenIsNamed() throws {
        var uploaded = uploaded
        var session = try session(with: dishonest(dealing: nil))
        #expect(throws: SecureAggregationError.wrongPhase("unmasking")) {
            try uploaded.scenario.finish(&session, words: uploaded.words, members: Array(0..<7))
        }
        let last = try uploaded.scenario.reveal(
            #require(session.revealRequest(for: 7)), session: session, member: 7)
        #expect(try session.receive(last) == .new)
        #expect(session.phase == .revealing && session.nodesShortOfShares == [4])
    }

    /// A dealer whose prekey shares hold another secret is named when it drops.
    @Test func aDroppedDealerOfAnotherPrekeyIsNamed() throws {
        var scenario = uploaded.scenario
        let ghost: NodeIndex = 17
        let keys = try scenario.keys(of: ghost)
        let honest = try scenario.prekey(of: ghost)
        let body = honest.bundle.prekey.body
        let shares = try SharePackage(
            dealing: VectorChain.fixed(9),
            context: ShareContext(kind: .prekeySecret, scope: body.id, dealer: ghost, chargeSequence: 0),
            register: scenario.register, epoch: scenario.epoch, agreementKey: keys.agreementKey, hedge: keys.hedge,
            random: scenario.random)
        let prekey = Prekey(
            epochRoot: body.epochRoot, node: ghost, sequence: 1, publicKey: body.publicKey, shareRoot: shares.root)
        scenario.setPrekey(
            PreparedPrekey(
                sequence: 1, privateKey: honest.privateKey,
                bundle: PrekeyBundle(
                    prekey: try SignedMessage(signing: prekey, key: keys.protocolKey), shares: shares)), of: ghost)
        var session = try scenario.session()
        let words = try scenario.collect(&session, dropped: [ghost]) { _ in [Int64](repeating: 1, count: 100) }
        #expect(throws: SecureAggregationError.badShare("prekey secret of node 17")) {
            try scenario.finish(&session, words: words)
        }
    }

    @Test func aLyingMembersSharesAreIgnored() throws {
        var uploaded = uploaded
        try uploaded.scenario.certify(&uploaded.session)
        var session = uploaded.session
        for member in NodeIndex(0)..<7 {
            var reveal = try uploaded.scenario.reveal(
                #require(session.revealRequest(for: member)), session: session, member: member)
            if member == 3 {
                // One share changed, one of another node, one left out; the rest is honest.
                var shares = reveal.body.shares
                shares[2][0] ^= 1
                shares[5] = shares[6]
                shares[8] = []
                shares[9] = [UInt8](repeating: 0xff, count: 40)
                reveal = try SignedMessage(
                    signing: reveal.body.replacing(shares: shares), key: uploaded.scenario.keys(of: 3).protocolKey)
            }
            _ = try session.receive(reveal)
        }
        #expect(session.phase == .revealing && session.nodesShortOfShares == [2, 5, 8, 9])
        #expect(throws: SecureAggregationError.wrongPhase("unmasking")) { try session.unmaskPlan() }
        let honest = try uploaded.scenario.reveal(
            #require(session.revealRequest(for: 7)), session: session, member: 7)
        _ = try session.receive(honest)
        #expect(session.phase == .unmasking && session.nodesShortOfShares.isEmpty)
        #expect(
            try uploaded.scenario.open(session, words: uploaded.words) == AggregationScenario.Uploaded.sum())
    }

    /// Commitments that the dealer did not sign are refused before they could be held against it.
    @Test func commitmentsTheDealerDidNotSignAreRefused() throws {
        let honest = try #require(uploaded.session.uploads[4])
        let bundle = try uploaded.scenario.prekey(of: 4).bundle
        var fresh = try uploaded.scenario.session(
            signing: uploaded.session.parameters.body, roster: uploaded.session.roster)
        for position in honest.shares.commitments.indices {
            var commitments = honest.shares.commitments
            commitments[position] = SHA256.hash([1])
            let framed = UploadEnvelope(
                upload: honest.upload,
                shares: try honest.shares.replacing(2, with: .array(commitments.map { .bytes($0.bytes) })),
                chunkDigests: honest.chunkDigests)
            #expect(throws: SecureAggregationError.mismatch(field: "shareRoot")) { try fresh.receive(framed) }
            var prekeyCommitments = bundle.shares.commitments
            prekeyCommitments[position] = SHA256.hash([1])
            let framedBundle = PrekeyBundle(
                prekey: bundle.prekey,
                shares: try bundle.shares.replacing(2, with: .array(prekeyCommitments.map { .bytes($0.bytes) })))
            #expect(throws: SecureAggregationError.mismatch(field: "shareRoot")) {
                try framedBundle.verify(register: uploaded.scenario.register, epoch: uploaded.scenario.epoch)
            }
        }
        #expect(fresh.uploads.isEmpty)
    }

    @Test func uploadsThatDoNotFitAreRefused() throws {
        let honest = try #require(uploaded.session.uploads[4])
        let body = honest.upload.body
        let key = try uploaded.scenario.keys(of: 4).protocolKey
        var fresh = try uploaded.scenario.session(
            signing: uploaded.session.parameters.body, roster: uploaded.session.roster)
        func envelope(
            session: Digest? = nil, node: NodeIndex = 4, sequence: UInt64 = 1, vector: Digest? = nil,
            chunks: [Digest]? = nil, signer: Ed25519PrivateKey? = nil, shares: SharePackage? = nil
        ) throws -> UploadEnvelope {
            let upload = Upload(
                sessionID: session ?? body.sessionID, node: node, sequence: sequence,
                chargeSequence: body.chargeSequence, selfMaskCommitment: body.selfMaskCommitment,
                vectorDigest: vector ?? body.vectorDigest, shareRoot: shares?.root ?? body.shareRoot)
            return UploadEnvelope(
                upload: try SignedMessage(signing: upload, key: signer ?? key), shares: shares ?? honest.shares,
                chunkDigests: chunks ?? honest.chunkDigests)
        }
        func error(_ envelope: UploadEnvelope) -> SecureAggregationError? {
            do {
                _ = try fresh.receive(envelope)
                return nil
            } catch { return error }
        }
        let other = SHA256.hash([1])
        #expect(try error(envelope(session: other)) == .mismatch(field: "sessionId"))
        #expect(try error(envelope(node: 40)) == .unknown("node"))
        #expect(try error(envelope(sequence: 2)) == .mismatch(field: "sequence"))
        #expect(try error(envelope(vector: other)) == .mismatch(field: "vectorDigest"))
        #expect(try error(envelope(chunks: [])) == .mismatch(field: "vectorDigest"))
        #expect(try error(envelope(chunks: [other])) == .mismatch(field: "vectorDigest"))
        #expect(
            try error(envelope(signer: uploaded.scenario.keys(of: 5).protocolKey)) == .badSignature(of: "upload"))
        #expect(try error(envelope(node: 5)) == .badSignature(of: "upload"))
        let short = try SharePackage(cborValue: .message((1, .array([])), (2, .array([]))))
        #expect(try error(envelope(shares: short)) == .mismatch(field: "shareRoot"))
        var holed = honest.shares.ciphertexts.map { CBORValue.bytes($0) }
        holed[3] = .bytes([])
        let unserved = try honest.shares.replacing(1, with: .array(holed))
        #expect(try error(envelope(shares: unserved)) == .mismatch(field: "committee members served"))
        #expect(try error(envelope()) == nil)
    }

    @Test func votesAndRevealsThatDoNotFitAreRefused() throws {
        var uploaded = uploaded
        let scenario = uploaded.scenario
        let early = try SignedMessage(
            signing: LabelVote(
                sessionID: uploaded.session.sessionID, node: 0, labelDigest: uploaded.session.sessionID),
            key: scenario.keys(of: 0).protocolKey)
        #expect(throws: SecureAggregationError.wrongPhase("a vote")) { try uploaded.session.receive(early) }
        _ = try uploaded.session.closeUploads()
        #expect(throws: SecureAggregationError.mismatch(field: "labelDigest")) { try uploaded.session.receive(early) }
        let label = try #require(uploaded.session.survivors).digest
        func vote(_ node: NodeIndex, by signer: NodeIndex) throws -> SignedMessage<LabelVote> {
            try SignedMessage(
                signing: LabelVote(sessionID: uploaded.session.sessionID, node: node, labelDigest: label),
                key: scenario.keys(of: signer).protocolKey)
        }
        #expect(throws: SecureAggregationError.unknown("committee member")) {
            try uploaded.session.receive(vote(12, by: 12))
        }
        #expect(throws: SecureAggregationError.badSignature(of: "label-vote")) {
            try uploaded.session.receive(vote(1, by: 2))
        }
        #expect(try uploaded.session.receive(vote(1, by: 1)) == .new)
        #expect(try uploaded.session.receive(vote(1, by: 1)) == .repeated)
        #expect(throws: SecureAggregationError.conflict("the vote")) {
            try uploaded.session.receive(vote(1, by: 2))
        }
        for member in NodeIndex(2)..<8 { _ = try uploaded.session.receive(vote(member, by: member)) }
        #expect(uploaded.session.phase == .revealing)
        #expect(throws: SecureAggregationError.wrongPhase("a vote")) { try uploaded.session.receive(vote(0, by: 0)) }
        #expect(uploaded.session.revealRequest(for: 12) == nil)
        let good = try uploaded.scenario.reveal(
            #require(uploaded.session.revealRequest(for: 2)), session: uploaded.session, member: 2)
        func reveal(_ node: NodeIndex, by signer: NodeIndex, shares: [[UInt8]]? = nil) throws -> SignedMessage<Reveal> {
            try SignedMessage(
                signing: Reveal(
                    sessionID: good.body.sessionID, node: node, labelDigest: label,
                    shares: shares ?? good.body.shares,
                    openingDigest: uploaded.session.revealRequest(for: node)?.openingDigest ?? label),
                key: scenario.keys(of: signer).protocolKey)
        }
        #expect(throws: SecureAggregationError.unknown("committee member")) {
            try uploaded.session.receive(reveal(12, by: 12))
        }
        #expect(throws: SecureAggregationError.badSignature(of: "reveal")) {
            try uploaded.session.receive(reveal(2, by: 3))
        }
        #expect(throws: SecureAggregationError.mismatch(field: "shares")) {
            try uploaded.session.receive(reveal(2, by: 2, shares: []))
        }
        #expect(try uploaded.session.receive(good) == .new)
        #expect(try uploaded.session.receive(good) == .repeated)
        #expect(throws: SecureAggregationError.conflict("the reveal")) {
            try uploaded.session.receive(reveal(2, by: 2, shares: [[UInt8]](repeating: [], count: 18)))
        }
        // Row 15: another member's shares under one's own name match no commitment of that seat.
        #expect(try uploaded.session.receive(reveal(5, by: 5)) == .new)
        #expect(uploaded.session.nodesShortOfShares.count == 18)
    }
}
