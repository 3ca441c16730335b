// A model check of the committee's two decisions: rows 4, 5 and 8 of the attack table. The decisions and the locks are the
// real ones; what is enumerated is everything the coordinator and the network choose: who is corrupt, who forgets, and
// which requests reach which honest member in which order.

import Cryptography
import TestSupport
import Testing
import Vectors
import WireFormat

@testable import SecureAggregation

struct CommitteeModelTests {
    /// A committee of seven with C = 1, so l = 6.
    private static let scenario = Result { try AggregationScenario(committee: 7) }

    /// A request as one member decides on it.
    typealias Request = (_ seat: NodeIndex, _ locks: CommitteeLocks) throws -> [LockChange]

    /// What the requests ask for, none of which may reach a quorum beside another.
    struct Conflict {
        let name: String
        let requests: [Request]
    }

    // MARK: What a member may be asked

    private static func vote(_ scenario: AggregationScenario, _ session: CoordinatorSession, dropping: Int?) -> Request
    {
        let proposal = LabelProposal(
            parameters: session.parameters, roster: session.roster,
            survivors: SurvivorSet(sessionID: session.sessionID, alive: (0..<18).map { $0 != dropping }))
        return { seat, locks in
            try scenario.seat(of: seat).decideVote(proposal, locks: locks, context: scenario.context).lockChanges
        }
    }

    /// A reveal under a certificate made with every member's key, as if a quorum had voted: a member's own locks must do.
    private static func reveal(
        _ scenario: AggregationScenario, _ session: CoordinatorSession, dropping: Int?, showing node: NodeIndex = 0
    ) throws -> Request {
        let survivors = SurvivorSet(sessionID: session.sessionID, alive: (0..<18).map { $0 != dropping })
        let votes = try scenario.register.committee.prefix(scenario.register.quorum).map { member in
            try SignedMessage(
                signing: LabelVote(sessionID: session.sessionID, node: member, labelDigest: survivors.digest),
                key: scenario.keys(of: member).protocolKey)
        }
        let request = RevealRequest(
            sessionID: session.sessionID, certificate: LabelCertificate(votes: votes), bitmap: survivors.bitmap,
            items: [ShownShare](
                repeating: try .of(scenario.prekey(of: node).bundle, holder: 0), count: 18))
        return { seat, locks in
            try scenario.seat(of: seat).decideReveal(
                request, parameters: session.parameters, roster: session.roster, locks: locks,
                agreementKey: scenario.keys(of: seat).agreementKey, context: scenario.context
            ).lockChanges
        }
    }

    private static func conflicts() throws -> [Conflict] {
        let first = try scenario.get()
        let session = try first.session()
        var fresh = first
        for node in NodeIndex(0)..<18 { try fresh.dealPrekey(node, sequence: 2) }
        let retry = try fresh.session(attempt: 2)
        // Same nodes and keys; another epoch, and another version of the register.
        var laterEpoch = try AggregationScenario(committee: 7, epochNumber: 2)
        var laterRegister = try AggregationScenario(committee: 7, epochNumber: 3, version: 2)
        // Prekeys keep counting: only the promise about the round is left to refuse a second opening.
        for node in NodeIndex(0)..<18 {
            try laterEpoch.dealPrekey(node, sequence: 3)
            try laterRegister.dealPrekey(node, sequence: 4)
        }
        return [
            Conflict(
                name: "labels of a session",
                requests: [3, 4, nil].map { vote(first, session, dropping: $0) }),
            Conflict(
                name: "kinds of a node",
                requests: try [3, 4, nil].map { try reveal(first, session, dropping: $0) }),
            Conflict(
                name: "attempts at a round",
                requests: [
                    try reveal(first, session, dropping: nil), try reveal(fresh, retry, dropping: nil),
                    try reveal(fresh, retry, dropping: 5),
                ]),
            Conflict(
                name: "openings of a session",
                requests: try [1, 2, 3].map { try reveal(first, session, dropping: nil, showing: $0) }),
            Conflict(
                name: "sessions of a prekey",
                requests: [
                    vote(first, session, dropping: nil), vote(first, try first.session(round: 2), dropping: nil),
                    vote(first, try first.session(round: 1, attempt: 2), dropping: nil),
                ]),
            Conflict(
                name: "vote and reveal of different labels",
                requests: [
                    vote(first, session, dropping: 3), try reveal(first, session, dropping: 4),
                    vote(first, session, dropping: 5),
                ]),
            Conflict(
                name: "epochs and registers of a round",
                requests: [
                    try reveal(first, session, dropping: nil),
                    try reveal(laterEpoch, try laterEpoch.session(), dropping: nil),
                    try reveal(laterRegister, try laterRegister.session(), dropping: nil),
                ]),
        ]
    }

    // MARK: Members

