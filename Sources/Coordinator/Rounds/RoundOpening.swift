// Opening a round: who is there, which checkpoint is pinned, and the reservation, in one transaction.

import Consent
import Cryptography
import DifferentialPrivacy
import MerkleLog
import Rounds
import SecureAggregation
import Storage
import WireFormat

extension CoordinatorState {
    /// Opens the next attempt of `job`, or all groups of the next round, if rounds are wanted, the budget allows it and
    /// enough nodes are ready.
    /// - Returns: the new sessions; none if nothing is due.
    /// - Throws: `BudgetError` if the cap forbids the round: the task then runs no further; `PlanError` while more customers are
    ///   eligible than the plan's lanes were chosen for.
    func openRoundIfDue(
        _ job: JobID, nowMilliseconds: Int64, configuration: CoordinatorConfiguration, random: any RandomSource,
        _ connection: borrowing SQLConnection
    ) throws -> [Digest] {
        guard !quarantined, let task = tasks[job], task.approvedBy != nil, task.stoppedBy == nil,
            task.releasedRounds < task.roundsRequested, !attempts.values.contains(where: { $0.job == job }),
            let epoch = epoch?.closed
        else { return [] }
        let retry = !task.lastRoundFinished
        let round = retry ? task.lastRound : task.lastRound + 1
        guard round <= UInt64(task.plan.plan.roundCount) else { return [] }
        let groups =
            task.plan.plan.subCohorts == nil
            ? nil
            : try? SubCohortAssignment(epoch: epoch, plan: task.plan.facts, round: round, register: keys.register)
        guard
            let cohorts = readyCohorts(
                task: task, groups: groups, nowMilliseconds: nowMilliseconds, configuration: configuration,
                epoch: epoch)
        else { return [] }
        if !retry { try task.budget.canOpen(round: round) }
        // A retry keeps the gap of its round: the round before is still the same.
        let previousPinned = retry ? try previousPin(of: job, round: round, connection) : task.lastPinned
        try requireRange(task.plan, previousPinned: previousPinned, nowMilliseconds: nowMilliseconds)

        try willChange(connection)
        let checkpoint = try publishCheckpoint(nowMilliseconds: nowMilliseconds, connection)
        let pin = ViewPin(
            size: checkpoint.size, previousSize: previousPinned, asOfMilliseconds: checkpoint.atMilliseconds)
        try connection.execute(
            "INSERT OR IGNORE INTO pinned_view VALUES (?, ?, ?)", pin.size, pin.previousSize, pin.asOfMilliseconds)
        let eligibility = try ledger.eligibility(
            pinned: pin.size, previousPinned: pin.previousSize, asOfMilliseconds: pin.asOfMilliseconds)

        let attemptNumber = retry ? task.lastRoundAttempts + 1 : 1
        var sessions: [Digest] = []
        for (place, nodes) in cohorts {
            let (roster, prekeys) = try takePrekeys(of: nodes, connection)
            let parameters = SessionParameters(
                registerDigest: keys.register.digest, epochRoot: epoch.root, round: round, attempt: attemptNumber,
                modelDigest: task.model, planDigest: task.plan.digest, consentSize: UInt64(pin.size),
                consentRoot: checkpoint.root, previousConsentSize: UInt64(pin.previousSize),
                dimension: task.plan.dimension, layout: task.plan.plan.layout,
                generator: task.plan.plan.generator, cohortSize: roster.entries.count,
                minAlive: task.plan.plan.minAlive,
                deadlineMilliseconds: nowMilliseconds + configuration.deadlines.collecting,
                derived: try ProtocolParameters.derive(register: keys.register, cohort: roster.entries.count),
                rosterDigest: roster.digest, subCohort: place)
            let session = try CoordinatorSession(
                parameters: try SignedMessage(signing: parameters, key: keys.offerKey), roster: roster,
                prekeys: prekeys, register: keys.register, epoch: epoch)
            let attempt = Attempt(session: session, deadlines: configuration.deadlines)
            let eligible = place.map { eligibility.eligible(inGroup: $0.index, of: groups) } ?? eligibility.eligible
            try store(
                attempt, job: job, eligible: eligible, excluded: eligibility, nowMilliseconds: nowMilliseconds,
                connection)
            attempts[session.sessionID] = LiveAttempt(
                job: job, eligibleCustomers: eligible, attempt: attempt, committedCohorts: [], votedMembers: [],
                revealedMembers: [], pin: pin)
            sessions.append(session.sessionID)
        }
        try storeOpening(
            task: task, round: round, retry: retry, pin: pin, checkpointRoot: checkpoint.root,
            nowMilliseconds: nowMilliseconds, random: random, connection)
        var changed = task
        if !retry { try changed.budget.reserve(round: round) }
        changed.lastRound = round
        changed.lastRoundAttempts = attemptNumber
        changed.lastRoundFinished = false
        changed.lastPinned = pin.size
        tasks[job] = changed
        return sessions
    }

    /// Throws if the round could have more customers than the plan's lanes hold: the chain may have grown since the plan was made.
    private func requireRange(_ plan: ValidatedPlan, previousPinned: Int, nowMilliseconds: Int64) throws {
        let most = plan.plan.maximumCustomers
        // Everybody is not counted anew at every pass over the tasks, unless that many are known at all.
        guard ledger.subjectCount > most else { return }
        let eligible = try ledger.eligibility(
            pinned: tree.count, previousPinned: previousPinned, asOfMilliseconds: nowMilliseconds
        ).eligible
        guard eligible <= most else {
            throw PlanError(
                field: "maximumCustomers",
                expected:
                    "at least \(eligible), the customers eligible now; a sum of more than \(most) may leave its lanes")
        }
    }

