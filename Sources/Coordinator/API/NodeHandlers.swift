// What store nodes call: work, epochs, prekeys, sessions.

import Consent
import Cryptography
import HTTPServer
import MerkleLog
import Rounds
import SecureAggregation
import Storage
import WireFormat

extension API {
    static func cbor(_ message: some WireMessage, status: Int = 200) -> HTTPResponse {
        HTTPResponse(status: status, contentType: cbor, body: message.encoded())
    }

    static let noContent = HTTPResponse(status: 204)

    // MARK: Work

    func work(_ node: NodeIndex, _ request: HTTPRequest) async throws -> HTTPResponse {
        let now = service.clock.nowMilliseconds()
        let configuration = service.configuration
        let list = try await service.store.transact { state, _ -> WorkList in
            state.lastSeen[node] = now
            if state.quarantined { throw Problem.quarantined }
            var items: [WorkItem] = []
            // First, so that what a member finds out counts before it is asked to open anything.
            if state.hasShareChecks(for: node), let epoch = state.epoch?.closed {
                items.append(WorkItem(kind: .shareCheck, sessionID: epoch.root))
            }
            // Older checkpoints first: a node follows the log forward only.
            let attempts = state.attempts.sorted { $0.value.pin.size < $1.value.pin.size }
            for (session, live) in attempts where !state.quarantinedNodes.contains(node) {
                if let kind = live.work(for: node) { items.append(WorkItem(kind: kind, sessionID: session)) }
            }
            return WorkList(
                serverMilliseconds: now,
                pollAfterMilliseconds: configuration.pollMilliseconds, epoch: state.epoch?.number ?? 0,
                epochRoot: state.epoch?.closed?.root, helloStored: state.epoch?.hellos[node] != nil,
                prekeysHeld: state.offerablePrekeys(of: node).count, ledgerSize: UInt64(state.tree.count),
                items: items)
        }
        return Self.cbor(list)
    }

    // MARK: Epochs and prekeys

    func currentEpoch() async throws -> HTTPResponse {
        let announcement = try await service.store.transact { state, _ in state.epoch?.announcement }
        guard let announcement else { throw Problem.notFound("closed epoch") }
        return Self.cbor(announcement)
    }

    func postHello(_ node: NodeIndex, _ request: HTTPRequest) async throws -> HTTPResponse {
        let hello = try SignedMessage<EpochHello>(decoding: request.body)
        guard hello.body.node == node else { throw Problem.forbidden }
        try await service.store.transact { state, connection in try state.receive(hello, connection) }
        return Self.noContent
    }

    func postPrekey(_ node: NodeIndex, _ request: HTTPRequest) async throws -> HTTPResponse {
        let bundle = try PrekeyBundle(decoding: request.body)
        try await service.store.transact { state, connection in try state.receive(bundle, from: node, connection) }
        return Self.noContent
    }

    // MARK: Plans, models, views

    func plan(_ digest: Digest) async throws -> HTTPResponse {
        let plan = try await service.store.transact { state, _ in
            state.tasks.values.first { $0.plan.digest == digest }?.signedPlan
        }
        guard let plan else { throw Problem.notFound("plan") }
        return Self.cbor(plan)
    }

    func model(_ digest: Digest) async throws -> HTTPResponse {
        HTTPResponse(
            status: 200, contentType: "application/octet-stream",
            headers: [.init("ETag", "\"\(digest.hex)\"")], body: try await service.models.read(digest))
    }

    func view(_ node: NodeIndex, size: String, _ request: HTTPRequest) async throws -> HTTPResponse {
        guard let size = Int(size), let previous = request.query["previous"].flatMap({ Int($0) }) else {
            throw Problem.badRequest("views/{size}?previous={size}: expected two log sizes")
        }
        let delivery = try await service.store.transact { state, connection -> ViewDelivery in
            let pinned = try connection.queryOne(
                """
                SELECT p.as_of_ms, c.note FROM pinned_view p JOIN checkpoint c ON c.size = p.size
                WHERE p.size = ? AND p.previous_size = ?
                """, size, previous
            ) { (asOf: try $0.integer(0), note: try $0.text(1)) }
            guard let pinned else { throw Problem.notFound("pinned view") }
            let view = try state.ledger.view(
                node: node, origin: state.keys.ledgerSigner.verifierKey.name,
                pinned: try PinnedCheckpoint(size: size, root: try state.tree.root(size: size)),
                previousPinned: previous, asOfMilliseconds: pinned.asOf)
            return ViewDelivery(
                checkpoint: pinned.note, view: view.encoded(),
                signature: try view.statement.signature(by: state.keys.viewKey))
        }
        return Self.cbor(delivery)
    }

    // MARK: Sessions

    private func live(_ session: Digest) async throws -> LiveAttempt {
        try await service.store.transact { state, connection in try state.requireLive(session, connection) }
    }

