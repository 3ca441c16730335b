// What a bundle that holds looks like to an auditor.

import Cryptography
import MerkleLog
import SecureAggregation
import Testing
import WireFormat

@testable import Evidence

@Suite("A complete bundle")
struct CompleteBundleTests {
    @Test("verifies, and reports what it shows")
    func verifies() throws {
        let (scenario, parts) = try EvidenceScenario.complete()
        let report = try scenario.verify(parts, model: [2])
        #expect(report.chain == "test.example")
        #expect(report.logSize == scenario.tree.count)
        #expect(report.rounds.map(\.round) == [1, 2])
        #expect(report.rounds.map { $0.charge?.survivingNodes } == [19, 20])
        #expect(report.rounds.map { $0.charge?.offeredNodes } == [20, 20])
        #expect(report.rounds.map(\.epsilonAfterMicro) == [10_000, 20_000])
        #expect(report.rounds.allSatisfy { ($0.charge?.index ?? .max) < ($0.release?.index ?? 0) })
        #expect(report.modelDigest == SHA256.hash([2]))
        #expect(report.isModelFileVerified)
        #expect(report.withdrawals.map(\.round) == [2])
        #expect(report.checks.survivorCommitments == 39)
        #expect(report.checks.signatures == 3 + 3 + 39 + 2 + 10 + 1)
    }

    @Test("survives decoding and encoding unchanged")
    func roundTrips() throws {
        let (scenario, parts) = try EvidenceScenario.complete()
        let bytes = try scenario.sealed(parts)
        let decoded = try EvidenceBundle(decoding: bytes)
        #expect(decoded.parts == parts)
        #expect(decoded.encoded() == bytes)
    }

    @Test("may hold a round that was given up, and a second attempt of a round")
    func voidedRounds() throws {
        let scenario = try EvidenceScenario()
        try scenario.play(1)
        // Round 2: charged, then given up: spent, and no model.
        var spent = RoundOptions()
        spent.records = [.opened, .commitments, .charge]
        try scenario.play(2, spent)
        try scenario.void(2, isSpent: true)
        // Round 3: the first session is given up before the charge, the second releases.
        var first = RoundOptions()
        first.records = [.opened, .commitments]
        let previous = scenario.previousPinned
        try scenario.play(3, first)
        let session = scenario.lastSession
        try scenario.void(3, session: session, isSpent: false)
        scenario.previousPinned = previous
        var second = RoundOptions()
        second.attempt = 2
        try scenario.play(3, second)
        let report = try scenario.verify(scenario.parts())
        #expect(report.rounds.map(\.voidedSessions) == [0, 1, 1])
        #expect(report.rounds.map { $0.release != nil } == [true, false, true])
        #expect(report.rounds.last?.charge?.attempt == 2)
        #expect(report.epsilonMicro == 30_000)
    }

    @Test("is refused under any other trust anchor, each named")
    func otherAnchors() throws {
        let (scenario, parts) = try EvidenceScenario.complete()
        let bytes = try scenario.sealed(parts)
        let real = scenario.anchors
        let other = scenario.stranger
        func code(
            chain: String? = nil, authority: Ed25519PrivateKey? = nil, owner: Ed25519PrivateKey? = nil,
            coordinator: Ed25519PrivateKey? = nil, log: NoteVerifierKey? = nil
        ) throws -> String? {
            let anchors = TrustAnchors(
                chain: chain ?? real.chain, authorityKey: authority?.publicKey ?? real.authorityKey,
                planOwnerKey: owner?.publicKey ?? real.planOwnerKey,
                coordinatorKey: coordinator?.publicKey ?? real.coordinatorKey,
                ledgerVerifierKey: log?.text ?? real.ledgerVerifierKey)
            return failure { _ = try EvidenceVerifier(anchors: anchors).verify(bytes: bytes) }?.failure.code
        }
        #expect(try code() == nil)
        #expect(try code(chain: "other.example") == "chain")
        #expect(try code(authority: other) == "register-signature")
        #expect(try code(owner: other) == "plan-signature")
        #expect(try code(coordinator: other) == "parameters-signature")
        let otherLog = try NoteVerifierKey(name: EvidenceScenario.origin, publicKey: other.publicKey)
        #expect(try code(log: otherLog) == "checkpoint")
        let otherName = try NoteVerifierKey(name: "other", publicKey: scenario.ledger.publicKey)
        #expect(try code(log: otherName) == "checkpoint")
    }

    @Test("is refused as the model's bundle for any other model file")
    func otherModel() throws {
        let (scenario, parts) = try EvidenceScenario.complete()
        #expect(failure { _ = try scenario.verify(parts, model: [3]) } == EvidenceError(.model, .modelBytes))
    }
}

/// The bundle's failure that `body` ends in; nil if it succeeds.
func failure(_ body: () throws -> Void) -> EvidenceError? {
    do {
        try body()
        return nil
    } catch let error as EvidenceError {
        return error
    } catch {
        Issue.record("unexpected error: \(error)")
        return nil
    }
}
