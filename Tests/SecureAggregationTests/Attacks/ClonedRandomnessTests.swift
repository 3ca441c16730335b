// Rows 9 and 17 of the attack table: a node whose memory was copied while it ran, so that its generator deals the same
// bytes in two lives, and generators that are weak altogether.

import Cryptography
import TestSupport
import Testing
import Vectors
import WireFormat

@testable import SecureAggregation

/// A generator that says how many bytes each secret was drawn with.
private final class CountingSource: RandomSource, @unchecked Sendable {
    // Proof for @unchecked Sendable: each test uses its own instance from one thread.
    private(set) var counts: [Int] = []
    private let inner = SeededRandomSource(seed: 3)

    func secretBytes(count: Int) throws(CryptographyError) -> SecretBytes {
        counts.append(count)
        return try inner.secretBytes(count: count)
    }
}

/// A generator without any entropy.
private struct ConstantSource: RandomSource {
    func secretBytes(count: Int) throws(CryptographyError) -> SecretBytes {
        SecretBytes(copying: [UInt8](repeating: 0, count: count))
    }
}

struct ClonedRandomnessTests {
    private let scenario: AggregationScenario
    private let target: NodeIndex = 9

    init() throws { scenario = try AggregationScenario.standard() }

    private var values: [Int64] { (0..<100).map { 12_345 * Int64($0) - 600_000 } }

