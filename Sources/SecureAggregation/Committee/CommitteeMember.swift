// A committee member's two decisions, as pure functions of its locks and the request. The answer is given only after the
// returned lock changes are durable.

import Cryptography
import WireFormat

/// A member's answer, with the promises it makes.
public struct CommitteeDecision<Answer: Sendable>: Sendable {
    /// Store these before sending ``answer``. Empty if the same answer was given before.
    public let lockChanges: [LockChange]
    /// What to sign and send.
    public let answer: Answer
}

/// One member of the standing committee.
public struct CommitteeMember: Sendable {
    /// The member's node index.
    public let node: NodeIndex
    /// Its position in the register's committee.
    public let position: Int

    /// A member may answer this long after the session's upload deadline.
    public static let graceMilliseconds: Int64 = 30 * 60 * 1000

    /// The member `node`, or nil if the register gives it no seat.
    public init?(node: NodeIndex, register: Register) {
        guard let position = register.committeePosition(of: node) else { return nil }
        self.node = node
        self.position = position
    }

    /// C1: vote for a survivor set.
    ///
    /// Votes only if the parameters are what this member derives itself, at least minAlive nodes are labelled alive, the
    /// survivors stay connected, and no lock says otherwise: one label a session, one session a prekey.
    /// - Throws: ``SecureAggregationError`` naming the reason to refuse.
    public func decideVote(
        _ proposal: LabelProposal, locks: CommitteeLocks, context: SessionContext
    ) throws(SecureAggregationError) -> CommitteeDecision<LabelVote> {
        try context.check(proposal.parameters, roster: proposal.roster)
        let parameters = proposal.parameters.body
        try requireSeat(context)
        // A late node has no committee role: it may be one that lost its memory, and can open nothing anyway.
        guard context.epoch.agreementKeys[node] != nil else { throw .unknown("own agreement key in the epoch") }
        try requireInTime(parameters, context: context)
        guard proposal.survivors.sessionID == parameters.sessionID else { throw .mismatch(field: "sessionId") }
        let survivors = proposal.survivors
        guard survivors.survivorCount >= parameters.minAlive else {
            throw .tooFew("survivors", have: survivors.survivorCount, need: parameters.minAlive)
        }
        try MaskGraph(nodeCount: parameters.cohortSize, parameters: parameters.derived)
            .requireConnected(alive: survivors.alive)
        let sessionID = parameters.sessionID
        let label = LockChange.label(session: sessionID, label: survivors.digest)
        guard locks.permits(label) else { throw .locked("a second label for a session") }
        var changes = locks.contains(label) ? [] : [label]
        for entry in proposal.roster.entries {
            let change = LockChange.prekey(node: entry.node, sequence: entry.sequence, session: sessionID)
            guard locks.permits(change) else { throw .locked("a prekey in a second session") }
            if !locks.contains(change) { changes.append(change) }
        }
        return CommitteeDecision(
            lockChanges: changes,
            answer: LabelVote(sessionID: sessionID, node: node, labelDigest: survivors.digest))
    }

    /// Everything that a member promises when it opens a session; a vote promises some of it.
    static func promises(
        _ parameters: SessionParameters, roster: Roster, label: Digest, opening: Digest
    ) -> [LockChange] {
        let sessionID = parameters.sessionID
        let groupEpoch = LockChange.groupEpoch(
            job: parameters.jobID, round: parameters.round, epochRoot: parameters.epochRoot)
        return [
            LockChange.label(session: sessionID, label: label),
            .round(job: parameters.jobID, round: parameters.round, opening: opening).within(parameters.subCohort),
        ] + (parameters.subCohort == nil ? [] : [groupEpoch])
            + roster.entries.map { .prekey(node: $0.node, sequence: $0.sequence, session: sessionID) }
    }

    /// What a member has to look up among its stored promises before it votes in a session or opens it: promises of the same
    /// names, whatever they promise. All others have no bearing, and a member keeps them for the lives of many jobs.
    public static func promisesToLookUp(for parameters: SessionParameters, roster: Roster) -> [LockChange] {
        promises(parameters, roster: roster, label: parameters.sessionID, opening: parameters.sessionID)
    }

