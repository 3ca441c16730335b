// Tasks: proposed by an engineer with a plan its owner signed, approved by an officer, run in rounds, stoppable by an
// officer at any moment.

import Cryptography
import DifferentialPrivacy
import Rounds
import SecureAggregation
import Storage
import WireFormat

extension CoordinatorState {
    /// Stores a proposed task. The same plan again is the same task.
    /// - Throws: ``Problem``, ``PlanError``.
    func propose(
        _ signed: SignedMessage<TrainingPlan>, by actor: String, _ connection: borrowing SQLConnection
    ) throws -> JobID {
        let plan = try ValidatedPlan(verifying: signed, owner: keys.anchors.planOwnerKey)
        if tasks[plan.jobID] != nil { return plan.jobID }
        let register = keys.register
        guard plan.plan.corruptMax == register.corruptMax else {
            throw PlanError(field: "corruptMax", expected: "\(register.corruptMax), as in the register")
        }
        guard plan.plan.minAlive >= register.smallestMinAlive, plan.plan.minAlive <= register.nodes.count else {
            throw PlanError(
                field: "minAlive",
                expected: "\(register.smallestMinAlive) ... \(register.nodes.count) with this register")
        }
        try plan.requireGroups(register)
        try plan.requireRange(registered: register.nodes.count)
        let budget = try PrivacyBudget(
            task: plan.jobID.description, capMicroEpsilon: plan.plan.epsilonCapMillionths, delta: plan.delta,
            accountant: plan.accountant)
        try willChange(connection)
        try connection.execute(
            "INSERT INTO task(job, plan, proposed_by, model) VALUES (?, ?, ?, ?)", plan.jobID.bytes, signed.encoded(),
            actor, plan.plan.initialModelDigest.bytes)
        tasks[plan.jobID] = TaskState(
            plan: plan, signedPlan: signed, proposedBy: actor, approvedBy: nil, stoppedBy: nil, roundsRequested: 0,
            model: plan.plan.initialModelDigest, optimizer: nil, budget: budget, lastRound: 0, lastRoundAttempts: 0,
            lastRoundFinished: true, releasedRounds: 0, lastPinned: 0, lastEndedMilliseconds: 0)
        return plan.jobID
    }

    /// Records an officer's approval.
    /// - Throws: ``Problem`` if the proposer approves its own task.
    func approve(
        _ job: JobID, by actor: String, nowMilliseconds: Int64, _ connection: borrowing SQLConnection
    ) throws {
        var task = try requireTask(job)
        guard task.proposedBy != actor else { throw Problem.conflict("proposer and approver must differ") }
        if task.approvedBy != nil { return }
        try willChange(connection)
        try connection.execute("UPDATE task SET approved_by = ? WHERE job = ?", actor, job.bytes)
        task.approvedBy = actor
        // The first round, like every other, gives late nodes their time from here on.
        task.lastEndedMilliseconds = nowMilliseconds
        tasks[job] = task
    }

    /// Stops a task for good; a live attempt is given up.
    func stop(
        _ job: JobID, by actor: String, nowMilliseconds: Int64, random: any RandomSource,
        _ connection: borrowing SQLConnection
    ) throws {
        var task = try requireTask(job)
        if task.stoppedBy != nil { return }
        try willChange(connection)
        try connection.execute("UPDATE task SET stopped_by = ? WHERE job = ?", actor, job.bytes)
        task.stoppedBy = actor
        tasks[job] = task
        for (session, live) in attempts where live.job == job {
            var attempt = live.attempt
            let effects = attempt.abandon(.stopped)
            try perform(
                effects, of: session, attempt: attempt, nowMilliseconds: nowMilliseconds, random: random, connection)
        }
    }

    /// Asks for more rounds, never more than the plan has.
    /// - Throws: ``Problem`` before approval.
    func requestRounds(_ job: JobID, total: Int, _ connection: borrowing SQLConnection) throws {
        var task = try requireTask(job)
        guard task.approvedBy != nil else { throw Problem.conflict("an officer has not approved the task yet") }
        guard task.stoppedBy == nil else { throw Problem.gone("the task was stopped") }
        guard (1...task.plan.plan.roundCount).contains(total) else {
            throw Problem.refused("rounds: expected 1 ... \(task.plan.plan.roundCount), the plan's number")
        }
        try willChange(connection)
        try connection.execute("UPDATE task SET rounds_requested = ? WHERE job = ?", total, job.bytes)
        task.roundsRequested = total
        tasks[job] = task
    }

