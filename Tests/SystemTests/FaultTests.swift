// Bad dealers and members at the level of the coordinator: what a fault costs, and that its author is in no later round.

import Cryptography
import Foundation
import HTTPServer
import Identity
import Rounds
import Storage
import Testing
import WireFormat

@testable import Coordinator
@testable import SecureAggregation

@Suite struct FaultTests {
    /// The bad node. Whether it has a seat makes no difference to what it deals.
    private static let bad = 4

    /// A round in which everyone uploaded and the whole committee voted.
    private static func certified(_ chain: DirectChain) async throws -> Digest {
        let session = try await chain.openAttempt()
        try await chain.upload(chain.nodes.indices, session)
        try await chain.tick()
        try await chain.vote(chain.committee, session)
        return session
    }

    /// The round ends without a quorum of shares; who is left out of the epoch for it.
    private static func leftOutAfterTheWait(_ chain: DirectChain) async throws -> Set<NodeIndex> {
        chain.clock.advance(milliseconds: DirectChain.deadlines.revealing)
        try await chain.tick()
        #expect(try await chain.finishedStates() == ["void"])
        return try await chain.service.store.transact { state, _ in state.leftOutNodes }
    }

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

    /// A prekey that nobody can open is offered before anyone looked, and its node vanishes. The members look while the session
    /// lasts, and the dealer is convicted: one round, not every one.
    @Test func aPrekeyThatDoesNotOpenCostsOneRound() async throws {
        let chain = try await DirectChain.ready()
        try await chain.postUnreadablePrekey(Self.bad)
        let session = try await chain.openAttempt()
        #expect(try await chain.cohort(session).contains(NodeIndex(Self.bad)))
        try await chain.upload(Self.others(chain), session)
        chain.clock.advance(milliseconds: DirectChain.deadlines.collecting)
        try await chain.tick()
        let members = chain.committee.filter { $0 != Self.bad }
        try await chain.vote(members, session)
        try await chain.crash()
        try await chain.check(members)
        #expect(try await chain.onlyFault() == ("rejected-deal", .node(NodeIndex(Self.bad))))
        try await chain.reveal(members, session)
        chain.clock.advance(milliseconds: DirectChain.deadlines.revealing)
        try await chain.tick()
        #expect(try await chain.finishedStates() == ["void"])
        try await chain.roundWithout([Self.bad])
        #expect(try await chain.finishedStates() == ["void", "released"])
    }

    /// Shares that are bad for too few members to convict and too many to open: nothing is proved, and the node is left out until
    /// the epoch ends, across a restart.
    @Test func aDealerBelowConvictionCostsOneRoundAnEpoch() async throws {
        let chain = try await DirectChain.ready()
        let register = chain.keys.register
        let spare = register.committee.count - register.quorum
        let session = try await chain.openAttempt()
        try await chain.upload(Self.others(chain), session)
        try await chain.uploadBadly(Self.bad, .unreadableTo(Set(0...spare)), session)
        try await chain.tick()
        try await chain.vote(chain.committee, session)
        try await chain.reveal(chain.committee, session)
        chain.clock.advance(milliseconds: DirectChain.deadlines.revealing)
        try await chain.tick()
        #expect(try await chain.finishedStates() == ["void"])
        #expect(try await chain.rowCounts()["fault"] == 0)
        try await chain.crash()
        try await chain.roundWithout([Self.bad])
        #expect(try await chain.finishedStates() == ["void", "released"])
        // The next epoch starts without prejudice.
        let left = try await chain.service.store.transact { state, _ in state.leftOutNodes }
        #expect(left == [NodeIndex(Self.bad)])
        chain.clock.advance(milliseconds: DirectChain.configuration("").epochMilliseconds)
        try await chain.tick()
        try await chain.tick()
        let after = try await chain.service.store.transact { state, _ in (state.epoch?.number, state.leftOutNodes) }
        #expect(after.0 == 2)
        #expect(after.1.isEmpty)
    }

    /// Members that stay away are no reason to leave out a node: nobody saw its shares.
    @Test func aMissingQuorumLeavesNobodyOut() async throws {
        let chain = try await DirectChain.ready()
        let session = try await Self.certified(chain)
        try await chain.reveal(chain.quorum.dropLast(), session)
        #expect(try await Self.leftOutAfterTheWait(chain).isEmpty)
        try await chain.roundWithout([])
    }

    /// A member that answers with nothing is no quorum either: otherwise one of them could empty the chain for an epoch.
    @Test func blankRevealsLeaveNobodyOut() async throws {
        let chain = try await DirectChain.ready()
        let session = try await Self.certified(chain)
        try await chain.reveal(chain.quorum.dropLast(), session)
        let blank = try #require(chain.quorum.last)
        try await chain.reveal(blank, session, keeping: { _ in false })
        #expect(try await Self.leftOutAfterTheWait(chain).isEmpty)
        try await chain.roundWithout([])
    }

