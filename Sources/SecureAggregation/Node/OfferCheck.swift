// What a node checks before it takes part. Every check is on public facts: whether a node takes part never depends on its
// customers' data.

import Cryptography
import Vectors
import WireFormat

/// What the owner-signed plan fixes for every session of its job.
public struct PlanFacts: Equatable, Sendable {
    /// SHA-256 of the signed plan.
    public let planDigest: Digest
    /// d.
    public let dimension: Int
    /// Packing.
    public let layout: LaneLayout
    /// What masks are expanded with.
    public let generator: KeystreamCipher
    /// The t of the noise formula; sessions must use exactly this.
    public let minAlive: Int
    /// T: rounds the plan allows.
    public let roundCount: UInt64
    /// g: the round is summed in groups of at least this many assigned nodes, one session each; nil for one sum over all.
    /// Groups limit poisoning, against an honest-but-curious coordinator only: C applies within each group, a node hides among
    /// about g instead of n, and the noise is added once a group (``SubCohortAssignment``).
    public let groupSize: Int?

    /// Collects the facts of a verified plan.
    public init(
        planDigest: Digest, dimension: Int, layout: LaneLayout, generator: KeystreamCipher, minAlive: Int,
        roundCount: UInt64,
        groupSize: Int? = nil
    ) {
        self.groupSize = groupSize
        self.planDigest = planDigest
        self.dimension = dimension
        self.layout = layout
        self.generator = generator
        self.minAlive = minAlive
        self.roundCount = roundCount
    }
}

/// What both nodes and committee members know when parameters arrive.
public struct SessionContext: Sendable {
    /// Verified under the authority's key.
    public let register: Register
    /// Verified; its root was stored when it was first seen.
    public let epoch: Epoch
    /// The coordinator's offer-signing key.
    public let coordinatorKey: Ed25519PublicKey
    /// From a plan verified under its owner's key.
    public let plan: PlanFacts
    /// Unix milliseconds, now.
    public let nowMilliseconds: Int64

    /// Collects the context.
    public init(
        register: Register, epoch: Epoch, coordinatorKey: Ed25519PublicKey, plan: PlanFacts, nowMilliseconds: Int64
    ) {
        self.register = register
        self.epoch = epoch
        self.coordinatorKey = coordinatorKey
        self.plan = plan
        self.nowMilliseconds = nowMilliseconds
    }

    /// Throws unless parameters and roster are exactly what this party derives itself. Equality everywhere: a field that
    /// may be raised is a field that can be raised against someone.
    /// - Throws: ``SecureAggregationError`` naming the field.
    public func check(
        _ signed: SignedMessage<SessionParameters>, roster: Roster
    ) throws(SecureAggregationError) {
        let parameters = signed.body
        try signed.verify(by: coordinatorKey)
        guard parameters.registerDigest == register.digest else { throw .mismatch(field: "registerDigest") }
        guard parameters.epochRoot == epoch.root else { throw .mismatch(field: "epochRoot") }
        guard parameters.planDigest == plan.planDigest else { throw .mismatch(field: "planDigest") }
        guard parameters.jobID == JobID(planDigest: plan.planDigest) else { throw .mismatch(field: "jobId") }
        guard parameters.round >= 1, parameters.round <= plan.roundCount else { throw .mismatch(field: "round") }
        guard parameters.attempt >= 1, parameters.attempt <= SessionParameters.maximumAttempts else {
            throw .mismatch(field: "attempt")
        }
        guard parameters.dimension == plan.dimension else { throw .mismatch(field: "dimension") }
        guard parameters.layout == plan.layout else { throw .mismatch(field: "lanes") }
        guard parameters.generator == plan.generator else { throw .mismatch(field: "generator") }
        guard parameters.minAlive == plan.minAlive, plan.minAlive >= register.smallestMinAlive else {
            throw .mismatch(field: "minAlive")
        }
        guard parameters.rosterDigest == roster.digest else { throw .mismatch(field: "rosterDigest") }
        guard parameters.cohortSize == roster.entries.count, parameters.cohortSize >= parameters.minAlive else {
            throw .mismatch(field: "cohortSize")
        }
        // Not every node need be in the epoch's announcement: one that joined later brings its agreement key with its prekey.
        guard roster.entries.allSatisfy({ register.node($0.node) != nil }) else {
            throw .unknown("node in the roster")
        }
        try requireSubCohort(parameters, roster: roster)
        let derived = try ProtocolParameters.derive(register: register, cohort: parameters.cohortSize)
        guard parameters.derived == derived else { throw .mismatch(field: "derived parameters") }
        guard parameters.previousConsentSize <= parameters.consentSize else {
            throw .mismatch(field: "previousConsentSize")
        }
        guard nowMilliseconds < epoch.endsAtMilliseconds else { throw .tooLate("the epoch") }
        // Agreement keys go with the epoch: an upload after it could never be opened.
        guard parameters.deadlineMilliseconds <= epoch.endsAtMilliseconds else { throw .mismatch(field: "deadline") }
    }
}

