// What a coordinator may try with the committee: rows 7 and 8 of the attack table, and what it refuses.

import Cryptography
import TestSupport
import Testing
import Vectors
import WireFormat

@testable import SecureAggregation

struct CommitteeAttackTests {
    private var uploaded: AggregationScenario.Uploaded

    init() throws { uploaded = try AggregationScenario.uploaded() }

    private func shares(_ reveal: SignedMessage<Reveal>) -> [Int] {
        reveal.body.shares.indices.filter { !reveal.body.shares[$0].isEmpty }
    }

    // MARK: Refusals

    @Test func requestsThatDoNotFitAreRefused() throws {
        var uploaded = uploaded
        try uploaded.scenario.certify(&uploaded.session)
        let scenario = uploaded.scenario
        let session = uploaded.session
        let honest = try #require(session.revealRequest(for: 0))
        func error(
            _ request: RevealRequest, parameters: SignedMessage<SessionParameters>? = nil, roster: Roster? = nil,
            key: X25519PrivateKey? = nil, member: NodeIndex = 0
        ) throws -> SecureAggregationError? {
            do {
                _ = try scenario.seat(of: member).decideReveal(
                    request, parameters: parameters ?? session.parameters, roster: roster ?? session.roster,
                    locks: CommitteeLocks(), agreementKey: key ?? scenario.keys(of: member).agreementKey,
                    context: scenario.context)
                return nil
            } catch { return error as? SecureAggregationError ?? .malformed("test") }
        }
        func request(
            sessionID: Digest? = nil, votes: [SignedMessage<LabelVote>]? = nil, bitmap: [UInt8]? = nil,
            items: [ShownShare]? = nil
        ) -> RevealRequest {
            RevealRequest(
                sessionID: sessionID ?? honest.sessionID,
                certificate: votes.map { LabelCertificate(votes: $0) } ?? honest.certificate,
                bitmap: bitmap ?? honest.bitmap, items: items ?? honest.items)
        }
        let votes = honest.certificate.votes
        #expect(try error(honest) == nil)
        #expect(try error(request(sessionID: SHA256.hash([1]))) == .mismatch(field: "sessionId"))
        #expect(try error(request(items: [])) == .mismatch(field: "items"))
        #expect(try error(request(items: Array(honest.items.dropLast()))) == .mismatch(field: "items"))
        #expect(try error(request(bitmap: [])) == .malformed("survivor bitmap"))
        #expect(try error(request(bitmap: [0xff, 0xff, 0xff])) == .malformed("survivor bitmap"))
        #expect(try error(request(bitmap: [0xff, 0xff, 0xc0])) == .mismatch(field: "label of a vote"))
        #expect(try error(request(bitmap: [0, 0, 0])) == .tooFew("survivors", have: 0, need: 17))
        #expect(try error(request(votes: [])) == .tooFew("votes", have: 0, need: 7))
        #expect(try error(request(votes: Array(votes.dropLast()))) == .tooFew("votes", have: 6, need: 7))
        // Row 13: one vote twice, or seven votes of six members, is no quorum.
        #expect(try error(request(votes: votes.dropLast() + [votes[5]])) == .mismatch(field: "order of votes"))
        #expect(try error(request(votes: votes.reversed())) == .mismatch(field: "order of votes"))
        let outsider = try SignedMessage(
            signing: LabelVote(sessionID: session.sessionID, node: 12, labelDigest: votes[0].body.labelDigest),
            key: scenario.keys(of: 12).protocolKey)
        #expect(try error(request(votes: votes.dropLast() + [outsider])) == .unknown("committee member"))
        let forged = try SignedMessage(signing: votes[6].body, key: scenario.keys(of: 0).protocolKey)
        #expect(try error(request(votes: votes.dropLast() + [forged])) == .badSignature(of: "label-vote"))
        // Row 12: a certificate of another session.
        let other = try scenario.session(round: 2)
        #expect(try error(honest, parameters: other.parameters) == .mismatch(field: "sessionId"))
        #expect(try error(request(sessionID: other.sessionID), parameters: other.parameters) != nil)
        #expect(try error(honest, key: scenario.keys(of: 1).agreementKey) == .mismatch(field: "own agreement key"))
        #expect(
            try error(honest, roster: scenario.roster(of: (0..<17).map { $0 })) == .mismatch(field: "rosterDigest"))
        let elsewhere = try #require(
            CommitteeMember(
                node: 2, register: ParameterTests.register(nodes: 18, corruptMax: 1, committee: [1, 2, 3, 4, 5])))
        #expect(throws: SecureAggregationError.unknown("own committee seat")) {
            try elsewhere.decideVote(
                #require(session.labelProposal), locks: CommitteeLocks(), context: scenario.context)
        }
    }

    @Test func proposalsThatDoNotFitAreRefused() throws {
        let scenario = uploaded.scenario
        let session = uploaded.session
        let seat = try scenario.seat(of: 0)
        func vote(_ alive: [Bool], sessionID: Digest? = nil) throws(SecureAggregationError) {
            _ = try seat.decideVote(
                LabelProposal(
                    parameters: session.parameters, roster: session.roster,
                    survivors: SurvivorSet(sessionID: sessionID ?? session.sessionID, alive: alive)),
                locks: CommitteeLocks(), context: scenario.context)
        }
        #expect(throws: Never.self) { try vote([Bool](repeating: true, count: 18)) }
        #expect(throws: SecureAggregationError.tooFew("survivors", have: 16, need: 17)) {
            try vote((0..<18).map { $0 > 1 })
        }
        for count in [17, 19] {
            #expect(throws: SecureAggregationError.mismatch(field: "alive bitmap length")) {
                try vote([Bool](repeating: true, count: count))
            }
        }
        #expect(throws: SecureAggregationError.mismatch(field: "sessionId")) {
            try vote([Bool](repeating: true, count: 18), sessionID: SHA256.hash([1]))
        }
    }

    /// A member that never voted is bound by its own reveal: it will not vote for another set afterwards.
    @Test("Row 4: a member that never voted is bound by its reveal") func aMemberThatNeverVotedIsBoundByItsReveal()
        throws
    {
        var uploaded = uploaded
        try uploaded.scenario.certify(&uploaded.session)
        let silent: NodeIndex = 7
        #expect(uploaded.scenario.locks(of: silent) == CommitteeLocks())
        let reveal = try uploaded.scenario.reveal(
            #require(uploaded.session.revealRequest(for: silent)), session: uploaded.session, member: silent)
        #expect(shares(reveal).count == 18)
        let other = LabelProposal(
            parameters: uploaded.session.parameters, roster: uploaded.session.roster,
            survivors: SurvivorSet(sessionID: uploaded.session.sessionID, alive: [Bool](repeating: true, count: 18)))
        #expect(throws: SecureAggregationError.locked("a second label for a session")) {
            try uploaded.scenario.vote(other, member: silent)
        }
        // Replayed, it answers the same again and promises nothing new.
        let again = try uploaded.scenario.reveal(
            #require(uploaded.session.revealRequest(for: silent)), session: uploaded.session, member: silent)
        #expect(again == reveal)
    }

    // MARK: Row 7: ghosts

    /// A node that never uploaded is labelled alive. There is no share of a seed to open, and the members do not open its
    /// prekey: its pair masks stay in the sum.
    @Test("Row 7: a dead node labelled alive leaves the sum unopenable")
    func aDeadNodeLabelledAliveLeavesTheSumUnopenable() throws {
        var scenario = uploaded.scenario
        let session = uploaded.session
        let ghost = Int(AggregationScenario.Uploaded.dropped)
        let survivors = SurvivorSet(sessionID: session.sessionID, alive: [Bool](repeating: true, count: 18))
        let proposal = LabelProposal(parameters: session.parameters, roster: session.roster, survivors: survivors)
        let votes = try scenario.register.committee.prefix(7).map { try scenario.vote(proposal, member: $0) }
        var opened: [[Int]] = []
        for holder in 0..<7 {
            let items = try (0..<18).map { position in
                // For the ghost the coordinator offers what it has: the ciphertext of its prekey.
                guard let envelope = session.uploads[position] else {
                    return try ShownShare.of(
                        scenario.prekey(of: NodeIndex(position)).bundle, holder: holder)
                }
                return try ShownShare.of(envelope, holder: holder)
            }
            let request = RevealRequest(
                sessionID: session.sessionID, certificate: LabelCertificate(votes: votes), bitmap: survivors.bitmap,
                items: items)
            let reveal = try scenario.reveal(request, session: session, member: NodeIndex(holder))
            opened.append(shares(reveal))
        }
        #expect(opened.allSatisfy { $0 == Array(0..<ghost) })
        // With every seed of the others the sum still carries the ghost's pair masks, which nobody can open: and the
        // members will not label it dropped any more.
        let honest = LabelProposal(
            parameters: session.parameters, roster: session.roster,
            survivors: SurvivorSet(sessionID: session.sessionID, alive: (0..<18).map { $0 != ghost }))
        for member in scenario.register.committee.prefix(7) {
            #expect(throws: SecureAggregationError.locked("a second label for a session")) {
                try scenario.vote(honest, member: member)
            }
        }
        var sum = [UInt64](repeating: 0, count: 50)
        for words in uploaded.words.values { for index in words.indices { sum[index] &+= words[index] } }
        // What is left once all seeds are out, computed as the coordinator could: nothing of the sum is visible.
        let residual = try removingSelfMasks(from: sum)
        let exact = scenario.plan.layout.pack(AggregationScenario.Uploaded.sum())
        #expect(zip(residual, exact).allSatisfy { $0 != $1 })
    }

    /// Takes every self mask out, from the seeds that seven shares of each survivor join to.
    private func removingSelfMasks(from sum: [UInt64]) throws -> [UInt64] {
        var words = sum
        let sessionID = uploaded.session.sessionID
        var terms: [MaskTerm] = []
        for (position, envelope) in uploaded.session.uploads {
            let context = ShareContext(
                kind: .selfMaskSeed, scope: sessionID, dealer: NodeIndex(position),
                chargeSequence: envelope.upload.body.chargeSequence)
            let shares = try (0..<7).map { holder in
                (
                    position: holder,
                    share: try SharePackage.open(
                        envelope.shares.ciphertexts[holder], context: context, holder: holder,
                        register: uploaded.scenario.register, epoch: uploaded.scenario.epoch,
                        agreementKey: uploaded.scenario.keys(of: NodeIndex(holder)).agreementKey)
                )
            }
            let seed = try ShamirSharing.join(shares, threshold: 7)
            terms.append(
                MaskTerm(
                    key: try MaskDerivation.selfMaskKey(
                        sessionID: sessionID, seed: seed, node: NodeIndex(position)), subtract: true))
        }
        try MaskExpander.apply(terms, generator: .aes256Counter, to: &words)
        return words
    }

    /// A node that uploaded is labelled dropped: the sum leaves it out, and its upload keeps its self mask.
    @Test("Row 7: an alive node labelled dropped stays masked") func anAliveNodeLabelledDroppedStaysMasked() throws {
        var uploaded = try AggregationScenario.uploaded()
        let late: NodeIndex = 6
        var session = try uploaded.scenario.session(
            signing: uploaded.session.parameters.body, roster: uploaded.session.roster)
        var words = uploaded.words
        for entry in session.roster.entries where entry.node != late {
            if let envelope = uploaded.session.uploads[Int(entry.node)] {
                _ = try session.receive(envelope)
            } else {
                let upload = try uploaded.scenario.upload(
                    AggregationScenario.Uploaded.values(entry.node), node: entry.node,
                    offer: #require(session.offer(for: entry.node)))
                _ = try session.receive(upload.envelope)
                words[entry.node] = upload.words
            }
        }
        #expect(
            try uploaded.scenario.finish(&session, words: words)
                == AggregationScenario.Uploaded.sum(without: [late]))
        // The coordinator holds the upload and learned the prekey's secret: the pair masks come off, the self mask stays.
        let upload = try #require(uploaded.session.uploads[Int(late)])
        let held = try #require(words[late])
        var residual = held
        let secret = try uploaded.scenario.prekey(of: late).privateKey
        let terms = try session.roster.entries.filter { $0.node != late }.map { entry in
            MaskTerm(
                key: try MaskDerivation.pairKey(
                    sessionID: session.sessionID, own: secret, ownNode: late,
                    peer: uploaded.scenario.prekey(of: entry.node).bundle.prekey.body.publicKey, peerNode: entry.node),
                subtract: late < entry.node)
        }
        try MaskExpander.apply(terms, generator: .aes256Counter, to: &residual)
        let clear = uploaded.scenario.plan.layout.pack(AggregationScenario.Uploaded.values(late))
        #expect(zip(residual, clear).allSatisfy { $0 != $1 })
        // Asked again with the late upload's ciphertext, a member opens nothing: the request is another one.
        let honest = try #require(session.revealRequest(for: 0))
        var items = honest.items
        items[Int(late)] = try .of(upload, holder: 0)
        let request = RevealRequest(
            sessionID: honest.sessionID, certificate: honest.certificate, bitmap: honest.bitmap, items: items)
        #expect(throws: SecureAggregationError.locked("this reveal")) {
            try uploaded.scenario.reveal(request, session: session, member: 0)
        }
        // And a member that was not asked before finds no share of a prekey in the ciphertext of a seed.
        uploaded.scenario.forgetLocks(of: 0)
        let reveal = try uploaded.scenario.reveal(request, session: session, member: 0)
        #expect(shares(reveal) == (0..<18).filter { $0 != Int(late) })
    }

    /// Exactly one kind: for a survivor whose seed ciphertext is bad nothing is opened, whatever else is offered.
    @Test("Row 7: nothing is opened in place of a bad share") func nothingIsOpenedInPlaceOfABadShare() throws {
        var uploaded = uploaded
        try uploaded.scenario.certify(&uploaded.session)
        let honest = try #require(uploaded.session.revealRequest(for: 0))
        let bundle = try uploaded.scenario.prekey(of: 4).bundle
        let shown = honest.items[4]
        var altered = shown.opening.ciphertext
        altered[20] ^= 1
        let body = try #require(shown.deal.upload).body
        let second = try uploaded.scenario.upload(
            AggregationScenario.Uploaded.values(4), node: 4, offer: #require(uploaded.session.offer(for: 4)))
        /// The upload with another charge number, signed by `signer`: the ciphertext is bound to the first.
        func recharged(_ charge: UInt64, signer: NodeIndex) throws -> ShownShare {
            let upload = Upload(
                sessionID: body.sessionID, node: 4, sequence: body.sequence, chargeSequence: charge,
                selfMaskCommitment: body.selfMaskCommitment, vectorDigest: body.vectorDigest,
                shareRoot: body.shareRoot)
            return ShownShare(
                deal: Deal(
                    upload: try SignedMessage(
                        signing: upload, key: uploaded.scenario.keys(of: signer).protocolKey)),
                opening: shown.opening)
        }
        for item in [
            try .of(bundle, holder: 0), shown.replacing(ciphertext: bundle.shares.ciphertexts[0]),
            shown.replacing(ciphertext: altered), shown.replacing(ciphertext: []),
            shown.replacing(ciphertext: honest.items[5].opening.ciphertext), honest.items[5],
            try recharged(2, signer: 4), try recharged(0, signer: 4), try recharged(1, signer: 5),
            ShownShare(deal: shown.deal, opening: honest.items[5].opening),
            // Good in itself, of the same dealer in the same context, but not what it signed: a clone's second deal.
            ShownShare(deal: shown.deal, opening: try #require(second.envelope.shares.opening(of: 0))),
        ] as [ShownShare] {
            var items = honest.items
            items[4] = item
            let request = RevealRequest(
                sessionID: honest.sessionID, certificate: honest.certificate, bitmap: honest.bitmap, items: items)
            uploaded.scenario.forgetLocks(of: 0)
            let reveal = try uploaded.scenario.reveal(request, session: uploaded.session, member: 0)
            #expect(reveal.body.shares[4].isEmpty)
            #expect(shares(reveal).count == 17)
        }
    }

    /// For a dropped node only the prekey that the roster names is opened, not another one of the same node and number.
    @Test("Row 7: another prekey of the same number is not opened") func anotherPrekeyOfTheSameNumberIsNotOpened()
        throws
    {
        var uploaded = uploaded
        try uploaded.scenario.certify(&uploaded.session)
        let ghost = AggregationScenario.Uploaded.dropped
        let honest = try #require(uploaded.session.revealRequest(for: 0))
        var clone = uploaded.scenario
        try clone.dealPrekey(ghost, sequence: 1)
        let other = try clone.prekey(of: ghost).bundle
        #expect(other.prekey.body.publicKey != (try uploaded.scenario.prekey(of: ghost)).bundle.prekey.body.publicKey)
        let shown = honest.items[Int(ghost)]
        for item in [
            try .of(other, holder: 0),
            ShownShare(deal: shown.deal, opening: try #require(other.shares.opening(of: 0))),
            ShownShare(deal: Deal(prekey: other.prekey), opening: shown.opening),
        ] as [ShownShare] {
            var items = honest.items
            items[Int(ghost)] = item
            let request = RevealRequest(
                sessionID: honest.sessionID, certificate: honest.certificate, bitmap: honest.bitmap, items: items)
            uploaded.scenario.forgetLocks(of: 0)
            let reveal = try uploaded.scenario.reveal(request, session: uploaded.session, member: 0)
            #expect(reveal.body.shares[Int(ghost)].isEmpty)
        }
    }

    // MARK: Row 8: a second sum of a round

    @Test("Row 8: a round is opened once for the life of the job") func aRoundIsOpenedOnceForTheLifeOfTheJob() throws {
        var first = uploaded
        _ = try first.scenario.finish(&first.session, words: first.words)
        var scenario = first.scenario
        for node in NodeIndex(0)..<18 { try scenario.dealPrekey(node, sequence: 2) }
        var second = try scenario.session(attempt: 2)
        let words = try scenario.collect(&second) { _ in [Int64](repeating: 1, count: 100) }
        // Members may vote, since a void first attempt is not theirs to know; they do not open.
        try scenario.certify(&second)
        for member in scenario.register.committee.prefix(7) {
            let request = try #require(second.revealRequest(for: member))
            #expect(throws: SecureAggregationError.locked("this reveal")) {
                try scenario.reveal(request, session: second, member: member)
            }
        }
        #expect(second.phase == .revealing)
        // The next round is free.
        for node in NodeIndex(0)..<18 { try scenario.dealPrekey(node, sequence: 3) }
        var third = try scenario.session(round: 2)
        let fresh = try scenario.collect(&third) { _ in [Int64](repeating: 1, count: 100) }
        #expect(try scenario.finish(&third, words: fresh) == [Int64](repeating: 18, count: 100))
        #expect(words.count == 18)
    }

    @Test("Row 8: locks survive storage, and contradictions are noticed")
    func locksSurviveStorageAndContradictionsAreNoticed() throws {
        var uploaded = uploaded
        try uploaded.scenario.certify(&uploaded.session)
        let request = try #require(uploaded.session.revealRequest(for: 0))
        let scenario = uploaded.scenario
        let session = uploaded.session
        let changes = try scenario.seat(of: 0).decideReveal(
            request, parameters: session.parameters, roster: session.roster, locks: CommitteeLocks(),
            agreementKey: scenario.keys(of: 0).agreementKey, context: scenario.context
        ).lockChanges
        // One label, one round, and one prekey a node.
        #expect(changes.count == 20)
        let restored = try CommitteeLocks(restoring: changes)
        #expect(try CommitteeLocks(restoring: changes.reversed()) == restored)
        for change in changes {
            #expect(restored.contains(change) && restored.permits(change))
            let other = SHA256.hash([1])
            let contradiction: LockChange =
                switch change {
                case .label(let session, _): .label(session: session, label: other)
                case .prekey(let node, let sequence, _): .prekey(node: node, sequence: sequence, session: other)
                case .round(let job, let round, _): .round(job: job, round: round, opening: other)
                case .groupRound(let job, let round, let group, _):
                    .groupRound(job: job, round: round, group: group, opening: other)
                case .groupEpoch(let job, let round, _): .groupEpoch(job: job, round: round, epochRoot: other)
                }
            #expect(!restored.permits(contradiction) && !restored.contains(contradiction))
            #expect(throws: SecureAggregationError.conflict("stored committee locks")) {
                try CommitteeLocks(restoring: changes + [contradiction])
            }
        }
        // Job aliases: the id follows from the plan, and the decoder refuses any other.
        #expect(throws: WireFormatError.self) {
            try session.parameters.body.replacing(3, with: .bytes([UInt8](repeating: 7, count: 16)))
        }
    }
}
