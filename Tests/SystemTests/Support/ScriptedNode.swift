// A store node that does one step when a test says so. It uses the protocol's own code for everything it sends, so a test
// changes only what it means to change.

import ChainKeys
import Consent
import Cryptography
import Identity
import MerkleLog
import Rounds
import SecureAggregation
import Vectors

/// One node's keys and promises. A value: a copy is the same node with the same past.
struct ScriptedNode: Sendable {
    let index: NodeIndex
    let name: String
    let keys: NodeKeys
    let peer: PeerIdentity
    /// Unused prekeys by sequence.
    var prekeys: [UInt64: PreparedPrekey] = [:]
    var nextSequence: UInt64 = 1
    var locks = CommitteeLocks()
    var charges: UInt64 = 0

    init(index: Int, chain: TestKeys) throws {
        let folder = chain.storeFolder(index)
        self.index = NodeIndex(index)
        name = chain.stores[index]
        keys = NodeKeys(
            protocolKey: try folder.protocolKey(), agreementKey: try X25519PrivateKey(), hedge: try folder.hedge())
        peer = try TestKeys.peer(folder.tls)
    }

    func hello(epoch: UInt64, register: Register) throws -> SignedMessage<EpochHello> {
        try SignedMessage(
            signing: EpochHello(
                registerDigest: register.digest, epoch: epoch, node: index,
                agreementKey: keys.agreementKey.publicKey), key: keys.protocolKey)
    }

    /// Makes the next prekey and keeps its secret.
    mutating func dealPrekey(register: Register, epoch: Epoch) throws -> PrekeyBundle {
        let prepared = try PreparedPrekey(
            sequence: nextSequence, node: index, keys: keys, register: register, epoch: epoch,
            random: SystemRandomSource())
        prekeys[nextSequence] = prepared
        nextSequence += 1
        return prepared.bundle
    }

    /// The upload this node answers an offer with, carrying `values` without noise, so that a sum tells whose uploads it
    /// holds. Burns the prekey.
    mutating func maskedUpload(
        _ values: [Int64], offer: RoundOffer, context: SessionContext
    ) throws -> MaskedUpload {
        try maskedUpload(
            words: offer.parameters.body.layout.pack(values), offer: offer, context: context,
            random: SystemRandomSource())
    }

    /// The same for a packed vector.
    mutating func maskedUpload(
        words: [UInt64], offer: RoundOffer, context: SessionContext, random: some RandomSource
    ) throws -> MaskedUpload {
        let own = prekeys
        let accepted = try AcceptedOffer(checking: offer, node: index, context: context, earlierEpochRoot: nil) {
            own[$0]?.bundle.prekey.body.digest
        }
        guard let prekey = prekeys.removeValue(forKey: accepted.sequence) else {
            throw SecureAggregationError.alreadyUsed("own prekey")
        }
        charges += 1
        var session = NodeSession(offer: accepted, node: index)
        _ = try session.start()
        _ = try session.budgetCharged(charges)
        _ = try session.sequenceBurned()
        let action = try session.vectorReady(
            words, keys: keys, prekey: prekey.privateKey, context: context, random: random)
        guard case .storeUpload(let upload) = action else { throw SecureAggregationError.wrongPhase("upload") }
        return upload
    }

    /// The member's verdicts; nil without a seat.
    func report(_ checks: ShareChecks, register: Register, epoch: Epoch) throws -> SignedMessage<ShareReport>? {
        guard let member = CommitteeMember(node: index, register: register) else { return nil }
        return try SignedMessage(
            signing: try member.decideReport(
                checks, register: register, epoch: epoch, agreementKey: keys.agreementKey), key: keys.protocolKey)
    }

    mutating func vote(
        _ proposal: LabelProposal, context: SessionContext
    ) throws -> SignedMessage<LabelVote>? {
        guard let member = CommitteeMember(node: index, register: context.register) else { return nil }
        let decision = try member.decideVote(proposal, locks: locks, context: context)
        for change in decision.lockChanges { locks.apply(change) }
        return try SignedMessage(signing: decision.answer, key: keys.protocolKey)
    }

    mutating func reveal(
        _ request: RevealRequest, proposal: LabelProposal, context: SessionContext
    ) throws -> SignedMessage<Reveal>? {
        guard let member = CommitteeMember(node: index, register: context.register) else { return nil }
        let decision = try member.decideReveal(
            request, parameters: proposal.parameters, roster: proposal.roster, locks: locks,
            agreementKey: keys.agreementKey, context: context)
        for change in decision.lockChanges { locks.apply(change) }
        return try SignedMessage(signing: decision.answer, key: keys.protocolKey)
    }
}