    /// The target's upload in a session, its generator starting where the snapshot was taken.
    private func life(_ session: CoordinatorSession) throws -> MaskedUpload {
        try scenario.upload(
            values, node: target, offer: #require(session.offer(for: target)), random: SeededRandomSource(seed: 77))
    }

    /// What a quorum opens for a survivor.
    private func openedSeed(_ upload: MaskedUpload) throws -> SecretBytes {
        let body = upload.envelope.upload.body
        let context = ShareContext(
            kind: .selfMaskSeed, scope: body.sessionID, dealer: target, chargeSequence: body.chargeSequence)
        let shares = try (0..<scenario.register.quorum).map { holder in
            (
                position: holder,
                share: try SharePackage.open(
                    upload.envelope.shares.ciphertexts[holder], context: context, holder: holder,
                    register: scenario.register, epoch: scenario.epoch,
                    agreementKey: scenario.keys(of: NodeIndex(holder)).agreementKey)
            )
        }
        return try ShamirSharing.join(shares, threshold: scenario.register.quorum)
    }

    /// The second life's words without its pair masks, which the members open because the node is labelled dropped there,
    /// and without the self mask that `seed` gives.
    private func strip(_ words: [UInt64], _ session: CoordinatorSession, seed: SecretBytes) throws -> [UInt64] {
        var words = words
        let secret = try scenario.prekey(of: target).privateKey
        var terms = try session.roster.entries.filter { $0.node != target }.map { entry in
            MaskTerm(
                key: try MaskDerivation.pairKey(
                    sessionID: session.sessionID, own: secret, ownNode: target,
                    peer: scenario.prekey(of: entry.node).bundle.prekey.body.publicKey, peerNode: entry.node),
                subtract: target < entry.node)
        }
        terms.append(
            MaskTerm(
                key: try MaskDerivation.selfMaskKey(sessionID: session.sessionID, seed: seed, node: target),
                subtract: true))
        try MaskExpander.apply(terms, generator: .aes256Counter, to: &words)
        return words
    }

    @Test("Row 9: a cloned node, alive in one session and dropped in the other, does not show its vector")
    func aClonedNodeStaysHidden() throws {
        let one = try scenario.session()
        let two = try scenario.session(round: 2)
        let first = try life(one)
        let second = try life(two)
        let clear = scenario.plan.layout.pack(values)
        // No rule is broken: b of the first session and sk of the second are opened by the members.
        let seed = try openedSeed(first)
        #expect(try seed != openedSeed(second))
        let residual = try strip(second.words, two, seed: seed)
        #expect(zip(residual, clear).allSatisfy { $0 != $1 })

        // The control: where b is what the generator gives, which is the same in both lives, the same steps give the
        // vector away.
        let plain = try SeededRandomSource(seed: 77).secretBytes(count: 32)
        #expect(seed != plain)
        var unhedged = second.words
        for (secret, subtract) in [(try openedSeed(second), true), (plain, false)] {
            let key = try MaskDerivation.selfMaskKey(sessionID: two.sessionID, seed: secret, node: target)
            try MaskExpander.apply([MaskTerm(key: key, subtract: subtract)], generator: .aes256Counter, to: &unhedged)
        }
        #expect(unhedged != second.words)
        #expect(try strip(unhedged, two, seed: plain) == clear)
    }

    @Test("Row 9: a node restored from its disk is held back by its burned prekey and its charge number")
    func aRestoredNodeIsHeldBack() throws {
        let session = try scenario.session()
        let offer = try #require(session.offer(for: target))
        // Its disk remembers the burn: no second upload is computed.
        #expect(throws: SecureAggregationError.alreadyUsed("own prekey")) {
            try AcceptedOffer(
                checking: offer, node: target, context: scenario.context, earlierEpochRoot: nil
            ) { _ in nil }
        }
        // Its disk was rolled back too: the second upload carries another charge number, and the coordinator, which holds
        // the first, cannot have the second's shares opened under it.
        let first = try scenario.upload(values, node: target, offer: offer, charge: 1)
        let second = try scenario.upload(values, node: target, offer: offer, charge: 2)
        for (envelope, charge) in [(first.envelope, UInt64(2)), (second.envelope, 1)] {
            let context = ShareContext(
                kind: .selfMaskSeed, scope: session.sessionID, dealer: target, chargeSequence: charge)
            #expect(throws: SecureAggregationError.badShare("share ciphertext")) {
                try SharePackage.open(
                    envelope.shares.ciphertexts[0], context: context, holder: 0, register: scenario.register,
                    epoch: scenario.epoch, agreementKey: scenario.keys(of: 0).agreementKey)
            }
        }
        var open = session
        _ = try open.receive(first.envelope)
        #expect(throws: SecureAggregationError.conflict("the upload")) { try open.receive(second.envelope) }
    }

    // MARK: Row 17

    @Test("Row 17: every secret is drawn with 256 bits, and every coefficient seed too")
    func everySecretHasFullEntropy() throws {
        let session = try scenario.session()
        let source = CountingSource()
        _ = try scenario.upload(
            values, node: target, offer: #require(session.offer(for: target)), random: source)
        // One for the seed of the self mask, one for its polynomial.
        #expect(source.counts == [32, 32])
        let keys = try scenario.keys(of: target)
        _ = try PreparedPrekey(
            sequence: 5, node: target, keys: keys, register: scenario.register, epoch: scenario.epoch, random: source)
        #expect(source.counts == [32, 32, 32, 32])
        _ = try keys.sessionKey(for: "noise", sessionID: session.sessionID, random: source)
        #expect(source.counts == [Int](repeating: 32, count: 5))
    }

    @Test("Row 17: a generator that always gives the same bytes repeats nothing that matters")
    func aConstantGeneratorIsHedged() throws {
        var parts: Set<[UInt8]> = []
        var expected = 0
        for round in UInt64(1)...3 {
            let session = try scenario.session(round: round)
            let offer = try #require(session.offer(for: target))
            let upload = try scenario.upload(values, node: target, offer: offer, random: ConstantSource())
            parts.insert(upload.envelope.upload.body.selfMaskCommitment.bytes)
            parts.insert(try openedSeed(upload).unprotectedCopy())
            for ciphertext in upload.envelope.shares.ciphertexts { parts.insert([UInt8](ciphertext.prefix(12))) }
            for word in stride(from: 0, to: upload.words.count, by: 2) {
                parts.insert(bigEndian(upload.words[word]) + bigEndian(upload.words[word + 1]))
            }
            expected += 2 + upload.envelope.shares.ciphertexts.count + upload.words.count / 2
        }
        #expect(parts.count == expected)
        // Another node with the same generator has other secrets: its static secret differs.
        let sessionID = try scenario.session().sessionID
        let keys = try (0..<18).map {
            try scenario.keys(of: $0).sessionKey(for: "noise", sessionID: sessionID, random: ConstantSource())
                .unprotectedCopy()
        }
        #expect(Set(keys).count == 18)
    }
}