    func offer(_ node: NodeIndex, _ session: Digest) async throws -> HTTPResponse {
        let live = try await live(session)
        guard [.offered, .collecting].contains(live.attempt.state) else { throw Problem.gone("uploads are closed") }
        guard let offer = live.attempt.session.offer(for: node) else { throw Problem.notFound("offer for this node") }
        return Self.cbor(offer)
    }

    func labelProposal(_ node: NodeIndex, _ session: Digest) async throws -> HTTPResponse {
        guard let proposal = try await live(session).attempt.session.labelProposal else {
            throw Problem.notFound("label proposal")
        }
        return Self.cbor(proposal)
    }

    func revealRequest(_ node: NodeIndex, _ session: Digest) async throws -> HTTPResponse {
        let live = try await live(session)
        // Only from a charged state: the state's row and the charge row committed together.
        guard live.attempt.state.isCharged, let request = live.attempt.session.revealRequest(for: node) else {
            throw Problem.notFound("reveal request")
        }
        return Self.cbor(request)
    }

    func uploadProgress(_ node: NodeIndex, _ session: Digest) async throws -> HTTPResponse {
        let live = try await live(session)
        guard let position = live.attempt.session.roster.position(of: node) else {
            throw Problem.notFound("place in the cohort")
        }
        let chunks = try await service.uploads.chunks(of: session)
        return Self.cbor(
            UploadProgress(
                storedChunks: try await chunks.indices(in: String(node)),
                committed: live.attempt.session.uploads[position] != nil))
    }

    func putChunk(
        _ node: NodeIndex, _ session: Digest, index: String, _ request: HTTPRequest
    ) async throws -> HTTPResponse {
        let live = try await live(session)
        guard live.attempt.session.roster.position(of: node) != nil else {
            throw Problem.notFound("place in the cohort")
        }
        guard [.offered, .collecting].contains(live.attempt.state) else { throw Problem.gone("uploads are closed") }
        let words = live.attempt.session.parameters.body.wordCount
        guard let index = Int(index), (0..<VectorChunks.count(wordCount: words)).contains(index) else {
            throw Problem.badRequest("chunk index: expected 0 ..< \(VectorChunks.count(wordCount: words))")
        }
        let expected = VectorChunks.range(index, wordCount: words).count * 8
        guard request.body.count == expected else {
            throw Problem.badRequest("chunk: expected \(expected) bytes")
        }
        guard let digest = request.query["sha256"] else { throw Problem.badRequest("sha256: missing") }
        try await service.uploads.put(
            request.body, digest: try Self.digest(digest), session: session, node: node, index: index)
        return Self.noContent
    }

    func postUpload(
        _ node: NodeIndex, _ session: Digest, _ request: HTTPRequest, certificate: Digest
    ) async throws -> HTTPResponse {
        let envelope = try UploadEnvelope(decoding: request.body)
        guard envelope.upload.body.node == node, envelope.upload.body.sessionID == session else {
            throw Problem.forbidden
        }
        if let receipt = try await storedReceipt(envelope, session: session) { return receipt }
        // Before any file is touched: a session that never was must not get a folder and a key.
        guard try await live(session).attempt.session.roster.position(of: node) != nil else {
            throw Problem.notFound("place in the cohort")
        }
        // Every chunk must be durable before the upload is: an acknowledgement speaks for all of it.
        try await service.uploads.requireStored(envelope.chunkDigests, session: session, node: node)
        let now = service.clock.nowMilliseconds()
        let random = service.random
        try await service.store.transact { state, connection in
            let live = try state.requireLive(session, connection)
            guard live.committedCohorts.contains(node) else {
                throw Problem.refused("the cohort commitment comes before the upload")
            }
            var attempt = live.attempt
            let (acceptance, effects) = try attempt.receive(envelope, nowMilliseconds: now)
            if acceptance == .new { state.attempts[session]?.uploadCertificates[node] = certificate }
            try state.perform(
                effects, of: session, attempt: attempt, nowMilliseconds: now, random: random, connection)
        }
        return try receipt(envelope)
    }

    /// The receipt of an upload that is stored already, in whatever state its session is by now.
    private func storedReceipt(_ envelope: UploadEnvelope, session: Digest) async throws -> HTTPResponse? {
        let node = envelope.upload.body.node
        let digest = envelope.digest
        let stored = try await service.store.transact { _, connection -> Digest? in
            let roster = try connection.queryOne(
                "SELECT roster FROM attempt WHERE session = ?", session.bytes
            ) { try Roster(bytes: try $0.blob(0)) }
            guard let position = roster?.position(of: node) else { return nil }
            return try connection.queryOne(
                "SELECT digest FROM upload WHERE session = ? AND position = ?", session.bytes, position
            ) { try $0.digest(0) }
        }
        guard let stored else { return nil }
        guard stored == digest else { throw Problem.conflict("another upload of this node is stored") }
        return try receipt(envelope)
    }

