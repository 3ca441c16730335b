// The consent ledger: events in, timelines out, and the public log that anyone of the chain may read and verify.

import Consent
import Cryptography
import HTTPServer
import MerkleLog
import Rounds
import SecureAggregation
import Storage
import WireFormat

extension API {
    func postEvents(_ node: NodeIndex, _ request: HTTPRequest) async throws -> HTTPResponse {
        let batch = try EventBatch(decoding: request.body)
        var events: [ConsentEvent] = []
        events.reserveCapacity(batch.events.count)
        for bytes in batch.events {
            let event = try ConsentEvent(decoding: bytes)
            try Self.check(event, capturedBy: node)
            events.append(event)
        }
        let now = service.clock.nowMilliseconds()
        let random = service.random
        let accepted = events
        let indices = try await service.store.transact { state, connection -> [UInt64] in
            // Contradictions are found before anything changes: undoing a change costs a replay of the whole log, which no
            // single store may impose on the others.
            try state.requireNoContradiction(accepted, connection)
            try state.willChange(connection)
            return try accepted.map {
                UInt64(
                    try state.appendConsent($0, source: node, nowMilliseconds: now, random: random, connection))
            }
        }
        return Self.cbor(EventReceipts(indices: indices))
    }

    /// What a store may record: what its customers did there, and that a customer is its own. Controller's acts (erasure,
    /// restriction) are an officer's.
    private static func check(_ event: ConsentEvent, capturedBy node: NodeIndex) throws {
        switch event.kind {
        case .granted, .renewed, .refused, .withdrawn, .objection, .objectionLifted, .noticeServed: break
        case .homeAssigned:
            guard event.homeNode == node else {
                throw Problem.refused("homeNode: a store may take a customer home to itself only")
            }
        case .expired, .restricted, .unrestricted, .erased:
            throw Problem.forbidden
        }
    }

    private struct TimelineEntry: Encodable {
        let index: Int
        let kind: String
        let recordedMilliseconds: Int64
        let effectiveMilliseconds: Int64
        let purposes: [String: String]
        let receipt: String
    }

    private struct Timeline: Encodable {
        let checkpointSize: Int
        let checkpointRoot: String
        let events: [TimelineEntry]
    }

    /// Everything the ledger holds about one subject, each entry with a receipt that verifies offline. The query itself is
    /// recorded: who asked is part of the answer to "who queried whose record".
    func timeline(_ caller: Caller, _ handleText: String) async throws -> HTTPResponse {
        let handle: SubjectHandle
        do { handle = try SubjectHandle(try Hex.decode(handleText)) } catch {
            throw Problem.badRequest("handle: expected 32 hexadecimal digits")
        }
        let now = service.clock.nowMilliseconds()
        let timeline = try await service.store.transact { state, connection -> Timeline? in
            // Asking is recorded whether or not there is an answer.
            try state.audit(caller, act: "timeline", subject: "one subject", nowMilliseconds: now, connection)
            let wrapped = try connection.queryOne(
                "SELECT key_nonce, key_sealed FROM subject WHERE handle = ?", handle.bytes
            ) { WrappedSubjectKey(nonce: try $0.blob(0), sealed: try $0.blob(1)) }
            guard let wrapped else { return nil }
            try state.willChange(connection)
            let checkpoint = try state.publishCheckpoint(nowMilliseconds: now, connection)
            let key = try SubjectKey.unwrap(wrapped, of: handle, under: state.keys.keyEncryptionKey)
            let rows = try connection.query(
                """
                SELECT v.position, l.leaf, v.nonce, v.sealed FROM vault v JOIN ledger l ON l.position = v.position
                WHERE v.handle = ? ORDER BY v.position
                """, handle.bytes
            ) { row in
                (
                    index: Int(try row.integer(0)), leaf: try LedgerLeaf(decoding: try row.blob(1)),
                    row: VaultRow(nonce: try row.blob(2), sealed: try row.blob(3))
                )
            }
            let note = try SignedNote(parsing: checkpoint.note)
            let entries = try rows.map { stored -> TimelineEntry in
                let entry = try Vault.open(stored.row, key: key, leaf: stored.leaf)
                let event = try entry.message(as: ConsentEvent.self)
                let proof = try TlogProof(
                    inclusion: try state.tree.inclusionProof(index: stored.index, size: checkpoint.size),
                    signedCheckpoint: note)
                return TimelineEntry(
                    index: stored.index, kind: "\(event.kind)", recordedMilliseconds: stored.leaf.recordedMilliseconds,
                    effectiveMilliseconds: event.effectiveAtMilliseconds,
                    purposes: Dictionary(
                        event.purposes.map { ($0.purpose.text, "\($0.answer) \($0.level)") },
                        uniquingKeysWith: { $0 + ", " + $1 }),
                    receipt: proof.encoded)
            }
            return Timeline(
                checkpointSize: checkpoint.size, checkpointRoot: checkpoint.root.hex, events: entries)
        }
        guard let timeline else { throw Problem.notFound("subject") }
        return try Self.json(timeline)
    }

