// Rounds of groups with the real state machines: what nodes and committee members accept, what they refuse, and that no
// node's vector is ever in two opened sums of a round.

import Cryptography
import TestSupport
import Testing
import Vectors
import WireFormat

@testable import SecureAggregation

extension AggregationScenario {
    /// 53 nodes in three groups of 18, 18 and 17, C = 1.
    private static let madeInGroups = Result { try AggregationScenario(nodes: 53, dimension: 20, groupSize: 17) }

    static func inGroups() throws -> AggregationScenario { try madeInGroups.get() }

    func assignment(round: UInt64 = 1) throws -> SubCohortAssignment {
        try SubCohortAssignment(epoch: epoch, plan: plan, round: round, register: register)
    }

    /// The session of one group of a round.
    func session(group: Int, round: UInt64 = 1, without absent: Set<NodeIndex> = []) throws -> CoordinatorSession {
        let groups = try assignment(round: round).groups
        let roster = try roster(of: groups[group].filter { !absent.contains($0) })
        return try session(
            signing: parameters(
                roster: roster, round: round, subCohort: SubCohortPlace(index: group, count: groups.count)),
            roster: roster)
    }
}

struct SubCohortSessionTests {
    private var scenario: AggregationScenario

    init() throws { scenario = try AggregationScenario.inGroups() }

    private func values(_ node: NodeIndex) -> [Int64] { (0..<20).map { Int64(node % 7) - 3 + ($0 % 3) } }

    private func sum(_ nodes: [NodeIndex], _ values: (NodeIndex) -> [Int64]) -> [Int64] {
        nodes.reduce(into: [Int64](repeating: 0, count: 20)) { sum, node in
            for (index, value) in values(node).enumerated() { sum[index] += value }
        }
    }

    /// What the first node of the roster and member 2 make of a session.
    private func verdicts(
        _ parameters: SessionParameters, roster: Roster, from session: CoordinatorSession, plan: PlanFacts? = nil
    ) throws -> (node: SecureAggregationError?, member: SecureAggregationError?) {
        let context = SessionContext(
            register: scenario.register, epoch: scenario.epoch, coordinatorKey: scenario.coordinatorKey.publicKey,
            plan: plan ?? scenario.plan, nowMilliseconds: scenario.now)
        let signed = try SignedMessage(signing: parameters, key: scenario.coordinatorKey)
        let own = try #require(roster.entries.first)
        let offer = RoundOffer(
            parameters: signed, roster: roster,
            neighbourPrekeys: try roster.entries.dropFirst().map { try scenario.prekey(of: $0.node).bundle.prekey })
        var node: SecureAggregationError?
        do {
            _ = try AcceptedOffer(checking: offer, node: own.node, context: context, earlierEpochRoot: nil) {
                $0 == own.sequence ? own.prekeyDigest : nil
            }
        } catch { node = error }
        var member: SecureAggregationError?
        let proposal = LabelProposal(
            parameters: signed, roster: roster,
            survivors: SurvivorSet(
                sessionID: parameters.sessionID, alive: [Bool](repeating: true, count: roster.entries.count)))
        do {
            _ = try scenario.seat(of: 2).decideVote(proposal, locks: CommitteeLocks(), context: context)
        } catch { member = error as? SecureAggregationError }
        return (node, member)
    }

    private func expectRefused(
        _ parameters: SessionParameters, roster: Roster? = nil, from session: CoordinatorSession,
        plan: PlanFacts? = nil, as error: SecureAggregationError, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let verdicts = try verdicts(parameters, roster: roster ?? session.roster, from: session, plan: plan)
        #expect(verdicts.node == error, sourceLocation: sourceLocation)
        #expect(verdicts.member == error, sourceLocation: sourceLocation)
    }

    private func facts(groupSize: Int?) -> PlanFacts {
        PlanFacts(
            planDigest: scenario.plan.planDigest, dimension: 20, layout: scenario.plan.layout,
            generator: scenario.plan.generator, minAlive: 17, roundCount: 20, groupSize: groupSize)
    }

    // MARK: What is accepted

