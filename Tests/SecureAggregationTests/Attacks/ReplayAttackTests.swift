// Rows 8 and 12 of the attack table: every message of one session shown again in another round, attempt, epoch or register
// version, and the ways to a second sum of one round.

import Cryptography
import TestSupport
import Testing
import Vectors
import WireFormat

@testable import SecureAggregation

struct ReplayAttackTests {
    /// A session that went through: its messages, and the locks its members keep.
    private struct Finished {
        var scenario: AggregationScenario
        let session: CoordinatorSession
        let upload: MaskedUpload
        let vote: SignedMessage<LabelVote>
        let reveal: SignedMessage<Reveal>
    }

    private static let finishedOnce = Result {
        var uploaded = try AggregationScenario.uploaded()
        var session = uploaded.session
        let upload = try uploaded.scenario.upload(
            AggregationScenario.Uploaded.values(4), node: 4, offer: #require(session.offer(for: 4)))
        #expect(
            try uploaded.scenario.finish(&session, words: uploaded.words) == AggregationScenario.Uploaded.sum())
        return Finished(
            scenario: uploaded.scenario, session: session, upload: upload,
            vote: try #require(session.certificate?.votes.first),
            reveal: try uploaded.scenario.reveal(
                #require(session.revealRequest(for: 0)), session: session, member: 0))
    }

    private var first: Finished

    init() throws { first = try Self.finishedOnce.get() }

    /// The other places a message may be shown again in, each with fresh prekeys, as an honest chain would go on.
    private enum Place: CaseIterable { case round, attempt, epoch, register }

    private func scenario(_ place: Place) throws -> AggregationScenario {
        var scenario =
            switch place {
            case .round, .attempt: first.scenario
            case .epoch: try AggregationScenario(epochNumber: 2)
            case .register: try AggregationScenario(epochNumber: 2, version: 2)
            }
        for node in NodeIndex(0)..<18 { try scenario.dealPrekey(node, sequence: 2) }
        return scenario
    }

    private func session(_ place: Place, _ scenario: AggregationScenario) throws -> CoordinatorSession {
        try scenario.session(round: place == .round ? 2 : 1, attempt: place == .attempt ? 2 : 1)
    }

    @Test("Row 12: nothing a node or a member sent is taken in another round, attempt, epoch or register")
    func messagesToTheCoordinator() throws {
        for place in Place.allCases {
            var scenario = try scenario(place)
            var session = try session(place, scenario)
            #expect(throws: SecureAggregationError.mismatch(field: "sessionId"), "\(place)") {
                try session.receive(first.upload.envelope)
            }
            // With the session's id written over it, the signature no longer holds.
            let body = first.upload.envelope.upload.body
            let moved = Upload(
                sessionID: session.sessionID, node: body.node, sequence: 2, chargeSequence: body.chargeSequence,
                selfMaskCommitment: body.selfMaskCommitment, vectorDigest: body.vectorDigest, shareRoot: body.shareRoot)
            let forged = UploadEnvelope(
                upload: try SignedMessage<Upload>(
                    cborValue: .message(
                        (1, .bytes(moved.encoded())), (2, .bytes(first.upload.envelope.upload.signature)))),
                shares: first.upload.envelope.shares, chunkDigests: first.upload.envelope.chunkDigests)
            #expect(throws: SecureAggregationError.badSignature(of: "upload"), "\(place)") {
                try session.receive(forged)
            }
            _ = try scenario.collect(&session) { _ in [Int64](repeating: 1, count: 100) }
            _ = try session.closeUploads()
            #expect(throws: SecureAggregationError.mismatch(field: "labelDigest"), "\(place)") {
                try session.receive(first.vote)
            }
            for member in scenario.register.committee.prefix(scenario.register.quorum) {
                scenario.forgetLocks(of: member)
                _ = try session.receive(scenario.vote(#require(session.labelProposal), member: member))
            }
            #expect(session.phase == .revealing)
            #expect(throws: SecureAggregationError.mismatch(field: "labelDigest"), "\(place)") {
                try session.receive(first.reveal)
            }
        }
    }

