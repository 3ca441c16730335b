// Faults: evidence is verified before it is stored, and a node that it convicts is quarantined, for ever and across
// restarts. Share reports: what members say about deals, and what follows from it.

import Cryptography
import Rounds
import SecureAggregation
import Storage
import WireFormat

/// A stored fault without its evidence.
struct StoredFault: Equatable, Sendable {
    let digest: Digest
    let session: Digest?
    /// Nil for the coordinator.
    let accused: NodeIndex?
    let kind: String
    let atMilliseconds: Int64
}

extension CoordinatorState {
    /// Nodes that evidence convicts: in no roster, and asked for no vote, reveal or check.
    var quarantinedNodes: Set<NodeIndex> { Set(faults.compactMap(\.accused)) }

    /// Verifies and stores evidence. One fault of a kind by a node in a session is enough: repeating it adds nothing.
    /// - Throws: ``SecureAggregationError`` if it proves nothing; nothing is stored then.
    func record(
        _ evidence: FaultEvidence, session: Digest?, nowMilliseconds: Int64, _ connection: borrowing SQLConnection
    ) throws {
        let accused: NodeIndex? =
            switch try evidence.verify(register: keys.register, coordinatorKey: keys.anchors.coordinatorKey) {
            case .node(let node): node
            case .coordinator: nil
            }
        let fault = StoredFault(
            digest: evidence.digest, session: session, accused: accused, kind: evidence.fault.kind,
            atMilliseconds: nowMilliseconds)
        guard
            !faults.contains(where: {
                $0.digest == fault.digest
                    || ($0.session == session && $0.accused == accused && $0.kind == fault.kind)
            })
        else { return }
        try willChange(connection)
        try connection.execute(
            "INSERT INTO fault(digest, session, accused, kind, evidence, at_ms) VALUES (?, ?, ?, ?, ?, ?)",
            fault.digest.bytes, session?.bytes, accused.map { Int64($0) }, fault.kind, evidence.encoded(),
            nowMilliseconds)
        try connection.execute(
            "INSERT INTO audit(at_ms, actor, certificate, act, subject) VALUES (?, ?, ?, ?, ?)", nowMilliseconds,
            "coordinator", fault.digest.bytes, "node.quarantine",
            "\(accused.map { "node \($0)" } ?? "coordinator"): \(fault.kind)")
        faults.append(fault)
    }

    /// The oldest unused prekey of a node that not too many members complain about.
    func offerablePrekey(of node: NodeIndex) -> UInt64? {
        unusedPrekeys[node]?.first {
            verdicts.complaints(at: .prekey(node: node, sequence: $0)) <= keys.register.toleratedComplaints
        }
    }

    /// Nodes of a live attempt whose uploads are not used: quarantined, uploaded with a certificate that was revoked since,
    /// or with more complaints than the committee can do without.
    func uploadsToLeaveOut(of live: LiveAttempt) -> Set<NodeIndex> {
        let session = live.attempt.session
        guard [.offered, .collecting].contains(live.attempt.state) else { return [] }
        var nodes = quarantinedNodes
        for (position, entry) in session.roster.entries.enumerated() {
            let complaints = verdicts.complaints(at: .upload(session: session.sessionID, position: position))
            let isRevoked = live.uploadCertificates[entry.node].map(revokedCertificates.contains) ?? false
            if isRevoked || complaints > keys.register.toleratedComplaints { nodes.insert(entry.node) }
        }
        return nodes
    }

    // MARK: Share checks

    /// Whether `node` has a seat in this epoch and deals to look at.
    func hasShareChecks(for node: NodeIndex) -> Bool {
        keys.register.committeePosition(of: node) != nil && epoch?.closed?.agreementKeys[node] != nil
            && !quarantinedNodes.contains(node) && verdicts.hasOpen(for: node)
    }

