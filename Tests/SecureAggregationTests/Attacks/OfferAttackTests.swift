// What a coordinator may try with an offer: rows 6, 10, 11, 12, 13 and 14 of the attack table. Whatever is refused by a
// node is refused by a committee member too, which sees the same parameters again before it votes.

import Cryptography
import TestSupport
import Testing
import Vectors
import WireFormat

@testable import SecureAggregation

struct OfferAttackTests {
    private let scenario: AggregationScenario
    private let session: CoordinatorSession
    private let parameters: SessionParameters
    private let roster: Roster

    init() throws {
        scenario = try AggregationScenario.standard()
        session = try scenario.session()
        parameters = session.parameters.body
        roster = session.roster
    }

    /// What node 4 and member 2 make of parameters that the coordinator signed.
    private func verdicts(
        on altered: SessionParameters, roster: Roster? = nil, key: Ed25519PrivateKey? = nil, now: Int64? = nil
    ) throws -> (node: SecureAggregationError?, member: SecureAggregationError?) {
        var scenario = scenario
        if let now { scenario.now = now }
        let offer = try session.offer(
            for: 4, signing: altered, key: key ?? scenario.coordinatorKey, roster: roster)
        let proposal = LabelProposal(
            parameters: offer.parameters, roster: offer.roster,
            survivors: SurvivorSet(
                sessionID: altered.sessionID, alive: [Bool](repeating: true, count: offer.roster.entries.count)))
        var node: SecureAggregationError?
        do { _ = try scenario.accept(offer, node: 4) } catch { node = error as? SecureAggregationError }
        var member: SecureAggregationError?
        do {
            _ = try scenario.seat(of: 2).decideVote(proposal, locks: CommitteeLocks(), context: scenario.context)
        } catch { member = error as? SecureAggregationError }
        return (node, member)
    }

    private func expectRefused(
        _ altered: SessionParameters, as error: SecureAggregationError, roster: Roster? = nil,
        key: Ed25519PrivateKey? = nil, now: Int64? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let verdicts = try verdicts(on: altered, roster: roster, key: key, now: now)
        #expect(verdicts.node == error, sourceLocation: sourceLocation)
        #expect(verdicts.member == error, sourceLocation: sourceLocation)
    }

    // MARK: Row 6: every field, raised and lowered alone

    @Test("Row 6: the honest offer is accepted") func theHonestOfferIsAccepted() throws {
        let verdicts = try verdicts(on: parameters)
        #expect(verdicts.node == nil && verdicts.member == nil)
    }

    @Test("Row 6: another register, epoch, plan or roster") func bindingsToOtherThings() throws {
        let other = SHA256.hash([9])
        try expectRefused(parameters.altered(registerDigest: other), as: .mismatch(field: "registerDigest"))
        try expectRefused(parameters.altered(epochRoot: other), as: .mismatch(field: "epochRoot"))
        try expectRefused(parameters.altered(planDigest: other), as: .mismatch(field: "planDigest"))
        try expectRefused(parameters.altered(rosterDigest: other), as: .mismatch(field: "rosterDigest"))
    }

    @Test("Row 6: rounds outside the plan", arguments: [0, 21, 22]) func roundsOutsideThePlan(round: UInt64) throws {
        try expectRefused(parameters.altered(round: round), as: .mismatch(field: "round"))
    }

    @Test("Row 6: attempts beyond the second", arguments: [0, 3]) func attemptsBeyondTheSecond(attempt: UInt64) throws {
        try expectRefused(parameters.altered(attempt: attempt), as: .mismatch(field: "attempt"))
    }

    @Test("Row 6: vectors of another length", arguments: [-1, 1, 1000]) func vectorsOfAnotherLength(change: Int) throws
    {
        try expectRefused(
            parameters.altered(dimension: parameters.dimension + change), as: .mismatch(field: "dimension"))
    }

    @Test("Row 6: other lanes", arguments: [LaneLayout.threeBy21, .fourBy16]) func otherLanes(layout: LaneLayout) throws
    {
        try expectRefused(parameters.altered(layout: layout), as: .mismatch(field: "lanes"))
    }

    @Test("Row 6: another generator of masks") func anotherGenerator() throws {
        try expectRefused(parameters.altered(generator: .chaCha20), as: .mismatch(field: "generator"))
    }

    @Test("Row 6: cohorts of another size", arguments: [-1, 1]) func cohortsOfAnotherSize(change: Int) throws {
        try expectRefused(parameters.altered(cohortSize: 18 + change), as: .mismatch(field: "cohortSize"))
    }

