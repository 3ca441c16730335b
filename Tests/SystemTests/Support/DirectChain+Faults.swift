// Share checks, and nodes that do not do as they should.

import Cryptography
import Foundation
import HTTPServer
import Identity
import Rounds
import Testing
import WireFormat

@testable import Coordinator
@testable import SecureAggregation

extension DirectChain {
    /// Members look at everything that was dealt to them and report.
    func check(_ members: some Sequence<Int>) async throws {
        for index in members {
            while let checks = try await shareChecks(index) {
                let report = try nodes[index].report(
                    checks, register: keys.register, epoch: try #require(epoch))
                try await success(
                    nodes[index].peer, .post, "v1/share-reports", body: try #require(report).encoded())
            }
        }
    }

    /// What a member has to look at; nil if nothing.
    func shareChecks(_ index: Int) async throws -> ShareChecks? {
        let response = await call(nodes[index].peer, .get, "v1/share-checks")
        return response.status == 404 ? nil : try ShareChecks(decoding: response.body)
    }

    /// A member's verdict that everything it is shown of `dealer` is bad, and the rest good.
    func complain(_ member: Int, about dealer: Int) async throws {
        let checks = try #require(try await shareChecks(member))
        let results = checks.items.map {
            ShareReport.Result(deal: $0.deal.digest, isValid: $0.deal.dealer != NodeIndex(dealer))
        }.sorted { $0.deal < $1.deal }
        let report = try SignedMessage(
            signing: ShareReport(epochRoot: checks.epochRoot, node: nodes[member].index, results: results),
            key: nodes[member].keys.protocolKey)
        try await success(nodes[member].peer, .post, "v1/share-reports", body: report.encoded())
    }

    /// The upload of a node that deals something else than the seed of its mask.
    enum BadDeal {
        /// Good shares of another secret.
        case anotherSecret
        /// Ciphertexts that do not open.
        case unreadable
        /// Ciphertexts that do not open for the members at these positions of the committee.
        case unreadableTo(Set<Int>)
    }

    /// Dealt shares whose ciphertexts do not open for the members at `positions`.
    private func unreadable(_ honest: SharePackage, positions: Set<Int>) throws -> SharePackage {
        try SharePackage(
            cborValue: .message(
                (
                    1,
                    .array(
                        honest.ciphertexts.enumerated().map { position, bytes in
                            .bytes(positions.contains(position) ? bytes.map { $0 ^ 1 } : Array(bytes))
                        })
                ), (2, .array(honest.commitments.map { .bytes($0.bytes) }))))
    }

    /// Delivers a prekey whose shares nobody can open, in time to be the next that is offered.
    func postUnreadablePrekey(_ index: Int) async throws {
        let honest = try nodes[index].dealPrekey(register: keys.register, epoch: try #require(epoch))
        let shares = try unreadable(honest.shares, positions: Set(committee.indices))
        let body = try Prekey(
            cborValue: try honest.prekey.body.cborValue.replacing(field: 5, with: .bytes(shares.root.bytes)))
        let bundle = PrekeyBundle(
            prekey: try SignedMessage(signing: body, key: nodes[index].keys.protocolKey), shares: shares)
        try await success(nodes[index].peer, .post, "v1/prekeys", body: bundle.encoded())
    }

    /// Stores an upload like that.
    func uploadBadly(_ index: Int, _ deal: BadDeal, _ session: Digest) async throws {
        let honest = try await prepareUpload(index, session).envelope
        let body = honest.upload.body
        let own = nodes[index].keys
        let shares: SharePackage
        switch deal {
        case .anotherSecret:
            shares = try SharePackage(
                dealing: SecretBytes(copying: [UInt8](repeating: 3, count: 32)),
                context: ShareContext(
                    kind: .selfMaskSeed, scope: session, dealer: body.node, chargeSequence: body.chargeSequence),
                register: keys.register, epoch: try #require(epoch), agreementKey: own.agreementKey,
                hedge: own.hedge, random: SystemRandomSource())
        case .unreadable: shares = try unreadable(honest.shares, positions: Set(committee.indices))
        case .unreadableTo(let positions): shares = try unreadable(honest.shares, positions: positions)
        }
        let upload = Upload(
            sessionID: session, node: body.node, sequence: body.sequence, chargeSequence: body.chargeSequence,
            selfMaskCommitment: body.selfMaskCommitment, vectorDigest: body.vectorDigest, shareRoot: shares.root)
        let response = await commit(
            index,
            UploadEnvelope(
                upload: try SignedMessage(signing: upload, key: own.protocolKey), shares: shares,
                chunkDigests: honest.chunkDigests), session)
        try #require(response.status == 200, "\(response.text)")
    }

    /// A member's reveal with the shares of some roster positions alone, the others left empty.
    func reveal(_ member: Int, _ session: Digest, keeping isKept: (Int) -> Bool) async throws {
        let honest = try await makeReveal(member, session).body
        let reveal = try SignedMessage(
            signing: Reveal(
                sessionID: session, node: honest.node, labelDigest: honest.labelDigest,
                shares: honest.shares.enumerated().map { isKept($0.offset) ? $0.element : [] },
                openingDigest: honest.openingDigest), key: nodes[member].keys.protocolKey)
        try await success(nodes[member].peer, .post, "v1/sessions/\(session.hex)/reveals", body: reveal.encoded())
    }

    /// The one fault that is on record, as an auditor downloads and judges it.
    func onlyFault() async throws -> (kind: String, accused: Accused) {
        let auditor = try person(.auditor)
        let list = try await success(auditor, .get, "v1/faults")
        let faults = try #require(try JSONSerialization.jsonObject(with: Data(list)) as? [[String: Any]])
        #expect(faults.count == 1)
        let digest = try #require(faults.first?["digest"] as? String)
        let evidence = try FaultEvidence(decoding: try await success(auditor, .get, "v1/faults/\(digest)"))
        return (
            try #require(faults.first?["kind"] as? String),
            try evidence.verify(register: keys.register, coordinatorKey: keys.anchors.coordinatorKey)
        )
    }

    /// The states of attempts that are over: the tick that ends one may open the next.
    func finishedStates() async throws -> [String] {
        try await attemptStates().filter { ["void", "released"].contains($0) }
    }

    /// Who is in the roster of a session.
    func cohort(_ session: Digest) async throws -> Set<NodeIndex> {
        try await service.store.transact { state, _ in
            Set(state.attempts[session]?.attempt.session.roster.entries.map(\.node) ?? [])
        }
    }

    /// Brings a session with all its uploads to its release.
    func finish(_ session: Digest, without absent: Set<Int> = []) async throws {
        let members = committee.filter { !absent.contains($0) }.prefix(keys.register.quorum)
        try await vote(members, session)
        try await reveal(members, session)
        try await tick()
    }

    /// A whole round of everyone but `absent`, who must not be in the roster.
    @discardableResult
    func roundWithout(_ absent: Set<Int>) async throws -> Digest {
        try await poll()
        try await tick()
        let first = try #require(nodes.indices.first { !absent.contains($0) })
        let session = try #require(try await work(first).items.first { $0.kind == .offer }).sessionID
        let present = nodes.indices.filter { !absent.contains($0) }
        #expect(try await cohort(session) == Set(present.map { NodeIndex($0) }))
        try await upload(present, session)
        try await tick()
        try await finish(session, without: absent)
        return session
    }
}

extension SignedMessage<SessionParameters> {
    /// Another session under the same name or a later attempt's, as a coordinator that equivocates would sign it.
    /// - Parameter model: the one it is about; each gives another session.
    func secondSession(attempt: UInt64, model: UInt8 = 1, key: Ed25519PrivateKey) throws -> Self {
        try SignedMessage(
            signing: SessionParameters(
                registerDigest: body.registerDigest, epochRoot: body.epochRoot, round: body.round,
                attempt: attempt, modelDigest: SHA256.hash([model]), planDigest: body.planDigest,
                consentSize: body.consentSize, consentRoot: body.consentRoot,
                previousConsentSize: body.previousConsentSize, dimension: body.dimension, layout: body.layout,
                generator: body.generator, cohortSize: body.cohortSize, minAlive: body.minAlive,
                deadlineMilliseconds: body.deadlineMilliseconds, derived: body.derived,
                rosterDigest: body.rosterDigest), key: key)
    }
}
