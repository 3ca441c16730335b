// The evidence of one job, collected from what is stored and sealed. Everything in it is signed or committed to elsewhere;
// the seal only says who collected it.

import Consent
import Cryptography
import Evidence
import HTTPServer
import MerkleLog
import Rounds
import SecureAggregation
import Storage
import WireFormat

extension API {
    /// The body holds store answers about customers who had withdrawn: none, or one `absence-answer`.
    func evidence(_ caller: Caller, _ job: JobID, _ request: HTTPRequest) async throws -> HTTPResponse {
        let answer = request.body.isEmpty ? nil : try AbsenceAnswer(decoding: request.body)
        let now = service.clock.nowMilliseconds()
        let bundle = try await service.store.transact { state, connection -> EvidenceBundle in
            let task = try state.requireTask(job)
            try state.willChange(connection)
            try state.audit(caller, act: "evidence", subject: job.description, nowMilliseconds: now, connection)
            let final = try state.publishCheckpoint(nowMilliseconds: now, connection)
            let parts = EvidenceParts(
                register: state.keys.signedRegister,
                plan: SignedPlan(bodyBytes: task.signedPlan.bodyBytes, signature: task.signedPlan.signature),
                checkpoints: try state.evidenceCheckpoints(job, final: final, connection),
                entries: try state.evidenceEntries(job, final: final, connection),
                attempts: try state.evidenceAttempts(job, connection),
                withdrawals: try answer.map { [try state.withdrawalEvidence($0, final: final, connection)] } ?? [],
                modelDigest: task.model)
            return try EvidenceBundle.sealed(parts: parts, key: state.keys.offerKey)
        }
        return Self.cbor(bundle)
    }
}

extension CoordinatorState {
    fileprivate func evidenceCheckpoints(
        _ job: JobID, final: StoredCheckpoint, _ connection: borrowing SQLConnection
    ) throws -> [CheckpointEvidence] {
        let pinned = try connection.query("SELECT parameters FROM attempt WHERE job = ?", job.bytes) {
            Int(try SignedMessage<SessionParameters>(decoding: try $0.blob(0)).body.consentSize)
        }
        var previous: Int?
        var checkpoints: [CheckpointEvidence] = []
        for size in Set(pinned + [final.size]).sorted() {
            let note = try connection.queryOne("SELECT note FROM checkpoint WHERE size = ?", size) { try $0.text(0) }
            guard let note else { throw Problem.storage }
            // From the empty log, which a chain without a customer yet pins, there is nothing to prove.
            let consistency =
                try previous.map { $0 == 0 ? [] : try tree.consistencyProof(from: $0, to: size).hashes } ?? []
            checkpoints.append(CheckpointEvidence(note: try SignedNote(parsing: note), consistency: consistency))
            previous = size
        }
        return checkpoints
    }

    fileprivate func evidenceEntries(
        _ job: JobID, final: StoredCheckpoint, _ connection: borrowing SQLConnection
    ) throws -> [LogEntryEvidence] {
        let rows = try connection.query(
            """
            SELECT p.position, l.leaf, p.payload FROM public_payload p JOIN ledger l ON l.position = p.position
            ORDER BY p.position
            """
        ) {
            (position: Int(try $0.integer(0)), leaf: try LedgerLeaf(decoding: try $0.blob(1)), payload: try $0.blob(2))
        }
        var entries: [LogEntryEvidence] = []
        for row in rows where row.leaf.category == .round {
            let entry = try LedgerEntry(leaf: row.leaf, nonce: LedgerLeaf.publicNonce, payload: row.payload)
            guard try entry.message(as: RoundEvent.self).round.job.bytes == job.bytes else { continue }
            entries.append(
                LogEntryEvidence(
                    entry: entry, proof: try tree.inclusionProof(index: row.position, size: final.size)))
        }
        return entries
    }

    fileprivate func evidenceAttempts(
        _ job: JobID, _ connection: borrowing SQLConnection
    ) throws -> [AttemptEvidence] {
        try connection.query(
            """
            SELECT a.parameters, a.roster, s.bitmap, c.certificate FROM charge c JOIN attempt a ON a.session = c.session
            JOIN survivors s ON s.session = c.session WHERE c.job = ? ORDER BY c.number
            """, job.bytes
        ) { row in
            let parameters = try SignedMessage<SessionParameters>(decoding: try row.blob(0))
            let roster = try Roster(bytes: try row.blob(1))
            return AttemptEvidence(
                parameters: parameters, roster: roster,
                survivors: try SurvivorSet(
                    sessionID: parameters.body.sessionID, bitmap: try row.blob(2), count: roster.entries.count),
                certificate: try LabelCertificate(decoding: try row.blob(3)))
        }
    }

    /// Joins a store's answer with the withdrawal itself, opened from the vault.
    fileprivate func withdrawalEvidence(
        _ answer: AbsenceAnswer, final: StoredCheckpoint, _ connection: borrowing SQLConnection
    ) throws -> WithdrawalEvidence {
        let handle = answer.handle
        let wrapped = try connection.queryOne(
            "SELECT key_nonce, key_sealed FROM subject WHERE handle = ?", handle.bytes
        ) { WrappedSubjectKey(nonce: try $0.blob(0), sealed: try $0.blob(1)) }
        guard let wrapped else { throw Problem.notFound("subject") }
        let key = try SubjectKey.unwrap(wrapped, of: handle, under: keys.keyEncryptionKey)
        let rows = try connection.query(
            """
            SELECT v.position, l.leaf, v.nonce, v.sealed FROM vault v JOIN ledger l ON l.position = v.position
            WHERE v.handle = ? AND v.position < ? ORDER BY v.position DESC
            """, handle.bytes, answer.statement.pinned.size
        ) {
            (
                position: Int(try $0.integer(0)), leaf: try LedgerLeaf(decoding: try $0.blob(1)),
                row: VaultRow(nonce: try $0.blob(2), sealed: try $0.blob(3))
            )
        }
        for row in rows {
            let entry = try Vault.open(row.row, key: key, leaf: row.leaf)
            guard try entry.message(as: ConsentEvent.self).kind == .withdrawn else { continue }
            let event = LogEntryEvidence(
                entry: entry, proof: try tree.inclusionProof(index: row.position, size: final.size))
            let standing: WithdrawalEvidence.Standing
            switch (answer.row, answer.rowAbsence) {
            case (let row?, _): standing = .row(row)
            case (nil, let absence?): standing = .absent(absence)
            case (nil, nil): throw Problem.badRequest("absence-answer: expected a row or an absence")
            }
            return WithdrawalEvidence(
                handle: handle, event: event, round: answer.round, node: answer.node, statement: answer.statement,
                statementSignature: answer.statementSignature, standing: standing,
                cohortAbsence: answer.cohortAbsence)
        }
        throw Problem.refused("the ledger holds no withdrawal of this subject before that round")
    }
}
