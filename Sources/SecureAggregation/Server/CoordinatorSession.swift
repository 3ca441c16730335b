// The coordinator's part in one session, as a state machine: collect uploads, propose one survivor set, certify it,
// collect shares, unmask. It holds no node secret, so a coordinator that departs from it learns nothing more.
// Its state is the fold of accepted messages: feeding the stored ones to a fresh value gives the same state back.

import Cryptography
import MerkleLog

/// One session at the coordinator.
public struct CoordinatorSession: Sendable {
    /// Where the session stands.
    public enum Phase: Equatable, Sendable {
        /// Uploads are accepted. Valid transitions: .labelling
        case collecting
        /// The survivor set is fixed; votes are accepted. Valid transitions: .revealing
        case labelling
        /// The certificate is complete; reveals are accepted. Valid transitions: .unmasking
        case revealing
        /// Enough reveals are in: ``CoordinatorSession/unmaskPlan()`` can open the sum. Final.
        case unmasking
    }

    /// What an accepted message changes.
    public enum Acceptance: Equatable, Sendable {
        /// New: store it, then acknowledge.
        case new
        /// The same bytes as before: acknowledge again.
        case repeated
    }

    /// The signed parameters.
    public let parameters: SignedMessage<SessionParameters>
    /// sid.
    public let sessionID: Digest
    /// The cohort.
    public let roster: Roster
    /// Verified.
    public let register: Register
    let epoch: Epoch
    /// Prekeys, by roster position.
    let prekeys: [SignedMessage<Prekey>]
    /// Their shares, by roster position; once the survivor set is fixed, those of dropped nodes alone.
    private var prekeyShares: [SharePackage]

    /// Where the session stands.
    public private(set) var phase = Phase.collecting
    /// Accepted uploads, by roster position.
    public private(set) var uploads: [Int: UploadEnvelope] = [:]
    private var uploadDigests: [Int: Digest] = [:]
    /// The survivor set, once uploads are closed.
    public private(set) var survivors: SurvivorSet?
    private var votes: [NodeIndex: SignedMessage<LabelVote>] = [:]
    /// The accepted vote of a member.
    func acceptedVote(of member: NodeIndex) -> SignedMessage<LabelVote>? { votes[member] }
    /// The certificate, once a quorum voted.
    public private(set) var certificate: LabelCertificate?
    /// Digests of accepted reveals.
    private var reveals: [NodeIndex: Digest] = [:]
    /// By roster position: the shares that match their commitments, at most l.
    private(set) var goodShares: [OpenedShares] = []
    /// By roster position, while shares are asked for: the tree of the package they are asked from. Every member's request
    /// opens a leaf of each.
    private var dealtTrees: [MerkleTree] = []

    /// Opens a session the coordinator has signed.
    /// - Parameter prekeys: one bundle a roster position.
    /// - Throws: ``SecureAggregationError`` if roster, prekeys and parameters do not fit together.
    public init(
        parameters: SignedMessage<SessionParameters>, roster: Roster, prekeys: [PrekeyBundle], register: Register,
        epoch: Epoch
    ) throws(SecureAggregationError) {
        guard parameters.body.rosterDigest == roster.digest, parameters.body.cohortSize == roster.entries.count else {
            throw .mismatch(field: "rosterDigest")
        }
        guard prekeys.count == roster.entries.count else { throw .mismatch(field: "prekeys") }
        guard try parameters.body.derived == ProtocolParameters.derive(register: register, cohort: prekeys.count) else {
            throw .mismatch(field: "derived parameters")
        }
        var publicKeys: Set<X25519PublicKey> = []
        for (entry, bundle) in zip(roster.entries, prekeys) {
            guard bundle.prekey.body.node == entry.node, bundle.prekey.body.sequence == entry.sequence,
                bundle.prekey.body.digest == entry.prekeyDigest
            else { throw .mismatch(field: "prekey of a roster entry") }
            try bundle.verify(register: register, epoch: epoch)
            // Nodes refuse an offer with a copied key, so one copier would stop the round for all: it is not offered.
            guard publicKeys.insert(bundle.prekey.body.publicKey).inserted else {
                throw .conflict("prekey of node \(entry.node)")
            }
        }
        self.parameters = parameters
        sessionID = parameters.body.sessionID
        self.roster = roster
        self.prekeys = prekeys.map(\.prekey)
        prekeyShares = prekeys.map(\.shares)
        self.register = register
        self.epoch = epoch
    }

