// An agent's state folder, without an agent.

import Consent
import Cryptography
import Foundation
import SecureAggregation
import Storage
import TestSupport
import Testing
import WireFormat

@testable import EdgeAgent

/// One node's database and inbox in a folder that goes with the object.
final class AgentState: Sendable {
    let path: String
    let store: AgentStore
    let inbox: ConsentInbox

    init() throws {
        path = "\(NSTemporaryDirectory())concord-agent-\(UUID().uuidString)"
        for name in ["", "/captures", "/state"] {
            try FileManager.default.createDirectory(
                atPath: path + name, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        }
        store = AgentStore(
            database: try Database(path: "\(path)/state/agent.sqlite", schema: AgentSchema.schema, readers: 1),
            counter: BootCounter(path: "\(path)/boot-counter"))
        inbox = ConsentInbox(
            store: store, handleKey: try HandleKey(SecretBytes(copying: [UInt8](repeating: 7, count: 32))),
            chain: "test.example", node: 3, folder: "\(path)/captures", random: SeededRandomSource(seed: 1))
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// A row of a capture file.
    static func row(_ customer: String, _ act: String, at time: Int, purposes: String = "train.federated") -> String {
        "\(customer),\(act),\(purposes),\(time),,kiosk,DE,notice:1:\(String(repeating: "ab", count: 32))"
    }

    /// Writes a capture file with the right header.
    func write(_ name: String, _ rows: String...) throws {
        let text = ([CaptureFile.header] + rows).joined(separator: "\n") + "\n"
        try Data(text.utf8).write(to: URL(filePath: "\(path)/captures/\(name)"))
    }

    /// Stored acts, in order. Each is stored under its own identifier, or this throws.
    func storedEvents() async throws -> [ConsentEvent] {
        let rows = try await store.database.read { connection in
            try connection.query("SELECT identifier, payload FROM consent_event ORDER BY number") {
                (identifier: try $0.blob(0), event: try ConsentEvent(decoding: try $0.blob(1)))
            }
        }
        for row in rows { try #require(row.event.identifier.bytes == row.identifier) }
        return rows.map(\.event)
    }

    /// Customers whose acts are stored, in order.
    func storedHandles() async throws -> [SubjectHandle] {
        try await store.database.read { connection in
            try connection.query("SELECT handle FROM consent_event ORDER BY number") {
                try SubjectHandle(try $0.blob(0))
            }
        }
    }
}
