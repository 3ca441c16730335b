// What a node's machine may do wrong: rows 9, 16 and 19 of the attack table. What the masked vector looks like to everyone
// else is in ResidualTests.

import Cryptography
import TestSupport
import Testing
import Vectors
import WireFormat

@testable import SecureAggregation

struct NodeAttackTests {
    private var uploaded: AggregationScenario.Uploaded

    init() throws { uploaded = try AggregationScenario.uploaded() }

    private var values: [Int64] { AggregationScenario.Uploaded.values(4) }

    /// Node 4's upload on a machine whose generator starts at `seed`, as after a snapshot was restored.
    private func clone(
        _ values: [Int64], session: CoordinatorSession, charge: UInt64 = 1, seed: UInt64 = 99
    ) throws -> MaskedUpload {
        try uploaded.scenario.upload(
            values, node: 4, offer: #require(session.offer(for: 4)), charge: charge,
            random: SeededRandomSource(seed: seed))
    }

    /// What must differ between two uploads that mask different things.
    private func secrets(_ upload: MaskedUpload) -> Set<[UInt8]> {
        var parts: Set<[UInt8]> = [upload.envelope.upload.body.selfMaskCommitment.bytes]
        for ciphertext in upload.envelope.shares.ciphertexts { parts.insert([UInt8](ciphertext.prefix(12))) }
        for commitment in upload.envelope.shares.commitments { parts.insert(commitment.bytes) }
        return parts
    }

    // MARK: Row 9: cloned and restored machines

    @Test("Row 9: a clone that does the same sends the same bytes") func aCloneThatRepeatsItselfSaysNothingNew() throws
    {
        let first = try clone(values, session: uploaded.session)
        let again = try clone(values, session: uploaded.session)
        #expect(first.envelope == again.envelope && first.words == again.words)
    }

    /// The generator of both machines gives the same bytes; session, charge and vector keep the seeds apart, so two
    /// uploads are never masked alike and no ciphertext repeats a nonce under its key.
    @Test("Row 9: a clone that does anything else has other seeds, nonces and masks")
    func aCloneThatDiffersMasksDifferently() throws {
        let base = try clone(values, session: uploaded.session)
        var other = values
        other[0] += 1
        let variants = [
            try clone(other, session: uploaded.session),
            try clone(values, session: uploaded.session, charge: 2),
            try clone(values, session: uploaded.scenario.session(round: 2)),
            try clone(values, session: uploaded.session, seed: 100),
        ]
        for variant in variants {
            #expect(secrets(base).isDisjoint(with: secrets(variant)))
            #expect(secrets(variant).count == 17)
        }
        // The difference of two uploads with equal masks would be the difference of the vectors.
        let packed = zip(uploaded.scenario.plan.layout.pack(other), uploaded.scenario.plan.layout.pack(values))
        let clear = packed.map { $0 &- $1 }
        let seen = zip(variants[0].words, base.words).map { $0 &- $1 }
        #expect(zip(clear, seen).allSatisfy { $0 != $1 })
    }

    @Test("Row 9: a cloned machine's prekeys differ by number") func prekeysOfAClonedMachineAreBoundToTheirNumber()
        throws
    {
        let scenario = uploaded.scenario
        func prekey(_ sequence: UInt64, _ node: NodeIndex) throws -> PrekeyBundle {
            try PreparedPrekey(
                sequence: sequence, node: node, keys: scenario.keys(of: 4), register: scenario.register,
                epoch: scenario.epoch, random: SeededRandomSource(seed: 5)
            ).bundle
        }
        #expect(try prekey(2, 4) == prekey(2, 4))
        #expect(try prekey(2, 4).prekey.body.publicKey != prekey(3, 4).prekey.body.publicKey)
        #expect(try prekey(2, 4).shares.commitments[0] != prekey(3, 4).shares.commitments[0])
    }

    /// Two machines with the same generator but their own static secrets share nothing.
    @Test("Row 17: the static secret hedges a weak generator") func theStaticSecretHedgesAWeakGenerator() throws {
        let context: [UInt8] = [1, 2, 3]
        func secret(_ hedge: UInt8, _ content: UInt8, salt: [UInt8] = [], seed: UInt64 = 5) throws -> [UInt8] {
            try hedgedSecret(
                random: SeededRandomSource(seed: seed), hedge: VectorChain.fixed(Int(hedge)),
                mixing: VectorChain.fixed(Int(content)), salt: salt, info: "test", context
            ).unprotectedCopy()
        }
        let all = [
            try secret(1, 1), try secret(2, 1), try secret(1, 2), try secret(1, 1, salt: [1]),
            try secret(1, 1, seed: 6),
        ]
        #expect(Set(all).count == all.count && all.allSatisfy { $0.count == 32 })
        #expect(try secret(1, 1) == secret(1, 1))
    }