    private var graph: MaskGraph {
        MaskGraph(nodeCount: roster.entries.count, parameters: parameters.body.derived)
    }

    /// Whether `node` votes and reveals here: it has a seat, and was in the epoch's announcement.
    public func hasCommitteeRole(_ node: NodeIndex) -> Bool {
        register.committeePosition(of: node) != nil && epoch.agreementKeys[node] != nil
    }

    // MARK: Offer

    /// The offer for `node`, or nil if it is not in the cohort.
    public func offer(for node: NodeIndex) -> RoundOffer? {
        guard let position = roster.position(of: node) else { return nil }
        return RoundOffer(
            parameters: parameters, roster: roster,
            neighbourPrekeys: graph.neighbours(of: position).map { prekeys[$0] })
    }

    // MARK: Uploads

    /// Accepts an upload whose chunks are stored and match their digests.
    /// - Throws: ``SecureAggregationError``: an unknown node, a bad signature, another vector length,
    ///   ``SecureAggregationError/conflict(_:)`` for other bytes than before, ``SecureAggregationError/wrongPhase(_:)``
    ///   after uploads closed.
    public mutating func receive(_ envelope: UploadEnvelope) throws(SecureAggregationError) -> Acceptance {
        let upload = envelope.upload.body
        guard upload.sessionID == sessionID else { throw .mismatch(field: "sessionId") }
        guard let position = roster.position(of: upload.node) else { throw .unknown("node") }
        let digest = envelope.digest
        if let stored = uploadDigests[position] {
            guard stored == digest else { throw .conflict("the upload") }
            return .repeated
        }
        guard phase == .collecting else { throw .wrongPhase("an upload") }
        guard upload.sequence == roster.entries[position].sequence else { throw .mismatch(field: "sequence") }
        guard let node = register.node(upload.node) else { throw .unknown("node") }
        try envelope.upload.verify(by: node.protocolKey)
        guard envelope.shares.commitments.count == register.committee.count,
            envelope.shares.root == upload.shareRoot
        else { throw .mismatch(field: "shareRoot") }
        guard envelope.shares.serves(register.committee, in: epoch) else {
            throw .mismatch(field: "committee members served")
        }
        let words = parameters.body.wordCount
        guard envelope.chunkDigests.count == VectorChunks.count(wordCount: words),
            upload.vectorDigest == VectorChunks.digest(wordCount: words, chunkDigests: envelope.chunkDigests)
        else { throw .mismatch(field: "vectorDigest") }
        uploads[position] = envelope
        uploadDigests[position] = digest
        return .new
    }

    /// Closes uploads and fixes the survivor set.
    /// - Parameter excluded: nodes whose uploads are not used: revoked or quarantined since the offer, or with more
    ///   complaints about their shares than the committee can do without.
    /// - Throws: ``SecureAggregationError/tooFew(_:have:need:)`` or ``SecureAggregationError/disconnected``: the session is
    ///   then void, before anyone voted.
    public mutating func closeUploads(
        excluding excluded: Set<NodeIndex> = []
    ) throws(SecureAggregationError) -> SurvivorSet {
        guard phase == .collecting else { throw .wrongPhase("closing uploads") }
        let alive = roster.entries.indices.map { uploads[$0] != nil && !excluded.contains(roster.entries[$0].node) }
        let set = SurvivorSet(sessionID: sessionID, alive: alive)
        guard set.survivorCount >= parameters.body.minAlive else {
            throw .tooFew("survivors", have: set.survivorCount, need: parameters.body.minAlive)
        }
        try graph.requireConnected(alive: alive)
        survivors = set
        // Nobody may ever be asked for the prekey of a survivor.
        for position in alive.indices where alive[position] { prekeyShares[position] = .none }
        phase = .labelling
        return set
    }

