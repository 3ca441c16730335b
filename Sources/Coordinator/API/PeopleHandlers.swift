// What engineers, officers, operators and auditors call. JSON, described by Protocols/people-api.yaml.

import Consent
import Cryptography
import DifferentialPrivacy
import FoundationEssentials
import HTTPServer
import Identity
import Learning
import MerkleLog
import PeopleAPI
import Rounds
import SecureAggregation
import Storage
import WireFormat

extension API {
    static func json(_ value: some Encodable, status: Int = 200) throws -> HTTPResponse {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return HTTPResponse(
            status: status, contentType: "application/json", body: [UInt8](try encoder.encode(value)))
    }

    // MARK: Tasks

    func postModel(_ request: HTTPRequest) async throws -> HTTPResponse {
        do { _ = try ModelFile(decoding: request.body) } catch {
            throw Problem.badRequest("model: \(error)")
        }
        return try Self.json(StoredModel(digest: try await service.models.put(request.body).hex), status: 201)
    }

    func proposeTask(_ caller: Caller, _ request: HTTPRequest) async throws -> HTTPResponse {
        let signed = try SignedMessage<TrainingPlan>(decoding: request.body)
        let initial = try await service.models.read(signed.body.initialModelDigest)
        guard let file = try? ModelFile(decoding: initial), file.vocabulary == signed.body.job.vocabulary else {
            throw Problem.refused("initialModelDigest: expected a stored model of the plan's vocabulary")
        }
        let now = service.clock.nowMilliseconds()
        let job = try await service.store.transact { state, connection -> JobID in
            let job = try state.propose(signed, by: caller.actor, connection)
            try state.audit(caller, act: "task.propose", subject: job.description, nowMilliseconds: now, connection)
            return job
        }
        return try Self.json(CreatedTask(job: job.description), status: 201)
    }

    func approveTask(_ caller: Caller, _ job: JobID) async throws -> HTTPResponse {
        let now = service.clock.nowMilliseconds()
        try await service.store.transact { state, connection in
            try state.approve(job, by: caller.actor, nowMilliseconds: now, connection)
            try state.audit(caller, act: "task.approve", subject: job.description, nowMilliseconds: now, connection)
        }
        return Self.noContent
    }

    func stopTask(_ caller: Caller, _ job: JobID) async throws -> HTTPResponse {
        let now = service.clock.nowMilliseconds()
        let random = service.random
        try await service.store.transact { state, connection in
            try state.stop(job, by: caller.actor, nowMilliseconds: now, random: random, connection)
            try state.audit(caller, act: "task.stop", subject: job.description, nowMilliseconds: now, connection)
        }
        return Self.noContent
    }

    func requestRounds(_ caller: Caller, _ job: JobID, _ request: HTTPRequest) async throws -> HTTPResponse {
        guard let body = try? JSONDecoder().decode(RoundsRequest.self, from: Data(request.body)) else {
            throw Problem.badRequest("expected {\"total\": rounds}")
        }
        let now = service.clock.nowMilliseconds()
        try await service.store.transact { state, connection in
            try state.requestRounds(job, total: body.total, connection)
            try state.audit(caller, act: "task.rounds", subject: job.description, nowMilliseconds: now, connection)
        }
        return Self.noContent
    }

    func listTasks() async throws -> HTTPResponse {
        let tasks = try await service.store.transact { state, _ in
            state.tasks.sorted { $0.key.description < $1.key.description }.map { job, task in
                TaskSummary(
                    job: job.description, name: task.plan.plan.name, purpose: task.plan.plan.purpose.text,
                    proposedBy: task.proposedBy, approvedBy: task.approvedBy, stoppedBy: task.stoppedBy,
                    roundsRequested: task.roundsRequested, roundsReleased: task.releasedRounds,
                    roundsPlanned: task.plan.plan.roundCount,
                    epsilonSpent: Double(task.budget.spentMicroEpsilon) / 1e6, epsilonCap: task.plan.epsilonCap,
                    delta: task.plan.delta, model: task.model.hex, plan: task.plan.digest.hex)
            }
        }
        return try Self.json(tasks)
    }

