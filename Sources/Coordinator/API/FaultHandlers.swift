// Share checks for committee members, and evidence of faults for whoever watches over the chain.

import Cryptography
import HTTPServer
import Locking
import Rounds
import SecureAggregation
import Storage
import WireFormat

extension API {
    /// Deals in one answer: with at most 14 hashes in a path, half a megabyte.
    static let maximumShareChecks = 512

    /// The deals that a member has not looked at yet, each with its own leaf.
    func shareChecks(_ node: NodeIndex) async throws -> HTTPResponse {
        struct Found: Sendable {
            let epochRoot: Digest
            let holder: Int
            var prekeys: [[UInt8]] = []
            var uploads: [(session: CoordinatorSession, position: Int)] = []
        }
        let found = try await service.store.transact { state, connection -> Found in
            guard state.hasShareChecks(for: node), let root = state.epoch?.closed?.root,
                let holder = state.keys.register.committeePosition(of: node)
            else { throw Problem.notFound("share checks for this node") }
            var found = Found(epochRoot: root, holder: holder)
            for source in state.verdicts.open(for: node, maximum: Self.maximumShareChecks) {
                switch source {
                case .upload(let session, let position):
                    guard let live = state.attempts[session] else { continue }
                    found.uploads.append((live.attempt.session, position))
                case .prekey(let prekeyNode, let sequence):
                    let bundle = try connection.queryOne(
                        "SELECT bundle FROM prekey WHERE node = ? AND sequence = ?", Int(prekeyNode), Int64(sequence)
                    ) { try $0.blob(0) }
                    if let bundle { found.prekeys.append(bundle) }
                }
            }
            return found
        }
        // Trees are built here and not on the writer's thread: nobody waits for them but this member.
        var items: [ShownShare] = []
        var sessions: [Digest: SessionParameters] = [:]
        for (session, position) in found.uploads {
            guard let item = session.shareCheck(position: position, holder: found.holder) else { continue }
            items.append(item)
            sessions[session.sessionID] = session.parameters.body
        }
        for bytes in found.prekeys {
            let bundle = try PrekeyBundle(decoding: bytes)
            guard let opening = bundle.shares.opening(of: found.holder) else { continue }
            items.append(ShownShare(deal: Deal(prekey: bundle.prekey), opening: opening))
        }
        return Self.cbor(
            ShareChecks(
                epochRoot: found.epochRoot, sessions: sessions.sorted { $0.key < $1.key }.map(\.value), items: items))
    }

    func postShareReport(_ node: NodeIndex, _ request: HTTPRequest) async throws -> HTTPResponse {
        let report = try SignedMessage<ShareReport>(decoding: request.body)
        guard report.body.node == node else { throw Problem.forbidden }
        let now = service.clock.nowMilliseconds()
        try await service.store.transact { state, connection in
            try state.receive(report, nowMilliseconds: now, connection)
        }
        return Self.noContent
    }

    // MARK: Faults

    private struct FaultSummary: Encodable {
        let digest: String
        let kind: String
        let node: Int?
        let session: String?
        let recordedMilliseconds: Int64
    }

    func listFaults() async throws -> HTTPResponse {
        let faults = try await service.store.transact { state, _ in
            state.faults.map {
                FaultSummary(
                    digest: $0.digest.hex, kind: $0.kind, node: $0.accused.map { Int($0) }, session: $0.session?.hex,
                    recordedMilliseconds: $0.atMilliseconds)
            }
        }
        return try Self.json(faults)
    }

    /// The evidence itself: whoever has the register can judge it, `concord-verify FILE --register FILE --trust FILE` does.
    func fault(_ digest: Digest) async throws -> HTTPResponse {
        let evidence = try await service.store.transact { _, connection in
            try connection.queryOne("SELECT evidence FROM fault WHERE digest = ?", digest.bytes) { try $0.blob(0) }
        }
        guard let evidence else { throw Problem.notFound("fault") }
        return HTTPResponse(status: 200, contentType: Self.cbor, body: evidence)
    }
}

extension CoordinatorService {
    /// Writes faults to the log that are not there yet: the node and the kind, nothing of the evidence.
    func announceFaults() async throws {
        let faults = try await store.transact { state, _ in state.faults }
        let known = announcedFaults.withLock { announced in
            defer { announced = faults.count }
            return announced
        }
        for fault in faults.dropFirst(known) {
            log.event(
                "fault.recorded", ["node": fault.accused.map { String($0) } ?? "coordinator", "kind": fault.kind])
        }
    }
}