    private func receipt(_ envelope: UploadEnvelope) throws -> HTTPResponse {
        Self.cbor(
            try SignedMessage(
                signing: UploadReceipt(
                    sessionID: envelope.upload.body.sessionID, node: envelope.upload.body.node,
                    envelopeDigest: envelope.digest), key: service.keys.offerKey))
    }

    func postCohort(_ node: NodeIndex, _ session: Digest, _ request: HTTPRequest) async throws -> HTTPResponse {
        let committed = try CohortCommitted(decoding: request.body)
        let commitment = committed.commitment
        guard commitment.node == node, commitment.attempt.session == session,
            let key = service.keys.register.node(node)?.protocolKey
        else { throw Problem.forbidden }
        try commitment.verify(signature: committed.signature, by: key)
        let now = service.clock.nowMilliseconds()
        let random = service.random
        try await service.store.transact { state, connection in
            var live = try state.requireLive(session, connection)
            let stored = try connection.queryOne(
                "SELECT message FROM cohort WHERE session = ? AND node = ?", session.bytes, Int(node)
            ) { try $0.blob(0) }
            if let stored {
                guard stored == committed.encoded() else {
                    throw Problem.conflict("another cohort commitment of this node is stored")
                }
                return
            }
            guard [.offered, .collecting].contains(live.attempt.state) else { throw Problem.gone("uploads are closed") }
            guard live.attempt.session.roster.position(of: node) != nil else {
                throw Problem.notFound("place in the cohort")
            }
            guard commitment.pinnedSize == live.pin.size, commitment.attempt == (try live.reference(session)) else {
                throw Problem.refused("stale consent view: the commitment is not at the pinned checkpoint")
            }
            let view = try state.ledger.view(
                node: node, origin: state.keys.ledgerSigner.verifierKey.name,
                pinned: try PinnedCheckpoint(size: live.pin.size, root: try state.tree.root(size: live.pin.size)),
                previousPinned: live.pin.previousSize, asOfMilliseconds: live.pin.asOfMilliseconds)
            guard commitment.viewRoot == view.viewRoot else {
                throw Problem.refused("stale consent view: the view root is not that of the pinned checkpoint")
            }
            try state.willChange(connection)
            let position = try state.appendPublic(
                .round, payload: RoundEvent.cohortCommitted(committed).encoded(), nowMilliseconds: now,
                random: random, connection)
            try connection.execute(
                "INSERT INTO cohort VALUES (?, ?, ?, ?)", session.bytes, Int(node), committed.encoded(), position)
            live.committedCohorts.insert(node)
            state.attempts[session] = live
        }
        return Self.noContent
    }

    func postVote(_ node: NodeIndex, _ session: Digest, _ request: HTTPRequest) async throws -> HTTPResponse {
        let vote = try SignedMessage<LabelVote>(decoding: request.body)
        guard vote.body.node == node, vote.body.sessionID == session else { throw Problem.forbidden }
        let now = service.clock.nowMilliseconds()
        let random = service.random
        try await service.store.transact { state, connection in
            let live = try state.requireLive(session, connection)
            // A second, different vote is refused as any other message would be; but it is proof, so it is kept first.
            if let fault = live.attempt.session.fault(in: vote) {
                return try state.record(fault, session: session, nowMilliseconds: now, connection)
            }
            var attempt = live.attempt
            let effects = try attempt.receive(vote, nowMilliseconds: now)
            try state.perform(
                effects, of: session, attempt: attempt, nowMilliseconds: now, random: random, connection)
        }
        return Self.noContent
    }

    func postReveal(_ node: NodeIndex, _ session: Digest, _ request: HTTPRequest) async throws -> HTTPResponse {
        let reveal = try SignedMessage<Reveal>(decoding: request.body)
        guard reveal.body.node == node, reveal.body.sessionID == session else { throw Problem.forbidden }
        let now = service.clock.nowMilliseconds()
        let random = service.random
        try await service.store.transact { state, connection in
            let live = try state.requireLive(session, connection)
            var attempt = live.attempt
            let effects = try attempt.receive(reveal, nowMilliseconds: now)
            try state.perform(
                effects, of: session, attempt: attempt, nowMilliseconds: now, random: random, connection)
        }
        return Self.noContent
    }
}

extension LiveAttempt {
    /// What this session wants from `node` now.
    func work(for node: NodeIndex) -> WorkItem.Kind? {
        let session = attempt.session
        switch attempt.state {
        case .offered, .collecting:
            guard let position = session.roster.position(of: node), session.uploads[position] == nil else { return nil }
            return .offer
        case .labelling:
            return session.hasCommitteeRole(node) && !votedMembers.contains(node) ? .vote : nil
        case .revealing:
            return session.hasCommitteeRole(node) && !revealedMembers.contains(node) ? .reveal : nil
        case .unmasking, .aggregated, .released, .void: return nil
        }
    }
}
