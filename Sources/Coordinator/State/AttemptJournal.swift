// Carrying out what an attempt's state machine asks for, inside the transaction of the event, and rebuilding attempts from
// what was stored.

import Consent
import Cryptography
import DifferentialPrivacy
import Rounds
import SecureAggregation
import Storage
import StrictJSON
import WireFormat

extension CoordinatorState {
    /// Makes an event's effects durable and takes over the new state.
    func perform(
        _ effects: [AttemptEffect], of session: Digest, attempt: Attempt, nowMilliseconds: Int64,
        random: any RandomSource, _ connection: borrowing SQLConnection
    ) throws {
        guard !effects.isEmpty, var live = attempts[session] else { return }
        try willChange(connection)
        live.attempt = attempt
        for effect in effects {
            switch effect {
            case .move(let target, let due):
                let changed = try connection.execute(
                    "UPDATE attempt SET state = ?, due_at_ms = ? WHERE session = ?", target.rawValue, due, session.bytes
                )
                guard changed == 1 else { throw Problem.storage }
            case .storeUpload(let position, let envelope):
                try connection.execute(
                    "INSERT INTO upload VALUES (?, ?, ?, ?, ?)", session.bytes, position, envelope.digest.bytes,
                    envelope.encoded(), live.uploadCertificates[envelope.upload.body.node]?.bytes)
                if let deal = attempt.session.uploadDeal(position: position) {
                    verdicts.await(deal.digest, .upload(session: session, position: position))
                }
            case .storeSurvivors(let survivors):
                try connection.execute("INSERT INTO survivors VALUES (?, ?)", session.bytes, survivors.bitmap)
            case .storeVote(let vote):
                try connection.execute(
                    "INSERT INTO vote VALUES (?, ?, ?)", session.bytes, Int(vote.body.node), vote.encoded())
                live.votedMembers.insert(vote.body.node)
            case .charge(let certificate):
                try charge(
                    certificate, session: session, live: live, nowMilliseconds: nowMilliseconds, random: random,
                    connection)
            case .storeReveal(let reveal):
                try connection.execute(
                    "INSERT INTO reveal VALUES (?, ?, ?)", session.bytes, Int(reveal.body.node), reveal.encoded())
                live.revealedMembers.insert(reveal.body.node)
            case .recordFault(let evidence):
                try record(evidence, session: session, nowMilliseconds: nowMilliseconds, connection)
            case .void(let reason, let spent):
                try void(
                    reason, spent: spent, session: session, live: live, nowMilliseconds: nowMilliseconds,
                    random: random, connection)
            }
        }
        attempts[session] = attempt.state.isFinal ? nil : live
        if attempt.state.isFinal { verdicts.forget(session, roster: attempt.session.roster) }
        if attempt.state.isFinal, var task = tasks[live.job] {
            task.lastRoundFinished =
                task.plan.plan.subCohorts == nil
                ? Self.isFinished(
                    (
                        attempt.state.rawValue, attempt.session.parameters.body.attempt,
                        task.budget.charges.contains { $0.round == attempt.session.parameters.body.round }
                    ))
                : !attempts.values.contains { $0.job == live.job }
            task.lastEndedMilliseconds = nowMilliseconds
            tasks[live.job] = task
        }
    }

    /// The attempt of a session that is not final.
    /// - Throws: ``Problem`` 404 for a session that never was, 410 for one that is over.
    func requireLive(_ session: Digest, _ connection: borrowing SQLConnection) throws -> LiveAttempt {
        if let live = attempts[session] { return live }
        let isStored = try connection.queryOne(
            "SELECT 1 FROM attempt WHERE session = ?", session.bytes, map: { _ in true })
        guard isStored == true else { throw Problem.notFound("session") }
        throw Problem.gone("this session is over")
    }

