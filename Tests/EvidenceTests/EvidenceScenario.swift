// A small chain that trains for real keys and real proofs: 20 nodes, a consent log, rounds with commitments, votes, charges
// and releases. Every rule can be broken on the way, by somebody who holds every key: what is left to stop him is the check.

import Consent
import Cryptography
import MerkleLog
import SecureAggregation
import TestSupport
import Vectors
import WireFormat

@testable import Evidence

/// How a round departs from the protocol. Everything nil or empty: it does not.
struct RoundOptions {
    enum Record { case opened, commitments, charge, release }

    var records: [Record] = [.opened, .commitments, .charge, .release]
    var attempt: UInt64 = 1
    var dead: Set<NodeIndex> = []
    var silent: Set<NodeIndex> = []
    var pinned: PinnedCheckpoint?
    var openedModel: Digest?
    var openedPlan: Digest?
    var epsilonBefore: UInt64?
    var epsilonAfter: UInt64?
    var epsilonCap: UInt64 = 1_000_000
    var registerDigest: Digest?
    var consentRoot: Digest?
    var previousConsentSize: UInt64?
    var minAlive: Int?
    /// Has node 19's place in the roster.
    var replacement: NodeIndex = 19
    var offerKey: Ed25519PrivateKey?
    var voters: [NodeIndex] = [0, 1, 2, 3, 4]
    /// Whether the votes are for everyone but the last survivor.
    var votesForFewer = false
    var certificateDigest: Digest?
    var chargeSession: Digest?
    var releaseSession: Digest?
    var survivorDigest: Digest?
    var parentModel: Digest?
    var chargeIndex: Int?
    /// Signs node 3's commitment instead of node 3.
    var commitmentKey: Ed25519PrivateKey?
    var commitmentPinnedSize: Int?
    /// Nodes that commit to the eligible set of the previous round.
    var usesOldCohort: Set<UInt32> = []
    var bundlesAttempt = true
    /// Which group of the round is played; nil is one sum.
    var group: SubCohortPlace?
    /// Who is offered it.
    var nodes: Range<NodeIndex> = 0..<EvidenceScenario.nodeCount
    var cost: UInt64 = 10_000
}

final class EvidenceScenario {
    /// Nodes of a round.
    static let nodeCount: NodeIndex = 20
    /// Nodes of the register: enough for two groups.
    static let registeredCount: NodeIndex = 40
    static let origin = "ledger.test.example"
    let random = SeededRandomSource(seed: 11)
    let authority, owner, coordinator, ledger, stranger: Ed25519PrivateKey
    var nodeKeys: [Ed25519PrivateKey] = []
    let register: Register
    let plan: SignedPlan
    let signer: NoteSigner
    let start: Int64 = 1_800_000_000_000

    var entries: [LedgerEntry] = []
    var tree = MerkleTree()
    var state = LedgerState()
    var roundIndices: [Int] = []
    var notes: [(size: Int, note: SignedNote)] = []
    var attempts: [AttemptEvidence] = []
    var cohorts: [UInt32: [NodeIndex: Cohort]] = [:]
    var views: [UInt32: [NodeIndex: VerifiedView]] = [:]
    var opened: [UInt32: RoundOpened] = [:]
    var previousPinned = 0
    var model = SHA256.hash([0])
    var epsilon: UInt64 = 0
    var lastSession = SHA256.hash([])

    init() throws {
        func key(_ random: SeededRandomSource) throws -> Ed25519PrivateKey {
            try Ed25519PrivateKey(random.secretBytes(count: 32))
        }
        authority = try key(random)
        owner = try key(random)
        coordinator = try key(random)
        ledger = try key(random)
        stranger = try key(random)
        for _ in 0..<Self.registeredCount { nodeKeys.append(try key(random)) }
        let keys = nodeKeys
        register = try Register(
            chain: "test.example", version: 3,
            nodes: (0..<Self.registeredCount).map {
                RegisteredNode(
                    index: $0, name: "store-\($0)", operatorName: "chain", protocolKey: keys[Int($0)].publicKey)
            }, corruptMax: 1, committee: [0, 1, 2, 3, 4], dropoutPermille: 100)
        let body = CBORValue.message((1, .text("a plan that is opaque here"))).encoded()
        plan = SignedPlan(
            bodyBytes: body,
            signature: try owner.signature(for: [UInt8]("concord-secagg/1/training-plan\0".utf8) + body))
        signer = try NoteSigner(name: Self.origin, key: ledger)
        for subject in 0..<UInt8(24) { try grant(subject) }
    }

    var anchors: TrustAnchors {
        TrustAnchors(
            chain: "test.example", authorityKey: authority.publicKey, planOwnerKey: owner.publicKey,
            coordinatorKey: coordinator.publicKey, ledgerVerifierKey: signer.verifierKey.text)
    }