    /// Stores a member's verdicts. A deal with more than C complaints convicts its dealer.
    /// - Throws: ``Problem``, ``SecureAggregationError``.
    func receive(
        _ report: SignedMessage<ShareReport>, nowMilliseconds: Int64, _ connection: borrowing SQLConnection
    ) throws {
        let body = report.body
        guard keys.register.committeePosition(of: body.node) != nil, let member = keys.register.node(body.node) else {
            throw Problem.notFound("committee seat")
        }
        guard !quarantinedNodes.contains(body.node) else { throw Problem.forbidden }
        guard let epoch, body.epochRoot == epoch.closed?.root else { throw Problem.gone("no such epoch is open") }
        try report.verify(by: member.protocolKey)
        guard body.results.contains(where: { verdicts.standings[$0.deal]?.answered.contains(body.node) == false })
        else {
            return
        }
        try willChange(connection)
        try connection.execute(
            "INSERT INTO share_report(epoch, node, message) VALUES (?, ?, ?)", Int64(epoch.number), Int(body.node),
            report.encoded())
        for result in body.results where verdicts.note(result, by: body.node) && !result.isValid {
            try judge(result.deal, epoch: epoch.number, nowMilliseconds: nowMilliseconds, connection)
        }
    }

    private func judge(
        _ name: Digest, epoch: UInt64, nowMilliseconds: Int64, _ connection: borrowing SQLConnection
    ) throws {
        guard let standing = verdicts.standings[name], standing.complaints.count > keys.register.corruptMax,
            let (deal, session) = try storedDeal(standing.source, connection)
        else { return }
        let reports = try connection.query(
            "SELECT message FROM share_report WHERE epoch = ? ORDER BY node, number", Int64(epoch)
        ) { try SignedMessage<ShareReport>(decoding: try $0.blob(0)) }
        var complaints: [SignedMessage<ShareReport>] = []
        for report in reports
        where report.body.node != complaints.last?.body.node && report.body.isValid(name) == false
            && complaints.count <= keys.register.corruptMax
        {
            complaints.append(report)
        }
        try record(
            FaultEvidence(
                registerDigest: keys.register.digest, fault: .rejectedDeal(deal, reports: complaints),
                session: session.flatMap { attempts[$0]?.attempt.session.parameters.body },
                epoch: self.epoch?.closed?.head),
            session: session, nowMilliseconds: nowMilliseconds, connection)
    }

    private func storedDeal(
        _ source: ShareVerdicts.Source, _ connection: borrowing SQLConnection
    ) throws -> (Deal, Digest?)? {
        switch source {
        case .prekey(let node, let sequence):
            return (Deal(prekey: try prekey(of: node, sequence: sequence, connection).prekey), nil)
        case .upload(let session, let position):
            return attempts[session]?.attempt.session.uploadDeal(position: position).map { ($0, session) }
        }
    }

    // MARK: Start

    func reloadFaults(_ connection: borrowing SQLConnection) throws {
        faults = try connection.query(
            "SELECT digest, session, accused, kind, at_ms FROM fault ORDER BY number"
        ) { row in
            StoredFault(
                digest: try row.digest(0), session: try row.optionalDigest(1),
                accused: try row.optionalInteger(2).map { NodeIndex($0) }, kind: try row.text(3),
                atMilliseconds: try row.integer(4))
        }
    }

    /// Rebuilds verdicts from unused prekeys, uploads of live sessions, and the epoch's reports.
    func reloadVerdicts(_ connection: borrowing SQLConnection) throws {
        verdicts = ShareVerdicts()
        guard let epoch else { return }
        for (node, sequences) in unusedPrekeys {
            for sequence in sequences {
                let bundle = try prekey(of: node, sequence: sequence, connection)
                verdicts.await(Deal(prekey: bundle.prekey).digest, .prekey(node: node, sequence: sequence))
            }
        }
        for (session, live) in attempts {
            for position in live.attempt.session.uploads.keys {
                guard let deal = live.attempt.session.uploadDeal(position: position) else { continue }
                verdicts.await(deal.digest, .upload(session: session, position: position))
            }
        }
        let reports = try connection.query(
            "SELECT message FROM share_report WHERE epoch = ? ORDER BY number", Int64(epoch.number)
        ) { try SignedMessage<ShareReport>(decoding: try $0.blob(0)) }
        for report in reports {
            for result in report.body.results { _ = verdicts.note(result, by: report.body.node) }
        }
    }
}