    /// The charge and the certificate in one transaction: from its commit on, reveal requests can be read.
    private func charge(
        _ certificate: LabelCertificate, session: Digest, live: LiveAttempt, nowMilliseconds: Int64,
        random: any RandomSource, _ connection: borrowing SQLConnection
    ) throws {
        var task = try requireTask(live.job)
        let parameters = live.attempt.session.parameters.body
        let round = parameters.round
        // A customer is in one group of a round: the first group that can be opened pays for all.
        let paid = parameters.subCohort == nil ? nil : task.budget.charges.first { $0.round == round }
        let charge =
            try paid.map {
                PrivacyBudget.Charge(round: round, microZCDP: 0, microEpsilonAfter: $0.microEpsilonAfter)
            } ?? task.budget.charge(round: round)
        let event = RoundEvent.budgetCharged(
            try BudgetCharged(
                attempt: try live.reference(session), certificateDigest: certificate.digest,
                costMicro: charge.microZCDP, epsilonAfterMicro: charge.microEpsilonAfter))
        let position = try appendPublic(
            .round, payload: event.encoded(), nowMilliseconds: nowMilliseconds, random: random, connection)
        try connection.execute(
            """
            INSERT INTO charge(job, round, session, micro_zcdp, micro_epsilon_after, certificate, position, group_index)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """, live.job.bytes, Int64(round), session.bytes, Int64(charge.microZCDP),
            Int64(charge.microEpsilonAfter), certificate.encoded(), position, parameters.subCohort?.index ?? 0)
        try connection.execute(
            "DELETE FROM reservation WHERE job = ? AND round = ?", live.job.bytes, Int64(round))
        tasks[live.job] = task
    }

    private func void(
        _ reason: VoidReason, spent: Bool, session: Digest, live: LiveAttempt, nowMilliseconds: Int64,
        random: any RandomSource, _ connection: borrowing SQLConnection
    ) throws {
        var task = try requireTask(live.job)
        let parameters = live.attempt.session.parameters.body
        try connection.execute(
            "UPDATE attempt SET void_reason = ? WHERE session = ?", reason.rawValue, session.bytes)
        if reason == .noQuorumOfReveals {
            try leaveOut(live.attempt.session.nodesShortOfShares, because: session, connection)
        }
        // Shares that were revealed for a sum that will not be: nobody has a use for them but who kept the uploads.
        try connection.execute("DELETE FROM reveal WHERE session = ?", session.bytes)
        // The reservation belongs to the round: a second attempt, or another group, still needs it.
        let isNeeded =
            parameters.subCohort == nil
            ? parameters.attempt < SessionParameters.maximumAttempts && task.stoppedBy == nil
            : attempts.contains { $0.key != session && $0.value.job == live.job && !$0.value.attempt.state.isFinal }
        if !isNeeded, task.budget.reservedRounds.contains(parameters.round) {
            try task.budget.release(round: parameters.round)
            try connection.execute(
                "DELETE FROM reservation WHERE job = ? AND round = ?", live.job.bytes, Int64(parameters.round))
        }
        tasks[live.job] = task
        let event = RoundEvent.voided(
            RoundVoided(attempt: try live.reference(session), reason: reason.logged, isSpent: spent))
        _ = try appendPublic(
            .round, payload: event.encoded(), nowMilliseconds: nowMilliseconds, random: random, connection)
    }