/// An offer that passed every check of this node.
public struct AcceptedOffer: Sendable {
    /// The session.
    public let parameters: SessionParameters
    /// sid.
    public let sessionID: Digest
    /// The cohort.
    public let roster: Roster
    /// The node's own roster position.
    public let position: Int
    /// The node's own prekey sequence, now to be burned.
    public let sequence: UInt64
    /// Node and prekey of every neighbour in the mask graph.
    let neighbours: [(node: NodeIndex, key: X25519PublicKey)]

    /// Checks an offer for `node`.
    ///
    /// Left to the caller, because they need bytes that are not here: the model against ``SessionParameters/modelDigest``,
    /// the consent view against ``SessionParameters/consentSize`` and ``SessionParameters/consentRoot``, and that this node
    /// has not contributed to this job, round and attempt.
    /// - Parameters:
    ///   - earlierEpochRoot: root of the epoch in which this node contributed to an earlier attempt of the same job and
    ///     round; nil if it did not. The locks that keep a round from being opened twice belong to that epoch's committee,
    ///     so a second attempt before another committee is refused.
    ///   - ownPrekeyDigest: looks up the digest of this node's own unused prekey by sequence; nil if unknown or burned.
    /// - Throws: ``SecureAggregationError`` naming the first check that fails.
    public init(
        checking offer: RoundOffer, node: NodeIndex, context: SessionContext, earlierEpochRoot: Digest?,
        ownPrekeyDigest: (UInt64) -> Digest?
    ) throws(SecureAggregationError) {
        try context.check(offer.parameters, roster: offer.roster)
        let parameters = offer.parameters.body
        guard context.nowMilliseconds < parameters.deadlineMilliseconds else { throw .tooLate("the offer") }
        guard earlierEpochRoot == nil || earlierEpochRoot == parameters.epochRoot else {
            throw .mismatch(field: "epochRoot of an earlier attempt")
        }
        // A second upload in a round of groups could enter a second sum of that round: there is no second attempt.
        guard parameters.subCohort == nil || earlierEpochRoot == nil else { throw .alreadyUsed("this round") }
        guard let position = offer.roster.position(of: node) else { throw .unknown("own place in the roster") }
        let own = offer.roster.entries[position]
        guard let digest = ownPrekeyDigest(own.sequence) else { throw .alreadyUsed("own prekey") }
        guard digest == own.prekeyDigest else { throw .mismatch(field: "own prekey") }
        let graph = MaskGraph(nodeCount: parameters.cohortSize, parameters: parameters.derived)
        let expected = graph.neighbours(of: position)
        guard expected.count == offer.neighbourPrekeys.count else { throw .mismatch(field: "neighbourPrekeys") }
        var neighbours: [(node: NodeIndex, key: X25519PublicKey)] = []
        neighbours.reserveCapacity(expected.count)
        for (neighbour, prekey) in zip(expected, offer.neighbourPrekeys) {
            let entry = offer.roster.entries[neighbour]
            guard prekey.body.node == entry.node, prekey.body.sequence == entry.sequence,
                prekey.body.digest == entry.prekeyDigest
            else { throw .mismatch(field: "neighbour prekey") }
            try prekey.body.verifyOwner(of: prekey, register: context.register, epoch: context.epoch)
            neighbours.append((entry.node, prekey.body.publicKey))
        }
        guard Set(neighbours.map(\.key)).count == neighbours.count else { throw .conflict("neighbour prekey") }
        self.parameters = parameters
        sessionID = parameters.sessionID
        roster = offer.roster
        self.position = position
        sequence = own.sequence
        self.neighbours = neighbours
    }
}
