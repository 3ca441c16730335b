// The committee's quorum, checked exhaustively for small committees: rows 4 and 5 of the attack table.

import Cryptography
import TestSupport
import Testing
import Vectors
import WireFormat

@testable import SecureAggregation

/// The committee's two decisions under every split of its honest members.
struct QuorumModelTests {
    /// How a member answers two conflicting requests: what an honest one does follows from the real decisions.
    private enum Member { case honest, corrupt, forgetful }

    /// For every assignment of roles within the bounds and every order in which each honest member meets the two requests:
    /// the largest number of answers that both requests reach.
    private func best(
        committee: Int, corruptMax: Int, forgetfulMax: Int, honest: (_ firstIsA: Bool) -> (a: Bool, b: Bool)
    ) -> Int {
        let outcomes = [honest(true), honest(false)]
        var best = 0
        // Members with the same role are alike, so roles are counted; the orders of honest members are enumerated.
        for corrupt in 0...corruptMax {
            for forgetful in 0...forgetfulMax where corrupt + forgetful <= committee {
                let rest = committee - corrupt - forgetful
                for order in 0..<(1 << rest) {
                    var a = corrupt + forgetful
                    var b = corrupt + forgetful
                    for member in 0..<rest {
                        let outcome = outcomes[order >> member & 1]
                        if outcome.a { a += 1 }
                        if outcome.b { b += 1 }
                    }
                    best = max(best, min(a, b))
                }
            }
        }
        return best
    }

    /// An honest member's answers to two requests in one order, with the real decision and real locks.
    private func answers(
        _ first: (CommitteeLocks) throws -> [LockChange], _ second: (CommitteeLocks) throws -> [LockChange]
    ) throws -> (first: Bool, second: Bool) {
        var locks = CommitteeLocks()
        for change in try first(locks) { locks.apply(change) }
        // The same request again gets the same answer and promises nothing new.
        #expect(try first(locks).isEmpty)
        do {
            _ = try second(locks)
            return (true, true)
        } catch SecureAggregationError.locked {
            return (true, false)
        }
    }

    private func check(
        _ a: (CommitteeLocks) throws -> [LockChange], _ b: (CommitteeLocks) throws -> [LockChange]
    ) throws {
        let forward = try answers(a, b)
        let backward = try answers(b, a)
        let honest = { (firstIsA: Bool) in
            firstIsA ? (a: forward.first, b: forward.second) : (a: backward.second, b: backward.first)
        }
        for committee in 5...9 {
            for corrupt in 1...2 {
                let quorum = Register.quorum(committeeSize: committee, corruptMax: corrupt)
                guard quorum <= committee, corrupt + 3 <= committee else { continue }
                let reached = best(
                    committee: committee, corruptMax: corrupt, forgetfulMax: Register.forgetfulMax, honest: honest)
                #expect(reached < quorum, "both reach the quorum of \(quorum) with L \(committee), C \(corrupt)")
                #expect(reached >= quorum - 1, "a quorum one smaller would be enough")
            }
        }
    }

    /// Row 4: two survivor sets for one session.
    @Test("Row 4: two labels of one session") func twoLabelsOfOneSession() throws {
        let scenario = try AggregationScenario.standard()
        let session = try scenario.session()
        func vote(dropping node: Int) -> (CommitteeLocks) throws -> [LockChange] {
            let proposal = LabelProposal(
                parameters: session.parameters, roster: session.roster,
                survivors: SurvivorSet(sessionID: session.sessionID, alive: (0..<18).map { $0 != node }))
            return {
                try scenario.seat(of: 0).decideVote(proposal, locks: $0, context: scenario.context).lockChanges
            }
        }
        try check(vote(dropping: 3), vote(dropping: 4))
    }

    /// Row 9: one prekey in two sessions, alive in one and dropped in the other.
    @Test("Row 9: one prekey in two sessions") func onePrekeyInTwoSessions() throws {
        let scenario = try AggregationScenario.standard()
        func vote(round: UInt64) throws -> (CommitteeLocks) throws -> [LockChange] {
            let session = try scenario.session(round: round)
            let proposal = LabelProposal(
                parameters: session.parameters, roster: session.roster,
                survivors: SurvivorSet(sessionID: session.sessionID, alive: [Bool](repeating: true, count: 18)))
            return {
                try scenario.seat(of: 0).decideVote(proposal, locks: $0, context: scenario.context).lockChanges
            }
        }
        try check(vote(round: 1), vote(round: 2))
    }

    /// A session certified for `alive` by seven votes, and the request for member 0.
    private static func certified(
        _ scenario: AggregationScenario, attempt: UInt64 = 1, dropping node: NodeIndex = 17,
        items change: (inout [ShownShare]) -> Void = { _ in }
    ) throws -> (CommitteeLocks) throws -> [LockChange] {
        let session = try scenario.session(attempt: attempt)
        let survivors = SurvivorSet(sessionID: session.sessionID, alive: (0..<18).map { $0 != Int(node) })
        let votes = try scenario.register.committee.prefix(7).map { member in
            try SignedMessage(
                signing: LabelVote(sessionID: session.sessionID, node: member, labelDigest: survivors.digest),
                key: scenario.keys(of: member).protocolKey)
        }
        var items = [ShownShare](
            repeating: try .of(scenario.prekey(of: 0).bundle, holder: 0), count: 18)
        change(&items)
        let request = RevealRequest(
            sessionID: session.sessionID, certificate: LabelCertificate(votes: votes), bitmap: survivors.bitmap,
            items: items)
        return {
            try scenario.seat(of: 0).decideReveal(
                request, parameters: session.parameters, roster: session.roster, locks: $0,
                agreementKey: scenario.keys(of: 0).agreementKey, context: scenario.context
            ).lockChanges
        }
    }

    /// Row 4: both kinds of share of one node. The certificates here are forged with every member's key, as if a quorum had
    /// voted for both: the reveal alone must refuse the second.
    @Test("Row 4: both kinds of share of one node") func bothKindsOfShareOfOneNode() throws {
        let scenario = try AggregationScenario.standard()
        try check(Self.certified(scenario, dropping: 3), Self.certified(scenario, dropping: 4))
    }

    /// Row 8: two attempts at one round, with fresh prekeys, both certified.
    @Test("Row 8: two attempts at one round") func twoAttemptsAtOneRound() throws {
        let first = try AggregationScenario.standard()
        var second = first
        for node in NodeIndex(0)..<18 { try second.dealPrekey(node, sequence: 2) }
        try check(Self.certified(first), Self.certified(second, attempt: 2))
    }

    /// Row 9: two uploads of one cloned node in one session.
    @Test("Row 9: two uploads of a cloned node in one session") func twoCiphertextsOfOneNode() throws {
        let scenario = try AggregationScenario.standard()
        let other = try ShownShare.of(scenario.prekey(of: 1).bundle, holder: 0)
        try check(
            Self.certified(scenario),
            Self.certified(scenario) { $0[4] = other })
    }

    /// Row 5: one more forgetful member than r would let both through, so r is what it must be.
    @Test("Row 5: more forgetful members than the bound would be too many")
    func moreForgetfulMembersThanTheBoundWouldBeTooMany() {
        let honest = { (firstIsA: Bool) in (a: firstIsA, b: !firstIsA) }
        for committee in [7, 9] {
            let quorum = Register.quorum(committeeSize: committee, corruptMax: 1)
            #expect(best(committee: committee, corruptMax: 1, forgetfulMax: 3, honest: honest) < quorum)
            #expect(best(committee: committee, corruptMax: 1, forgetfulMax: 5, honest: honest) >= quorum)
        }
    }
}
