// A node's part in a round, from the offer to the receipt.

import Consent
import Cryptography
import FoundationEssentials
import Learning
import MerkleLog
import Rounds
import SecureAggregation
import Storage
import WireFormat

extension EdgeAgent {
    /// Takes part in a session once: a stored upload is sent again, a burned one stays unanswered.
    func takePart(in session: Digest, keys: NodeKeys, epoch: Epoch) async throws {
        switch try await store.record(of: session) {
        case .closed: return
        case .burned:
            log.event("session.abandoned", ["session": String(session.hex.prefix(8))])
            return try await giveUp(session)
        case .stored(let envelope): return try await send(envelope, session: session)
        case .new: break
        }
        let offer = try await client.offer(session)
        guard offer.parameters.body.sessionID == session else {
            throw SecureAggregationError.mismatch(field: "sessionId")
        }
        try await refuseEquivocation(offer.parameters)
        let plan = try await plan(offer.parameters.body.planDigest)
        let context = context(plan, epoch: epoch)
        guard try await !store.mayHaveForgotten(offer.parameters.body) else {
            throw SecureAggregationError.alreadyUsed("this round, as far as the restored store can tell")
        }
        let unused = try await store.unusedPrekeys()
        let earlier = try await store.earlierEpochRoot(
            job: offer.parameters.body.jobID, round: offer.parameters.body.round)
        let accepted = try AcceptedOffer(
            checking: offer, node: node, context: context, earlierEpochRoot: earlier
        ) { unused[$0] }
        let slot = ReplySlot(Duration.milliseconds(configuration.replySlotMilliseconds ?? 10_000), on: slotClock)

        // Everything public is in hand before the first promise: model, pinned view.
        let model = try ModelFile(decoding: try await client.model(accepted.parameters.modelDigest)).model
        guard model.layout == plan.modelLayout else { throw SecureAggregationError.mismatch(field: "modelDigest") }
        let (view, signature) = try await pinnedView(accepted.parameters)

        var machine = NodeSession(offer: accepted, node: node)
        guard case .chargeBudget(_, let round) = try machine.start() else { return }
        let charge = try await store.charge(plan, round: round, cap: configuration.capMicroZCDP.map { UInt64($0) })
        guard case .burnSequence(let sequence) = try machine.budgetCharged(charge) else { return }
        let prekey = try await store.burn(sequence, for: offer.parameters)
        _ = try machine.sequenceBurned()
        try await commitCohort(view, signature: signature, accepted: accepted, keys: keys)

        let computation = RoundComputation(plan: plan, model: model, keys: keys, random: random)
        let words = try computation.packedVector(
            view: view, removals: try await inbox.localRemovals(), data: data,
            sessionID: session, nowMilliseconds: Self.nowMilliseconds())
        guard
            case .storeUpload(let upload) = try machine.vectorReady(
                words, keys: keys, prekey: prekey, context: context, random: random)
        else { return }
        try await uploads.store(upload, session: session)
        try await store.storeEnvelope(upload.envelope, session: session)
        _ = try machine.uploadStored()

        if try await slot.wait() > 1 { log.event("slot.missed", ["session": String(session.hex.prefix(8))]) }
        try await send(upload.envelope, session: session)
        _ = try machine.acknowledged()
    }

    /// Two sessions that the coordinator signed as one attempt: the proof goes to a file of the state folder, for whoever
    /// judges the coordinator, and the second is not answered. One proof an attempt: a coordinator that signs ever more
    /// sessions does not fill the disk, since the node answers few attempts.
    func refuseEquivocation(_ offered: SignedMessage<SessionParameters>) async throws {
        let evidence = try await store.equivocation(
            of: offered, register: register, coordinatorKey: anchors.coordinatorKey)
        guard let evidence else { return }
        let attempt = offered.body
        let name = "fault-\(attempt.jobID)-\(attempt.round)-\(attempt.attempt).cbor"
        let path = "\(configuration.stateDirectory)/\(name)"
        if !FileManager.default.fileExists(atPath: path), try DurableFile.create(path, with: evidence.encoded()) {
            log.event("fault.found", ["kind": evidence.fault.kind, "file": name])
        }
        throw SecureAggregationError.conflict("this attempt")
    }