    @Test("Row 12: no node takes an offer of another epoch, register, plan or time, nor one whose prekey is burned")
    func offersToANode() throws {
        let offer = try #require(first.session.offer(for: 4))
        let digest = offer.roster.entries[4].prekeyDigest
        func error(_ context: SessionContext, burned: Bool = false) -> SecureAggregationError? {
            do {
                _ = try AcceptedOffer(checking: offer, node: 4, context: context, earlierEpochRoot: nil) { _ in
                    burned ? nil : digest
                }
                return nil
            } catch { return error }
        }
        let own = first.scenario.context
        #expect(error(own) == nil)
        #expect(error(own, burned: true) == .alreadyUsed("own prekey"))
        #expect(error(try scenario(.epoch).context) == .mismatch(field: "epochRoot"))
        #expect(error(try scenario(.register).context) == .mismatch(field: "registerDigest"))
        let otherPlan = PlanFacts(
            planDigest: SHA256.hash([77]), dimension: 100, layout: .twoBy32, generator: .aes256Counter, minAlive: 17,
            roundCount: 20)
        #expect(
            error(
                SessionContext(
                    register: own.register, epoch: own.epoch, coordinatorKey: own.coordinatorKey, plan: otherPlan,
                    nowMilliseconds: own.nowMilliseconds)) == .mismatch(field: "planDigest"))
        var late = first.scenario
        late.now += 60_000
        #expect(error(late.context) == .tooLate("the offer"))
    }

    @Test("Row 12: no member answers a proposal or a request of another session, epoch or register")
    func requestsToAMember() throws {
        let proposal = try #require(first.session.labelProposal)
        let request = try #require(first.session.revealRequest(for: 0))
        for place in Place.allCases {
            let scenario = try scenario(place)
            let session = try session(place, scenario)
            let seat = try scenario.seat(of: 0)
            // The old request beside the new parameters.
            #expect(throws: SecureAggregationError.mismatch(field: "sessionId"), "\(place)") {
                try seat.decideReveal(
                    request, parameters: session.parameters, roster: session.roster, locks: CommitteeLocks(),
                    agreementKey: scenario.keys(of: 0).agreementKey, context: scenario.context)
            }
            // The new survivors under the old certificate.
            let survivors = SurvivorSet(
                sessionID: session.sessionID, alive: [Bool](repeating: true, count: 18))
            #expect(throws: SecureAggregationError.mismatch(field: "label of a vote"), "\(place)") {
                try seat.decideReveal(
                    RevealRequest(
                        sessionID: session.sessionID, certificate: request.certificate, bitmap: survivors.bitmap,
                        items: request.items), parameters: session.parameters, roster: session.roster,
                    locks: CommitteeLocks(), agreementKey: scenario.keys(of: 0).agreementKey, context: scenario.context)
            }
            // The old survivors for the new session.
            #expect(throws: SecureAggregationError.mismatch(field: "sessionId"), "\(place)") {
                try seat.decideVote(
                    LabelProposal(
                        parameters: session.parameters, roster: session.roster, survivors: proposal.survivors),
                    locks: CommitteeLocks(), context: scenario.context)
            }
            guard place == .epoch || place == .register else { continue }
            // All of the old session, to a member that lives in the new epoch.
            let field = place == .epoch ? "epochRoot" : "registerDigest"
            #expect(throws: SecureAggregationError.mismatch(field: field), "\(place)") {
                try seat.decideVote(proposal, locks: CommitteeLocks(), context: scenario.context)
            }
            #expect(throws: SecureAggregationError.mismatch(field: field), "\(place)") {
                try seat.decideReveal(
                    request, parameters: first.session.parameters, roster: first.session.roster,
                    locks: CommitteeLocks(), agreementKey: scenario.keys(of: 0).agreementKey, context: scenario.context)
            }
        }
    }

    @Test("Row 12: no ciphertext of one session opens for another, whatever is claimed of it")
    func ciphertextsOfAnotherSession() throws {
        for place in Place.allCases {
            var scenario = try scenario(place)
            var session = try session(place, scenario)
            _ = try scenario.collect(&session) { _ in [Int64](repeating: 1, count: 100) }
            for member in NodeIndex(0)..<8 { scenario.forgetLocks(of: member) }
            try scenario.certify(&session)
            let honest = try #require(session.revealRequest(for: 0))
            var items = honest.items
            items[4] = try .of(first.upload.envelope, holder: 0)
            let request = RevealRequest(
                sessionID: honest.sessionID, certificate: honest.certificate, bitmap: honest.bitmap, items: items)
            scenario.forgetLocks(of: 0)
            let reveal = try scenario.reveal(request, session: session, member: 0)
            #expect(reveal.body.shares[4].isEmpty, "\(place)")
            #expect(reveal.body.shares.count { !$0.isEmpty } == 17, "\(place)")
        }
    }

    @Test("Row 12: a ciphertext of one attempt does not open in the other, with the same prekeys and charge")
    func ciphertextsOfTheOtherAttempt() throws {
        let scenario = first.scenario
        let other = try scenario.session(attempt: 2)
        let context = ShareContext(
            kind: .selfMaskSeed, scope: other.sessionID, dealer: 4,
            chargeSequence: first.upload.envelope.upload.body.chargeSequence)
        for holder in 0..<8 {
            #expect(throws: SecureAggregationError.badShare("share ciphertext")) {
                try SharePackage.open(
                    first.upload.envelope.shares.ciphertexts[holder], context: context, holder: holder,
                    register: scenario.register, epoch: scenario.epoch,
                    agreementKey: scenario.keys(of: NodeIndex(holder)).agreementKey)
            }
        }
    }

    // MARK: Row 8

    @Test("Row 8: members that opened a round open no second sum of it, in another attempt, epoch or register version")
    func noSecondSumOfARound() throws {
        for place in [Place.attempt, .epoch, .register] {
            var other = try scenario(place)
            var session = try session(place, other)
            _ = try other.collect(&session) { _ in [Int64](repeating: 1, count: 100) }
            // Certified by members that are corrupt or forgot: what is tested is the reveal.
            for member in NodeIndex(0)..<8 { other.forgetLocks(of: member) }
            try other.certify(&session)
            for member in first.scenario.register.committee.prefix(first.scenario.register.quorum) {
                let kept = first.scenario.locks(of: member)
                #expect(kept != CommitteeLocks())
                #expect(throws: SecureAggregationError.locked("this reveal"), "\(place)") {
                    try other.seat(of: member).decideReveal(
                        #require(session.revealRequest(for: member)), parameters: session.parameters,
                        roster: session.roster, locks: kept, agreementKey: other.keys(of: member).agreementKey,
                        context: other.context)
                }
            }
        }
        // The next round is another matter.
        var next = try scenario(.round)
        var session = try session(.round, next)
        let words = try next.collect(&session) { _ in [Int64](repeating: 1, count: 100) }
        #expect(try next.finish(&session, words: words) == [Int64](repeating: 18, count: 100))
    }

    @Test("Row 8: one plan has one job, whatever name the coordinator gives it")
    func jobsHaveNoAliases() throws {
        let honest = first.session.parameters.body
        for alias in [[UInt8](repeating: 0, count: 16), [UInt8](repeating: 7, count: 16)] {
            #expect(
                throws: WireFormatError.unexpected(field: "session-parameters.jobId", expected: "the id of its plan")
            ) { try honest.replacing(3, with: .bytes(alias)) }
        }
        // Every session of a plan has its job; another plan has another.
        #expect(honest.altered(round: 3, attempt: 2, modelDigest: SHA256.hash([8])).jobID == honest.jobID)
        #expect(honest.altered(planDigest: SHA256.hash([8])).jobID != honest.jobID)
    }
}
