// A node's part in one session, as a state machine. The order is the protocol's: charge the budget, burn the prekey, and
// only then touch data. A crash between two steps loses the session, never the order.

import Cryptography
import WireFormat

/// One node in one session. Pure: the shell carries out each returned action durably and reports back.
public struct NodeSession: Sendable {
    /// What the shell must do next.
    public enum Action: Sendable {
        /// Charge (job, round) to the node's own budget durably; then ``NodeSession/budgetCharged(_:)``.
        case chargeBudget(job: JobID, round: UInt64)
        /// Mark the prekey used, durably; then ``NodeSession/sequenceBurned()``.
        case burnSequence(UInt64)
        /// Gate, train, clip, add noise, pack; then ``NodeSession/vectorReady(_:keys:prekey:context:random:)``.
        case computeVector
        /// Store the masked upload durably, encrypted; then ``NodeSession/uploadStored()``.
        case storeUpload(MaskedUpload)
        /// Send it, again and again with the same bytes, until a receipt comes; then ``NodeSession/acknowledged()``.
        case sendUpload
        /// Destroy the stored upload and the prekey's private key.
        case shred
    }

    private enum State: Sendable {
        /// Valid transitions: .charging
        case accepted
        /// Valid transitions: .burning
        case charging
        /// Valid transitions: .computing
        case burning(chargeSequence: UInt64)
        /// Valid transitions: .storing
        case computing(chargeSequence: UInt64)
        /// Valid transitions: .sending
        case storing
        /// Valid transitions: .done
        case sending
        /// Final.
        case done
    }

    /// The accepted offer.
    public let offer: AcceptedOffer
    /// This node.
    public let node: NodeIndex
    private var state = State.accepted

    /// Starts from an accepted offer.
    public init(offer: AcceptedOffer, node: NodeIndex) {
        self.offer = offer
        self.node = node
    }

    /// Begins.
    /// - Throws: ``SecureAggregationError/wrongPhase(_:)`` if called twice.
    public mutating func start() throws(SecureAggregationError) -> Action {
        guard case .accepted = state else { throw .wrongPhase("start") }
        state = .charging
        return .chargeBudget(job: offer.parameters.jobID, round: offer.parameters.round)
    }

    /// The charge is durable under number `chargeSequence`.
    /// - Throws: ``SecureAggregationError/wrongPhase(_:)``.
    public mutating func budgetCharged(_ chargeSequence: UInt64) throws(SecureAggregationError) -> Action {
        guard case .charging = state else { throw .wrongPhase("budget charge") }
        state = .burning(chargeSequence: chargeSequence)
        return .burnSequence(offer.sequence)
    }

    /// The prekey is durably marked used.
    /// - Throws: ``SecureAggregationError/wrongPhase(_:)``.
    public mutating func sequenceBurned() throws(SecureAggregationError) -> Action {
        guard case .burning(let chargeSequence) = state else { throw .wrongPhase("sequence burn") }
        state = .computing(chargeSequence: chargeSequence)
        return .computeVector
    }

    /// The packed, noised vector is ready: masks it and deals its self-mask seed.
    /// - Parameters:
    ///   - words: the packed vector, `parameters.wordCount` words; consumed, masked in place.
    ///   - prekey: the private key of the prekey that the roster names.
    /// - Throws: ``SecureAggregationError``.
    public mutating func vectorReady(
        _ words: consuming [UInt64], keys: NodeKeys, prekey: X25519PrivateKey, context: SessionContext,
        random: some RandomSource
    ) throws(SecureAggregationError) -> Action {
        guard case .computing(let chargeSequence) = state else { throw .wrongPhase("vector") }
        guard words.count == offer.parameters.wordCount else { throw .mismatch(field: "vector length") }
        // A late node's key is in its prekey instead, which the offer's check compared with the one it made itself.
        guard context.epoch.root == offer.parameters.epochRoot,
            context.epoch.agreementKeys[node].map({ $0 == keys.agreementKey.publicKey }) ?? true
        else { throw .mismatch(field: "own agreement key") }
        guard context.register.digest == offer.parameters.registerDigest,
            context.register.node(node)?.protocolKey == keys.protocolKey.publicKey
        else { throw .mismatch(field: "own protocol key") }
        let upload = try MaskedUpload(
            masking: words, offer: offer, node: node, chargeSequence: chargeSequence, keys: keys, prekey: prekey,
            context: context, random: random)
        state = .storing
        return .storeUpload(upload)
    }