    func listRounds(_ job: JobID) async throws -> HTTPResponse {
        let rows = try await service.store.transact { state, connection -> [AttemptSummary] in
            _ = try state.requireTask(job)
            return try connection.query(
                """
                SELECT a.session, a.round, a.number, a.state, length(a.roster) / 44, s.bitmap, a.eligible_customers,
                    a.excluded, c.micro_epsilon_after, r.model, r.ride_alongs, a.void_reason, a.opened_at_ms,
                    r.released_at_ms, (SELECT count(*) FROM upload u WHERE u.session = a.session), a.parameters,
                    v.norm_ratio, v.coordinate_ratio
                FROM attempt a LEFT JOIN survivors s ON s.session = a.session
                    LEFT JOIN charge c ON c.session = a.session
                    LEFT JOIN release r ON r.job = a.job AND r.round = a.round AND a.state = 'released'
                    LEFT JOIN group_verdict v ON v.session = a.session
                WHERE a.job = ? ORDER BY a.round, a.number, a.group_index
                """, job.bytes
            ) { row in
                let offered = Int(try row.integer(4))
                let survivors = try row.optionalBlob(5).map { $0.reduce(0) { $0 + $1.nonzeroBitCount } }
                let decoder = JSONDecoder()
                let parameters = try SignedMessage<SessionParameters>(decoding: try row.blob(15)).body
                let norm = try row.optionalReal(16)
                let coordinate = try row.optionalReal(17)
                return AttemptSummary(
                    round: Int(try row.integer(1)), attempt: Int(try row.integer(2)),
                    session: try row.digest(0).hex, state: try row.text(3), offered: offered,
                    uploaded: Int(try row.integer(14)), survivors: survivors,
                    dropped: survivors.map { offered - $0 }, eligibleCustomers: Int(try row.integer(6)),
                    excluded: try decoder.decode([String: Int].self, from: Data(try row.text(7).utf8)),
                    epsilonAfter: try row.optionalInteger(8).map { Double($0) / 1e6 },
                    model: try row.optionalDigest(9)?.hex,
                    rideAlongs: try row.optionalText(10).map {
                        try decoder.decode([String: Double].self, from: Data($0.utf8))
                    }, voidReason: try row.optionalText(11), openedMilliseconds: try row.integer(12),
                    releasedMilliseconds: try row.optionalInteger(13),
                    isAlarmed: norm.flatMap { norm in coordinate.map { max(norm, $0) > 1 } },
                    group: parameters.subCohort.map {
                        GroupSummary(
                            index: $0.index, count: $0.count, normRatio: norm, coordinateRatio: coordinate)
                    })
            }
        }
        return try Self.json(rows)
    }

    // MARK: Revocation

    /// Refuses a certificate from the next request on, whatever connection it comes over. There is no way back: a store
    /// gets a new certificate instead.
    func revoke(_ caller: Caller, _ request: HTTPRequest) async throws -> HTTPResponse {
        guard let body = try? JSONDecoder().decode(RevocationRequest.self, from: Data(request.body)) else {
            throw Problem.badRequest("expected {\"certificate\": SHA-256 fingerprint}")
        }
        let fingerprint = try Self.digest(body.certificate)
        guard fingerprint != caller.peer.certificateFingerprint else {
            throw Problem.conflict("an operator cannot revoke the certificate it is using")
        }
        let now = service.clock.nowMilliseconds()
        try await service.store.transact { state, connection in
            try state.willChange(connection)
            try connection.execute("INSERT OR IGNORE INTO revoked VALUES (?)", fingerprint.bytes)
            state.revokedCertificates.insert(fingerprint)
            try state.audit(
                caller, act: "certificate.revoke", subject: fingerprint.hex, nowMilliseconds: now, connection)
        }
        return Self.noContent
    }

    // MARK: Status and health

    private func readStatus() async throws -> ChainStatus {
        let now = service.clock.nowMilliseconds()
        let liveness = service.configuration.livenessMilliseconds
        return try await service.store.transact { state, _ in
            let live = state.lastSeen.filter { now - $0.value <= liveness }.map(\.key)
            return ChainStatus(
                nodesRegistered: state.keys.register.nodes.count, nodesLive: live.count,
                nodesReady: live.count { state.offerablePrekey(of: $0) != nil },
                epoch: Int(state.epoch?.number ?? 0), epochClosed: state.epoch?.closed != nil,
                ledgerSize: state.tree.count, subjects: state.ledger.subjectCount, quarantined: state.quarantined,
                liveAttempts: Dictionary(
                    state.attempts.map { (String($0.key.hex.prefix(8)), $0.value.attempt.state.rawValue) },
                    uniquingKeysWith: { $1 }))
        }
    }

    func status() async throws -> HTTPResponse { try Self.json(try await readStatus()) }

    /// The loopback listener: `/healthz` answers while the process turns, `/readyz` while it can also store, `/metrics` in
    /// the Prometheus text format.
    func handleHealth(_ request: HTTPRequest) async -> HTTPResponse {
        switch (request.method, request.path) {
        case (.get, ["healthz"]):
            return HTTPResponse(status: 200, contentType: "text/plain", body: [UInt8]("ok\n".utf8))
        case (.get, ["readyz"]):
            guard let status = try? await readStatus(), !status.quarantined, let response = try? Self.json(status)
            else {
                return Self.response(Problem.storage)
            }
            return response
        case (.get, ["metrics"]):
            guard let status = try? await readStatus() else { return Self.response(Problem.storage) }
            let text = service.metrics.text(gauges: [
                "concord_nodes_registered": String(status.nodesRegistered),
                "concord_nodes_live": String(status.nodesLive), "concord_nodes_ready": String(status.nodesReady),
                "concord_ledger_entries": String(status.ledgerSize),
                "concord_quarantined": status.quarantined ? "1" : "0",
            ])
            return HTTPResponse(status: 200, contentType: "text/plain; version=0.0.4", body: [UInt8](text.utf8))
        default: return Self.response(Problem.notFound("operation"))
        }
    }
}

extension CoordinatorState {
    /// Records a privileged act.
    func audit(
        _ caller: API.Caller, act: String, subject: String, nowMilliseconds: Int64,
        _ connection: borrowing SQLConnection
    ) throws {
        try connection.execute(
            "INSERT INTO audit(at_ms, actor, certificate, act, subject) VALUES (?, ?, ?, ?, ?)", nowMilliseconds,
            caller.actor, caller.peer.certificateFingerprint.bytes, act, subject)
    }
}