    /// Rebuilds live attempts by feeding their stored messages through the state machine.
    /// - Throws: ``ConfigurationError`` if one is under another register, which alone can end it.
    func reloadAttempts(_ connection: borrowing SQLConnection) throws {
        attempts = [:]
        let rows = try connection.query(
            """
            SELECT session, job, parameters, roster, eligible_customers, state, due_at_ms, opened_at_ms FROM attempt
            WHERE state NOT IN ('released', 'void')
            """
        ) { row in
            (
                session: try row.digest(0), job: try JobID(try row.blob(1)),
                parameters: try SignedMessage<SessionParameters>(decoding: try row.blob(2)),
                roster: try Roster(bytes: try row.blob(3)), eligible: Int(try row.integer(4)),
                state: try row.text(5), due: try row.integer(6)
            )
        }
        guard rows.allSatisfy({ $0.parameters.body.registerDigest == keys.register.digest }) else {
            throw ConfigurationError(
                "register.cbor: a round is under way under another register; put that one back until the round has ended, "
                    + "or its task was stopped")
        }
        for row in rows {
            guard let state = AttemptState(rawValue: row.state), let epoch = epoch?.closed else {
                throw Problem.storage
            }
            let session = try CoordinatorSession(
                parameters: row.parameters, roster: row.roster, prekeys: try prekeys(of: row.roster, connection),
                register: keys.register, epoch: epoch)
            let stored = try connection.query(
                "SELECT envelope, certificate FROM upload WHERE session = ? ORDER BY position", row.session.bytes
            ) { (envelope: try UploadEnvelope(decoding: try $0.blob(0)), certificate: try $0.optionalDigest(1)) }
            let uploads = stored.map(\.envelope)
            let votes = try connection.query(
                "SELECT message FROM vote WHERE session = ? ORDER BY node", row.session.bytes
            ) { try SignedMessage<LabelVote>(decoding: try $0.blob(0)) }
            let reveals = try connection.query(
                "SELECT message FROM reveal WHERE session = ? ORDER BY node", row.session.bytes
            ) { try SignedMessage<Reveal>(decoding: try $0.blob(0)) }
            let cohorts = try connection.query(
                "SELECT node FROM cohort WHERE session = ?", row.session.bytes
            ) { NodeIndex(try $0.integer(0)) }
            let bitmap = try connection.queryOne(
                "SELECT bitmap FROM survivors WHERE session = ?", row.session.bytes
            ) { try $0.blob(0) }
            var excluded: Set<NodeIndex> = []
            if let bitmap {
                let survivors = try SurvivorSet(
                    sessionID: row.session, bitmap: bitmap, count: row.roster.entries.count)
                let uploaded = Set(uploads.map(\.upload.body.node))
                for (index, entry) in row.roster.entries.enumerated()
                where uploaded.contains(entry.node) && !survivors.alive[index] { excluded.insert(entry.node) }
            }
            let parameters = row.parameters.body
            attempts[row.session] = LiveAttempt(
                job: row.job, eligibleCustomers: row.eligible,
                attempt: try Attempt(
                    restoring: session, deadlines: deadlines, state: state, dueMilliseconds: row.due,
                    uploads: uploads, excluded: excluded, votes: votes, reveals: reveals),
                committedCohorts: Set(cohorts), votedMembers: Set(votes.map(\.body.node)),
                revealedMembers: Set(reveals.map(\.body.node)),
                pin: try pin(of: parameters, connection))
            for (envelope, certificate) in stored {
                attempts[row.session]?.uploadCertificates[envelope.upload.body.node] = certificate
            }
        }
    }

    private func prekeys(of roster: Roster, _ connection: borrowing SQLConnection) throws -> [PrekeyBundle] {
        var bundles: [PrekeyBundle] = []
        for entry in roster.entries {
            bundles.append(try prekey(of: entry.node, sequence: entry.sequence, connection))
        }
        return bundles
    }

    /// A stored prekey.
    func prekey(of node: NodeIndex, sequence: UInt64, _ connection: borrowing SQLConnection) throws -> PrekeyBundle {
        let bundle = try connection.queryOne(
            "SELECT bundle FROM prekey WHERE node = ? AND sequence = ?", Int(node), Int64(sequence)
        ) { try PrekeyBundle(decoding: try $0.blob(0)) }
        guard let bundle else { throw Problem.storage }
        return bundle
    }

    private func pin(of parameters: SessionParameters, _ connection: borrowing SQLConnection) throws -> ViewPin {
        let asOf = try connection.queryOne(
            "SELECT as_of_ms FROM pinned_view WHERE size = ? AND previous_size = ?", Int64(parameters.consentSize),
            Int64(parameters.previousConsentSize)
        ) { try $0.integer(0) }
        guard let asOf else { throw Problem.storage }
        return ViewPin(
            size: Int(parameters.consentSize), previousSize: Int(parameters.previousConsentSize),
            asOfMilliseconds: asOf)
    }
}

extension LiveAttempt {
    /// How the log names this attempt.
    func reference(_ session: Digest) throws -> AttemptReference {
        let parameters = attempt.session.parameters.body
        return AttemptReference(
            round: RoundReference(
                job: job, round: UInt32(truncatingIfNeeded: parameters.round)),
            session: session)
    }
}

extension VoidReason {
    /// The reason as the public log gives it.
    var logged: RoundVoided.Reason {
        switch self {
        case .tooFewSurvivors, .disconnected: .tooFewSurvivors
        case .noQuorumOfVotes, .noQuorumOfReveals: .committeeUnavailable
        case .badDealer, .storageFault: .verificationFailed
        case .tooFewGroups: .tooFewSurvivors
        case .stopped: .stopped
        }
    }
}