    /// Three sessions, one poisoned group of them: exact sums, one alarm, and an average that it cannot move far.
    @Test func groupsSumExactlyAndOnePoisonedGroupIsAlarmedAndTrimmed() throws {
        var scenario = scenario
        let groups = try scenario.assignment().groups
        #expect(groups.map(\.count) == [18, 18, 17])
        let poisoner = groups[1][4]
        let dropped = groups[0][2]
        var sums: [GroupSum] = []
        for index in groups.indices {
            var session = try scenario.session(group: index)
            let vector = { (node: NodeIndex) in values(node).map { node == poisoner ? 100 * $0 : $0 } }
            let words = try scenario.collect(&session, dropped: [dropped], values: vector)
            let opened = try scenario.finish(&session, words: words)
            let alive = groups[index].filter { $0 != dropped }
            #expect(opened == sum(alive, vector))
            sums.append(
                try GroupSum(
                    values: opened, customers: alive.count, divisor: Double(alive.count), noiseDeviation: 0))
        }
        // Every honest vector has coordinates in −3 ... 5, one customer a node.
        let alarm = try GroupAlarm(
            customerNorm: 5 * 20.0.squareRoot(), coordinateBound: 5, dimension: 20, falseAlarmRate: 0.01)
        #expect(try sums.map { try alarm.verdict(on: $0).isAlarmed } == [false, true, false])
        let statistics = try GroupStatistics(sums)
        let robust = try statistics.trimmedMean(trim: 1)
        let plain = try statistics.trimmedMean(trim: 0)
        let truth = sum(groups.flatMap(\.self).filter { $0 != dropped }, values).map { Double($0) / 52 }
        let honest = [0, 2].map { statistics.mean(of: $0) }
        for coordinate in 0..<20 {
            let range = honest.map { $0[coordinate] }
            #expect(try #require(range.min())...(#require(range.max())) ~= robust[coordinate])
        }
        #expect(zip(robust, truth).allSatisfy { abs($0 - $1) < 1 })
        #expect(zip(plain, truth).contains { abs($0 - $1) > 3 })
    }

    @Test func absentNodesAreLeftOutOfTheirGroup() throws {
        let absent = try scenario.assignment().groups[0][3]
        let session = try scenario.session(group: 0, without: [absent])
        let verdicts = try verdicts(session.parameters.body, roster: session.roster, from: session)
        #expect(verdicts.node == nil && verdicts.member == nil)
    }

    @Test func everyPlaceIsAnotherSessionAndNoPlaceKeepsItsBytes() throws {
        let parameters = try scenario.session(group: 0).parameters.body
        let others = [SubCohortPlace(index: 1, count: 3), SubCohortPlace(index: 0, count: 4)]
        #expect(Set(([parameters] + others.map { parameters.altered(subCohort: $0) }).map(\.sessionID)).count == 3)
        #expect(try SessionParameters(decoding: parameters.encoded()) == parameters)
        let plain = try SessionParameters(cborValue: parameters.cborValue.replacing(20, with: nil))
        #expect(plain.subCohort == nil && plain.sessionID != parameters.sessionID)
        guard case .map(let fields) = plain.cborValue else { throw SecureAggregationError.malformed("test") }
        #expect(fields.map(\.key) == Array(1...19))
        #expect(throws: WireFormatError.self) { try parameters.replacing(20, with: .unsigned(0)) }
    }

    // MARK: What is refused

    @Test func groupsWithoutAPlanThatAsksForThemAndTheReverse() throws {
        let session = try scenario.session(group: 0)
        let parameters = session.parameters.body
        try expectRefused(
            parameters, from: session, plan: facts(groupSize: nil), as: .mismatch(field: "subCohort"))
        let plain = try SessionParameters(cborValue: parameters.cborValue.replacing(20, with: nil))
        try expectRefused(plain, from: session, as: .mismatch(field: "subCohort"))
        let accepted = try verdicts(plain, roster: session.roster, from: session, plan: facts(groupSize: nil))
        #expect(accepted.node == nil && accepted.member == nil)
    }

    @Test func anotherPlaceThanTheComputedOne() throws {
        let session = try scenario.session(group: 0)
        let parameters = session.parameters.body
        for count in [2, 4] {
            try expectRefused(
                parameters.altered(subCohort: SubCohortPlace(index: 0, count: count)), from: session,
                as: .mismatch(field: "subCohort"))
        }
        try expectRefused(
            parameters.altered(subCohort: SubCohortPlace(index: 3, count: 3)), from: session,
            as: .mismatch(field: "subCohort"))
        for index in [1, 2] {
            try expectRefused(
                parameters.altered(subCohort: SubCohortPlace(index: index, count: 3)), from: session,
                as: .mismatch(field: "roster of the group"))
        }
        // The same roster in the next round: regrouped.
        try expectRefused(parameters.altered(round: 2), from: session, as: .mismatch(field: "roster of the group"))
        // Another size in the plan makes other groups.
        try expectRefused(parameters, from: session, plan: facts(groupSize: 26), as: .mismatch(field: "subCohort"))
    }