    /// Lowered, few honest nodes are left in the sum; raised, the noise share that the plan fixes is too small for it.
    @Test("Row 6: another minimum of survivors", arguments: [-16, -1, 1]) func anotherMinimumOfSurvivors(change: Int)
        throws
    {
        try expectRefused(parameters.altered(minAlive: 17 + change), as: .mismatch(field: "minAlive"))
    }

    @Test("Row 6: each derived parameter raised and lowered", arguments: [-1, 1], 0..<4) func derivedParameters(
        change: Int, field: Int
    ) throws {
        let honest = parameters.derived
        let derived = ProtocolParameters(
            neighbours: honest.neighbours + (field == 0 ? change : 0),
            corruptHalf: honest.corruptHalf + (field == 1 ? change : 0),
            committeeSize: honest.committeeSize + (field == 2 ? change : 0),
            quorum: honest.quorum + (field == 3 ? change : 0))
        // Encoded as what it is: a negative count has no encoding at all.
        if derived.corruptHalf < 0 { return }
        try expectRefused(parameters.altered(derived: derived), as: .mismatch(field: "derived parameters"))
    }

    @Test("Row 6: a consent checkpoint older than the last") func consentThatGoesBackwards() throws {
        try expectRefused(
            parameters.altered(previousConsentSize: parameters.consentSize + 1),
            as: .mismatch(field: "previousConsentSize"))
        let same = try verdicts(on: parameters.altered(previousConsentSize: parameters.consentSize))
        #expect(same.node == nil && same.member == nil)
    }

    @Test("Row 6: deadlines") func deadlines() throws {
        let ends = scenario.epoch.endsAtMilliseconds
        for late in [ends + 1, .max] {
            try expectRefused(parameters.altered(deadlineMilliseconds: late), as: .mismatch(field: "deadline"))
        }
        #expect(try verdicts(on: parameters.altered(deadlineMilliseconds: ends)).node == nil)
        // A node refuses from the deadline on; a member still votes until the grace is over.
        let deadline = parameters.deadlineMilliseconds
        #expect(try verdicts(on: parameters, now: deadline - 1).node == nil)
        let atDeadline = try verdicts(on: parameters, now: deadline)
        #expect(atDeadline.node == .tooLate("the offer") && atDeadline.member == nil)
        let grace = CommitteeMember.graceMilliseconds
        #expect(try verdicts(on: parameters, now: deadline + grace - 1).member == nil)
        #expect(try verdicts(on: parameters, now: deadline + grace).member == .tooLate("the session"))
        try expectRefused(parameters, as: .tooLate("the epoch"), now: ends)
        // A member subtracts from its own clock: a deadline at the edge of the numbers must not trap it.
        for extreme in [Int64.min, 0, -1] {
            #expect(try verdicts(on: parameters.altered(deadlineMilliseconds: extreme)).node == .tooLate("the offer"))
        }
    }

    // MARK: Row 11