    /// Which requests (as bits) a member that keeps its memory can be brought to answer: one entry for each order of
    /// each subset, run through the real decisions. Locks are stored and read back between requests.
    private static func outcomes(_ requests: [Request], seat: NodeIndex) throws -> Set<Int> {
        var found: Set<Int> = []
        func visit(_ locks: CommitteeLocks, stored: [LockChange], asked: Int, answered: Int) throws {
            found.insert(answered)
            for (index, request) in requests.enumerated() where asked >> index & 1 == 0 {
                do {
                    let changes = stored + (try request(seat, locks))
                    try visit(
                        CommitteeLocks(restoring: changes), stored: changes, asked: asked | 1 << index,
                        answered: answered | 1 << index)
                } catch SecureAggregationError.locked {
                    // Refused: nothing changes, and the order goes on without it.
                    try visit(locks, stored: stored, asked: asked | 1 << index, answered: answered)
                }
            }
        }
        try visit(CommitteeLocks(), stored: [], asked: 0, answered: 0)
        return found
    }

    /// Whether some choice of corrupt and forgetful members, and of what each other member is asked, brings two of
    /// `count` requests to `quorum` answers each. `outcomes` has one entry a seat.
    private static func violates(
        outcomes: [[Int]], count: Int, corruptMax: Int, forgetfulMax: Int, quorum: Int
    ) -> Bool {
        let committee = outcomes.count
        for placement in 0..<(1 << committee) where placement.nonzeroBitCount == corruptMax + forgetfulMax {
            // Corrupt members vote for everything; forgetful ones are made to forget in between.
            var counts = [Int](repeating: placement.nonzeroBitCount, count: count)
            if assign(0, &counts) { return true }
            func assign(_ seat: Int, _ counts: inout [Int]) -> Bool {
                if seat == committee { return counts.count { $0 >= quorum } > 1 }
                if placement >> seat & 1 == 1 { return assign(seat + 1, &counts) }
                for outcome in outcomes[seat] {
                    for request in 0..<count { counts[request] += outcome >> request & 1 }
                    let found = assign(seat + 1, &counts)
                    for request in 0..<count { counts[request] -= outcome >> request & 1 }
                    if found { return true }
                }
                return false
            }
        }
        return false
    }

    private struct Found {
        let name: String
        let outcomes: [[Int]]
    }

    private static let found = Result {
        try conflicts().map { conflict in
            Found(
                name: conflict.name,
                outcomes: try (0..<7).map { try outcomes(conflict.requests, seat: $0).sorted() })
        }
    }

    // MARK: Properties

    @Test("Row 4: an honest member that remembers answers one of any conflicting requests, in every order")
    func aMemberAnswersOneOfConflictingRequests() throws {
        let found = try Self.found.get()
        #expect(found.count == 7)
        for conflict in found {
            for outcomes in conflict.outcomes { #expect(outcomes == [0, 1, 2, 4], "\(conflict.name)") }
        }
    }

    @Test("Row 4: no two conflicting requests reach the quorum, for every split of up to seven members")
    func noTwoConflictingRequestsReachTheQuorum() throws {
        var checked = 0
        for conflict in try Self.found.get() {
            for committee in 2...7 {
                for corruptMax in 0...2 {
                    for forgetfulMax in 0...Register.forgetfulMax where corruptMax + forgetfulMax <= committee {
                        // The register's own formula, with r as a number.
                        let quorum = (committee + corruptMax + forgetfulMax) / 2 + 1
                        if forgetfulMax == Register.forgetfulMax {
                            #expect(Register.quorum(committeeSize: committee, corruptMax: corruptMax) == quorum)
                        }
                        guard quorum <= committee else { continue }
                        checked += 1
                        let place = "\(conflict.name): L \(committee), C \(corruptMax), r \(forgetfulMax)"
                        // Two of the requests, then all three.
                        for count in [2, 3] {
                            let outcomes = conflict.outcomes.prefix(committee).map { seat in
                                Array(Set(seat.map { $0 & ((1 << count) - 1) })).sorted()
                            }
                            func violates(quorum: Int) -> Bool {
                                Self.violates(
                                    outcomes: outcomes, count: count, corruptMax: corruptMax,
                                    forgetfulMax: forgetfulMax, quorum: quorum)
                            }
                            #expect(!violates(quorum: quorum), "\(place)")
                            #expect(violates(quorum: quorum - 1), "a quorum one smaller would do: \(place)")
                        }
                    }
                }
            }
        }
        #expect(checked > 7 * 20)
    }

    @Test("Row 5: one honest member more than r that forgets, and both requests can reach the quorum")
    func moreForgetfulMembersThanTheBound() throws {
        let found = try #require(try Self.found.get().first)
        for (committee, corruptMax) in [(6, 1), (7, 1)] {
            let quorum = Register.quorum(committeeSize: committee, corruptMax: corruptMax)
            func violates(_ forgetful: Int) -> Bool {
                Self.violates(
                    outcomes: Array(found.outcomes.prefix(committee)), count: 3, corruptMax: corruptMax,
                    forgetfulMax: forgetful, quorum: quorum)
            }
            #expect(!violates(Register.forgetfulMax))
            #expect(violates(Register.forgetfulMax + 2))
        }
    }

    /// What makes a member forgetful: its locks are gone, and it answers again.
    @Test("Row 5: a restored member answers twice, which is why r members are allowed for")
    func aRestoredMemberAnswersTwice() throws {
        for conflict in try Self.conflicts() {
            for request in conflict.requests {
                #expect(try !request(2, CommitteeLocks()).isEmpty, "\(conflict.name)")
            }
        }
    }
}
