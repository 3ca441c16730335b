// Messages in deterministic CBOR, and what is derived from them before anything is verified.

import Consent
import Cryptography
import Evidence
import Learning
import Rounds
import SecureAggregation
import WireFormat

extension FuzzTarget {
    static let foundation: [FuzzTarget] = [
        FuzzTarget("cbor") { (bytes) throws(FuzzFinding) in
            guard let value = try? CBORDecoder.decode(bytes) else { return }
            try expect(value.encoded() == bytes, "one item has one encoding")
        },
        text("hex", { try? Hex.decode($0) }, writing: { Hex.encode($0) }),
        text("base64", { try? Base64.decode($0) }, writing: { Base64.encode($0) }),
    ]

    static let aggregation: [FuzzTarget] = [
        message(SignedMessage<Register>.self) { _ = $0.body.digest },
        message(TrustAnchors.self),
        message(SignedMessage<EpochHello>.self),
        message(EpochAnnouncement.self, maximumLength: 16_384),
        message(SignedMessage<Prekey>.self) { _ = ($0.body.id, $0.body.digest) },
        message(PrekeyBundle.self, maximumLength: 16_384) { _ = $0.shares.root },
        message(SharePackage.self, maximumLength: 16_384) { _ = $0.root },
        message(SignedMessage<SessionParameters>.self) { _ = ($0.body.sessionID, $0.body.wordCount) },
        message(RoundOffer.self, maximumLength: 16_384),
        message(SignedMessage<Upload>.self),
        message(UploadEnvelope.self, maximumLength: 16_384) { _ = ($0.digest, $0.shares.root) },
        message(LabelProposal.self, maximumLength: 16_384),
        message(SignedMessage<LabelVote>.self),
        message(LabelCertificate.self) { _ = $0.digest },
        message(RevealRequest.self, maximumLength: 16_384),
        message(SignedMessage<Reveal>.self),
        message(ShareChecks.self, maximumLength: 16_384) { _ = $0.items.map(\.deal.digest) },
        message(SignedMessage<ShareReport>.self) { _ = $0.body.results.count },
        message(FaultEvidence.self, maximumLength: 16_384) { evidence in
            // Whoever holds a register judges what anybody sends, as far as it goes: here under a register of its own.
            _ = evidence.digest
            let chain = FuzzedChain.shared
            let own = FaultEvidence(
                registerDigest: chain.register.digest, fault: evidence.fault, session: evidence.session,
                epoch: evidence.epoch)
            _ = try? own.verify(register: chain.register, coordinatorKey: chain.key)
        },
        FuzzTarget("roster") { (bytes) throws(FuzzFinding) in
            guard let roster = try? Roster(bytes: bytes) else { return }
            try expect(roster.bytes == bytes, "a roster has one encoding")
            for (position, entry) in roster.entries.enumerated() {
                try expect(roster.position(of: entry.node) == position, "every node is found at its place")
            }
        },
        FuzzTarget("survivor-bitmap") { (bytes) throws(FuzzFinding) in
            var input = InputReader(bytes)
            let count = Int(input.number(2))
            let bitmap = [UInt8](input.rest)
            let session = SHA256.hash([])
            guard let survivors = try? SurvivorSet(sessionID: session, bitmap: bitmap, count: count) else { return }
            try expect(survivors.bitmap == bitmap && survivors.alive.count == count, "a bitmap has one encoding")
        },
        FuzzTarget("vector-chunk") { (bytes) throws(FuzzFinding) in
            guard let words = try? VectorChunks.decode(bytes) else { return }
            try expect(VectorChunks.encode(words[...]) == bytes, "words have one encoding")
        },
    ]

    static let consent: [FuzzTarget] = [
        message(ConsentEvent.self) { _ = ($0.effectiveAtMilliseconds, $0.purposes) },
        message(PurposeDecision.self),
        message(NoticeReference.self),
        message(ConsentView.self) { _ = $0.statement },
        message(ViewStatement.self),
        message(SystemEvent.self),
        message(RoundEvent.self),
        message(ProvenLeaf.self),
        message(AbsenceProof.self),
        message(CohortCommitment.self),
        message(CohortCommitted.self),
        message(CohortOpening.self),
        message(CohortAbsence.self),
        FuzzTarget("ledger-leaf") { (bytes) throws(FuzzFinding) in
            guard let leaf = try? LedgerLeaf(decoding: bytes) else { return }
            try expect(leaf.encoded() == bytes, "a leaf has one encoding")
        },
        FuzzTarget("view-row") { (bytes) throws(FuzzFinding) in
            guard let row = try? ViewRow(decoding: bytes) else { return }
            try expect(row.encoded() == bytes, "a row has one encoding")
        },
    ]

    static let rounds: [FuzzTarget] = [
        message(WorkList.self),
        message(EventBatch.self),
        message(EventReceipts.self),
        message(ViewDelivery.self),
        message(ConsistencyDelivery.self),
        message(SignedMessage<UploadReceipt>.self),
        message(UploadProgress.self),
        message(AbsenceAnswer.self),
        message(SignedMessage<TrainingPlan>.self) { signed in
            // A plan that its owner signed is still checked for numbers that make no sense.
            guard let key = try? Ed25519PrivateKey(SecretBytes(copying: [UInt8](repeating: 1, count: 32))),
                let signed = try? SignedMessage(signing: signed.body, key: key)
            else { return }
            _ = try? ValidatedPlan(verifying: signed, owner: key.publicKey)
        },
        message(EvidenceBundle.self, maximumLength: 32_768),
    ]
}

/// A small chain, for judging evidence that no store of it made.
private struct FuzzedChain {
    static let shared: FuzzedChain = {
        // A target that judged nothing would find nothing.
        do { return try FuzzedChain() } catch { preconditionFailure("no chain to judge evidence under: \(error)") }
    }()

    let register: Register
    let key: Ed25519PublicKey

    private init() throws {
        let keys = try (UInt8(0)..<20).map { seed in
            try Ed25519PrivateKey(SecretBytes(copying: [UInt8](repeating: seed, count: 32))).publicKey
        }
        key = keys[0]
        register = try Register(
            chain: "fuzz.invalid", version: 1,
            nodes: keys.enumerated().map { index, key in
                RegisteredNode(
                    index: NodeIndex(index), name: "store-\(index)", operatorName: "chain", protocolKey: key)
            }, corruptMax: 1, committee: [0, 1, 2, 3, 4], dropoutPermille: 100)
    }
}
