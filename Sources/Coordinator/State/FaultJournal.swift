// Faults: evidence is verified before it is stored, and a node that it convicts is quarantined across restarts, for as long as
// the register is in force that the evidence names. Share reports: what members say about deals, and what follows from it.

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
    /// The register that it was judged under; nil for every one.
    let register: Digest?
}

extension CoordinatorState {
    /// Nodes that evidence convicts under this register: in no roster, and asked for no vote, reveal or check. A later register
    /// may give an index to another store, and an authority that keeps a store in one has seen the fault.
    var quarantinedNodes: Set<NodeIndex> {
        Set(faults.lazy.filter { $0.register == nil || $0.register == self.keys.register.digest }.compactMap(\.accused))
    }

    /// Leaves nodes out of later rounds of the epoch, since too few members could open their shares and nothing proves who is to
    /// blame. So a dealer that stays below what convicts costs a round an epoch and not every round. Members that withhold
    /// shares can do it to honest nodes; it is done to C nodes an epoch at most, for no more can be corrupt, and never for want
    /// of l members that answer.
    func leaveOut(_ nodes: [NodeIndex], because session: Digest, _ connection: borrowing SQLConnection) throws {
        guard let epoch, let live = attempts[session],
            live.attempt.session.answeringMembers.subtracting(quarantinedNodes).count >= keys.register.quorum,
            leftOutNodes.union(nodes).count <= keys.register.corruptMax
        else { return }
        for node in nodes {
            try connection.execute(
                "INSERT OR IGNORE INTO left_out VALUES (?, ?, ?)", Int64(epoch.number), Int(node), session.bytes)
            leftOutNodes.insert(node)
        }
    }

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
            atMilliseconds: nowMilliseconds, register: keys.register.digest)
        guard
            !faults.contains(where: {
                $0.digest == fault.digest
                    || ($0.session == session && $0.accused == accused && $0.kind == fault.kind
                        && $0.register == fault.register)
            })
        else { return }
        try willChange(connection)
        try connection.execute(
            """
            INSERT INTO fault(digest, session, accused, kind, evidence, at_ms, register) VALUES (?, ?, ?, ?, ?, ?, ?)
            """, fault.digest.bytes, session?.bytes, accused.map { Int64($0) }, fault.kind, evidence.encoded(),
            nowMilliseconds, keys.register.digest.bytes)
        try connection.execute(
            "INSERT INTO audit(at_ms, actor, certificate, act, subject) VALUES (?, ?, ?, ?, ?)", nowMilliseconds,
            "coordinator", fault.digest.bytes, "node.quarantine",
            "\(accused.map { "node \($0)" } ?? "coordinator"): \(fault.kind)")
        faults.append(fault)
    }

    /// The unused prekeys of a node that not too many members complain about.
    func offerablePrekeys(of node: NodeIndex) -> [UInt64] {
        unusedPrekeys[node, default: []].filter {
            verdicts.complaints(at: .prekey(node: node, sequence: $0)) <= keys.register.toleratedComplaints
        }
    }

    /// The prekey that a node's next round will use: the newest, since a store that was restored from a copy has burned all that
    /// it dealt before.
    func offerablePrekey(of node: NodeIndex) -> UInt64? { offerablePrekeys(of: node).max() }

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
        let news = body.results.count { verdicts.standings[$0.deal]?.answered.contains(body.node) == false }
        guard news > 0 else { return }
        // A report is kept whole, for it is signed whole. One that is mostly about deals nobody asked for is no answer to what
        // the member was shown, and would fill the database.
        guard 2 * news >= body.results.count else { throw Problem.gone("most of these deals are not awaited any more") }
        try willChange(connection)
        try connection.execute(
            "INSERT INTO share_report(epoch, node, message) VALUES (?, ?, ?)", Int64(epoch.number), Int(body.node),
            report.encoded())
        let number = connection.lastInsertedRowID
        for result in body.results where verdicts.note(result, by: body.node) && !result.isValid {
            try connection.execute(
                "INSERT OR IGNORE INTO complaint VALUES (?, ?, ?)", result.deal.bytes, Int(body.node), number)
            try judge(result.deal, nowMilliseconds: nowMilliseconds, connection)
        }
    }

    private func judge(
        _ name: Digest, nowMilliseconds: Int64, _ connection: borrowing SQLConnection
    ) throws {
        guard let standing = verdicts.standings[name], standing.complaints.count > keys.register.corruptMax,
            let (deal, session) = try storedDeal(standing.source, connection)
        else { return }
        let complaints = try connection.query(
            """
            SELECT r.message FROM complaint c JOIN share_report r ON r.number = c.report WHERE c.deal = ?
            ORDER BY c.node LIMIT ?
            """, name.bytes, keys.register.corruptMax + 1
        ) { try SignedMessage<ShareReport>(decoding: try $0.blob(0)) }
        // Complaints of before this index was kept do not convict; whoever made them still counts as having answered.
        guard complaints.count > keys.register.corruptMax else { return }
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
            "SELECT digest, session, accused, kind, at_ms, register FROM fault ORDER BY number"
        ) { row in
            StoredFault(
                digest: try row.digest(0), session: try row.optionalDigest(1),
                accused: try row.optionalInteger(2).map { NodeIndex($0) }, kind: try row.text(3),
                atMilliseconds: try row.integer(4), register: try row.optionalDigest(5))
        }
    }

    /// Rebuilds verdicts from unused prekeys, prekeys and uploads of live sessions, and the epoch's reports.
    func reloadVerdicts(_ connection: borrowing SQLConnection) throws {
        verdicts = ShareVerdicts()
        leftOutNodes = []
        guard let epoch else { return }
        leftOutNodes = Set(
            try connection.query("SELECT node FROM left_out WHERE epoch = ?", Int64(epoch.number)) {
                NodeIndex(try $0.integer(0))
            })
        for (node, sequences) in unusedPrekeys {
            for sequence in sequences {
                let bundle = try prekey(of: node, sequence: sequence, connection)
                verdicts.await(Deal(prekey: bundle.prekey).digest, .prekey(node: node, sequence: sequence))
            }
        }
        for (session, live) in attempts {
            for entry in live.attempt.session.roster.entries {
                let bundle = try prekey(of: entry.node, sequence: entry.sequence, connection)
                verdicts.await(
                    Deal(prekey: bundle.prekey).digest, .prekey(node: entry.node, sequence: entry.sequence))
            }
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