    func checkpoint() async throws -> HTTPResponse {
        let note = try await service.store.transact { state, _ in state.lastCheckpoint?.note }
        guard let note else { throw Problem.notFound("checkpoint") }
        return HTTPResponse(status: 200, contentType: "text/plain; charset=utf-8", body: [UInt8](note.utf8))
    }

    /// A checkpoint that a node has seen. If this coordinator's own key signed it and the log does not extend it, entries
    /// were lost, and with them withdrawals: nothing opens any more. Only the signature counts, never a node's word.
    func postSeenCheckpoint(_ request: HTTPRequest) async throws -> HTTPResponse {
        let seen: Checkpoint
        do {
            seen = try Checkpoint(
                verifying: try SignedNote(parsing: String(decoding: request.body, as: UTF8.self)),
                with: [service.keys.ledgerSigner.verifierKey])
        } catch { throw Problem.badRequest("checkpoint: expected a note signed by this ledger") }
        let isBehind = try await service.store.transact { state, _ in
            let extends = seen.size <= state.tree.count && (try? state.tree.root(size: seen.size)) == seen.root
            if !extends { state.quarantined = true }
            return !extends
        }
        if isBehind { service.log.event("ledger.behind-node", ["signed": String(seen.size)]) }
        return Self.noContent
    }

    /// A consistency proof between two sizes of the log.
    func consistency(_ request: HTTPRequest) async throws -> HTTPResponse {
        guard let from = request.query["from"].flatMap({ Int($0) }), let to = request.query["to"].flatMap({ Int($0) })
        else { throw Problem.badRequest("from, to: expected two log sizes") }
        let proof = try await service.store.transact { state, _ -> ConsistencyProof in
            do { return try state.tree.consistencyProof(from: from, to: to) } catch {
                throw Problem.badRequest("from, to: expected 1 <= from <= to <= \(state.tree.count)")
            }
        }
        return Self.cbor(ConsistencyDelivery(hashes: proof.hashes))
    }

    /// A hash tile or entry bundle of the signed part of the log (c2sp.org/tlog-tiles).
    func tile(_ rest: String) async throws -> HTTPResponse {
        let path: TilePath
        do { path = try TilePath(parsing: "tile/\(rest)") } catch { throw Problem.notFound("tile") }
        let bytes = try await service.store.transact { state, connection -> [UInt8] in
            guard path.range.upperBound <= Self.coverage(of: path, signed: state.lastCheckpoint?.size ?? 0) else {
                throw Problem.notFound("tile")
            }
            guard case .entries = path.content else { return try state.tree.tile(path) }
            let leaves = try connection.query(
                "SELECT leaf FROM ledger WHERE position >= ? AND position < ? ORDER BY position",
                path.range.lowerBound, path.range.upperBound
            ) { try $0.blob(0) }
            return try EntryBundle.encode(leaves)
        }
        return HTTPResponse(status: 200, contentType: "application/octet-stream", body: bytes)
    }

    /// Nodes of a tile's level that the signed log has: only those are served.
    private static func coverage(of path: TilePath, signed: Int) -> Int {
        guard case .hashes(let level) = path.content else { return signed }
        return (0..<level).reduce(signed) { size, _ in size / 256 }
    }
}