    // MARK: Votes

    /// What committee members are asked to vote on.
    public var labelProposal: LabelProposal? {
        survivors.map { LabelProposal(parameters: parameters, roster: roster, survivors: $0) }
    }

    /// Accepts a vote; at the quorum the certificate is complete.
    /// - Throws: ``SecureAggregationError``.
    public mutating func receive(_ vote: SignedMessage<LabelVote>) throws(SecureAggregationError) -> Acceptance {
        guard let survivors else { throw .wrongPhase("a vote") }
        guard vote.body.sessionID == sessionID, vote.body.labelDigest == survivors.digest else {
            throw .mismatch(field: "labelDigest")
        }
        guard register.committeePosition(of: vote.body.node) != nil, let member = register.node(vote.body.node) else {
            throw .unknown("committee member")
        }
        if let stored = votes[vote.body.node] {
            guard stored == vote else { throw .conflict("the vote") }
            return .repeated
        }
        guard phase == .labelling else { throw .wrongPhase("a vote") }
        try vote.verify(by: member.protocolKey)
        votes[vote.body.node] = vote
        if votes.count >= register.quorum {
            certificate = LabelCertificate(votes: votes.sorted { $0.key < $1.key }.map(\.value))
            goodShares = Array(repeating: OpenedShares(), count: roster.entries.count)
            dealtTrees = roster.entries.indices.map { package(position: $0, alive: survivors.alive[$0]).tree }
            phase = .revealing
        }
        return .new
    }

    // MARK: Reveals

    /// What `member` is asked to open; nil before the certificate, or for a node without a seat.
    public func revealRequest(for member: NodeIndex) -> RevealRequest? {
        guard let certificate, let survivors, let holder = register.committeePosition(of: member) else { return nil }
        let items = roster.entries.indices.map { position in
            let alive = survivors.alive[position]
            let package = package(position: position, alive: alive)
            let tree = dealtTrees.isEmpty ? package.tree : dealtTrees[position]
            return ShownShare(
                deal: deal(position: position, alive: alive), opening: package.opening(of: holder, in: tree))
        }
        return RevealRequest(
            sessionID: sessionID, certificate: certificate, bitmap: survivors.bitmap, items: items)
    }

    /// Accepts a reveal after checking every share against its dealer's commitment; a share that does not match is
    /// dropped, not trusted. When l good shares are in for every roster position the sum can be opened.
    /// - Throws: ``SecureAggregationError``.
    public mutating func receive(_ reveal: SignedMessage<Reveal>) throws(SecureAggregationError) -> Acceptance {
        guard let survivors, certificate != nil else { throw .wrongPhase("a reveal") }
        guard reveal.body.sessionID == sessionID, reveal.body.labelDigest == survivors.digest else {
            throw .mismatch(field: "labelDigest")
        }
        guard let holder = register.committeePosition(of: reveal.body.node),
            let member = register.node(reveal.body.node)
        else { throw .unknown("committee member") }
        if let stored = reveals[reveal.body.node] {
            guard stored == reveal.digest else { throw .conflict("the reveal") }
            return .repeated
        }
        guard phase == .revealing else { throw .wrongPhase("a reveal") }
        guard reveal.body.shares.count == roster.entries.count else { throw .mismatch(field: "shares") }
        try reveal.verify(by: member.protocolKey)
        // What the member says it answers must be what it was asked: its signature then stands against its own shares.
        guard reveal.body.openingDigest == revealRequest(for: reveal.body.node)?.openingDigest else {
            throw .mismatch(field: "openingDigest")
        }
        reveals[reveal.body.node] = reveal.digest
        if 2 * reveal.body.shares.count(where: { !$0.isEmpty }) > reveal.body.shares.count {
            answeringMembers.insert(reveal.body.node)
        }
        for (position, bytes) in reveal.body.shares.enumerated() where goodShares[position].count < register.quorum {
            let alive = survivors.alive[position]
            guard let share = try? SecretShare(SecretBytes(copying: bytes)),
                let context = deal(position: position, alive: alive).context,
                package(position: position, alive: alive).matches(share, context: context, holder: holder)
            else { continue }
            goodShares[position].append(
                share, of: holder, isLast: goodShares[position].count + 1 == register.quorum)
        }
        if nodesShortOfShares.isEmpty {
            phase = .unmasking
            dealtTrees = []
        }
        return .new
    }