    /// The view at exactly the pinned checkpoint: signed checkpoint, consistent with everything seen before, signed view.
    private func pinnedView(_ parameters: SessionParameters) async throws -> (VerifiedView, [UInt8]) {
        let delivery = try await client.view(
            size: parameters.consentSize, previous: parameters.previousConsentSize)
        let note = try SignedNote(parsing: delivery.checkpoint)
        let checkpoint = try Checkpoint(verifying: note, with: [ledgerKey])
        guard UInt64(checkpoint.size) == parameters.consentSize, checkpoint.root == parameters.consentRoot else {
            throw SecureAggregationError.mismatch(field: "consent checkpoint")
        }
        let pinned = try PinnedCheckpoint(size: checkpoint.size, root: checkpoint.root)
        try await follow(pinned, note: delivery.checkpoint)
        let view = try VerifiedView(
            verifying: try ConsentView(decoding: delivery.view), signature: delivery.signature,
            by: ledgerKey.publicKey, origin: ledgerKey.name, node: node, pinned: pinned,
            previousPinned: Int(parameters.previousConsentSize))
        return (view, delivery.signature)
    }

    /// Every node is a witness: a checkpoint must extend the newest one this node has verified.
    private func follow(_ pinned: PinnedCheckpoint, note: String) async throws {
        if let head = try await store.head() {
            do { try await requireExtension(of: head.pinned, pinned) } catch {
                // Two signed heads that do not fit are said aloud: an honest coordinator stops then, and the log line shows
                // a dishonest one.
                log.event(
                    "ledger.fork",
                    [
                        "seen": "\(head.pinned.size) \(head.pinned.root.hex)",
                        "offered": "\(pinned.size) \(pinned.root.hex)",
                    ])
                try? await client.postSeen(checkpoint: head.note)
                throw error
            }
        }
        try await store.storeHead(pinned, note: note)
    }

    private func requireExtension(of head: PinnedCheckpoint, _ pinned: PinnedCheckpoint) async throws {
        guard pinned.size >= head.size else {
            throw SecureAggregationError.mismatch(field: "consent checkpoint is older")
        }
        if pinned.size == head.size {
            guard pinned.root == head.root else { throw SecureAggregationError.conflict("the consent log's root") }
        } else if head.size > 0 {
            try await client.consistency(from: head.size, to: pinned.size)
                .verify(oldRoot: head.root, newRoot: pinned.root)
        }
    }

    private func commitCohort(
        _ view: VerifiedView, signature: [UInt8], accepted: AcceptedOffer, keys: NodeKeys
    ) async throws {
        let parameters = accepted.parameters
        let salt = try CohortSalt(random: random)
        let commitment = Cohort(view, salt: salt).commitment(
            for: AttemptReference(
                round: RoundReference(
                    job: parameters.jobID, round: UInt32(truncatingIfNeeded: parameters.round)),
                session: accepted.sessionID))
        let committed = try CohortCommitted(
            commitment: commitment, signature: try commitment.signature(by: keys.protocolKey))
        try await store.storeCohort(
            committed, salt: salt, view: view.view, signature: signature, session: accepted.sessionID)
        try await client.post(committed, session: accepted.sessionID)
    }

    /// Sends a stored upload, chunk by chunk from where it stopped, until the receipt is in hand. The bytes never change.
    func send(_ envelope: UploadEnvelope, session: Digest) async throws {
        do {
            try await sendMissingChunks(of: envelope, session: session)
            let receipt = try await client.post(envelope, session: session)
            try receipt.verify(by: anchors.coordinatorKey)
            guard receipt.body.sessionID == session, receipt.body.node == node,
                receipt.body.envelopeDigest == envelope.digest
            else { throw CoordinatorRefusal.malformed(operation: "upload") }
            try await store.storeReceipt(receipt)
            try await uploads.shred(session)
        } catch CoordinatorRefusal.status(let status, _) where [404, 409, 410].contains(status) {
            // The round went on without this node, or nobody knows it any more. The prekey stays burned; the upload is of
            // no further use.
            log.event("upload.late", ["session": String(session.hex.prefix(8))])
            try await giveUp(session)
        } catch StorageError.keyDestroyed, StorageError.notFound {
            try await giveUp(session)
        }
    }

