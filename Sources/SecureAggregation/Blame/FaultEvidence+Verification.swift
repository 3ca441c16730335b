// Judging evidence: pure, offline, from the register (and, against the coordinator, its key) alone. What cannot be judged
// this way is no fault: a single complaint about a share, a member that stays silent, an upload that never came.

import Cryptography
import MerkleLog
import WireFormat

extension FaultEvidence {
    /// Whom the evidence proves guilty.
    ///
    /// Whoever writes evidence chooses the register it names, and an authority signs more than one: another C, another
    /// committee. So what the accused signed must have been signed under that register, or honest work is judged by rules it
    /// was not made for (``requireBinding(to:)``).
    /// - Parameters:
    ///   - register: the version the evidence names.
    ///   - coordinatorKey: the coordinator's offer-signing key, from the trust anchors; needed only for what the coordinator
    ///     is accused of.
    /// - Throws: ``SecureAggregationError`` naming the first thing that is not proved;
    ///   ``SecureAggregationError/notUnderSignedRoot(_:)`` if a commitment is not under the root its dealer signed.
    public func verify(
        register: Register, coordinatorKey: Ed25519PublicKey?
    ) throws(SecureAggregationError) -> Accused {
        guard registerDigest == register.digest else { throw .mismatch(field: "registerDigest") }
        try requireBinding(to: register)
        switch fault {
        case .inconsistentDeal(let deal, let shares): return try Self.judge(deal, shares: shares, register: register)
        case .rejectedDeal(let deal, let reports):
            return try Self.judge(deal, reports: reports, epochRoot: boundEpochRoot, register: register)
        case .falseShare(let reveal, let exhibit): return try Self.judge(reveal, exhibit, register: register)
        case .doubleVote(let one, let other): return try Self.judge(one, other, register: register)
        case .equivocation(let one, let other):
            guard let coordinatorKey else { throw .unknown("coordinator key") }
            return try Self.judge(one, other, coordinatorKey: coordinatorKey)
        }
    }

    private static func judge(
        _ deal: Deal, shares: [ShareExhibit], register: Register
    ) throws(SecureAggregationError) -> Accused {
        try deal.verifySignatures(register: register)
        guard let root = deal.shareRoot, let context = deal.context else { throw .malformed("deal") }
        guard shares.count == register.quorum else {
            throw .tooFew("shares", have: shares.count, need: register.quorum)
        }
        guard zip(shares, shares.dropFirst()).allSatisfy({ $0.holder < $1.holder }) else {
            throw .mismatch(field: "order of shares")
        }
        var read: [(position: Int, share: SecretShare)] = []
        for exhibit in shares {
            try exhibit.opening.verify(root: root, position: exhibit.holder, count: register.committee.count)
            let share = try SecretShare(SecretBytes(copying: exhibit.share))
            guard exhibit.opening.matches(share, context: context, holder: exhibit.holder) else {
                throw .badShare("exhibit")
            }
            read.append((exhibit.holder, share))
        }
        let secret: SecretBytes?
        do { secret = try ShamirSharing.join(read, threshold: register.quorum) } catch {
            // A limb out of range: no 32-byte secret was ever shared.
            guard case .badShare = error else { throw error }
            secret = nil
        }
        if let secret, deal.isKept(by: secret) { throw .unknown("fault: the shares are right") }
        return .node(deal.dealer)
    }

    private static func judge(
        _ deal: Deal, reports: [SignedMessage<ShareReport>], epochRoot: Digest?, register: Register
    ) throws(SecureAggregationError) -> Accused {
        try deal.verifySignatures(register: register)
        guard reports.count > register.corruptMax else {
            throw .tooFew("complaints", have: reports.count, need: register.corruptMax + 1)
        }
        guard zip(reports, reports.dropFirst()).allSatisfy({ $0.body.node < $1.body.node }) else {
            throw .mismatch(field: "order of reports")
        }
        let name = deal.digest
        for report in reports {
            guard report.body.epochRoot == epochRoot else {
                throw .mismatch(field: "epochRoot of a report")
            }
            try report.verify(by: try memberKey(report.body.node, register: register))
            guard report.body.isValid(name) == false else { throw .unknown("complaint about this deal") }
        }
        return .node(deal.dealer)
    }