    /// Members whose reveals have a share for more than half of the roster: what is short of shares when l of them have answered
    /// is not short of members.
    public private(set) var answeringMembers: Set<NodeIndex> = []

    /// Nodes for which fewer than l good shares are in. When l of ``answeringMembers`` have answered and a node is still here, its
    /// shares do not open or do not match what it signed, or members withhold them: nothing proves which.
    public var nodesShortOfShares: [NodeIndex] {
        goodShares.indices.filter { goodShares[$0].count < register.quorum }.map { roster.entries[$0].node }
    }

    /// The package that a roster position's shares come from, given its label.
    func package(position: Int, alive: Bool) -> SharePackage {
        if alive, let envelope = uploads[position] { return envelope.shares }
        return prekeyShares[position]
    }

    /// What the node at a roster position signed about that package.
    func deal(position: Int, alive: Bool) -> Deal {
        let prekey = prekeys[position]
        guard alive, let envelope = uploads[position] else { return Deal(prekey: prekey) }
        let isLate = epoch.agreementKeys[prekey.body.node] == nil
        return Deal(upload: envelope.upload, latePrekey: isLate ? prekey : nil)
    }

    // MARK: Unmasking

    /// Joins the shares: all that is needed to take the masks out of the sum.
    /// - Throws: ``SecureAggregationError/wrongPhase(_:)`` too early, ``SecureAggregationError/badShare(_:)`` naming a node
    ///   whose dealt secret does not match its own commitment: ``dealerFaults()`` has the evidence, and the session is void.
    public func unmaskPlan() throws(SecureAggregationError) -> UnmaskPlan {
        guard phase == .unmasking, let survivors else { throw .wrongPhase("unmasking") }
        let graph = graph
        var joiner = SecretJoiner(threshold: register.quorum)
        var selfMasks: [MaskTerm] = []
        var dropped: [DroppedNode] = []
        for (position, entry) in roster.entries.enumerated() {
            let secret = try joiner.join(goodShares[position].shares())
            guard deal(position: position, alive: survivors.alive[position]).isKept(by: secret) else {
                throw .badShare(
                    "\(survivors.alive[position] ? "self-mask seed" : "prekey secret") of node \(entry.node)")
            }
            if survivors.alive[position] {
                let key = try refusing(as: "self mask") {
                    try MaskDerivation.selfMaskKey(sessionID: sessionID, seed: secret, node: entry.node)
                }
                selfMasks.append(MaskTerm(key: key, subtract: true))
            } else {
                let privateKey = try refusing(as: "prekey secret") { try X25519PrivateKey(secret) }
                let survivingNeighbours = graph.neighbours(of: position).filter { survivors.alive[$0] }
                dropped.append(
                    DroppedNode(
                        node: entry.node, privateKey: privateKey,
                        neighbours: survivingNeighbours.map {
                            (prekeys[$0].body.node, prekeys[$0].body.publicKey)
                        }))
            }
        }
        return UnmaskPlan(
            sessionID: sessionID, wordCount: parameters.body.wordCount, generator: parameters.body.generator,
            survivorPositions: survivors.alive.indices.filter { survivors.alive[$0] }, selfMasks: selfMasks,
            dropped: dropped)
    }
}
