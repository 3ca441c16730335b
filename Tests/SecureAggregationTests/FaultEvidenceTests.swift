// Blame: each kind of evidence convicts whom it should, and no change of it convicts anybody. Row 15 of the attack table.

import Cryptography
import MerkleLog
import TestSupport
import Testing
import WireFormat

@testable import SecureAggregation

struct FaultEvidenceTests {
    private var uploaded: AggregationScenario.Uploaded
    private var scenario: AggregationScenario { uploaded.scenario }

    init() throws { uploaded = try AggregationScenario.uploaded() }

    private func accused(_ fault: Fault, register: Register? = nil) throws -> Accused {
        let evidence = FaultEvidence(
            registerDigest: scenario.register.digest, fault: fault, session: uploaded.session.parameters.body,
            epoch: scenario.epoch.head)
        #expect(try FaultEvidence(decoding: evidence.encoded()) == evidence)
        return try evidence.verify(
            register: register ?? scenario.register, coordinatorKey: scenario.coordinatorKey.publicKey)
    }

    /// Why evidence is refused; nil if it is not.
    private func refusal(_ fault: Fault) -> SecureAggregationError? {
        do {
            _ = try accused(fault)
            return nil
        } catch { return error as? SecureAggregationError ?? .malformed("test") }
    }

    // MARK: Dealers

    /// A session in which node 4 dealt `secret` instead of the seed it committed to.
    private func dishonest(_ secret: SecretBytes) throws -> CoordinatorSession {
        let honest = try #require(uploaded.session.uploads[4])
        let keys = try scenario.keys(of: 4)
        let body = honest.upload.body
        let shares = try SharePackage(
            dealing: secret,
            context: ShareContext(
                kind: .selfMaskSeed, scope: uploaded.session.sessionID, dealer: 4, chargeSequence: 1),
            register: scenario.register, epoch: scenario.epoch, agreementKey: keys.agreementKey, hedge: keys.hedge,
            random: scenario.random)
        let upload = Upload(
            sessionID: body.sessionID, node: 4, sequence: body.sequence, chargeSequence: body.chargeSequence,
            selfMaskCommitment: body.selfMaskCommitment, vectorDigest: body.vectorDigest, shareRoot: shares.root)
        var session = try scenario.session(
            signing: uploaded.session.parameters.body, roster: uploaded.session.roster)
        for (position, envelope) in uploaded.session.uploads {
            _ = try session.receive(
                position == 4
                    ? UploadEnvelope(
                        upload: try SignedMessage(signing: upload, key: keys.protocolKey), shares: shares,
                        chunkDigests: envelope.chunkDigests) : envelope)
        }
        return session
    }