    var job: JobID { plan.jobID }

    // MARK: The log

    @discardableResult
    func append(_ category: LedgerLeaf.Category, _ payload: [UInt8]) throws -> Int {
        let index = entries.count
        let entry = try LedgerEntry.make(
            category, payload: payload, source: 7, sourceSequence: UInt64(index),
            recordedMilliseconds: start + Int64(index) * 1000, random: random)
        entries.append(entry)
        tree.append(leafHash: entry.leaf.hash)
        return index
    }

    @discardableResult
    func record(_ event: RoundEvent) throws -> Int {
        let index = try append(.round, event.encoded())
        try state.skip(index: index)
        roundIndices.append(index)
        return index
    }

    func handle(_ subject: UInt8) throws -> SubjectHandle {
        try SubjectHandle(SHA256.hash([subject]).bytes.prefix(16))
    }

    @discardableResult
    func consent(_ event: ConsentEvent) throws -> Int {
        let index = try append(.consent, event.encoded())
        try state.ingest(event, index: index, recordedMilliseconds: entries[index].leaf.recordedMilliseconds)
        return index
    }

    func identifier(_ subject: UInt8, _ kind: UInt8) throws -> EventIdentifier {
        try EventIdentifier([subject, kind] + [UInt8](repeating: 0, count: 14))
    }

    /// Home node: the first five subjects are node 0's, the others have a node of their own.
    func home(_ subject: UInt8) -> UInt32 { subject < 5 ? 0 : UInt32(subject - 4) }

    func grant(_ subject: UInt8, kind: UInt8 = 1, seen: [EventIdentifier] = []) throws {
        try consent(
            ConsentEvent(
                .granted, of: handle(subject), identifier: identifier(subject, kind),
                purposes: [PurposeDecision(.grant, .trainFederated)], legalBasis: .consent, jurisdiction: "DE",
                notice: NoticeReference(identifier: "n", version: 1, digest: SHA256.hash([1])), channel: .app,
                actor: .subject, capturedAtMilliseconds: start, seen: seen))
        if seen.isEmpty {
            try consent(
                ConsentEvent(
                    .homeAssigned, of: handle(subject), identifier: identifier(subject, 2), channel: .system,
                    actor: .system, homeNode: home(subject), capturedAtMilliseconds: start))
        }
    }

    @discardableResult
    func withdraw(_ subject: UInt8, purpose: Purpose = .trainFederated) throws -> Int {
        try consent(
            ConsentEvent(
                .withdrawn, of: handle(subject), identifier: identifier(subject, 3),
                purposes: [PurposeDecision(.deny, purpose)], channel: .app, actor: .subject,
                capturedAtMilliseconds: start, seen: [identifier(subject, 1)]))
    }

    @discardableResult
    func checkpoint() throws -> PinnedCheckpoint {
        if notes.last?.size != tree.count {
            let checkpoint = try Checkpoint(origin: Self.origin, size: tree.count, root: tree.root)
            notes.append((tree.count, try signer.sign(checkpoint.body)))
        }
        return try PinnedCheckpoint(size: tree.count, root: tree.root)
    }

    // MARK: Rounds

