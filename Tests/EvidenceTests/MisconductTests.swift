// Somebody with every key of the chain breaks one rule, and signs, logs and seals everything as it should be. What is left
// to find him out is that rule's own check.

import Consent
import Cryptography
import MerkleLog
import SecureAggregation
import TestSupport
import Testing
import Vectors
import WireFormat

@testable import Evidence

@Suite("A chain that breaks its own rules")
struct MisconductTests {
    private static let other = SHA256.hash([99])

    /// A rule broken in round 2, and the check that finds it.
    struct Rule: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let code: String
        let breaking: @Sendable (inout RoundOptions, EvidenceScenario) throws -> Void

        init(
            _ description: String, _ code: String,
            _ breaking: @escaping @Sendable (inout RoundOptions, EvidenceScenario) throws -> Void
        ) {
            testDescription = description
            self.code = code
            self.breaking = breaking
        }
    }

    static let rules: [Rule] = [
        Rule("a commitment before the round is opened", "record-order") { options, _ in
            options.records = [.commitments, .opened, .charge, .release]
        },
        Rule("commitments after the charge", "commitment-missing") { options, _ in
            options.records = [.opened, .charge, .commitments, .release]
        },
        Rule("commitments once more after the charge", "commitment-late") { options, _ in
            options.records = [.opened, .commitments, .charge, .commitments, .release]
        },
        Rule("a node that commits twice", "commitment-repeated") { options, _ in
            options.records = [.opened, .commitments, .commitments, .charge, .release]
        },
        Rule("charge after release", "release-before-charge") { options, _ in
            options.records = [.opened, .commitments, .release, .charge]
        },
        Rule("no charge at all", "release-before-charge") { options, _ in
            options.records = [.opened, .commitments, .release]
        },
        Rule("a second charge", "second-charge") { options, _ in
            options.records = [.opened, .commitments, .charge, .charge, .release]
        },
        Rule("a second release", "second-release") { options, _ in
            options.records = [.opened, .commitments, .charge, .release, .release]
        },
        Rule("a round opened twice", "round-order") { options, _ in
            options.records = [.opened, .opened, .commitments, .charge, .release]
        },
        Rule("another plan", "opened-plan") { options, _ in options.openedPlan = other },
        Rule("a model that was never released", "opened-model") { options, _ in options.openedModel = other },
        Rule("a checkpoint that was never signed", "pinned-checkpoint") { options, scenario in
            options.pinned = try PinnedCheckpoint(size: scenario.tree.count - 1, root: other)
        },
        Rule("spent ε forgotten", "epsilon-decreases") { options, _ in options.epsilonBefore = 9_999 },
        Rule("ε spent on something the bundle does not have", "epsilon-unaccounted") { options, _ in
            options.epsilonBefore = 10_001
        },
        Rule("a charge that lowers ε", "epsilon-decreases") { options, _ in options.epsilonAfter = 9_000 },
        Rule("a charge above the cap", "epsilon-above-cap") { options, _ in options.epsilonAfter = 1_000_001 },
        Rule("a higher cap", "epsilon-cap") { options, _ in options.epsilonCap = 2_000_000 },
        Rule("another register", "parameters") { options, _ in options.registerDigest = other },
        Rule("another root of the pinned checkpoint", "parameters") { options, _ in options.consentRoot = other },
        Rule("no gap for customers who moved", "parameters") { options, scenario in
            options.previousConsentSize = UInt64(scenario.tree.count)
        },
        Rule("attempt 2 without an attempt 1", "parameters") { options, _ in options.attempt = 2 },
        Rule("a charge of another session", "parameters") { options, _ in options.chargeSession = other },
        Rule("an offer that the coordinator did not sign", "parameters-signature") { options, scenario in
            options.offerKey = scenario.stranger
        },
        Rule("fewer survivors than the register allows", "min-alive") { options, _ in
            options.minAlive = 16
            options.dead = [16, 17, 18, 19]
        },
        Rule("fewer survivors than the session promised", "too-few-survivors") { options, _ in
            options.dead = [16, 17, 18, 19]
        },
        Rule("a node in the roster that nobody registered", "roster-node") { options, _ in
            options.replacement = 99
        },
        Rule("fewer votes than a quorum", "certificate") { options, _ in options.voters = [0, 1, 2, 3] },
        Rule("a vote counted twice", "certificate") { options, _ in options.voters = [0, 1, 2, 3, 3] },
        Rule("a vote of a node without a seat", "certificate") { options, _ in options.voters = [0, 1, 2, 3, 9] },
        Rule("votes for another survivor set", "certificate") { options, _ in options.votesForFewer = true },
        Rule("a charge for another certificate", "certificate-digest") { options, _ in
            options.certificateDigest = other
        },
        Rule("a survivor that never committed", "commitment-missing") { options, _ in options.silent = [7] },
        Rule("a commitment that the node did not sign", "commitment-signature") { options, scenario in
            options.commitmentKey = scenario.stranger
        },
        Rule("a commitment at another checkpoint", "commitment-pinned") { options, _ in
            options.commitmentPinnedSize = 48
        },
        Rule("a charge without its attempt", "attempt-missing") { options, _ in options.bundlesAttempt = false },
        Rule("a release of another session", "release-session") { options, _ in options.releaseSession = other },
        Rule("a release for another survivor set", "survivor-digest") { options, _ in
            options.survivorDigest = other
        },
        Rule("a model with another parent", "parent-model") { options, _ in options.parentModel = other },
        Rule("a release paid by another entry", "charge-index") { options, _ in options.chargeIndex = 3 },
    ]

    @Test("is found out, and the rule is named", arguments: rules)
    func rule(_ rule: Rule) throws {
        let scenario = try EvidenceScenario()
        try scenario.play(1)
        try scenario.withdraw(2)
        var options = RoundOptions()
        try rule.breaking(&options, scenario)
        try scenario.play(2, options)
        let error = failure { _ = try scenario.verify(scenario.parts()) }
        #expect(error?.place == .round(2))
        #expect(error?.failure.code == rule.code)
    }

    /// No whole bundle can show this: the root would have to commit to the entry that holds it.
    @Test("cannot pin a checkpoint from after the round was opened")
    func pinnedLate() throws {
        let scenario = try EvidenceScenario()
        let pinned = try scenario.checkpoint()
        let log = try VerifiedLog(scenario.parts().checkpoints, key: scenario.signer.verifierKey)
        let event = try RoundOpened(
            round: RoundReference(job: scenario.job, round: 1), planDigest: scenario.plan.digest,
            modelDigest: Self.other, pinned: pinned, previousPinned: 0, epsilonBeforeMicro: 0, epsilonCapMicro: 1)
        for (index, expected) in [(pinned.size, nil), (pinned.size - 1, EvidenceFailure.pinnedTooLate)] {
            var history = RoundHistory(
                register: scenario.register, plan: scenario.plan, log: log,
                coordinatorKey: scenario.coordinator.publicKey, attempts: [])
            let error = failure { try history.take(.opened(event), index: index, place: .entry(0)) }
            #expect(error?.failure == expected)
        }
    }

    @Test("cannot skip a round, or start at another than the first")
    func roundNumbers() throws {
        for rounds: [UInt32] in [[2], [1, 3], [1, 2, 1]] {
            let scenario = try EvidenceScenario()
            for round in rounds { try scenario.play(round) }
            let error = failure { _ = try scenario.verify(scenario.parts()) }
            #expect(error == EvidenceError(.round(rounds[rounds.count - 1]), .roundOrder))
        }
    }

    @Test("cannot try again on an older checkpoint, with consent that was withdrawn since")
    func pinnedGoesBack() throws {
        let scenario = try EvidenceScenario()
        try scenario.play(1)
        let old = try required(scenario.opened[1]?.pinned)
        try scenario.withdraw(2)
        let previous = scenario.previousPinned
        var first = RoundOptions()
        first.records = [.opened, .commitments]
        try scenario.play(2, first)
        try scenario.void(2, isSpent: false)
        scenario.previousPinned = previous
        var second = RoundOptions()
        second.attempt = 2
        second.pinned = old
        try scenario.play(2, second)
        #expect(failure { _ = try scenario.verify(scenario.parts()) } == EvidenceError(.round(2), .pinnedGoesBack))
    }

    @Test("cannot misname the checkpoint before, which decides who is moving")
    func previousPinned() throws {
        let first = try EvidenceScenario()
        first.previousPinned = 5
        try first.play(1)
        #expect(failure { _ = try first.verify(first.parts()) } == EvidenceError(.round(1), .previousPinned))
        let second = try EvidenceScenario()
        try second.play(1)
        second.previousPinned += 1
        try second.play(2)
        #expect(failure { _ = try second.verify(second.parts()) } == EvidenceError(.round(2), .previousPinned))
    }

    @Test("cannot say that a charge was not spent, or give up what it released")
    func voids() throws {
        for (records, isSpent): ([RoundOptions.Record], Bool) in [
            ([.opened, .commitments, .charge], false), ([.opened, .commitments], true),
            ([.opened, .commitments, .charge, .release], true),
        ] {
            let scenario = try EvidenceScenario()
            var options = RoundOptions()
            options.records = records
            try scenario.play(1, options)
            try scenario.void(1, isSpent: isSpent)
            let error = failure { _ = try scenario.verify(scenario.parts()) }
            #expect(error == EvidenceError(.round(1), .voidContradicts))
        }
    }

    @Test("cannot release from a session it gave up")
    func releaseAfterVoid() throws {
        let scenario = try EvidenceScenario()
        var options = RoundOptions()
        options.records = [.opened, .commitments, .charge]
        try scenario.play(1, options)
        try scenario.void(1, isSpent: true)
        let index = try required(scenario.roundIndices.dropLast().last)
        let survivors = SurvivorSet(
            sessionID: scenario.lastSession, alive: [Bool](repeating: true, count: Int(EvidenceScenario.nodeCount)))
        let round = RoundReference(job: scenario.job, round: 1)
        try scenario.record(
            .modelReleased(
                ModelReleased(
                    attempt: AttemptReference(round: round, session: scenario.lastSession),
                    survivorDigest: survivors.digest, sumDigest: Self.other, modelDigest: Self.other,
                    parentModelDigest: scenario.model, chargeIndex: index)))
        scenario.model = Self.other
        let error = failure { _ = try scenario.verify(scenario.parts()) }
        #expect(error == EvidenceError(.round(1), .voidContradicts))
    }

    @Test("cannot sum over survivors that corrupt nodes could cut off from the others")
    func disconnected() throws {
        let scenario = try EvidenceScenario()
        // Above 300 nodes the mask graph is a ring; a gap as long as a window cuts it.
        let nodes = try (0..<NodeIndex(320)).map { index in
            (index, try Ed25519PrivateKey(scenario.random.secretBytes(count: 32)))
        }
        let register = try Register(
            chain: "test.example", version: 1,
            nodes: nodes.map {
                RegisteredNode(
                    index: $0, name: "store-\($0)", operatorName: "chain", protocolKey: $1.publicKey)
            }, corruptMax: 1, committee: [0, 1, 2, 3, 4], dropoutPermille: 100)
        let roster = try Roster(nodes.map { RosterEntry(node: $0.0, sequence: 1, prekeyDigest: Self.other) })
        let derived = try ProtocolParameters.derive(register: register, cohort: roster.entries.count)
        #expect(derived.neighbours < roster.entries.count - 1)
        let opened = try RoundOpened(
            round: RoundReference(job: scenario.job, round: 1), planDigest: scenario.plan.digest,
            modelDigest: Self.other, pinned: scenario.checkpoint(), previousPinned: 0, epsilonBeforeMicro: 0,
            epsilonCapMicro: 1)
        let parameters = SessionParameters(
            registerDigest: register.digest, epochRoot: Self.other, round: 1, attempt: 1,
            modelDigest: opened.modelDigest, planDigest: opened.planDigest, consentSize: UInt64(opened.pinned.size),
            consentRoot: opened.pinned.root, previousConsentSize: 0, dimension: 64, layout: .twoBy32,
            generator: .aes256Counter,
            cohortSize: roster.entries.count, minAlive: 17, deadlineMilliseconds: 1, derived: derived,
            rosterDigest: roster.digest)
        for (gap, isConnected) in [(derived.neighbours / 2 - 1, true), (derived.neighbours / 2, false)] {
            let survivors = SurvivorSet(
                sessionID: parameters.sessionID, alive: nodes.map { !(100..<100 + gap).contains(Int($0.0)) })
            let certificate = LabelCertificate(
                votes: try nodes.prefix(5).map {
                    try SignedMessage(
                        signing: LabelVote(
                            sessionID: parameters.sessionID, node: $0.0, labelDigest: survivors.digest), key: $0.1)
                })
            let charge = try BudgetCharged(
                attempt: AttemptReference(round: opened.round, session: parameters.sessionID),
                certificateDigest: certificate.digest, costMicro: 1, epsilonAfterMicro: 1)
            let evidence = AttemptEvidence(
                parameters: try SignedMessage(signing: parameters, key: scenario.coordinator), roster: roster,
                survivors: survivors, certificate: certificate)
            let error = failure {
                _ = try VerifiedAttempt(
                    evidence, opened: opened, number: 1, charge: charge, register: register,
                    coordinatorKey: scenario.coordinator.publicKey)
            }
            #expect(error?.failure == (isConnected ? nil : .survivorsDisconnected))
        }
    }

    @Test("cannot mix in another job")
    func otherJob() throws {
        let scenario = try EvidenceScenario()
        try scenario.play(1)
        let round = RoundReference(job: try JobID([UInt8](repeating: 1, count: 16)), round: 1)
        try scenario.record(
            .voided(
                RoundVoided(
                    attempt: AttemptReference(round: round, session: Self.other), reason: .stopped, isSpent: false)))
        let error = failure { _ = try scenario.verify(scenario.parts()) }
        #expect(error == EvidenceError(.entry(23), .otherJob))
    }
}