    /// C2: open one kind of share a node.
    ///
    /// For a node labelled alive: the share of its self-mask seed. For a dropped one: the share of its prekey's private key.
    /// Never both, and nothing at all where the ciphertext of that kind is not the dealer's, does not open or holds another
    /// share than the dealer committed to. The lock names the ciphertexts too: a
    /// node that was cloned may have dealt two seeds in one session, and a member that opened both by turns would give
    /// the coordinator two sums of one round.
    /// - Parameters:
    ///   - parameters: as the member accepted them when it voted, or as they arrive again; checked again here.
    ///   - agreementKey: the member's private key of the session's epoch.
    /// - Throws: ``SecureAggregationError`` naming the reason to refuse.
    public func decideReveal(
        _ request: RevealRequest, parameters signed: SignedMessage<SessionParameters>, roster: Roster,
        locks: CommitteeLocks, agreementKey: X25519PrivateKey, context: SessionContext
    ) throws(SecureAggregationError) -> CommitteeDecision<Reveal> {
        try context.check(signed, roster: roster)
        let parameters = signed.body
        try requireSeat(context)
        guard context.epoch.agreementKeys[node] == agreementKey.publicKey else {
            throw .mismatch(field: "own agreement key")
        }
        try requireInTime(parameters, context: context)
        let sessionID = parameters.sessionID
        guard request.sessionID == sessionID else { throw .mismatch(field: "sessionId") }
        let survivors = try SurvivorSet(
            sessionID: sessionID, bitmap: request.bitmap, count: roster.entries.count)
        guard survivors.survivorCount >= parameters.minAlive else {
            throw .tooFew("survivors", have: survivors.survivorCount, need: parameters.minAlive)
        }
        try MaskGraph(nodeCount: parameters.cohortSize, parameters: parameters.derived)
            .requireConnected(alive: survivors.alive)
        try request.certificate.verify(survivors: survivors, register: context.register)
        guard request.items.count == roster.entries.count else { throw .mismatch(field: "items") }
        let openingDigest = request.openingDigest
        // The member may not have voted itself; the certificate binds it all the same.
        var changes: [LockChange] = []
        let promises = Self.promises(parameters, roster: roster, label: survivors.digest, opening: openingDigest)
        for change in promises {
            guard locks.permits(change) else { throw .locked("this reveal") }
            if !locks.contains(change) { changes.append(change) }
        }
        let shares = zip(roster.entries.indices, request.items).map { index, item in
            share(
                item: item, entry: roster.entries[index], alive: survivors.alive[index], sessionID: sessionID,
                agreementKey: agreementKey, context: context
            )?.rawRepresentation.unprotectedCopy() ?? []
        }
        return CommitteeDecision(
            lockChanges: changes,
            answer: Reveal(
                sessionID: sessionID, node: node, labelDigest: survivors.digest, shares: shares,
                openingDigest: openingDigest))
    }

    /// The one share that may be opened for a roster position, given its label; nil if what is offered is not what the dealer
    /// signed, does not open, or is not what the dealer committed to. A member that revealed such a share would sign a lie.
    private func share(
        item: ShownShare, entry: RosterEntry, alive: Bool, sessionID: Digest, agreementKey: X25519PrivateKey,
        context: SessionContext
    ) -> SecretShare? {
        let deal = item.deal
        guard deal.dealer == entry.node, (deal.upload != nil) == alive else { return nil }
        if let upload = deal.upload?.body {
            guard upload.sessionID == sessionID, upload.sequence == entry.sequence else { return nil }
        }
        // The roster names the prekey by its digest: the coordinator cannot have another one of the node opened, nor take a
        // late node's agreement key from another one.
        if let prekey = deal.prekey {
            guard SHA256.tagged("prekey", prekey.bodyBytes) == entry.prekeyDigest else { return nil }
        }
        guard let root = deal.shareRoot, (try? deal.verify(register: context.register, epoch: context.epoch)) != nil,
            (try? item.opening.verify(
                root: root, position: position, count: context.register.committee.count)) != nil
        else { return nil }
        return deal.share(
            opening: item.opening, holder: position, register: context.register, epoch: context.epoch,
            agreementKey: agreementKey)
    }

    /// The seat was looked up once; the register of this request may be another version.
    private func requireSeat(_ context: SessionContext) throws(SecureAggregationError) {
        guard context.register.committeePosition(of: node) == position else { throw .unknown("own committee seat") }
    }

    private func requireInTime(
        _ parameters: SessionParameters, context: SessionContext
    ) throws(SecureAggregationError) {
        // The deadline is the coordinator's number and may be any: subtract from the member's own clock instead.
        guard context.nowMilliseconds - Self.graceMilliseconds < parameters.deadlineMilliseconds else {
            throw .tooLate("the session")
        }
    }
}