    /// - Returns: what a release says of the session.
    @discardableResult
    func play(_ round: UInt32, _ options: RoundOptions = RoundOptions()) throws -> ReleasedGroup {
        let pinned = try options.pinned ?? checkpoint()
        let reference = RoundReference(job: job, round: round)
        let event = try RoundOpened(
            round: reference, planDigest: options.openedPlan ?? plan.digest, modelDigest: options.openedModel ?? model,
            pinned: pinned, previousPinned: previousPinned, epsilonBeforeMicro: options.epsilonBefore ?? epsilon,
            epsilonCapMicro: options.epsilonCap)
        let roster = try Roster(
            options.nodes.map {
                RosterEntry(
                    node: $0 == 19 ? options.replacement : $0, sequence: UInt64(round),
                    prekeyDigest: SHA256.hash([UInt8($0), UInt8(round)]))
            })
        let parameters = SessionParameters(
            registerDigest: options.registerDigest ?? register.digest, epochRoot: SHA256.hash([9]),
            round: UInt64(round), attempt: options.attempt, modelDigest: event.modelDigest,
            planDigest: event.planDigest, consentSize: UInt64(pinned.size),
            consentRoot: options.consentRoot ?? pinned.root,
            previousConsentSize: options.previousConsentSize ?? UInt64(previousPinned), dimension: 64,
            layout: .twoBy32, generator: .aes256Counter, cohortSize: roster.entries.count,
            minAlive: options.minAlive ?? 17,
            deadlineMilliseconds: start + 60_000,
            derived: try ProtocolParameters.derive(register: register, cohort: roster.entries.count),
            rosterDigest: roster.digest, subCohort: options.group)
        let attempt = AttemptReference(round: reference, session: parameters.sessionID)
        let survivors = SurvivorSet(
            sessionID: attempt.session, alive: options.nodes.map { !options.dead.contains($0) })
        let certificate = try certificate(survivors, options)
        var chargeIndex = 0
        for record in options.records {
            switch record {
            case .opened: try self.record(.opened(event))
            case .commitments:
                try commit(attempt, pinned: pinned, options)
            case .charge:
                epsilon = options.epsilonAfter ?? epsilon + options.cost
                chargeIndex = try self.record(
                    .budgetCharged(
                        BudgetCharged(
                            attempt: AttemptReference(
                                round: reference, session: options.chargeSession ?? attempt.session),
                            certificateDigest: options.certificateDigest ?? certificate.digest, costMicro: options.cost,
                            epsilonAfterMicro: epsilon)))
            case .release:
                let released = SHA256.hash([UInt8(round)])
                try self.record(
                    .modelReleased(
                        ModelReleased(
                            attempt: AttemptReference(
                                round: reference, session: options.releaseSession ?? attempt.session),
                            survivorDigest: options.survivorDigest ?? survivors.digest, sumDigest: SHA256.hash([5]),
                            modelDigest: released, parentModelDigest: options.parentModel ?? event.modelDigest,
                            chargeIndex: options.chargeIndex ?? chargeIndex)))
                model = released
            }
        }
        if options.records.contains(.charge), options.bundlesAttempt {
            attempts.append(
                AttemptEvidence(
                    parameters: try SignedMessage(signing: parameters, key: options.offerKey ?? coordinator),
                    roster: roster, survivors: survivors, certificate: certificate))
        }
        opened[round] = event
        lastSession = attempt.session
        // Groups of a round share its opening.
        if options.group == nil || options.records.contains(.release) { previousPinned = pinned.size }
        return try ReleasedGroup(
            session: attempt.session, survivorDigest: survivors.digest, sumDigest: SHA256.hash([5]),
            chargeIndex: chargeIndex)
    }

    /// A round of two groups, the second for nothing, and the release that `change` makes of both.
    func playGroups(
        _ round: UInt32, second change: (inout RoundOptions) -> Void = { _ in },
        release: ([ReleasedGroup]) -> [ReleasedGroup] = { $0 }
    ) throws {
        let pinned = try checkpoint()
        let first = try play(
            round,
            RoundOptions(
                records: [.opened, .commitments, .charge], pinned: pinned, group: SubCohortPlace(index: 1, count: 2)))
        var options = RoundOptions(
            records: [.commitments, .charge], pinned: pinned, group: SubCohortPlace(index: 0, count: 2), nodes: 20..<40,
            cost: 0)
        change(&options)
        let second = try play(round, options)
        let groups = release([first, second])
        let released = SHA256.hash([UInt8(round)])
        let named = try required(groups.first)
        try record(
            .modelReleased(
                ModelReleased(
                    attempt: AttemptReference(round: RoundReference(job: job, round: round), session: named.session),
                    survivorDigest: named.survivorDigest, sumDigest: named.sumDigest, modelDigest: released,
                    parentModelDigest: model, chargeIndex: named.chargeIndex, otherGroups: Array(groups.dropFirst()))))
        model = released
        previousPinned = pinned.size
    }

    func void(_ round: UInt32, session: Digest? = nil, isSpent: Bool) throws {
        try record(
            .voided(
                RoundVoided(
                    attempt: AttemptReference(
                        round: RoundReference(job: job, round: round), session: session ?? lastSession),
                    reason: .committeeUnavailable, isSpent: isSpent)))
    }

    private func certificate(_ survivors: SurvivorSet, _ options: RoundOptions) throws -> LabelCertificate {
        var voted = survivors
        if options.votesForFewer, let last = survivors.alive.lastIndex(of: true) {
            var alive = survivors.alive
            alive[last] = false
            voted = SurvivorSet(sessionID: survivors.sessionID, alive: alive)
        }
        return LabelCertificate(
            votes: try options.voters.map {
                try SignedMessage(
                    signing: LabelVote(sessionID: survivors.sessionID, node: $0, labelDigest: voted.digest),
                    key: nodeKeys[Int($0)])
            })
    }