    /// A false share convicts the member, and the node whose share it was stays: who is to blame is known.
    @Test func aConvictedMembersSharesLeaveNobodyOut() async throws {
        let chain = try await DirectChain.ready()
        let session = try await Self.certified(chain)
        try await chain.reveal(chain.quorum.dropLast(), session)
        let liar = try #require(chain.quorum.last)
        let honest = try await chain.makeReveal(liar, session).body
        var shares = honest.shares
        shares[2][0] ^= 1
        let lie = try SignedMessage(
            signing: Reveal(
                sessionID: session, node: honest.node, labelDigest: honest.labelDigest, shares: shares,
                openingDigest: honest.openingDigest), key: chain.nodes[liar].keys.protocolKey)
        try await chain.success(
            chain.nodes[liar].peer, .post, "v1/sessions/\(session.hex)/reveals", body: lie.encoded())
        #expect(try await Self.leftOutAfterTheWait(chain).isEmpty)
        #expect(try await chain.quarantinedNodes == [NodeIndex(liar)])
    }

    /// Members that withhold the shares of honest nodes get at most C of them left out in an epoch.
    @Test func withheldSharesLeaveOutNoMoreThanC() async throws {
        let chain = try await DirectChain.ready()
        let register = chain.keys.register
        let members = chain.committee.prefix(register.quorum)
        for (targets, expected) in [(0..<register.corruptMax + 1, 0), (0..<register.corruptMax, register.corruptMax)] {
            let session = try await chain.openAttempt()
            let offered = try await chain.cohort(session).sorted()
            try await chain.upload(offered.map(Int.init), session)
            try await chain.tick()
            try await chain.vote(members, session)
            for member in members { try await chain.reveal(member, session, keeping: { !targets.contains($0) }) }
            chain.clock.advance(milliseconds: DirectChain.deadlines.revealing)
            try await chain.tick()
            let left = try await chain.service.store.transact { state, _ in state.leftOutNodes }
            #expect(left.count == expected)
        }
        try await chain.roundWithout(Set(0..<register.corruptMax))
    }

    /// A report that is mostly about deals that nobody asked for is not stored: it would fill the database.
    @Test func inventedReportsAreNotStored() async throws {
        let chain = try await DirectChain.ready()
        let member = try #require(chain.committee.first)
        let checks = try #require(try await chain.shareChecks(member))
        func post(_ deals: [Digest]) async throws -> Int {
            let report = try SignedMessage(
                signing: ShareReport(
                    epochRoot: checks.epochRoot, node: chain.nodes[member].index,
                    results: deals.sorted().map { ShareReport.Result(deal: $0, isValid: true) }),
                key: chain.nodes[member].keys.protocolKey)
            return await chain.call(
                chain.nodes[member].peer, .post, "v1/share-reports", body: report.encoded()
            ).status
        }
        let invented = (0..<5).map { SHA256.hash([UInt8($0)]) }
        let asked = checks.items.map(\.deal.digest)
        #expect(try await post(Array(asked.prefix(4)) + invented) == 410)
        #expect(try await chain.rowCounts()["share_report"] == 0)
        #expect(try await post(Array(asked.prefix(5)) + invented) == 204)
        #expect(try await chain.rowCounts()["share_report"] == 1)
    }

    /// A conviction speaks of an index in one register. In another it may be another store's.
    @Test func aConvictionHoldsForItsRegister() async throws {
        let chain = try await DirectChain.ready()
        for member in chain.committee.filter({ $0 != Self.bad }).prefix(chain.keys.register.corruptMax + 1) {
            try await chain.complain(member, about: Self.bad)
        }
        #expect(try await chain.quarantinedNodes == [NodeIndex(Self.bad)])
        func reload(register: String) async throws -> Set<NodeIndex> {
            try await chain.service.store.database.write { connection in
                _ = try connection.execute("DROP TRIGGER fault_keeps")
                _ = try connection.execute(
                    register == "other"
                        ? "UPDATE fault SET register = zeroblob(32)" : "UPDATE fault SET register = NULL")
                _ = try connection.execute(
                    "CREATE TRIGGER fault_keeps BEFORE UPDATE ON fault BEGIN SELECT RAISE(ABORT, 'append only'); END")
                _ = try connection.execute("UPDATE meta SET value = value + 1 WHERE name = 'revision'")
            }
            return try await chain.quarantinedNodes
        }
        #expect(try await reload(register: "other").isEmpty)
        #expect(try await reload(register: "none") == [NodeIndex(Self.bad)], "from before: it holds for every one")
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