    /// A whole session with a bad dealer, and the evidence it leaves.
    private func inconsistentDeal() throws -> (FaultEvidence, Deal, [ShareExhibit]) {
        var uploaded = uploaded
        var session = try dishonest(VectorChain.fixed(3))
        #expect(throws: SecureAggregationError.badShare("self-mask seed of node 4")) {
            try uploaded.scenario.finish(&session, words: uploaded.words)
        }
        let faults = session.dealerFaults()
        let evidence = try #require(faults.first)
        #expect(faults.count == 1)
        guard case .inconsistentDeal(let deal, let shares) = evidence.fault else {
            throw SecureAggregationError.malformed("test")
        }
        return (evidence, deal, shares)
    }

    @Test func aDealerOfAnotherSecretIsConvicted() throws {
        let (evidence, deal, shares) = try inconsistentDeal()
        #expect(evidence.fault.kind == "inconsistent-deal")
        #expect(try evidence.verify(register: scenario.register, coordinatorKey: nil) == .node(4))
        // Of an honest round there is none.
        var honest = uploaded
        _ = try honest.scenario.finish(&honest.session, words: honest.words)
        #expect(honest.session.dealerFaults().isEmpty)
        // Fewer shares, repeated ones, other ones: not proved.
        #expect(
            refusal(.inconsistentDeal(deal, shares: shares.dropLast())) == .tooFew("shares", have: 6, need: 7))
        #expect(
            refusal(.inconsistentDeal(deal, shares: shares.dropLast() + [shares[5]]))
                == .mismatch(field: "order of shares"))
        #expect(
            refusal(.inconsistentDeal(Deal(upload: try #require(uploaded.session.uploads[5]).upload), shares: shares))
                == .notUnderSignedRoot("share"))
        let other = try Register(
            chain: "test.example", version: 2, nodes: scenario.register.nodes, corruptMax: 1,
            committee: scenario.register.committee, dropoutPermille: 100)
        #expect(throws: SecureAggregationError.mismatch(field: "registerDigest")) {
            try accused(evidence.fault, register: other)
        }
    }

    /// Row 15, mutant "evidence without opening": shares with commitments of the coordinator's own convict nobody, because
    /// the commitments are not under the root that the dealer signed.
    @Test func aCoordinatorCannotFrameADealer() throws {
        let honest = try #require(uploaded.session.uploads[4])
        let deal = Deal(upload: honest.upload)
        let context = try #require(deal.context)
        var generator = try KeyedRandomGenerator(key: VectorChain.fixed(1))
        let made = try ShamirSharing.split(VectorChain.fixed(9), threshold: 7, count: 8, generator: &generator)
        /// Shares of a secret that the coordinator chose, with its own commitments and the dealer's paths.
        let framed = try (0..<7).map { holder in
            let opening = try #require(honest.shares.opening(of: holder))
            return ShareExhibit(
                holder: holder,
                opening: .init(
                    commitment: SharePackage.commitment(to: made[holder], context: context, holder: holder),
                    ciphertext: opening.ciphertext, path: opening.path),
                share: made[holder].rawRepresentation.unprotectedCopy())
        }
        #expect(refusal(.inconsistentDeal(deal, shares: framed)) == .notUnderSignedRoot("share"))
        // A whole tree of its own helps as little: its root is not the signed one.
        let tree = try SharePackage(
            cborValue: .message(
                (1, .array(honest.shares.ciphertexts.map { .bytes($0) })),
                (
                    2,
                    .array(
                        made.enumerated().map {
                            .bytes(SharePackage.commitment(to: $1, context: context, holder: $0).bytes)
                        })
                )))
        let rooted = try (0..<7).map {
            ShareExhibit(
                holder: $0, opening: try #require(tree.opening(of: $0)),
                share: made[$0].rawRepresentation.unprotectedCopy())
        }
        #expect(refusal(.inconsistentDeal(deal, shares: rooted)) == .notUnderSignedRoot("share"))
        // The dealer's own leaves with other shares: they do not match.
        let mismatched = try (0..<7).map {
            ShareExhibit(
                holder: $0, opening: try #require(honest.shares.opening(of: $0)),
                share: made[$0].rawRepresentation.unprotectedCopy())
        }
        #expect(refusal(.inconsistentDeal(deal, shares: mismatched)) == .badShare("exhibit"))
        // The dealer's own shares: they are right.
        let right = try (0..<7).map { holder in
            let opening = try #require(honest.shares.opening(of: holder))
            let share = try #require(
                deal.share(
                    opening: opening, holder: holder, register: scenario.register, epoch: scenario.epoch,
                    agreementKey: scenario.keys(of: NodeIndex(holder)).agreementKey))
            return ShareExhibit(
                holder: holder, opening: opening, share: share.rawRepresentation.unprotectedCopy())
        }
        #expect(
            refusal(.inconsistentDeal(deal, shares: right)) == .unknown("fault: the shares are right"))
    }

    @Test func complaintsConvictBeyondC() throws {
        let deal = Deal(upload: try #require(uploaded.session.uploads[4]).upload)
        func report(
            _ member: NodeIndex, _ named: Deal? = nil, valid: Bool = false, signer: NodeIndex? = nil,
            epochRoot: Digest? = nil
        ) throws -> SignedMessage<ShareReport> {
            try SignedMessage(
                signing: ShareReport(
                    epochRoot: epochRoot ?? scenario.epoch.root, node: member,
                    results: [.init(deal: (named ?? deal).digest, isValid: valid)]),
                key: scenario.keys(of: signer ?? member).protocolKey)
        }
        // C = 1: one complaint may be a lie, two cannot both be.
        #expect(try accused(.rejectedDeal(deal, reports: [report(1), report(5)])) == .node(4))
        #expect(
            try refusal(.rejectedDeal(deal, reports: [report(1)])) == .tooFew("complaints", have: 1, need: 2))
        #expect(
            try refusal(.rejectedDeal(deal, reports: [report(1), report(1)])) == .mismatch(field: "order of reports"))
        #expect(
            try refusal(.rejectedDeal(deal, reports: [report(1), report(5, valid: true)]))
                == .unknown("complaint about this deal"))
        let other = Deal(upload: try #require(uploaded.session.uploads[5]).upload)
        #expect(
            try refusal(.rejectedDeal(deal, reports: [report(1), report(5, other)]))
                == .unknown("complaint about this deal"))
        #expect(
            try refusal(.rejectedDeal(deal, reports: [report(1), report(5, signer: 6)]))
                == .badSignature(of: "share-report"))
        #expect(
            try refusal(.rejectedDeal(deal, reports: [report(1), report(12)])) == .unknown("committee member"))
        #expect(
            try refusal(.rejectedDeal(deal, reports: [report(1), report(5, epochRoot: SHA256.hash([1]))]))
                == .mismatch(field: "epochRoot of a report"))
        let prekey = Deal(prekey: try scenario.prekey(of: 4).bundle.prekey)
        #expect(try accused(.rejectedDeal(prekey, reports: [report(1, prekey), report(5, prekey)])) == .node(4))
        let elsewhere = SHA256.hash([1])
        #expect(
            try refusal(
                .rejectedDeal(
                    prekey,
                    reports: [report(1, prekey, epochRoot: elsewhere), report(5, prekey, epochRoot: elsewhere)]))
                == .mismatch(field: "epochRoot of a report"))
    }

    // MARK: Members

    @Test func aLyingMemberIsConvictedAndAnHonestOneIsNot() throws {
        var uploaded = uploaded
        try uploaded.scenario.certify(&uploaded.session)
        let session = uploaded.session
        let honest = try uploaded.scenario.reveal(
            #require(session.revealRequest(for: 3)), session: session, member: 3)
        #expect(session.fault(in: honest) == nil)
        let key = try scenario.keys(of: 3).protocolKey
        for position in [0, 2, 17] {
            var shares = honest.body.shares
            shares[position][0] ^= 1
            let lie = try SignedMessage(signing: honest.body.replacing(shares: shares), key: key)
            let evidence = try #require(session.fault(in: lie))
            #expect(evidence.fault.kind == "false-share")
            #expect(try evidence.verify(register: scenario.register, coordinatorKey: nil) == .node(3))
            guard case .falseShare(_, let exhibit) = evidence.fault else { continue }
            // Against the honest reveal the same exhibit proves nothing.
            #expect(refusal(.falseShare(honest, exhibit)) == .unknown("fault: the share is right"))
        }
        var shares = honest.body.shares
        shares[5] = [UInt8](repeating: 0xff, count: 40)
        let unreduced = try SignedMessage(signing: honest.body.replacing(shares: shares), key: key)
        #expect(try session.fault(in: unreduced)?.verify(register: scenario.register, coordinatorKey: nil) == .node(3))
        // Silence is no fault.
        shares[5] = []
        let silent = try SignedMessage(signing: honest.body.replacing(shares: shares), key: key)
        #expect(session.fault(in: silent) == nil)
        // A reveal that answers another request than the one asked is not taken at all.
        var fresh = session
        let elsewhere = try SignedMessage(
            signing: Reveal(
                sessionID: honest.body.sessionID, node: 3, labelDigest: honest.body.labelDigest,
                shares: honest.body.shares, openingDigest: SHA256.hash([1])), key: key)
        #expect(throws: SecureAggregationError.mismatch(field: "openingDigest")) { try fresh.receive(elsewhere) }
    }

    /// The coordinator holds an honest reveal and looks for an item that it does not match.
    @Test func aCoordinatorCannotFrameAMember() throws {
        var uploaded = uploaded
        try uploaded.scenario.certify(&uploaded.session)
        let session = uploaded.session
        let request = try #require(session.revealRequest(for: 3))
        let honest = try uploaded.scenario.reveal(request, session: session, member: 3)
        func exhibit(_ items: [ShownShare], at position: Int, bitmap: [UInt8]? = nil) throws
            -> FalseShareExhibit
        {
            let tree = RevealRequest(
                sessionID: request.sessionID, certificate: request.certificate, bitmap: request.bitmap, items: items
            ).itemTree
            return FalseShareExhibit(
                position: position, item: items[position], itemRoot: tree.root,
                path: try tree.inclusionProof(index: position, size: items.count).hashes,
                bitmapDigest: SHA256.hash(bitmap ?? request.bitmap))
        }
        let true4 = try exhibit(request.items, at: 4)
        // Another upload of the same node (a clone's), validly signed: the member did not sign that it was shown this one.
        let clone = try uploaded.scenario.upload(
            AggregationScenario.Uploaded.values(5), node: 4, offer: #require(session.offer(for: 4)),
            random: SeededRandomSource(seed: 99))
        var items = request.items
        items[4] = try .of(clone.envelope, holder: 3)
        #expect(try refusal(.falseShare(honest, exhibit(items, at: 4))) == .mismatch(field: "openingDigest"))
        // The root it did sign, with another item under it.
        let swapped = FalseShareExhibit(
            position: 4, item: items[4], itemRoot: true4.itemRoot, path: true4.path, bitmapDigest: true4.bitmapDigest)
        #expect(refusal(.falseShare(honest, swapped)) == .mismatch(field: "item of the request"))
        // The item of another place.
        let moved = FalseShareExhibit(
            position: 5, item: true4.item, itemRoot: true4.itemRoot, path: true4.path,
            bitmapDigest: true4.bitmapDigest)
        #expect(refusal(.falseShare(honest, moved)) == .mismatch(field: "item of the request"))
        #expect(
            try refusal(.falseShare(honest, exhibit(request.items, at: 4, bitmap: [1])))
                == .mismatch(field: "openingDigest"))
        // A request with a leaf that the dealer never signed, shown to the member: it reveals nothing there, so there is
        // nothing to hold against it; and had it, the evidence would still not open.
        items = request.items
        let opening = request.items[4].opening
        items[4] = ShownShare(
            deal: request.items[4].deal,
            opening: .init(commitment: SHA256.hash([1]), ciphertext: opening.ciphertext, path: opening.path))
        uploaded.scenario.forgetLocks(of: 3)
        let answer = try uploaded.scenario.reveal(
            RevealRequest(
                sessionID: request.sessionID, certificate: request.certificate, bitmap: request.bitmap, items: items),
            session: session, member: 3)
        #expect(answer.body.shares[4].isEmpty && answer.body.shares.count { !$0.isEmpty } == 17)
        #expect(try refusal(.falseShare(answer, exhibit(items, at: 4))) == .unknown("share in the reveal"))
        let forced = try SignedMessage(
            signing: answer.body.replacing(shares: honest.body.shares), key: scenario.keys(of: 3).protocolKey)
        #expect(try refusal(.falseShare(forced, exhibit(items, at: 4))) == .notUnderSignedRoot("share"))
        let forged = try SignedMessage(signing: honest.body, key: scenario.keys(of: 4).protocolKey)
        #expect(refusal(.falseShare(forged, true4)) == .badSignature(of: "reveal"))
    }

    @Test func doubleVoters() throws {
        var uploaded = uploaded
        _ = try uploaded.session.closeUploads()
        let session = uploaded.session.sessionID
        let label = try #require(uploaded.session.survivors).digest
        func vote(_ label: Digest, session id: Digest? = nil, node: NodeIndex = 1, signer: NodeIndex = 1) throws
            -> SignedMessage<LabelVote>
        {
            try SignedMessage(
                signing: LabelVote(sessionID: id ?? session, node: node, labelDigest: label),
                key: scenario.keys(of: signer).protocolKey)
        }
        let other = SHA256.hash([1])
        _ = try uploaded.session.receive(vote(label))
        let evidence = try #require(try uploaded.session.fault(in: vote(other)))
        #expect(try evidence.verify(register: scenario.register, coordinatorKey: nil) == .node(1))
        #expect(try uploaded.session.fault(in: vote(label)) == nil)
        #expect(try uploaded.session.fault(in: vote(other, signer: 2)) == nil, "forged in its name")
        #expect(try uploaded.session.fault(in: vote(other, node: 2, signer: 2)) == nil, "a first vote")
        let contradiction = SecureAggregationError.unknown("fault: the votes do not contradict each other")
        #expect(try refusal(.doubleVote(vote(label), vote(label))) == contradiction)
        #expect(try refusal(.doubleVote(vote(label), vote(other, session: other))) == contradiction)
        #expect(try refusal(.doubleVote(vote(label), vote(other, node: 2, signer: 2))) == contradiction)
        #expect(
            try refusal(.doubleVote(vote(label, node: 12, signer: 12), vote(other, node: 12, signer: 12)))
                == .unknown("committee member"))
    }

    // MARK: The coordinator

    @Test func anEquivocatingCoordinator() throws {
        let parameters = uploaded.session.parameters.body
        func signed(_ body: SessionParameters, by key: Ed25519PrivateKey? = nil) throws
            -> SignedMessage<SessionParameters>
        {
            try SignedMessage(signing: body, key: key ?? scenario.coordinatorKey)
        }
        let other = parameters.altered(modelDigest: SHA256.hash([7]))
        #expect(try accused(.equivocation(signed(parameters), signed(other))) == .coordinator)
        let contradiction = SecureAggregationError.unknown("fault: the sessions do not contradict each other")
        #expect(try refusal(.equivocation(signed(parameters), signed(parameters))) == contradiction)
        #expect(try refusal(.equivocation(signed(parameters), signed(other.altered(attempt: 2)))) == contradiction)
        #expect(try refusal(.equivocation(signed(parameters), signed(other.altered(round: 9)))) == contradiction)
        #expect(
            try refusal(.equivocation(signed(parameters), signed(other, by: scenario.authority)))
                == .badSignature(of: "session-parameters"))
        let evidence = FaultEvidence(
            registerDigest: scenario.register.digest,
            fault: .equivocation(try signed(parameters), try signed(other)))
        #expect(throws: SecureAggregationError.unknown("coordinator key")) {
            try evidence.verify(register: scenario.register, coordinatorKey: nil)
        }
    }
}