    /// The task named `job`.
    /// - Throws: ``Problem`` 404.
    func requireTask(_ job: JobID) throws -> TaskState {
        guard let task = tasks[job] else { throw Problem.notFound("task") }
        return task
    }

    /// Rebuilds tasks and their budgets.
    func reloadTasks(_ connection: borrowing SQLConnection) throws {
        tasks = [:]
        let rows = try connection.query(
            "SELECT job, plan, proposed_by, approved_by, stopped_by, rounds_requested, model, optimizer FROM task"
        ) { row in
            (
                job: try JobID(try row.blob(0)), plan: try row.blob(1), proposedBy: try row.text(2),
                approvedBy: try row.optionalText(3), stoppedBy: try row.optionalText(4),
                requested: Int(try row.integer(5)), model: try row.digest(6), optimizer: try row.optionalDigest(7)
            )
        }
        for row in rows {
            let signed = try SignedMessage<TrainingPlan>(decoding: row.plan)
            let plan = try ValidatedPlan(verifying: signed, owner: keys.anchors.planOwnerKey)
            let charges = try connection.query(
                """
                SELECT round, micro_zcdp, micro_epsilon_after FROM charge WHERE job = ? AND micro_zcdp > 0 ORDER BY number
                """, row.job.bytes
            ) {
                PrivacyBudget.Charge(
                    round: UInt64(try $0.integer(0)), microZCDP: UInt64(try $0.integer(1)),
                    microEpsilonAfter: UInt64(try $0.integer(2)))
            }
            var budget = try PrivacyBudget(
                task: row.job.description, capMicroEpsilon: plan.plan.epsilonCapMillionths, delta: plan.delta,
                accountant: plan.accountant, charges: charges)
            let reserved = try connection.query(
                "SELECT round FROM reservation WHERE job = ? ORDER BY round", row.job.bytes
            ) { UInt64(try $0.integer(0)) }
            for round in reserved { try budget.reserve(round: round) }
            let latest = try connection.queryOne(
                """
                SELECT round, number, state, parameters, due_at_ms FROM attempt WHERE job = ?
                ORDER BY round DESC, number DESC LIMIT 1
                """, row.job.bytes
            ) { row in
                (
                    round: UInt64(try row.integer(0)), number: UInt64(try row.integer(1)), state: try row.text(2),
                    parameters: try SignedMessage<SessionParameters>(decoding: try row.blob(3)),
                    due: try row.integer(4)
                )
            }
            let released = try connection.queryOne(
                "SELECT count(*) FROM release WHERE job = ?", row.job.bytes
            ) { Int(try $0.integer(0)) }
            let live = try connection.queryOne(
                "SELECT 1 FROM attempt WHERE job = ? AND state NOT IN ('released', 'void') LIMIT 1", row.job.bytes,
                map: { _ in true })
            let charged = latest.map { latest in budget.charges.contains { $0.round == latest.round } } ?? false
            tasks[row.job] = TaskState(
                plan: plan, signedPlan: signed, proposedBy: row.proposedBy, approvedBy: row.approvedBy,
                stoppedBy: row.stoppedBy, roundsRequested: row.requested, model: row.model, optimizer: row.optimizer,
                budget: budget, lastRound: latest?.round ?? 0, lastRoundAttempts: latest?.number ?? 0,
                // Groups are not tried again: a round of them is over when none of them is under way.
                lastRoundFinished: plan.plan.subCohorts == nil
                    ? Self.isFinished(latest.map { ($0.state, $0.number, charged) }) : live == nil,
                releasedRounds: released ?? 0, lastPinned: Int(latest?.parameters.body.consentSize ?? 0),
                lastEndedMilliseconds: latest?.due ?? 0)
        }
    }

    /// A round is finished when its latest attempt released, or is void and cannot be tried again: it was charged, or it
    /// was the second.
    static func isFinished(_ latest: (state: String, number: UInt64, charged: Bool)?) -> Bool {
        guard let latest else { return true }
        switch AttemptState(rawValue: latest.state) {
        case .released: return true
        case .void: return latest.charged || latest.number >= SessionParameters.maximumAttempts
        default: return false
        }
    }
}