    @Test func aPlanWhoseGroupsAreTooSmall() throws {
        let session = try scenario.session(group: 0)
        let verdicts = try verdicts(
            session.parameters.body, roster: session.roster, from: session, plan: facts(groupSize: 16))
        for error in [verdicts.node, verdicts.member] {
            guard case .infeasible = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
        }
    }

    @Test func aSecondAttempt() throws {
        let session = try scenario.session(group: 0)
        try expectRefused(
            session.parameters.body.altered(attempt: 2), from: session, as: .mismatch(field: "attempt"))
    }

    @Test func aNodeOfAnotherGroup() throws {
        let groups = try scenario.assignment().groups
        for stranger in [groups[1][0], groups[2][16]] {
            let session = try scenario.session(group: 0)
            let roster = try scenario.roster(of: (groups[0] + [stranger]).sorted())
            let parameters = try scenario.parameters(roster: roster, subCohort: SubCohortPlace(index: 0, count: 3))
            try expectRefused(parameters, roster: roster, from: session, as: .mismatch(field: "roster of the group"))
        }
    }

    // MARK: One node, one opened sum a round

    /// The node's own rule: once a round, whatever became of the first session.
    @Test func aNodeTakesPartOnceARound() throws {
        let session = try scenario.session(group: 1)
        let node = try scenario.assignment().groups[1][0]
        let own = try scenario.prekey(of: node)
        #expect(throws: SecureAggregationError.alreadyUsed("this round")) {
            try AcceptedOffer(
                checking: #require(session.offer(for: node)), node: node, context: scenario.context,
                earlierEpochRoot: scenario.epoch.root
            ) { $0 == own.sequence ? own.bundle.prekey.body.digest : nil }
        }
    }

    /// The committee's rules, against a node that forgot its own (a restored clone with a fresh prekey): every session that
    /// could hold the node is of its one group, and a group is opened once.
    @Test func aForgetfulNodeIsInOneOpenedSumOnly() throws {
        var scenario = scenario
        var first = try scenario.session(group: 0)
        let words = try scenario.collect(&first, values: values)
        #expect(try scenario.finish(&first, words: words) == sum(scenario.assignment().groups[0], values))
        let clone = try scenario.assignment().groups[0][5]

        // The prekey again, in a session of the same group that differs in its deadline only: the prekey lock.
        let parameters = first.parameters.body
        let again = try scenario.session(
            signing: parameters.altered(deadlineMilliseconds: parameters.deadlineMilliseconds - 1),
            roster: first.roster)
        let everybody = SurvivorSet(sessionID: again.sessionID, alive: [Bool](repeating: true, count: 18))
        let proposal = LabelProposal(parameters: again.parameters, roster: again.roster, survivors: everybody)
        #expect(throws: SecureAggregationError.locked("a prekey in a second session")) {
            try scenario.vote(proposal, member: 0)
        }

        // Fresh prekeys of all: votes are given, but the group's round lock keeps the second sum shut.
        for node in try scenario.assignment().groups[0] { try scenario.dealPrekey(node, sequence: 2) }
        var second = try scenario.session(group: 0)
        _ = try scenario.collect(&second, values: values)
        try scenario.certify(&second)
        let request = try #require(second.revealRequest(for: 0))
        #expect(throws: SecureAggregationError.locked("this reveal")) {
            try scenario.reveal(request, session: second, member: 0)
        }

        // In another group: refused before any lock, by members that have none.
        let roster = try scenario.roster(of: (scenario.assignment().groups[1] + [clone]).sorted())
        let third = try scenario.session(
            signing: scenario.parameters(roster: roster, subCohort: SubCohortPlace(index: 1, count: 3)), roster: roster)
        let elsewhere = LabelProposal(
            parameters: third.parameters, roster: roster,
            survivors: SurvivorSet(sessionID: third.sessionID, alive: [Bool](repeating: true, count: 19)))
        for member in scenario.register.committee {
            scenario.forgetLocks(of: member)
            #expect(throws: SecureAggregationError.mismatch(field: "roster of the group")) {
                try scenario.vote(elsewhere, member: member)
            }
        }
    }

    /// One session a group is the protocol; two of one group, or groups of two sizes, are the coordinator's fault.
    @Test func groupsOfOneRoundAreNoEquivocation() throws {
        let first = try scenario.session(group: 0).parameters
        func refusal(_ other: SessionParameters) throws -> SecureAggregationError? {
            let evidence = FaultEvidence(
                registerDigest: scenario.register.digest,
                fault: .equivocation(first, try SignedMessage(signing: other, key: scenario.coordinatorKey)))
            do {
                let accused = try evidence.verify(
                    register: scenario.register, coordinatorKey: scenario.coordinatorKey.publicKey)
                #expect(accused == .coordinator)
                return nil
            } catch { return error }
        }
        let contradiction = SecureAggregationError.unknown("fault: the sessions do not contradict each other")
        #expect(try refusal(scenario.session(group: 1).parameters.body) == contradiction)
        #expect(try refusal(first.body.altered(modelDigest: SHA256.hash([7]))) == nil)
        #expect(try refusal(first.body.altered(subCohort: SubCohortPlace(index: 1, count: 4))) == nil)
        #expect(try refusal(SessionParameters(cborValue: first.body.cborValue.replacing(20, with: nil))) == nil)
        // Another group is the protocol in the same epoch only: in another a node may be in both.
        let later = try SessionParameters(
            cborValue: scenario.session(group: 1).parameters.body.cborValue.replacing(
                2, with: .bytes(SHA256.hash([8]).bytes)))
        #expect(try refusal(later) == nil)
    }

    /// A node that was put back contributes again in a later epoch, where it is in another group. The group's own lock is free
    /// there; the members know the round's groups to be those of the first epoch, and open no other.
    @Test func groupsOfARoundAreOfOneEpoch() throws {
        var scenario = scenario
        var second = try scenario.session(group: 1)
        _ = try scenario.collect(&second, values: values)
        try scenario.certify(&second)
        let request = try #require(second.revealRequest(for: 0))
        let parameters = second.parameters.body
        let earlier = LockChange.groupEpoch(
            job: parameters.jobID, round: parameters.round, epochRoot: SHA256.hash([8]))
        let other = LockChange.groupRound(
            job: parameters.jobID, round: parameters.round, group: 0, opening: SHA256.hash([9]))
        var remembering = scenario
        remembering.remember([other, earlier], member: 0)
        #expect(throws: SecureAggregationError.locked("this reveal")) {
            try remembering.reveal(request, session: second, member: 0)
        }
        // In one epoch a member opens one group after the other.
        let own = LockChange.groupEpoch(
            job: parameters.jobID, round: parameters.round, epochRoot: scenario.epoch.root)
        scenario.remember([other, own], member: 0)
        _ = try scenario.reveal(request, session: second, member: 0)
        #expect(scenario.locks(of: 0).contains(own))
        let fresh = try scenario.seat(of: 0).decideReveal(
            request, parameters: second.parameters, roster: second.roster, locks: CommitteeLocks(),
            agreementKey: scenario.keys(of: 0).agreementKey, context: scenario.context)
        #expect(fresh.lockChanges.contains(own))
    }

    /// A group's lock is not its neighbour's, nor the same group's of another round.
    @Test func locksArePerGroupAndRound() throws {
        let job = scenario.context.plan.planDigest
        let id = JobID(planDigest: job)
        func lock(_ group: Int, _ round: UInt64, _ opening: UInt8) -> LockChange {
            .groupRound(job: id, round: round, group: group, opening: SHA256.hash([opening]))
        }
        var locks = CommitteeLocks()
        locks.apply(lock(0, 1, 1))
        #expect(locks.contains(lock(0, 1, 1)) && !locks.permits(lock(0, 1, 2)))
        for other in [lock(1, 1, 2), lock(0, 2, 2)] {
            #expect(locks.permits(other) && !locks.contains(other))
            locks.apply(other)
        }
        #expect(locks.contains(lock(0, 1, 1)))
        let session = try scenario.session(group: 2)
        #expect(
            LockChange.round(job: id, round: 1, opening: SHA256.hash([7])).within(session.parameters.body.subCohort)
                == .groupRound(job: id, round: 1, group: 2, opening: SHA256.hash([7])))
        #expect(throws: SecureAggregationError.conflict("stored committee locks")) {
            try CommitteeLocks(restoring: [lock(0, 1, 1), lock(0, 1, 2)])
        }
    }
}
