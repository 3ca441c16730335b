// Who may be poisoning a task's groups, from the verdicts on every group sum so far. Computed when asked: the history is small,
// and a search that is not stored cannot disagree with it.

import Cryptography
import HTTPServer
import PeopleAPI
import Rounds
import SecureAggregation
import Storage
import WireFormat

extension API {
    /// - Throws: ``Problem`` 404 for an unknown task, 422 for one whose plan asks for no groups.
    func listSuspects(_ job: JobID) async throws -> HTTPResponse {
        let register = service.keys.register
        let (plan, sums) = try await service.store.transact { state, connection in
            let task = try state.requireTask(job)
            guard task.plan.plan.subCohorts != nil else {
                throw Problem.refused("subCohorts: the task's plan asks for no groups, so nobody can be told apart")
            }
            return (task.plan, try state.groupSums(of: job, connection))
        }
        // Not on the writer's thread: nobody waits for the search but who asked.
        var localiser = try plan.makeLocaliser(registered: register.nodes.count)
        var seen: Set<NodeIndex> = []
        for round in try GroupedRound.rounds(of: sums, plan: plan, register: register) {
            try localiser.record(round.assignment, alarmed: round.alarmed, void: round.void, absent: round.absent)
            seen.formUnion(round.present)
        }
        let suspects = Set(localiser.suspects)
        let nodes = register.nodes.filter { seen.contains($0.index) }.map { node in
            SuspectReport.Node(
                node: Int(node.index), name: node.name, evidence: localiser.evidence(against: node.index),
                isSuspect: suspects.contains(node.index))
        }
        return try Self.json(
            SuspectReport(
                rounds: localiser.roundCount, bound: localiser.bound,
                nodes: nodes.sorted { ($1.evidence, $0.node) < ($0.evidence, $1.node) }))
    }
}

/// The stored verdict on one group's sum, undecoded.
private struct StoredGroupSum: Sendable {
    let parameters: [UInt8]
    let roster: [UInt8]
    let survivors: [UInt8]
    let isAlarmed: Bool
}

/// The verdicts of a task, ascending by round and group, with the lists of their epochs.
private struct StoredGroupSums: Sendable {
    let sums: [StoredGroupSum]
    /// Announcements by epoch number.
    let announcements: [[UInt8]]
}

/// One released round in groups, as the search for a poisoner sees it.
private struct GroupedRound {
    let assignment: SubCohortAssignment
    var alarmed: Set<Int> = []
    /// Groups without a sum.
    var void: Set<Int>
    /// Nodes in a sum.
    var present: Set<NodeIndex> = []
    /// Nodes of the epoch's list that were in no sum.
    var absent: Set<NodeIndex> { Set(assignment.groups.joined()).subtracting(present) }

    private init(_ assignment: SubCohortAssignment) {
        self.assignment = assignment
        void = Set(assignment.groups.indices)
    }

    private mutating func take(group: Int, survivors: [NodeIndex], isAlarmed: Bool) {
        void.remove(group)
        present.formUnion(survivors)
        if isAlarmed { alarmed.insert(group) }
    }

    /// The released rounds, each grouped anew as it was then. Those of another register are left out: an index may have been
    /// another store's.
    static func rounds(
        of stored: StoredGroupSums, plan: ValidatedPlan, register: Register
    ) throws -> [GroupedRound] {
        var nodes: [Digest: [NodeIndex]] = [:]
        for bytes in stored.announcements {
            let announcement = try EpochAnnouncement(decoding: bytes)
            guard announcement.registerDigest == register.digest else { continue }
            nodes[announcement.head.root(registerDigest: register.digest)] = announcement.hellos.map(\.body.node)
                .sorted()
        }
        var rounds: [(number: UInt64, round: GroupedRound)] = []
        for sum in stored.sums {
            let parameters = try SignedMessage<SessionParameters>(decoding: sum.parameters).body
            guard parameters.registerDigest == register.digest, let listed = nodes[parameters.epochRoot] else {
                continue
            }
            guard let place = parameters.subCohort, let settings = plan.plan.subCohorts else { throw Problem.storage }
            if rounds.last?.number != parameters.round {
                let assignment = try SubCohortAssignment(
                    nodes: listed, groupSize: settings.groupSize, minAlive: plan.plan.minAlive, register: register,
                    seed: SubCohortAssignment.seed(
                        epochRoot: parameters.epochRoot, jobID: parameters.jobID, round: parameters.round))
                rounds.append((parameters.round, GroupedRound(assignment)))
            }
            let roster = try Roster(bytes: sum.roster)
            let survivors = try SurvivorSet(
                sessionID: parameters.sessionID, bitmap: sum.survivors, count: roster.entries.count)
            rounds[rounds.count - 1].round.take(
                group: place.index, survivors: zip(roster.entries, survivors.alive).filter(\.1).map(\.0.node),
                isAlarmed: sum.isAlarmed)
        }
        return rounds.map(\.round)
    }
}

extension CoordinatorState {
    fileprivate func groupSums(
        of job: JobID, _ connection: borrowing SQLConnection
    ) throws -> StoredGroupSums {
        let sums = try connection.query(
            """
            SELECT a.parameters, a.roster, s.bitmap, v.norm_ratio, v.coordinate_ratio
            FROM attempt a JOIN survivors s ON s.session = a.session JOIN group_verdict v ON v.session = a.session
            WHERE a.job = ? ORDER BY a.round, a.group_index
            """, job.bytes
        ) { row in
            StoredGroupSum(
                parameters: try row.blob(0), roster: try row.blob(1), survivors: try row.blob(2),
                isAlarmed: try max(row.real(3), row.real(4)) > 1)
        }
        let announcements = try connection.query(
            "SELECT announcement FROM epoch WHERE announcement IS NOT NULL ORDER BY number"
        ) { try $0.blob(0) }
        return StoredGroupSums(sums: sums, announcements: announcements)
    }
}