    private static func judge(
        _ reveal: SignedMessage<Reveal>, _ exhibit: FalseShareExhibit, register: Register
    ) throws(SecureAggregationError) -> Accused {
        let body = reveal.body
        try reveal.verify(by: try memberKey(body.node, register: register))
        guard let holder = register.committeePosition(of: body.node) else { throw .unknown("committee member") }
        guard body.shares.indices.contains(exhibit.position), !body.shares[exhibit.position].isEmpty else {
            throw .unknown("share in the reveal")
        }
        // The member signed which request it answers: this item, at this place, is what it was shown.
        guard
            RevealRequest.openingDigest(
                sessionID: body.sessionID, bitmapDigest: exhibit.bitmapDigest, itemRoot: exhibit.itemRoot)
                == body.openingDigest
        else { throw .mismatch(field: "openingDigest") }
        do {
            try InclusionProof(index: exhibit.position, treeSize: body.shares.count, hashes: exhibit.path).verify(
                leafHash: MerkleTreeHash.leaf(exhibit.item.encoded()), root: exhibit.itemRoot)
        } catch {
            throw .mismatch(field: "item of the request")
        }
        let (deal, opening) = (exhibit.item.deal, exhibit.item.opening)
        try deal.verifySignatures(register: register)
        guard let root = deal.shareRoot, let context = deal.context else { throw .malformed("deal") }
        try opening.verify(root: root, position: holder, count: register.committee.count)
        if let share = try? SecretShare(SecretBytes(copying: body.shares[exhibit.position])),
            opening.matches(share, context: context, holder: holder)
        {
            throw .unknown("fault: the share is right")
        }
        return .node(body.node)
    }

    /// Needs no binding: the two votes contradict each other whatever register their session was of, because a member locks one
    /// label a session before it signs. Quorum, C and positions play no part, and under a register that gives the index to
    /// another key neither signature verifies.
    private static func judge(
        _ one: SignedMessage<LabelVote>, _ other: SignedMessage<LabelVote>, register: Register
    ) throws(SecureAggregationError) -> Accused {
        guard one.body.node == other.body.node, one.body.sessionID == other.body.sessionID,
            one.body.labelDigest != other.body.labelDigest
        else { throw .unknown("fault: the votes do not contradict each other") }
        let key = try memberKey(one.body.node, register: register)
        try one.verify(by: key)
        try other.verify(by: key)
        return .node(one.body.node)
    }

    /// Needs no binding: nothing of the register is used. The key is the chain's, and attempts at a round are numbered whatever
    /// register they are under, so a register that changed between two of them is no excuse for one number.
    private static func judge(
        _ one: SignedMessage<SessionParameters>, _ other: SignedMessage<SessionParameters>,
        coordinatorKey: Ed25519PublicKey
    ) throws(SecureAggregationError) -> Accused {
        guard one.body.jobID == other.body.jobID, one.body.round == other.body.round,
            one.body.attempt == other.body.attempt, one.body.sessionID != other.body.sessionID
        else { throw .unknown("fault: the sessions do not contradict each other") }
        // A round of groups has one session a group, all of one epoch: in another a node may be in another group.
        if let place = one.body.subCohort, let otherPlace = other.body.subCohort {
            guard
                place.index == otherPlace.index || place.count != otherPlace.count
                    || one.body.epochRoot != other.body.epochRoot
            else {
                throw .unknown("fault: the sessions do not contradict each other")
            }
        }
        try one.verify(by: coordinatorKey)
        try other.verify(by: coordinatorKey)
        return .coordinator
    }

    private static func memberKey(
        _ node: NodeIndex, register: Register
    ) throws(SecureAggregationError) -> Ed25519PublicKey {
        guard register.committeePosition(of: node) != nil, let member = register.node(node) else {
            throw .unknown("committee member")
        }
        return member.protocolKey
    }
}
