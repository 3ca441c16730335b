// What a store that was put back does about identifiers that the time that is gone gave to other events.

import Consent
import Storage
import WireFormat

extension ConsentInbox {
    /// From now on an identifier that this store gives may be another event's in the ledger: captures that are read again may
    /// come in another order. In the same order they are the same events, so nothing is renamed before the ledger objects.
    static func doubtIdentifiers(_ connection: borrowing SQLConnection) throws {
        // The count is 1 for identifiers that were never in doubt.
        try connection.execute("UPDATE boot SET count = 0")
    }

    /// Begins another line of identifiers, once after each restoration, and gives one to every event that the ledger has not
    /// acknowledged. What such an event has seen among them is renamed too.
    /// - Returns: whether identifiers were in doubt; if not, nothing changes.
    func renameUndelivered() async throws -> Bool {
        let inbox = self
        return try await store.database.write { connection in
            let areInDoubt = try connection.queryOne("SELECT 1 FROM boot WHERE count = 0", map: { _ in true })
            guard areInDoubt != nil else { return false }
            try connection.execute("DELETE FROM boot")
            let boot = try inbox.bootIdentifier(connection)
            let rows = try connection.query(
                "SELECT number, payload FROM consent_event WHERE position IS NULL ORDER BY number"
            ) { (number: try $0.integer(0), payload: try $0.blob(1)) }
            let total = try connection.queryOne("SELECT count(*) FROM consent_event") { Int(try $0.integer(0)) } ?? 0
            var renamed: [EventIdentifier: EventIdentifier] = [:]
            // Ends at the number of events, which the next capture goes on from.
            for (place, row) in zip((total - rows.count + 1)..., rows) {
                let event = try ConsentEvent(decoding: row.payload)
                let identifier = try EventIdentifier.make(source: inbox.node, boot: boot, sequence: UInt64(place))
                let copy = try event.renamed(identifier, seen: event.seen.map { renamed[$0] ?? $0 })
                renamed[event.identifier] = identifier
                try connection.execute(
                    "UPDATE consent_event SET identifier = ?, payload = ? WHERE number = ?", identifier.bytes,
                    copy.encoded(), row.number)
            }
            return true
        }
    }
}

extension ConsentEvent {
    fileprivate func renamed(_ identifier: EventIdentifier, seen: [EventIdentifier]) throws -> ConsentEvent {
        try ConsentEvent(
            kind, of: handle, identifier: identifier, purposes: purposes, legalBasis: legalBasis,
            jurisdiction: jurisdiction, notice: notice, channel: channel, actor: actor, homeNode: homeNode,
            capturedAtMilliseconds: capturedAtMilliseconds, effectiveAtMilliseconds: effectiveAtMilliseconds,
            expiresAtMilliseconds: expiresAtMilliseconds, seen: seen, supersedes: supersedes)
    }
}