    @Test("Row 11: offers that the coordinator did not sign") func offersThatTheCoordinatorDidNotSign() throws {
        for key in [scenario.authority, try scenario.keys(of: 4).protocolKey] {
            try expectRefused(parameters, as: .badSignature(of: "session-parameters"), key: key)
        }
        let honest = session.parameters
        for field in UInt64(1)...2 {
            guard case .bytes(var bytes) = try honest.cborValue.field(field) else { continue }
            bytes[bytes.count - 1] ^= 1
            let forged = try honest.replacing(field, with: .bytes(bytes))
            #expect(throws: SecureAggregationError.badSignature(of: "session-parameters")) {
                try scenario.context.check(forged, roster: roster)
            }
        }
        // A signature of another type over the same bytes is none.
        let body = parameters.encoded()
        let vote = try scenario.coordinatorKey.signature(for: LabelVote.signedBytes(body))
        let confused = try SignedMessage<SessionParameters>(
            cborValue: .message((1, .bytes(body)), (2, .bytes(vote))))
        #expect(throws: SecureAggregationError.self) { try confused.verify(by: scenario.coordinatorKey.publicKey) }
    }

    // MARK: Row 10: all of it is in the session id

    @Test("Row 10: every field is in the session id") func everyFieldChangesTheSession() throws {
        let other = SHA256.hash([9])
        let variants = [
            parameters, parameters.altered(registerDigest: other), parameters.altered(epochRoot: other),
            parameters.altered(round: 2), parameters.altered(attempt: 2), parameters.altered(modelDigest: other),
            parameters.altered(planDigest: other), parameters.altered(consentSize: 11),
            parameters.altered(consentRoot: other), parameters.altered(previousConsentSize: 1),
            parameters.altered(dimension: 101), parameters.altered(layout: .threeBy21),
            parameters.altered(cohortSize: 19), parameters.altered(minAlive: 18),
            parameters.altered(deadlineMilliseconds: 1), parameters.altered(rosterDigest: other),
        ]
        let derived = (0..<4).map { field in
            parameters.altered(
                derived: ProtocolParameters(
                    neighbours: field == 0 ? 1 : parameters.derived.neighbours,
                    corruptHalf: field == 1 ? 1 : parameters.derived.corruptHalf,
                    committeeSize: field == 2 ? 1 : parameters.derived.committeeSize,
                    quorum: field == 3 ? 1 : parameters.derived.quorum))
        }
        #expect(Set((variants + derived).map(\.sessionID)).count == variants.count + derived.count)
        guard case .map(let entries) = parameters.cborValue else { return }
        #expect(entries.map(\.key) == Array(1...19))
    }

    /// Nodes that were shown different models, plans or checkpoints are in different sessions: their masks do not meet.
    @Test("Row 10: nodes that were shown different models do not meet") func nodesShownDifferentModelsDoNotMeet() throws
    {
        let one = try scenario.session(signing: parameters.altered(modelDigest: SHA256.hash([1])), roster: roster)
        let two = try scenario.session(signing: parameters.altered(modelDigest: SHA256.hash([2])), roster: roster)
        let upload = try scenario.upload(
            [Int64](repeating: 0, count: 100), node: 4, offer: #require(two.offer(for: 4)))
        var session = one
        #expect(throws: SecureAggregationError.mismatch(field: "sessionId")) { try session.receive(upload.envelope) }
    }

    // MARK: Row 12: replays

    @Test("Row 12: prekeys and hellos of another epoch") func oldPrekeysAndOldEpochsAreRefused() throws {
        let nextEpoch = try AggregationScenario(epochNumber: 2)
        #expect(nextEpoch.epoch.root != scenario.epoch.root)
        let old = try scenario.prekey(of: 3).bundle
        #expect(throws: SecureAggregationError.mismatch(field: "epochRoot")) {
            try old.verify(register: nextEpoch.register, epoch: nextEpoch.epoch)
        }
        let hello = scenario.announcement.hellos[3]
        #expect(throws: SecureAggregationError.mismatch(field: "epoch of a hello")) {
            try Epoch(
                verifying: EpochAnnouncement(
                    registerDigest: nextEpoch.register.digest, epoch: 2,
                    endsAtMilliseconds: nextEpoch.announcement.endsAtMilliseconds,
                    hellos: nextEpoch.announcement.hellos.map { $0.body.node == 3 ? hello : $0 }),
                register: nextEpoch.register)
        }
    }

    @Test("Row 12: a burned prekey") func aBurnedPrekeyIsRefused() throws {
        let offer = try #require(session.offer(for: 4))
        #expect(throws: SecureAggregationError.alreadyUsed("own prekey")) {
            try AcceptedOffer(checking: offer, node: 4, context: scenario.context, earlierEpochRoot: nil) { _ in nil }
        }
        let other = SHA256.hash([1])
        #expect(throws: SecureAggregationError.mismatch(field: "own prekey")) {
            try AcceptedOffer(checking: offer, node: 4, context: scenario.context, earlierEpochRoot: nil) { _ in other }
        }
        #expect(throws: SecureAggregationError.unknown("own place in the roster")) {
            try AcceptedOffer(checking: offer, node: 40, context: scenario.context, earlierEpochRoot: nil) { _ in other
            }
        }
    }

    /// Row 8: a second attempt before a committee that never promised anything about the first.
    @Test("Row 8: a second attempt before another committee") func aSecondAttemptInAnotherEpochIsRefused() throws {
        let offer = try #require(session.offer(for: 4))
        let own = try scenario.prekey(of: 4).bundle.prekey.body.digest
        let same = scenario.epoch.root
        #expect(throws: Never.self) {
            try AcceptedOffer(checking: offer, node: 4, context: scenario.context, earlierEpochRoot: same) { _ in own }
        }
        #expect(throws: SecureAggregationError.mismatch(field: "epochRoot of an earlier attempt")) {
            try AcceptedOffer(
                checking: offer, node: 4, context: scenario.context, earlierEpochRoot: SHA256.hash([1])
            ) { _ in own }
        }
    }

    // MARK: Row 13: identities

    @Test("Row 13: nobody counts twice") func nobodyCountsTwice() throws {
        let entries = roster.entries
        for wrong in [
            entries + [entries[17]], [entries[1], entries[0]] + entries.dropFirst(2),
            [entries[0]] + entries,
        ] {
            #expect(throws: SecureAggregationError.mismatch(field: "order of the roster")) { try Roster(wrong) }
        }
        let doubled = roster.bytes + roster.bytes.suffix(44)
        #expect(throws: SecureAggregationError.mismatch(field: "order of the roster")) { try Roster(bytes: doubled) }
        for hellos in [
            scenario.announcement.hellos + [scenario.announcement.hellos[17]],
            scenario.announcement.hellos.reversed(),
        ] {
            #expect(throws: SecureAggregationError.mismatch(field: "order of hellos")) {
                try Epoch(
                    verifying: EpochAnnouncement(
                        registerDigest: scenario.register.digest, epoch: 1, endsAtMilliseconds: 1, hellos: hellos),
                    register: scenario.register)
            }
        }
    }

    @Test("Row 13: strangers and impostors") func strangersAreRefused() throws {
        let stranger = RosterEntry(node: 99, sequence: 1, prekeyDigest: SHA256.hash([1]))
        let withStranger = try Roster(roster.entries.dropLast() + [stranger])
        try expectRefused(
            parameters.altered(rosterDigest: withStranger.digest), as: .unknown("node in the roster"),
            roster: withStranger)
        let otherKey = try scenario.keys(of: 5).protocolKey
        let hello = try SignedMessage(
            signing: EpochHello(
                registerDigest: scenario.register.digest, epoch: 1, node: 99,
                agreementKey: X25519PrivateKey(scenario.random.secretBytes(count: 32)).publicKey), key: otherKey)
        #expect(throws: SecureAggregationError.unknown("node in the epoch")) {
            try Epoch(
                verifying: EpochAnnouncement(
                    registerDigest: scenario.register.digest, epoch: 1, endsAtMilliseconds: 1,
                    hellos: scenario.announcement.hellos + [hello]), register: scenario.register)
        }
        let impostor = try SignedMessage(signing: scenario.announcement.hellos[3].body, key: otherKey)
        #expect(throws: SecureAggregationError.badSignature(of: "epoch-hello")) {
            try Epoch(
                verifying: EpochAnnouncement(
                    registerDigest: scenario.register.digest, epoch: 1, endsAtMilliseconds: 1,
                    hellos: scenario.announcement.hellos.map { $0.body.node == 3 ? impostor : $0 }),
                register: scenario.register)
        }
        #expect(throws: SecureAggregationError.tooFew("committee members in the epoch", have: 6, need: 7)) {
            try Epoch(
                verifying: EpochAnnouncement(
                    registerDigest: scenario.register.digest, epoch: 1, endsAtMilliseconds: 1,
                    hellos: Array(scenario.announcement.hellos.dropFirst(2))), register: scenario.register)
        }
    }

    // MARK: Row 14: keys

    /// The order-eight point of Curve25519 and zero (RFC 7748 section 6.1 warns of them), and 2^255 − 19 + 9.
    @Test(
        "Row 14: low-order and non-canonical keys",
        arguments: [
            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
            "0000000000000000000000000000000000000000000000000000000000000000",
            "f6ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        ])
    func bareKeysAreCheckedWhereTheyEnter(key: String) throws {
        let bytes = CBORValue.bytes(try Hex.decode(key))
        #expect(throws: WireFormatError.self) { try scenario.announcement.hellos[3].body.replacing(4, with: bytes) }
        #expect(throws: WireFormatError.self) {
            try scenario.prekey(of: 3).bundle.prekey.body.replacing(4, with: bytes)
        }
    }

    /// Node 5 signs node 6's public key as its own.
    private func copiedPrekey() throws -> (SignedMessage<Prekey>, PrekeyBundle) {
        let copied = Prekey(
            epochRoot: scenario.epoch.root, node: 5, sequence: 1,
            publicKey: try scenario.prekey(of: 6).bundle.prekey.body.publicKey,
            shareRoot: try scenario.prekey(of: 5).bundle.prekey.body.shareRoot)
        let signed = try SignedMessage(signing: copied, key: scenario.keys(of: 5).protocolKey)
        return (signed, PrekeyBundle(prekey: signed, shares: try scenario.prekey(of: 5).bundle.shares))
    }

    @Test("Row 14: copied keys") func copiedKeysAreNoticed() throws {
        let (signed, bundle) = try copiedPrekey()
        let withCopy = try Roster(
            roster.entries.map {
                $0.node == 5 ? RosterEntry(node: 5, sequence: 1, prekeyDigest: signed.body.digest) : $0
            })
        let copied = parameters.altered(rosterDigest: withCopy.digest)
        let offer = RoundOffer(
            parameters: try SignedMessage(signing: copied, key: scenario.coordinatorKey), roster: withCopy,
            neighbourPrekeys: try #require(session.offer(for: 4)).neighbourPrekeys.map {
                $0.body.node == 5 ? signed : $0
            })
        #expect(throws: SecureAggregationError.conflict("neighbour prekey")) { try scenario.accept(offer, node: 4) }
        #expect(throws: SecureAggregationError.conflict("prekey of node 6")) {
            try CoordinatorSession(
                parameters: offer.parameters, roster: withCopy,
                prekeys: withCopy.entries.map {
                    $0.node == 5 ? bundle : try scenario.prekey(of: $0.node).bundle
                }, register: scenario.register, epoch: scenario.epoch)
        }
        let hello = try SignedMessage(
            signing: EpochHello(
                registerDigest: scenario.register.digest, epoch: 1, node: 5,
                agreementKey: scenario.keys(of: 6).agreementKey.publicKey), key: scenario.keys(of: 5).protocolKey)
        #expect(throws: SecureAggregationError.conflict("agreement key")) {
            try Epoch(
                verifying: EpochAnnouncement(
                    registerDigest: scenario.register.digest, epoch: 1, endsAtMilliseconds: 1,
                    hellos: scenario.announcement.hellos.map { $0.body.node == 5 ? hello : $0 }),
                register: scenario.register)
        }
    }

    /// Even if a copy went unnoticed, index and keys in the derivation keep the masks apart.
    @Test("Row 14: a copied key gives another mask") func aCopiedKeyGivesAnotherMask() throws {
        let own = try scenario.prekey(of: 4).privateKey
        let peer = try scenario.prekey(of: 6).bundle.prekey.body.publicKey
        func key(_ node: NodeIndex, _ session: Digest) throws -> SecretBytes {
            try MaskDerivation.pairKey(sessionID: session, own: own, ownNode: 4, peer: peer, peerNode: node)
        }
        #expect(try key(6, session.sessionID) != key(5, session.sessionID))
        #expect(try key(6, session.sessionID) != key(6, SHA256.hash([1])))
    }

    @Test("Row 14: neighbours' prekeys are those of the roster, signed by their owners")
    func neighboursPrekeysAreTheRosters() throws {
        let honest = try #require(session.offer(for: 4))
        func offer(_ prekeys: [SignedMessage<Prekey>]) -> RoundOffer {
            RoundOffer(parameters: honest.parameters, roster: honest.roster, neighbourPrekeys: prekeys)
        }
        let prekeys = honest.neighbourPrekeys
        for wrong in [Array(prekeys.dropLast()), prekeys + [prekeys[0]], []] {
            #expect(throws: SecureAggregationError.mismatch(field: "neighbourPrekeys")) {
                try scenario.accept(offer(wrong), node: 4)
            }
        }
        var swapped = prekeys
        swapped.swapAt(2, 3)
        var another = prekeys
        another[5] = try copiedPrekey().0
        for wrong in [swapped, another] {
            #expect(throws: SecureAggregationError.mismatch(field: "neighbour prekey")) {
                try scenario.accept(offer(wrong), node: 4)
            }
        }
        var forged = prekeys
        forged[5] = try SignedMessage(signing: prekeys[5].body, key: scenario.keys(of: 9).protocolKey)
        #expect(throws: SecureAggregationError.badSignature(of: "prekey")) {
            try scenario.accept(offer(forged), node: 4)
        }
    }

    // MARK: Survivors

    @Test("Row 6: a plan with too few survivors") func aPlanWithTooFewSurvivorsIsRefused() throws {
        let weak = try AggregationScenario(minAlive: 16)
        let session = try weak.session()
        let offer = try #require(session.offer(for: 4))
        #expect(throws: SecureAggregationError.mismatch(field: "minAlive")) { try weak.accept(offer, node: 4) }
        let proposal = LabelProposal(
            parameters: session.parameters, roster: session.roster,
            survivors: SurvivorSet(sessionID: session.sessionID, alive: [Bool](repeating: true, count: 18)))
        #expect(throws: SecureAggregationError.mismatch(field: "minAlive")) {
            try weak.seat(of: 2).decideVote(proposal, locks: CommitteeLocks(), context: weak.context)
        }
    }
}
