// Appending to the consent log: the leaf, its sealed payload and the mirror move together, inside one transaction.

import Consent
import Cryptography
import MerkleLog
import Storage
import WireFormat

extension CoordinatorState {
    /// The source number of the coordinator's own entries; nodes use their register index.
    static let ownSource: UInt32 = .max

    /// Appends a public entry (governance, round, system) in clear.
    /// - Returns: its position in the log.
    func appendPublic(
        _ category: LedgerLeaf.Category, payload: [UInt8], nowMilliseconds: Int64, random: any RandomSource,
        _ connection: borrowing SQLConnection
    ) throws -> Int {
        let position = tree.count
        let entry = try LedgerEntry.make(
            category, payload: payload, source: Self.ownSource, sourceSequence: nextSequence(Self.ownSource),
            recordedMilliseconds: nowMilliseconds, random: random)
        try insertLeaf(entry.leaf, position, connection)
        try connection.execute("INSERT INTO public_payload VALUES (?, ?)", position, payload)
        try ledger.skip(index: position)
        return position
    }

    /// Throws if an event's identifier names another event, in the log or in the batch itself.
    /// - Throws: ``Problem`` 409.
    func requireNoContradiction(_ events: [ConsentEvent], _ connection: borrowing SQLConnection) throws {
        var digests: [EventIdentifier: Digest] = [:]
        for event in events {
            let digest = SHA256.hash(event.encoded())
            let stored = try connection.queryOne(
                "SELECT digest FROM event_identifier WHERE identifier = ?", event.identifier.bytes
            ) { try $0.digest(0) }
            guard stored ?? digest == digest, digests.updateValue(digest, forKey: event.identifier) ?? digest == digest
            else { throw Problem.conflict("the event identifier names another event") }
        }
    }

    /// Appends a consent event, or finds it again.
    /// - Throws: ``Problem`` 409 if the identifier names another event.
    /// - Returns: its position in the log.
    func appendConsent(
        _ event: ConsentEvent, source: UInt32, nowMilliseconds: Int64, random: any RandomSource,
        _ connection: borrowing SQLConnection
    ) throws -> Int {
        let payload = event.encoded()
        let digest = SHA256.hash(payload)
        let known = try connection.queryOne(
            "SELECT digest, position FROM event_identifier WHERE identifier = ?", event.identifier.bytes
        ) { (try $0.digest(0), try $0.integer(1)) }
        if let (stored, position) = known {
            guard stored == digest else { throw Problem.conflict("the event identifier names another event") }
            return Int(position)
        }
        let position = tree.count
        let key = try subjectKey(of: event.handle, random: random, connection)
        let entry = try LedgerEntry.make(
            .consent, payload: payload, source: source, sourceSequence: nextSequence(source),
            recordedMilliseconds: nowMilliseconds, random: random)
        let row = try Vault.seal(entry, key: key, random: random)
        try insertLeaf(entry.leaf, position, connection)
        try connection.execute(
            "INSERT INTO vault VALUES (?, ?, ?, ?)", position, event.handle.bytes, row.nonce, row.sealed)
        try connection.execute(
            "INSERT INTO event_identifier VALUES (?, ?, ?)", event.identifier.bytes, digest.bytes, position)
        try ledger.ingest(event, index: position, recordedMilliseconds: nowMilliseconds)
        return position
    }

    /// Signs a checkpoint of the whole log, unless the newest one covers it already.
    func publishCheckpoint(
        nowMilliseconds: Int64, _ connection: borrowing SQLConnection
    ) throws -> StoredCheckpoint {
        if let lastCheckpoint, lastCheckpoint.size == tree.count { return lastCheckpoint }
        let body = try Checkpoint(origin: keys.ledgerSigner.verifierKey.name, size: tree.count, root: tree.root).body
        let note = try keys.ledgerSigner.sign(body)
        let stored = StoredCheckpoint(
            size: tree.count, root: tree.root, note: note.encoded, atMilliseconds: nowMilliseconds)
        try connection.execute(
            "INSERT INTO checkpoint VALUES (?, ?, ?)", stored.size, stored.note, nowMilliseconds)
        lastCheckpoint = stored
        return stored
    }

    private func nextSequence(_ source: UInt32) -> UInt64 {
        sourceCounts[source, default: 0] += 1
        return sourceCounts[source, default: 0]
    }

    private func insertLeaf(_ leaf: LedgerLeaf, _ position: Int, _ connection: borrowing SQLConnection) throws {
        try connection.execute("INSERT INTO ledger VALUES (?, ?)", position, leaf.encoded())
        tree.append(leafHash: leaf.hash)
    }

    private func subjectKey(
        of handle: SubjectHandle, random: any RandomSource, _ connection: borrowing SQLConnection
    ) throws -> SubjectKey {
        let stored = try connection.queryOne(
            "SELECT key_nonce, key_sealed FROM subject WHERE handle = ?", handle.bytes
        ) { WrappedSubjectKey(nonce: try $0.blob(0), sealed: try $0.blob(1)) }
        if let stored { return try SubjectKey.unwrap(stored, of: handle, under: keys.keyEncryptionKey) }
        let key = try SubjectKey(random: random)
        let wrapped = try key.wrapped(for: handle, under: keys.keyEncryptionKey, random: random)
        try connection.execute("INSERT INTO subject VALUES (?, ?, ?)", handle.bytes, wrapped.nonce, wrapped.sealed)
        return key
    }

    /// Replays the stored log into the mirror.
    func reloadLedger(_ connection: borrowing SQLConnection) throws {
        var tree = MerkleTree()
        var ledger = LedgerState()
        var counts: [UInt32: UInt64] = [:]
        var subjectKeys: [SubjectHandle: SubjectKey] = [:]
        let kek = keys.keyEncryptionKey
        _ = try connection.query(
            """
            SELECT l.position, l.leaf, v.handle, v.nonce, v.sealed, s.key_nonce, s.key_sealed
            FROM ledger l LEFT JOIN vault v ON v.position = l.position LEFT JOIN subject s ON s.handle = v.handle
            ORDER BY l.position
            """
        ) { row in
            let position = Int(try row.integer(0))
            let leaf = try LedgerLeaf(decoding: try row.blob(1))
            tree.append(leafHash: leaf.hash)
            counts[leaf.source, default: 0] += 1
            guard let handleBytes = try row.optionalBlob(2) else {
                try ledger.skip(index: position)
                return
            }
            let handle = try SubjectHandle(handleBytes)
            let key: SubjectKey
            if let cached = subjectKeys[handle] {
                key = cached
            } else {
                key = try SubjectKey.unwrap(
                    WrappedSubjectKey(nonce: try row.blob(5), sealed: try row.blob(6)), of: handle, under: kek)
                subjectKeys[handle] = key
            }
            let entry = try Vault.open(
                VaultRow(nonce: try row.blob(3), sealed: try row.blob(4)), key: key, leaf: leaf)
            try ledger.ingest(
                try entry.message(as: ConsentEvent.self), index: position,
                recordedMilliseconds: leaf.recordedMilliseconds)
        }
        self.tree = tree
        self.ledger = ledger
        sourceCounts = counts
        lastCheckpoint = try connection.queryOne(
            "SELECT size, note, at_ms FROM checkpoint ORDER BY size DESC LIMIT 1"
        ) { row in
            let size = Int(try row.integer(0))
            return StoredCheckpoint(
                size: size, root: try tree.root(size: size), note: try row.text(1), atMilliseconds: try row.integer(2))
        }
    }
}
