// Evidence and the register it is judged under: a coordinator that has two registers of one chain, both signed by the
// authority, frames honest nodes with neither. Row 15 of the attack table.
//
// Two scenarios of one seed have the same nodes and protocol keys; what is done honestly under one of them is judged here under
// the other. Without the bindings every first evidence below is proved.

import Cryptography
import MerkleLog
import Testing
import WireFormat

@testable import SecureAggregation

struct EvidenceBindingTests {
    private typealias Uploaded = (scenario: AggregationScenario, session: CoordinatorSession)

    /// A session of every node of a chain with this register; node 17 uploads nothing.
    private func uploaded(committee: Int, corruptMax: Int, version: UInt64) throws -> Uploaded {
        let scenario = try AggregationScenario(
            nodes: 24, committee: committee, corruptMax: corruptMax, minAlive: 20, version: version)
        var session = try scenario.session()
        _ = try scenario.collect(&session, dropped: [17]) { _ in [Int64](repeating: 1, count: 100) }
        return (scenario, session)
    }

    /// R1: the version before `register`, of the same nodes, with C = 1.
    private func smaller(_ register: Register, committee: [NodeIndex]) throws -> Register {
        try Register(
            chain: register.chain, version: 1, nodes: register.nodes, corruptMax: 1, committee: committee,
            dropoutPermille: 100)
    }

    private func refusal(_ evidence: FaultEvidence, _ register: Register) throws -> SecureAggregationError? {
        #expect(try FaultEvidence(decoding: evidence.encoded()) == evidence)
        do {
            _ = try evidence.verify(register: register, coordinatorKey: nil)
            return nil
        } catch { return error }
    }