    /// The derivation of the specification, made by hand: the key names session, parties, kind, seat and charge, so that a
    /// nonce need not be unique across messages, which a clone's is not.
    @Test("Row 9: every ciphertext has a key of its own") func everyCiphertextHasItsOwnKey() throws {
        let scenario = uploaded.scenario
        let dealer = try scenario.keys(of: 4).agreementKey
        func key(_ holder: UInt32, scope: Digest, charge: UInt64) throws -> SecretBytes {
            let peer = try scenario.keys(of: NodeIndex(holder)).agreementKey.publicKey
            let pair = try HKDF.deriveKey(
                from: dealer.sharedSecret(with: peer), salt: scenario.epoch.root.bytes,
                info: [UInt8]("share".utf8) + bigEndian(UInt32(4)) + bigEndian(holder) + dealer.publicKey.bytes
                    + peer.bytes)
            let context =
                [2] + scope.bytes + bigEndian(UInt32(4)) + bigEndian(holder) + bigEndian(charge)
            return try HKDF.deriveKey(
                from: pair, salt: scope.bytes, info: [UInt8]("share-message".utf8) + context)
        }
        let envelope = try #require(uploaded.session.uploads[4])
        let sessionID = uploaded.session.sessionID
        func opens(_ holder: Int, with key: SecretBytes) -> Bool {
            let ciphertext = envelope.shares.ciphertexts[holder]
            let context = ShareContext(kind: .selfMaskSeed, scope: sessionID, dealer: 4, chargeSequence: 1)
            return
                (try? AESGCM.open(
                    [UInt8](ciphertext.dropFirst(12)), key: key, nonce: [UInt8](ciphertext.prefix(12)),
                    authenticating: context.bytes(holder: holder))) != nil
        }
        for holder in 0..<8 {
            #expect(try opens(holder, with: key(UInt32(holder), scope: sessionID, charge: 1)))
            #expect(try !opens(holder, with: key(UInt32(holder), scope: SHA256.hash([1]), charge: 1)))
            #expect(try !opens(holder, with: key(UInt32(holder), scope: sessionID, charge: 2)))
            #expect(try !opens(holder, with: key(UInt32(holder) ^ 1, scope: sessionID, charge: 1)))
        }
    }

    /// Row 12 for ciphertexts: one that was dealt in another context does not open, whatever is claimed of it.
    @Test("Row 12: a ciphertext opens only in the context it was dealt in") func ciphertextsOpenOnlyInTheirContext()
        throws
    {
        let scenario = uploaded.scenario
        let envelope = try #require(uploaded.session.uploads[4])
        let sessionID = uploaded.session.sessionID
        func opens(
            _ kind: ShareKind = .selfMaskSeed, scope: Digest? = nil, dealer: NodeIndex = 4, charge: UInt64 = 1,
            from position: Int = 2, holder: Int = 2, key: NodeIndex = 2
        ) throws -> Bool {
            (try? SharePackage.open(
                envelope.shares.ciphertexts[position],
                context: ShareContext(
                    kind: kind, scope: scope ?? sessionID, dealer: dealer, chargeSequence: charge), holder: holder,
                register: scenario.register, epoch: scenario.epoch, agreementKey: scenario.keys(of: key).agreementKey))
                != nil
        }
        #expect(try opens())
        #expect(try !opens(.prekeySecret))
        #expect(try !opens(scope: uploaded.scenario.session(attempt: 2).sessionID))
        #expect(try !opens(dealer: 5))
        #expect(try !opens(dealer: 99))
        #expect(try !opens(charge: 2))
        #expect(try !opens(charge: 0))
        #expect(try !opens(from: 3))
        #expect(try !opens(from: 3, holder: 3))
        #expect(try !opens(holder: 3))
        #expect(try !opens(holder: 8))
        #expect(try !opens(holder: -1))
        #expect(try !opens(key: 3))
    }

