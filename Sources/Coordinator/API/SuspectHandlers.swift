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
        let report = try await service.store.transact { state, connection -> SuspectReport in
            let task = try state.requireTask(job)
            guard task.plan.plan.subCohorts != nil else {
                throw Problem.refused("subCohorts: the task's plan asks for no groups, so nobody can be told apart")
            }
            let register = state.keys.register
            var localiser = try task.plan.makeLocaliser(registered: register.nodes.count)
            var seen: Set<NodeIndex> = []
            for round in try state.groupedRounds(of: task, connection) {
                try localiser.record(
                    round.assignment, alarmed: round.alarmed, void: round.void, absent: round.absent)
                seen.formUnion(round.present)
            }
            let suspects = Set(localiser.suspects)
            let nodes = register.nodes.filter { seen.contains($0.index) }.map { node in
                SuspectReport.Node(
                    node: Int(node.index), name: node.name, evidence: localiser.evidence(against: node.index),
                    isSuspect: suspects.contains(node.index))
            }
            return SuspectReport(
                rounds: localiser.roundCount, bound: localiser.bound,
                nodes: nodes.sorted { ($1.evidence, $0.node) < ($0.evidence, $1.node) })
        }
        return try Self.json(report)
    }
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

    init(_ assignment: SubCohortAssignment) {
        self.assignment = assignment
        void = Set(assignment.groups.indices)
    }

    mutating func take(group: Int, survivors: [NodeIndex], isAlarmed: Bool) {
        void.remove(group)
        present.formUnion(survivors)
        if isAlarmed { alarmed.insert(group) }
    }
}

extension CoordinatorState {
    /// The released rounds of a task, ascending, each grouped anew as it was then.
    fileprivate func groupedRounds(
        of task: TaskState, _ connection: borrowing SQLConnection
    ) throws -> [GroupedRound] {
        let rows = try connection.query(
            """
            SELECT a.parameters, a.roster, s.bitmap, v.norm_ratio, v.coordinate_ratio,
                (SELECT p.epoch FROM prekey p WHERE p.session = a.session LIMIT 1)
            FROM attempt a JOIN survivors s ON s.session = a.session JOIN group_verdict v ON v.session = a.session
            WHERE a.job = ? ORDER BY a.round, a.group_index
            """, task.plan.jobID.bytes
        ) { row in
            (
                parameters: try SignedMessage<SessionParameters>(decoding: try row.blob(0)).body,
                roster: try Roster(bytes: try row.blob(1)), bitmap: try row.blob(2),
                isAlarmed: try max(row.real(3), row.real(4)) > 1, epoch: try row.integer(5)
            )
        }
        var rounds: [(number: UInt64, round: GroupedRound)] = []
        for row in rows {
            let number = row.parameters.round
            if rounds.last?.number != number {
                rounds.append(
                    (number, GroupedRound(try assignment(row.parameters, epoch: row.epoch, task, connection))))
            }
            guard let place = row.parameters.subCohort else { throw Problem.storage }
            let survivors = try SurvivorSet(
                sessionID: row.parameters.sessionID, bitmap: row.bitmap, count: row.roster.entries.count)
            rounds[rounds.count - 1].round.take(
                group: place.index, survivors: zip(row.roster.entries, survivors.alive).filter(\.1).map(\.0.node),
                isAlarmed: row.isAlarmed)
        }
        return rounds.map(\.round)
    }

    private func assignment(
        _ parameters: SessionParameters, epoch: Int64, _ task: TaskState, _ connection: borrowing SQLConnection
    ) throws -> SubCohortAssignment {
        let announcement = try connection.queryOne(
            "SELECT announcement FROM epoch WHERE number = ?", epoch
        ) { try EpochAnnouncement(decoding: try $0.blob(0)) }
        guard let announcement, let settings = task.plan.plan.subCohorts else { throw Problem.storage }
        return try SubCohortAssignment(
            nodes: announcement.hellos.map(\.body.node).sorted(), groupSize: settings.groupSize,
            minAlive: task.plan.plan.minAlive, register: keys.register,
            seed: SubCohortAssignment.seed(
                epochRoot: parameters.epochRoot, jobID: parameters.jobID, round: parameters.round))
    }
}