    private func sendMissingChunks(of envelope: UploadEnvelope, session: Digest) async throws {
        do {
            let stored = Set(try await client.uploadProgress(session).storedChunks)
            for (index, digest) in envelope.chunkDigests.enumerated() where !stored.contains(index) {
                let bytes = try await uploads.chunk(index, digest: digest, session: session)
                try await client.putChunk(bytes, index: index, digest: digest, session: session)
            }
        } catch {
            // The session is over. If the upload was in time and only its receipt was lost, the coordinator still gives one.
            if case CoordinatorRefusal.status(410, _) = error { return }
            throw error
        }
    }

    /// Ends a session without an answer and destroys what was stored for it.
    func giveUp(_ session: Digest) async throws {
        try await store.abandon(session)
        try await uploads.shred(session)
    }

    /// C0. The last work of a turn (``WorkOrder``), so no vote, reveal or upload of this turn waits for it; what comes up while
    /// it runs waits for at most `batches`.
    /// - Parameter batches: how many messages of at most `ShareChecks.maximumItems` deals are asked for.
    func checkShares(keys: NodeKeys, epoch: Epoch, batches: Int) async throws {
        guard let member = CommitteeMember(node: node, register: register) else { return }
        for _ in 0..<batches {
            let checks: ShareChecks
            do { checks = try await client.shareChecks() } catch CoordinatorRefusal.status(404, _) { return }
            if checks.items.isEmpty { return }
            let report = try member.decideReport(
                checks, register: register, epoch: epoch, agreementKey: keys.agreementKey)
            for result in report.results where !result.isValid {
                log.event("share.invalid", ["deal": String(result.deal.hex.prefix(8))])
            }
            try await client.post(try SignedMessage(signing: report, key: keys.protocolKey))
        }
    }

    /// C1.
    func vote(in session: Digest, keys: NodeKeys, epoch: Epoch) async throws {
        guard let member = CommitteeMember(node: node, register: register) else { return }
        let proposal = try await client.labelProposal(session)
        guard proposal.parameters.body.sessionID == session else {
            throw SecureAggregationError.mismatch(field: "sessionId")
        }
        let plan = try await plan(proposal.parameters.body.planDigest)
        let decision = try member.decideVote(
            proposal, locks: try await locks(of: proposal), context: context(plan, epoch: epoch))
        try await store.store(decision.lockChanges)
        try await client.post(try SignedMessage(signing: decision.answer, key: keys.protocolKey), session: session)
    }

    private func locks(of proposal: LabelProposal) async throws -> CommitteeLocks {
        try await store.locks(
            CommitteeMember.promisesToLookUp(for: proposal.parameters.body, roster: proposal.roster))
    }

    /// C2.
    func reveal(in session: Digest, keys: NodeKeys, epoch: Epoch) async throws {
        guard let member = CommitteeMember(node: node, register: register) else { return }
        let proposal = try await client.labelProposal(session)
        let request = try await client.revealRequest(session)
        guard proposal.parameters.body.sessionID == session else {
            throw SecureAggregationError.mismatch(field: "sessionId")
        }
        let plan = try await plan(proposal.parameters.body.planDigest)
        let decision = try member.decideReveal(
            request, parameters: proposal.parameters, roster: proposal.roster, locks: try await locks(of: proposal),
            agreementKey: keys.agreementKey, context: context(plan, epoch: epoch))
        try await store.store(decision.lockChanges)
        try await client.post(try SignedMessage(signing: decision.answer, key: keys.protocolKey), session: session)
    }
}
