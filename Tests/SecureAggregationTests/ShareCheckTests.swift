// C0: what a member says about the shares it was dealt, and what it refuses to say anything about.

import Cryptography
import Testing
import WireFormat

@testable import SecureAggregation

struct ShareCheckTests {
    private let uploaded: AggregationScenario.Uploaded
    private var scenario: AggregationScenario { uploaded.scenario }

    init() throws { uploaded = try AggregationScenario.uploaded() }

    private func report(
        _ items: [ShownShare], member: NodeIndex = 2, sessions: [SessionParameters]? = nil,
        epochRoot: Digest? = nil, key: X25519PrivateKey? = nil
    ) throws -> ShareReport {
        try scenario.seat(of: member).decideReport(
            ShareChecks(
                epochRoot: epochRoot ?? scenario.epoch.root,
                sessions: sessions ?? [uploaded.session.parameters.body], items: items),
            register: scenario.register, epoch: scenario.epoch,
            agreementKey: key ?? scenario.keys(of: member).agreementKey)
    }

    private func upload(_ position: Int, holder: Int = 2) throws -> ShownShare {
        try #require(uploaded.session.shareCheck(position: position, holder: holder))
    }

    private func prekey(_ node: NodeIndex, holder: Int = 2) throws -> ShownShare {
        let bundle = try scenario.prekey(of: node).bundle
        return ShownShare(
            deal: Deal(prekey: bundle.prekey), opening: try #require(bundle.shares.opening(of: holder)))
    }

    @Test func honestDealsAreValid() throws {
        let items = try (0..<17).map { try upload($0) } + (0..<18).map { try prekey($0) }
        let report = try report(items)
        #expect(report.results.count == 35 && report.results.allSatisfy(\.isValid))
        #expect(Set(report.results.map(\.deal)) == Set(items.map(\.deal.digest)))
        #expect(report.node == 2 && report.epochRoot == scenario.epoch.root)
        #expect(try ShareReport(decoding: report.encoded()) == report)
    }

    /// A dealer that signed a ciphertext which does not open, or another share than it committed to, is complained about.
    @Test func badDealsAreInvalid() throws {
        let body = try #require(uploaded.session.uploads[4]).upload.body
        let keys = try scenario.keys(of: 4)
        let honest = try #require(uploaded.session.uploads[4]).shares
        var garbled = honest.ciphertexts
        garbled[2][20] ^= 1
        var empty = honest.ciphertexts
        empty[2] = []
        var recommitted = honest.commitments
        recommitted[2] = SHA256.hash([1])
        for package in [
            try honest.replacing(1, with: .array(garbled.map { .bytes($0) })),
            try honest.replacing(1, with: .array(empty.map { .bytes($0) })),
            try honest.replacing(2, with: .array(recommitted.map { .bytes($0.bytes) })),
        ] {
            let upload = Upload(
                sessionID: body.sessionID, node: 4, sequence: body.sequence, chargeSequence: body.chargeSequence,
                selfMaskCommitment: body.selfMaskCommitment, vectorDigest: body.vectorDigest,
                shareRoot: package.root)
            let deal = Deal(upload: try SignedMessage(signing: upload, key: keys.protocolKey))
            let item = ShownShare(deal: deal, opening: try #require(package.opening(of: 2)))
            let report = try report([item, try self.upload(5)])
            #expect(report.isValid(deal.digest) == false)
            #expect(report.isValid(try self.upload(5).deal.digest) == true)
            // The other members' shares are good, and they say so.
            let other = ShownShare(deal: deal, opening: try #require(package.opening(of: 3)))
            #expect(try self.report([other], member: 3).isValid(deal.digest) == true)
        }
    }

    /// What the dealer did not sign is nobody's complaint: the coordinator made it up.
    @Test func framingIsRefused() throws {
        let honest = try upload(4)
        var garbled = honest.opening.ciphertext
        garbled[20] ^= 1
        let opening = honest.opening
        for swapped: SharePackage.Opening in [
            .init(commitment: opening.commitment, ciphertext: garbled, path: opening.path),
            .init(commitment: opening.commitment, ciphertext: [], path: opening.path),
            .init(commitment: SHA256.hash([1]), ciphertext: opening.ciphertext, path: opening.path),
            try upload(4, holder: 3).opening, try upload(5).opening,
        ] {
            #expect(throws: SecureAggregationError.notUnderSignedRoot("share")) {
                try report([ShownShare(deal: honest.deal, opening: swapped)])
            }
        }
        let body = try #require(honest.deal.upload).body
        let forged = Deal(upload: try SignedMessage(signing: body, key: scenario.keys(of: 5).protocolKey))
        #expect(throws: SecureAggregationError.badSignature(of: "upload")) {
            try report([ShownShare(deal: forged, opening: opening)])
        }
        // An upload of a session that is not of this epoch could not open here, whoever dealt it.
        #expect(throws: SecureAggregationError.unknown("session of an upload")) {
            try report([honest], sessions: [])
        }
        let elsewhere = uploaded.session.parameters.body.altered(epochRoot: SHA256.hash([1]))
        #expect(throws: SecureAggregationError.mismatch(field: "epochRoot of a session")) {
            try report([honest], sessions: [elsewhere])
        }
        #expect(throws: SecureAggregationError.mismatch(field: "epochRoot")) {
            try report([honest], epochRoot: SHA256.hash([1]))
        }
        #expect(throws: SecureAggregationError.mismatch(field: "own agreement key")) {
            try report([honest], key: scenario.keys(of: 3).agreementKey)
        }
        // A prekey beside the upload of a node that is in the announcement would give the choice of a key.
        let both = Deal(
            upload: try #require(honest.deal.upload), latePrekey: try scenario.prekey(of: 4).bundle.prekey)
        #expect(throws: SecureAggregationError.mismatch(field: "prekey of an upload")) {
            try report([ShownShare(deal: both, opening: opening)])
        }
    }

    /// min(C, L − l), and none where the quorum needs everybody.
    @Test func complaintsThatAreBorne() throws {
        func register(committee: Int, corruptMax: Int) throws -> Register {
            try Register(
                chain: "c", version: 1, nodes: scenario.register.nodes, corruptMax: corruptMax,
                committee: Array(0..<NodeIndex(committee)), dropoutPermille: 100)
        }
        for (committee, corruptMax, borne) in [(8, 1, 1), (6, 1, 0), (18, 1, 1), (18, 4, 4), (12, 4, 2), (11, 4, 1)] {
            let register = try register(committee: committee, corruptMax: corruptMax)
            #expect(register.toleratedComplaints == borne, "\(committee), \(corruptMax)")
            #expect(register.committee.count - borne >= register.quorum)
        }
    }

    @Test func aReportHasOneVerdictADeal() throws {
        let report = try report([try upload(4), try upload(5)])
        for results in [report.results.reversed(), report.results + report.results.suffix(1)] as [[ShareReport.Result]]
        {
            let wrong = ShareReport(epochRoot: report.epochRoot, node: 2, results: results)
            #expect(throws: WireFormatError.self) { try ShareReport(decoding: wrong.encoded()) }
        }
        #expect(try self.report([try upload(4), try upload(4)]).results.count == 1)
    }
}