    /// What the opened shares of one honest deal are, of the first `count` members.
    private func exhibits(
        _ deal: Deal, _ package: SharePackage, _ scenario: AggregationScenario, count: Int
    ) throws -> [ShareExhibit] {
        try (0..<count).map { holder in
            let opening = try #require(package.opening(of: holder))
            let share = try #require(
                deal.share(
                    opening: opening, holder: holder, register: scenario.register, epoch: scenario.epoch,
                    agreementKey: scenario.keys(of: NodeIndex(holder)).agreementKey))
            return ShareExhibit(holder: holder, opening: opening, share: share.rawRepresentation.unprotectedCopy())
        }
    }

    /// Reports of `members` that call `deal` invalid, as liars of `scenario`'s epoch sign them.
    private func complaints(
        _ deal: Deal, _ members: Range<NodeIndex>, _ scenario: AggregationScenario
    ) throws -> [SignedMessage<ShareReport>] {
        try members.map {
            try SignedMessage(
                signing: ShareReport(
                    epochRoot: scenario.epoch.root, node: $0, results: [.init(deal: deal.digest, isValid: false)]),
                key: scenario.keys(of: $0).protocolKey)
        }
    }

    /// The parameters and the head that bind honest evidence of a session.
    private func evidence(_ fault: Fault, _ register: Register, _ of: Uploaded) -> FaultEvidence {
        FaultEvidence(
            registerDigest: register.digest, fault: fault, session: of.session.parameters.body,
            epoch: of.scenario.epoch.head)
    }

    /// A session or an epoch that names `register`, in place of the one that was signed for.
    private func renamed(_ evidence: FaultEvidence, _ register: Register) -> FaultEvidence {
        FaultEvidence(
            registerDigest: register.digest, fault: evidence.fault,
            session: evidence.session?.altered(registerDigest: register.digest), epoch: evidence.epoch)
    }

    /// Kind 1. R1 has C = 1 and l = 7; R2 has C = 3, the same committee of eight and l = 8. An honest deal under R2 has
    /// polynomials of degree 7, so seven of its opened shares join to another secret, which R1 takes for the dealer's fault.
    @Test("Row 15: fewer shares of an honest deal, judged under a smaller quorum")
    func aSmallerQuorumFramesNoDealer() throws {
        let of = try uploaded(committee: 8, corruptMax: 3, version: 2)
        let register = of.scenario.register
        let small = try smaller(register, committee: register.committee)
        #expect(small.committee == register.committee && small.quorum == 7 && register.quorum == 8)
        let envelope = try #require(of.session.uploads[4])
        let upload = Deal(upload: envelope.upload)
        let shares = try exhibits(upload, envelope.shares, of.scenario, count: 8)
        let right = SecureAggregationError.unknown("fault: the shares are right")
        #expect(
            try refusal(evidence(.inconsistentDeal(upload, shares: shares), register, of), register) == right)
        let framed = evidence(.inconsistentDeal(upload, shares: Array(shares.prefix(7))), small, of)
        #expect(try refusal(framed, small) == .mismatch(field: "registerDigest of the session"))
        #expect(try refusal(renamed(framed, small), small) == .mismatch(field: "sessionId of the upload"))

        let bundle = try of.scenario.prekey(of: 17).bundle
        let prekey = Deal(prekey: bundle.prekey)
        let dropped = try exhibits(prekey, bundle.shares, of.scenario, count: 8)
        #expect(
            try refusal(evidence(.inconsistentDeal(prekey, shares: dropped), register, of), register) == right)
        #expect(
            try refusal(evidence(.inconsistentDeal(prekey, shares: Array(dropped.prefix(7))), small, of), small)
                == .mismatch(field: "epochRoot of the prekey"))
    }

    /// Kind 2. Two liars are within R2's C of 3, and more than R1's of 1.
    @Test("Row 15: complaints of liars, judged under a smaller C")
    func aSmallerCFramesNoDealer() throws {
        let of = try uploaded(committee: 8, corruptMax: 3, version: 2)
        let register = of.scenario.register
        let small = try smaller(register, committee: register.committee)
        let upload = Deal(upload: try #require(of.session.uploads[4]).upload)
        let prekey = Deal(prekey: try of.scenario.prekey(of: 4).bundle.prekey)
        for (deal, field) in [
            (upload, "registerDigest of the session"), (prekey, "epochRoot of the prekey"),
        ] {
            let liars = try complaints(deal, 0..<2, of.scenario)
            #expect(
                try refusal(evidence(.rejectedDeal(deal, reports: liars), register, of), register)
                    == .tooFew("complaints", have: 2, need: 4))
            #expect(
                try refusal(evidence(.rejectedDeal(deal, reports: liars), small, of), small) == .mismatch(field: field))
        }
        let liars = try complaints(upload, 0..<2, of.scenario)
        #expect(
            try refusal(renamed(evidence(.rejectedDeal(upload, reports: liars), small, of), small), small)
                == .mismatch(field: "sessionId of the upload"))
    }

    /// Kind 2, the other way round: an honest deal under R1, about which more than C lie under R2. Reports about an upload name
    /// only an epoch, so it must be the epoch of the deal's session.
    @Test("Row 15: complaints of another register's epoch") func complaintsOfAnotherEpoch() throws {
        let of = try uploaded(committee: 8, corruptMax: 1, version: 1)
        let other = try AggregationScenario(nodes: 24, committee: 8, corruptMax: 3, version: 2)
        let deal = Deal(upload: try #require(of.session.uploads[4]).upload)
        let elsewhere = evidence(
            .rejectedDeal(deal, reports: try complaints(deal, 0..<2, other)), of.scenario.register, of)
        #expect(try refusal(elsewhere, of.scenario.register) == .mismatch(field: "epochRoot of a report"))
        let here = evidence(
            .rejectedDeal(deal, reports: try complaints(deal, 0..<2, of.scenario)), of.scenario.register, of)
        #expect(try refusal(here, of.scenario.register) == nil, "more than C: an honest member complains")
    }

    /// Kind 3. Member 8 sits at position 8 of 9 in R2 and at 4 of 5 in R1. Its leaf opens at both, since either is the last of a
    /// tree with a full half before it, and its honest share is not one of position 4.
    @Test("Row 15: an honest member's share, judged at another seat") func otherSeatsFrameNoMember() throws {
        var of = try uploaded(committee: 9, corruptMax: 1, version: 2)
        let register = of.scenario.register
        let small = try smaller(register, committee: [0, 1, 2, 3, 8])
        try of.scenario.certify(&of.session)
        let request = try #require(of.session.revealRequest(for: 8))
        let reveal = try of.scenario.reveal(request, session: of.session, member: 8)
        let tree = request.itemTree
        func fault(_ position: Int) throws -> Fault {
            .falseShare(
                reveal,
                FalseShareExhibit(
                    position: position, item: request.items[position], itemRoot: tree.root,
                    path: try tree.inclusionProof(index: position, size: tree.count).hashes,
                    bitmapDigest: SHA256.hash(request.bitmap)))
        }
        // A survivor's upload, and a dropped node's prekey.
        for position in [4, 17] {
            let item = request.items[position]
            let root = try #require(item.deal.shareRoot)
            try item.opening.verify(root: root, position: 8, count: 9)
            try item.opening.verify(root: root, position: 4, count: 5)
            #expect(
                try refusal(evidence(fault(position), register, of), register) == .unknown("fault: the share is right"))
            let framed = try evidence(fault(position), small, of)
            #expect(try refusal(framed, small) == .mismatch(field: "registerDigest of the session"))
            let field = position == 4 ? "sessionId of the upload" : "sessionId of the reveal"
            #expect(try refusal(renamed(framed, small), small) == .mismatch(field: field))
        }
    }

    /// A late node's deal shows an upload and a prekey. They, the session and the epoch are one, or nothing is proved.
    @Test("Row 15: upload and prekey of a late node are bound both") func everyPartIsOfOneSessionAndEpoch() throws {
        let uploaded = try AggregationScenario.uploaded()
        let scenario = uploaded.scenario
        let register = scenario.register
        let parameters = uploaded.session.parameters.body
        let prekey = try scenario.prekey(of: 4).bundle.prekey
        let honest = try #require(uploaded.session.uploads[4]).upload
        func refused(
            _ upload: SignedMessage<Upload>, _ prekey: SignedMessage<Prekey>, _ session: SessionParameters?,
            _ head: EpochHead?
        ) throws -> SecureAggregationError? {
            let deal = Deal(upload: upload, latePrekey: prekey)
            let evidence = FaultEvidence(
                registerDigest: register.digest,
                fault: .rejectedDeal(deal, reports: try complaints(deal, 1..<3, scenario)),
                session: session, epoch: head)
            do {
                _ = try evidence.verify(register: register, coordinatorKey: nil)
                return nil
            } catch { return error }
        }
        let head = scenario.epoch.head
        #expect(try refused(honest, prekey, parameters, head) == nil, "two of C = 1 complain")
        #expect(try refused(honest, prekey, nil, head) == .unknown("session of the evidence"))
        #expect(try refused(honest, prekey, parameters, nil) == .unknown("epoch of the evidence"))
        #expect(
            try refused(honest, prekey, parameters.altered(round: 9), head)
                == .mismatch(field: "sessionId of the upload"))
        let other = EpochHead(
            epoch: head.epoch + 1, endsAtMilliseconds: head.endsAtMilliseconds, keysDigest: head.keysDigest)
        #expect(try refused(honest, prekey, parameters, other) == .mismatch(field: "epochRoot of the prekey"))
        // Signed by the dealer, but of the next epoch of the same register.
        let body = prekey.body
        let next = try SignedMessage(
            signing: Prekey(
                epochRoot: other.root(registerDigest: register.digest), node: 4, sequence: body.sequence,
                publicKey: body.publicKey, shareRoot: body.shareRoot), key: scenario.keys(of: 4).protocolKey)
        #expect(try refused(honest, next, parameters, other) == .mismatch(field: "epochRoot of the session"))
    }

    /// One fault has one encoding: what binds it is there exactly if the fault names it.
    @Test func bindingsAreThereExactlyWhenNamed() throws {
        let uploaded = try AggregationScenario.uploaded()
        let scenario = uploaded.scenario
        let parameters = uploaded.session.parameters
        let head = scenario.epoch.head
        let upload = try #require(uploaded.session.uploads[4]).upload
        let prekey = try scenario.prekey(of: 4).bundle.prekey
        for (fault, hasSession, hasEpoch) in [
            (Fault.rejectedDeal(Deal(upload: upload), reports: []), true, false),
            (.rejectedDeal(Deal(prekey: prekey), reports: []), false, true),
            (.inconsistentDeal(Deal(upload: upload, latePrekey: prekey), shares: []), true, true),
            (.equivocation(parameters, parameters), false, false),
        ] {
            let evidence = FaultEvidence(
                registerDigest: scenario.register.digest, fault: fault, session: parameters.body, epoch: head)
            #expect((evidence.session != nil) == hasSession && (evidence.epoch != nil) == hasEpoch)
            #expect(try FaultEvidence(decoding: evidence.encoded()) == evidence)
            for (key, value, isThere, name) in [
                (UInt64(5), parameters.body.cborValue, hasSession, "session"), (6, head.cborValue, hasEpoch, "epoch"),
            ] {
                let changed = try evidence.cborValue.replacing(key, with: isThere ? nil : value).encoded()
                #expect {
                    try FaultEvidence(decoding: changed)
                } throws: { error in
                    guard case .unexpected(let field, _) = error as? WireFormatError else { return false }
                    return field == "fault-evidence.\(name)"
                }
            }
        }
    }
}
