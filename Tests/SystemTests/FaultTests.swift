// Bad dealers and members at the level of the coordinator: what a fault costs, and that its author is in no later round.

import Cryptography
import Foundation
import HTTPServer
import Identity
import Rounds
import Testing
import WireFormat

@testable import Coordinator
@testable import SecureAggregation

@Suite struct FaultTests {
    /// The bad node. Whether it has a seat makes no difference to what it deals.
    private static let bad = 4

    private static func others(_ chain: DirectChain) -> [Int] { chain.nodes.indices.filter { $0 != bad } }

    /// At most one round for each bad dealer: the round is void and spent, the evidence stands, and neither the next round
    /// nor a restart brings the dealer back.
    @Test func anInconsistentDealerCostsOneRound() async throws {
        let chain = try await DirectChain.ready()
        let session = try await chain.openAttempt()
        try await chain.upload(Self.others(chain), session)
        try await chain.uploadBadly(Self.bad, .anotherSecret, session)
        // Every share is the one it committed to: no member can see anything wrong.
        try await chain.check(chain.committee)
        #expect(try await chain.quarantinedNodes.isEmpty)
        try await chain.tick()
        try await chain.vote(chain.quorum, session)
        try await chain.reveal(chain.quorum, session)
        try await chain.tick()
        #expect(try await chain.finishedStates() == ["void"])
        #expect(try await chain.onlyFault() == ("inconsistent-deal", .node(NodeIndex(Self.bad))))
        #expect(try await chain.quarantinedNodes == [NodeIndex(Self.bad)])
        try await chain.crash()
        #expect(try await chain.quarantinedNodes == [NodeIndex(Self.bad)])
        try await chain.roundWithout([Self.bad])
        #expect(try await chain.finishedStates() == ["void", "released"])
        #expect(try await chain.sums() == [chain.expectedSum(Self.others(chain))])
        #expect(try await chain.work(Self.bad).items.isEmpty)
    }

    /// Shares that do not open are found while uploads stream: the upload is left out and the round goes on.
    @Test func aDealerWhoseSharesDoNotOpenCostsNothing() async throws {
        let chain = try await DirectChain.ready()
        let session = try await chain.openAttempt()
        try await chain.uploadBadly(Self.bad, .unreadable, session)
        try await chain.upload(0..<3, session)
        // C complaints are no proof: they could all be lies.
        let members = chain.committee.filter { $0 != Self.bad }
        try await chain.check(members.prefix(chain.keys.register.corruptMax))
        #expect(try await chain.rowCounts()["fault"] == 0)
        try await chain.check(members.prefix(chain.keys.register.corruptMax + 1))
        #expect(try await chain.onlyFault() == ("rejected-deal", .node(NodeIndex(Self.bad))))
        try await chain.crash()
        #expect(try await chain.quarantinedNodes == [NodeIndex(Self.bad)])
        try await chain.upload(Self.others(chain).filter { $0 >= 3 }, session)
        try await chain.tick()
        let survivors = try await chain.proposal(members[0], session).survivors
        #expect(survivors.alive.indices.filter { !survivors.alive[$0] } == [Self.bad])
        try await chain.finish(session, without: [Self.bad])
        #expect(try await chain.finishedStates() == ["released"])
        #expect(try await chain.sums() == [chain.expectedSum(Self.others(chain))])
        try await chain.roundWithout([Self.bad])
        #expect(try await chain.finishedStates() == ["released", "released"])
    }

    /// Nobody looked before the seal: the round is lost, and the checks that come afterwards convict the dealer.
    @Test func lateComplaintsStillConvict() async throws {
        let chain = try await DirectChain.ready()
        let session = try await chain.openAttempt()
        try await chain.upload(Self.others(chain), session)
        try await chain.uploadBadly(Self.bad, .unreadable, session)
        try await chain.tick()
        try await chain.vote(chain.committee, session)
        try await chain.check(chain.committee.filter { $0 != Self.bad })
        try await chain.reveal(chain.committee.filter { $0 != Self.bad }, session)
        chain.clock.advance(milliseconds: DirectChain.deadlines.revealing)
        try await chain.tick()
        #expect(try await chain.finishedStates() == ["void"])
        #expect(try await chain.onlyFault() == ("rejected-deal", .node(NodeIndex(Self.bad))))
        try await chain.roundWithout([Self.bad])
        #expect(try await chain.finishedStates() == ["void", "released"])
    }

    /// C members lie about one honest node, before it is offered anything and while it uploads: nothing happens to it.
    @Test func asManyLiarsAsThereMayBeChangeNothing() async throws {
        let chain = try await DirectChain.ready()
        let liars = chain.committee.filter { $0 != Self.bad }.prefix(chain.keys.register.corruptMax)
        for liar in liars { try await chain.complain(liar, about: Self.bad) }
        let session = try await chain.openAttempt()
        try await chain.upload(chain.nodes.indices, session)
        for liar in liars { try await chain.complain(liar, about: Self.bad) }
        try await chain.crash()
        try await chain.tick()
        try await chain.finish(session)
        #expect(try await chain.sums() == [chain.expectedSum(chain.nodes.indices)])
        #expect(try await chain.rowCounts()["fault"] == 0)
    }