    /// The next cohorts with the group that each is of, or nil to wait: everyone who asked for work lately and has a prekey
    /// here. Live nodes without one are waited for, within patience. Of a round in groups, every group that has minAlive such
    /// nodes, once they are enough for the plan's trim.
    private func readyCohorts(
        task: TaskState, groups: SubCohortAssignment?, nowMilliseconds: Int64,
        configuration: CoordinatorConfiguration, epoch: Epoch
    ) -> [(place: SubCohortPlace?, nodes: [NodeIndex])]? {
        // Nobody opens anything of an epoch that has ended: a round must be through by then, with all its waits.
        guard nowMilliseconds + configuration.deadlines.total < epoch.endsAtMilliseconds else { return nil }
        let leftOut = quarantinedNodes.union(leftOutNodes)
        let ready = lastSeen.filter {
            nowMilliseconds - $0.value <= configuration.livenessMilliseconds && !leftOut.contains($0.key)
                && offerablePrekey(of: $0.key) != nil
        }.map(\.key).sorted()
        let minAlive = task.plan.plan.minAlive
        guard ready.count >= minAlive else { return nil }
        // Everyone who may take part is the best cohort; fewer is right once the missing ones had their time.
        let complete = ready.count + leftOut.count >= keys.register.nodes.count
        let waiting = max(task.lastEndedMilliseconds, startedMilliseconds)
        let patient = nowMilliseconds - waiting >= configuration.openPatienceMilliseconds
        guard complete || patient else { return nil }
        guard let settings = task.plan.plan.subCohorts else { return [(nil, ready)] }
        // An epoch whose list is too short for the groups is waited out: the next one may be longer.
        guard let groups else { return nil }
        let there = Set(ready)
        let cohorts = groups.groups.enumerated().compactMap { index, members -> (SubCohortPlace?, [NodeIndex])? in
            let nodes = members.filter(there.contains)
            guard nodes.count >= minAlive else { return nil }
            return (SubCohortPlace(index: index, count: groups.groups.count), nodes)
        }
        return cohorts.count >= settings.fewestSums ? cohorts : nil
    }

    /// Takes the newest usable prekey of each node.
    private func takePrekeys(
        of nodes: [NodeIndex], _ connection: borrowing SQLConnection
    ) throws -> (Roster, [PrekeyBundle]) {
        var entries: [RosterEntry] = []
        var bundles: [PrekeyBundle] = []
        for node in nodes {
            guard let sequence = offerablePrekey(of: node) else { throw Problem.storage }
            unusedPrekeys[node]?.removeAll { $0 == sequence }
            let bundle = try prekey(of: node, sequence: sequence, connection)
            entries.append(RosterEntry(node: node, sequence: sequence, prekeyDigest: bundle.prekey.body.digest))
            bundles.append(bundle)
        }
        return (try Roster(entries), bundles)
    }

    private func previousPin(
        of job: JobID, round: UInt64, _ connection: borrowing SQLConnection
    ) throws -> Int {
        let first = try connection.queryOne(
            "SELECT parameters FROM attempt WHERE job = ? AND round = ? AND number = 1", job.bytes, Int64(round)
        ) { try SignedMessage<SessionParameters>(decoding: try $0.blob(0)).body.previousConsentSize }
        return Int(first ?? 0)
    }

    private func store(
        _ attempt: Attempt, job: JobID, eligible: Int, excluded: EligibilityReport, nowMilliseconds: Int64,
        _ connection: borrowing SQLConnection
    ) throws {
        let session = attempt.session
        let parameters = session.parameters.body
        let reasons = excluded.excluded.map { "\"\($0.key.description)\":\($0.value)" }.sorted()
        try connection.execute(
            """
            INSERT INTO attempt(session, job, round, number, parameters, roster, eligible_customers, excluded,
                opened_at_ms, state, due_at_ms, group_index) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """, session.sessionID.bytes, job.bytes, Int64(parameters.round), Int64(parameters.attempt),
            session.parameters.encoded(), session.roster.bytes, eligible, "{\(reasons.joined(separator: ","))}",
            nowMilliseconds, attempt.state.rawValue, attempt.dueMilliseconds, parameters.subCohort?.index ?? 0)
        for entry in session.roster.entries {
            try connection.execute(
                "UPDATE prekey SET session = ? WHERE node = ? AND sequence = ?", session.sessionID.bytes,
                Int(entry.node), Int64(entry.sequence))
        }
    }

    private func storeOpening(
        task: TaskState, round: UInt64, retry: Bool, pin: ViewPin, checkpointRoot: Digest, nowMilliseconds: Int64,
        random: any RandomSource, _ connection: borrowing SQLConnection
    ) throws {
        let job = task.plan.jobID
        if !retry {
            try connection.execute("INSERT INTO reservation VALUES (?, ?)", job.bytes, Int64(round))
        }
        let event = RoundEvent.opened(
            try RoundOpened(
                round: RoundReference(job: job, round: UInt32(truncatingIfNeeded: round)),
                planDigest: task.plan.digest, modelDigest: task.model,
                pinned: try PinnedCheckpoint(size: pin.size, root: checkpointRoot), previousPinned: pin.previousSize,
                epsilonBeforeMicro: task.budget.spentMicroEpsilon, epsilonCapMicro: task.budget.capMicroEpsilon))
        _ = try appendPublic(
            .round, payload: event.encoded(), nowMilliseconds: nowMilliseconds, random: random, connection)
    }
}

extension EligibilityReport {
    /// Customers eligible in the stores of one group, whether those are there or not.
    fileprivate func eligible(inGroup index: Int, of groups: SubCohortAssignment?) -> Int {
        groups?.groups[index].reduce(0) { $0 + (eligibleByNode[$1] ?? 0) } ?? eligible
    }
}