    /// Every part of the context is in the associated data and in the commitment.
    @Test("Row 12: every part of a context is in its encoding") func contextsHaveOneEncoding() throws {
        let digest = try VectorChain.digest(1)
        let base = ShareContext(kind: .selfMaskSeed, scope: digest, dealer: 4, chargeSequence: 1)
        let others = [
            ShareContext(kind: .prekeySecret, scope: digest, dealer: 4, chargeSequence: 1),
            ShareContext(kind: .selfMaskSeed, scope: try VectorChain.digest(2), dealer: 4, chargeSequence: 1),
            ShareContext(kind: .selfMaskSeed, scope: digest, dealer: 5, chargeSequence: 1),
            ShareContext(kind: .selfMaskSeed, scope: digest, dealer: 4, chargeSequence: 2),
        ]
        let all = Set(([base] + others).map { $0.bytes(holder: 3) } + [base.bytes(holder: 4)])
        #expect(all.count == 6 && all.allSatisfy { $0.count == 49 })
    }

    // MARK: Row 16: nothing outside the masked words depends on the data

    @Test("Row 16: extreme vectors are masked like any other") func extremeVectorsAreMaskedLikeAnyOther() throws {
        let offer = try #require(uploaded.session.offer(for: 4))
        let plain = try uploaded.scenario.upload(values, node: 4, offer: offer)
        for value in [Int64.min, .max, 0, 1 << 40] {
            let upload = try uploaded.scenario.upload([Int64](repeating: value, count: 100), node: 4, offer: offer)
            #expect(upload.envelope.encoded().count == plain.envelope.encoded().count)
            #expect(upload.words.count == plain.words.count)
            let body = upload.envelope.upload.body
            #expect(body.sequence == 1 && body.chargeSequence == 1 && body.node == 4)
        }
    }

    // MARK: Row 19: charge, burn, compute, store, send, shred

    @Test("Row 19: charge, burn, compute, store, send, shred, and never in another order")
    func noStepIsTakenOutOfOrder() throws {
        let scenario = uploaded.scenario
        let accepted = try scenario.accept(#require(uploaded.session.offer(for: 4)), node: 4)
        let packed = scenario.plan.layout.pack(values)
        let keys = try scenario.keys(of: 4)
        let prekey = try scenario.prekey(of: 4).privateKey
        typealias Step = (name: String, take: (inout NodeSession) throws -> NodeSession.Action)
        let steps: [Step] = [
            ("start", { try $0.start() }), ("charge", { try $0.budgetCharged(1) }),
            ("burn", { try $0.sequenceBurned() }),
            (
                "vector",
                {
                    try $0.vectorReady(
                        packed, keys: keys, prekey: prekey, context: scenario.context, random: scenario.random)
                }
            ),
            ("stored", { try $0.uploadStored() }), ("acknowledged", { try $0.acknowledged() }),
        ]
        for taken in 0...steps.count {
            var session = NodeSession(offer: accepted, node: 4)
            for step in steps.prefix(taken) { _ = try step.take(&session) }
            for (index, step) in steps.enumerated() where index != taken {
                var copy = session
                #expect(throws: SecureAggregationError.self, "\(step.name) after \(taken) steps") {
                    try step.take(&copy)
                }
            }
        }
        var session = NodeSession(offer: accepted, node: 4)
        guard case .chargeBudget(let job, let round) = try session.start() else {
            throw SecureAggregationError.wrongPhase("charge")
        }
        #expect(job == accepted.parameters.jobID && round == 1)
        guard case .burnSequence(1) = try session.budgetCharged(1) else {
            throw SecureAggregationError.wrongPhase("burn")
        }
        guard case .computeVector = try session.sequenceBurned() else {
            throw SecureAggregationError.wrongPhase("compute")
        }
        #expect(throws: SecureAggregationError.mismatch(field: "vector length")) {
            try session.vectorReady(
                [1], keys: keys, prekey: prekey, context: scenario.context, random: scenario.random)
        }
        #expect(throws: SecureAggregationError.mismatch(field: "own agreement key")) {
            try session.vectorReady(
                packed, keys: scenario.keys(of: 5), prekey: prekey, context: scenario.context, random: scenario.random)
        }
        let mixed = NodeKeys(
            protocolKey: try scenario.keys(of: 5).protocolKey, agreementKey: keys.agreementKey, hedge: keys.hedge)
        #expect(throws: SecureAggregationError.mismatch(field: "own protocol key")) {
            try session.vectorReady(
                packed, keys: mixed, prekey: prekey, context: scenario.context, random: scenario.random)
        }
    }
}