    /// With one more the prekey is not offered, and the dealer is convicted: at least one of them was honest.
    @Test func oneMoreComplaintKeepsAPrekeyFromBeingOffered() async throws {
        let chain = try await DirectChain.ready()
        let members = chain.committee.filter { $0 != Self.bad }.prefix(chain.keys.register.corruptMax + 1)
        for member in members { try await chain.complain(member, about: Self.bad) }
        let offerable = try await chain.service.store.transact { state, _ in
            state.offerablePrekey(of: NodeIndex(Self.bad))
        }
        #expect(offerable == nil)
        #expect(try await chain.quarantinedNodes == [NodeIndex(Self.bad)])
        try await chain.roundWithout([Self.bad])
        #expect(try await chain.finishedStates() == ["released"])
    }

    @Test func aLyingMemberIsAskedForNothingMore() async throws {
        let chain = try await DirectChain.ready()
        let session = try await chain.openAttempt()
        try await chain.upload(chain.nodes.indices, session)
        try await chain.tick()
        try await chain.vote(chain.quorum, session)
        let liar = try #require(chain.committee.last)
        let honest = try await chain.makeReveal(liar, session)
        var shares = honest.body.shares
        shares[2][0] ^= 1
        let lie = try SignedMessage(
            signing: Reveal(
                sessionID: session, node: chain.nodes[liar].index, labelDigest: honest.body.labelDigest,
                shares: shares, openingDigest: honest.body.openingDigest), key: chain.nodes[liar].keys.protocolKey)
        try await chain.success(
            chain.nodes[liar].peer, .post, "v1/sessions/\(session.hex)/reveals", body: lie.encoded())
        #expect(try await chain.onlyFault() == ("false-share", .node(NodeIndex(liar))))
        try await chain.finish(session)
        #expect(try await chain.sums() == [chain.expectedSum(chain.nodes.indices)])
        try await chain.roundWithout([liar])
        #expect(try await chain.finishedStates() == ["released", "released"])
        #expect(try await chain.work(liar).items.isEmpty)
        let report = try SignedMessage(
            signing: ShareReport(epochRoot: try #require(chain.epoch).root, node: NodeIndex(liar), results: []),
            key: chain.nodes[liar].keys.protocolKey)
        try await chain.expectRefusal(403, "forbidden") {
            await chain.call(chain.nodes[liar].peer, .post, "v1/share-reports", body: report.encoded())
        }
    }

    @Test func aDoubleVoterIsConvicted() async throws {
        let chain = try await DirectChain.ready()
        let session = try await chain.openAttempt()
        try await chain.upload(chain.nodes.indices, session)
        try await chain.tick()
        let voter = try #require(chain.committee.last)
        try await chain.vote([voter], session)
        func post(_ label: Digest, signer: Int) async throws -> HTTPResponse {
            let vote = try SignedMessage(
                signing: LabelVote(sessionID: session, node: chain.nodes[voter].index, labelDigest: label),
                key: chain.nodes[signer].keys.protocolKey)
            return await chain.call(
                chain.nodes[voter].peer, .post, "v1/sessions/\(session.hex)/votes", body: vote.encoded())
        }
        try await chain.expectRefusal(422, "refused") { try await post(SHA256.hash([1]), signer: 0) }
        #expect(try await post(SHA256.hash([1]), signer: voter).status == 204)
        #expect(try await post(SHA256.hash([2]), signer: voter).status == 204)
        #expect(try await chain.onlyFault() == ("double-vote", .node(NodeIndex(voter))))
        try await chain.finish(session, without: [voter])
        #expect(try await chain.finishedStates() == ["released"])
    }

    /// What is not proved is not stored, not even by the coordinator's own hand.
    @Test func evidenceThatProvesNothingIsNotStored() async throws {
        let chain = try await DirectChain.ready()
        let session = try await chain.openAttempt()
        let envelope = try #require(try await chain.upload([Self.bad], session)[Self.bad])
        let register = chain.keys.register
        let deal = Deal(upload: envelope.upload)
        let share = SecretShare([Mersenne61](repeating: Mersenne61(1), count: 5)[...])
        let framed = try (0..<register.quorum).map { holder in
            let opening = try #require(envelope.shares.opening(of: holder))
            return ShareExhibit(
                holder: holder,
                opening: .init(
                    commitment: SharePackage.commitment(to: share, context: try #require(deal.context), holder: holder),
                    ciphertext: opening.ciphertext, path: opening.path),
                share: share.rawRepresentation.unprotectedCopy())
        }
        let evidence = FaultEvidence(
            registerDigest: register.digest, fault: .inconsistentDeal(deal, shares: framed),
            session: try await chain.offer(Self.bad, session).parameters.body)
        await #expect(throws: SecureAggregationError.notUnderSignedRoot("share")) {
            try await chain.service.store.transact { state, connection in
                try state.record(evidence, session: session, nowMilliseconds: 0, connection)
            }
        }
        #expect(try await chain.rowCounts()["fault"] == 0)
        #expect(try await chain.quarantinedNodes.isEmpty)
    }

    /// A certificate that is revoked takes the upload that came with it out of the round in hand.
    @Test func aRevokedCertificatesUploadIsLeftOut() async throws {
        let chain = try await DirectChain.ready()
        let session = try await chain.openAttempt()
        try await chain.upload(chain.nodes.indices.dropLast(), session)
        let fingerprint = chain.nodes[Self.bad].peer.certificateFingerprint.hex
        try await chain.success(
            try chain.person(.operator), .post, "v1/revocations",
            body: [UInt8]("{\"certificate\":\"\(fingerprint)\"}".utf8))
        try await chain.crash()
        chain.clock.advance(milliseconds: DirectChain.deadlines.collecting)
        try await chain.tick()
        try await chain.finish(session, without: [Self.bad])
        #expect(try await chain.sums() == [chain.expectedSum(Self.others(chain).dropLast())])
    }
}