    private func commit(_ attempt: AttemptReference, pinned: PinnedCheckpoint, _ options: RoundOptions) throws {
        let round = attempt.round.round
        for node in options.nodes where !options.dead.contains(node) && !options.silent.contains(node) {
            let view = try view(node, pinned: pinned)
            let salt = try CohortSalt(random: random)
            let cohort = Cohort(view, salt: salt)
            var commitment = cohort.commitment(for: attempt)
            if options.usesOldCohort.contains(node), let old = views[round - 1]?[node] {
                commitment = try replacing(
                    commitment, pinnedSize: commitment.pinnedSize, cohortRoot: Cohort(old, salt: salt).root)
            }
            if let size = options.commitmentPinnedSize, node == 3 {
                commitment = try replacing(commitment, pinnedSize: size, cohortRoot: commitment.cohortRoot)
            }
            views[round, default: [:]][node] = view
            cohorts[round, default: [:]][node] = cohort
            let key = node == 3 ? options.commitmentKey ?? nodeKeys[3] : nodeKeys[Int(node)]
            try record(
                .cohortCommitted(CohortCommitted(commitment: commitment, signature: commitment.signature(by: key))))
        }
    }

    private func replacing(
        _ commitment: CohortCommitment, pinnedSize: Int, cohortRoot: Digest
    ) throws -> CohortCommitment {
        guard case .map(var fields) = commitment.cborValue else { throw ConsentError.commitmentMismatch }
        fields[4] = .init(5, CBORValue(Int64(pinnedSize)))
        fields[6] = .init(7, .bytes(cohortRoot.bytes))
        return try CohortCommitment(cborValue: .map(fields))
    }

    func view(_ node: NodeIndex, pinned: PinnedCheckpoint) throws -> VerifiedView {
        let view = try state.view(
            node: node, origin: Self.origin, pinned: pinned, previousPinned: previousPinned,
            asOfMilliseconds: start + 500_000)
        return try VerifiedView(
            verifying: view, signature: view.statement.signature(by: ledger), by: ledger.publicKey,
            origin: Self.origin, node: node, pinned: pinned, previousPinned: previousPinned)
    }

    // MARK: The bundle

    func evidence(at index: Int) throws -> LogEntryEvidence {
        LogEntryEvidence(entry: entries[index], proof: try tree.inclusionProof(index: index, size: tree.count))
    }

    /// Proofs that a subject of node 0 was outside a round. Call it after the last record.
    func withdrawal(of subject: UInt8, event: Int, round: UInt32) throws -> WithdrawalEvidence {
        let node = home(subject)
        let handle = try handle(subject)
        let view = try required(views[round]?[node])
        let viewTree = ViewTree(view)
        let standing: WithdrawalEvidence.Standing
        if let row = try viewTree.row(of: handle) {
            standing = .row(row)
        } else {
            standing = .absent(try required(try viewTree.absence(of: handle)))
        }
        let cohort = try required(cohorts[round]?[node])
        // A subject who is in the cohort has no absence to show: a liar shows somebody else's.
        let absence =
            try cohort.absence(of: handle) ?? cohort.absence(of: SubjectHandle([UInt8](repeating: 7, count: 16)))
        return WithdrawalEvidence(
            handle: handle, event: try evidence(at: event), round: round, node: node, statement: view.view.statement,
            statementSignature: try view.view.statement.signature(by: ledger), standing: standing,
            cohortAbsence: try required(absence))
    }

    func parts(withdrawals: [WithdrawalEvidence] = []) throws -> EvidenceParts {
        try checkpoint()
        var checkpoints: [CheckpointEvidence] = []
        for (position, item) in notes.enumerated() {
            let hashes =
                position == 0
                ? [] : try tree.consistencyProof(from: notes[position - 1].size, to: item.size).hashes
            checkpoints.append(CheckpointEvidence(note: item.note, consistency: hashes))
        }
        return EvidenceParts(
            register: try SignedMessage(signing: register, key: authority), plan: plan, checkpoints: checkpoints,
            entries: try roundIndices.map { try evidence(at: $0) }, attempts: attempts, withdrawals: withdrawals,
            modelDigest: model)
    }

    func sealed(_ parts: EvidenceParts) throws -> [UInt8] {
        try EvidenceBundle.sealed(parts: parts, key: coordinator).encoded()
    }

    func verify(_ parts: EvidenceParts, model: [UInt8]? = nil) throws -> EvidenceReport {
        try EvidenceVerifier(anchors: anchors).verify(bytes: sealed(parts), modelBytes: model)
    }

    /// Two rounds; a customer of node 0 withdraws between them.
    static func complete(_ second: RoundOptions = RoundOptions()) throws -> (EvidenceScenario, EvidenceParts) {
        let scenario = try EvidenceScenario()
        var first = RoundOptions()
        first.dead = [19]
        try scenario.play(1, first)
        let event = try scenario.withdraw(2)
        try scenario.play(2, second)
        try scenario.checkpoint()
        return (
            scenario, try scenario.parts(withdrawals: [scenario.withdrawal(of: 2, event: event, round: 2)])
        )
    }
}

/// What a scenario needs and must have.
struct MissingInScenario: Error {}

func required<Value>(_ value: Value?) throws -> Value {
    guard let value else { throw MissingInScenario() }
    return value
}