    /// The masked upload is durable.
    /// - Throws: ``SecureAggregationError/wrongPhase(_:)``.
    public mutating func uploadStored() throws(SecureAggregationError) -> Action {
        guard case .storing = state else { throw .wrongPhase("stored upload") }
        state = .sending
        return .sendUpload
    }

    /// The coordinator's receipt is in hand.
    /// - Throws: ``SecureAggregationError/wrongPhase(_:)``.
    public mutating func acknowledged() throws(SecureAggregationError) -> Action {
        guard case .sending = state else { throw .wrongPhase("receipt") }
        state = .done
        return .shred
    }
}

/// The finished upload: the envelope and the masked words.
public struct MaskedUpload: Sendable {
    /// What is committed last.
    public let envelope: UploadEnvelope
    /// What the chunks carry. Uniform to anyone without the keys.
    public let words: [UInt64]

    /// y = P(x) + PRG(self mask) + Σ_{j ∈ Nb(i)} ± PRG(s_ij) mod 2^64, + if i < j else −.
    init(
        masking words: consuming [UInt64], offer: AcceptedOffer, node: NodeIndex, chargeSequence: UInt64,
        keys: NodeKeys, prekey: X25519PrivateKey, context: SessionContext, random: some RandomSource
    ) throws(SecureAggregationError) {
        var words = words
        let sessionID = offer.sessionID
        (envelope, self.words) = try refusing(as: "masked upload") {
            // The vector is mixed in: two clones of this machine that computed different vectors must not mask both alike.
            let seed = try hedgedSecret(
                random: random, hedge: keys.hedge, salt: sessionID.bytes, info: "self-mask-seed",
                bigEndian(node) + bigEndian(offer.sequence) + bigEndian(chargeSequence)
            ) { try AESGCM.secretTag(of: words, key: $0) }
            var terms = [
                MaskTerm(
                    key: try MaskDerivation.selfMaskKey(sessionID: sessionID, seed: seed, node: node), subtract: false)
            ]
            for neighbour in offer.neighbours {
                let key = try MaskDerivation.pairKey(
                    sessionID: sessionID, own: prekey, ownNode: node, peer: neighbour.key, peerNode: neighbour.node)
                terms.append(MaskTerm(key: key, subtract: node > neighbour.node))
            }
            try MaskExpander.apply(terms, generator: offer.parameters.generator, to: &words)
            let shares = try SharePackage(
                dealing: seed,
                context: ShareContext(
                    kind: .selfMaskSeed, scope: sessionID, dealer: node, chargeSequence: chargeSequence),
                register: context.register, epoch: context.epoch, agreementKey: keys.agreementKey, hedge: keys.hedge,
                random: random)
            let chunkDigests = VectorChunks.chunkDigests(of: words)
            let upload = Upload(
                sessionID: sessionID, node: node, sequence: offer.sequence, chargeSequence: chargeSequence,
                selfMaskCommitment: MaskDerivation.selfMaskCommitment(sessionID: sessionID, node: node, seed: seed),
                vectorDigest: VectorChunks.digest(wordCount: words.count, chunkDigests: chunkDigests),
                shareRoot: shares.root)
            let envelope = UploadEnvelope(
                upload: try SignedMessage(signing: upload, key: keys.protocolKey), shares: shares,
                chunkDigests: chunkDigests)
            return (envelope, words)
        }
    }

    /// Reloads a stored upload, to send the same bytes again after a restart.
    public init(envelope: UploadEnvelope, words: [UInt64]) {
        self.envelope = envelope
        self.words = words
    }
}
