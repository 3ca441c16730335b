// How consent events reach the ledger and what comes back.

import Cryptography
import WireFormat

/// The body of `POST /v1/events`: encoded consent events, in the order they were captured.
public struct EventBatch: WireMessage {
    /// The message's name in the CDDL.
    public static let messageName = "event-batch"

    /// Encoded ``ConsentEvent`` payloads.
    public let events: [[UInt8]]

    /// Events a batch may hold.
    public static let maximumEvents = 2_000

    /// Collects events.
    public init(events: [[UInt8]]) { self.events = events }

    /// The message as CBOR.
    public var cborValue: CBORValue { .message((1, .array(events.map { .bytes($0) }))) }

    /// Reads a batch.
    /// - Throws: ``WireFormatError``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        events = try fields.array(1, "events", maximum: Self.maximumEvents) { (value) throws(WireFormatError) in
            guard case .bytes(let bytes) = value, bytes.count <= 65_535 else {
                throw .unexpected(field: "event-batch.events", expected: "byte strings of at most 65535 bytes")
            }
            return bytes
        }
    }
}

/// The answer: one log index an event, in order. A repeated event gets the index it had before.
public struct EventReceipts: WireMessage {
    /// The message's name in the CDDL.
    public static let messageName = "event-receipts"

    /// Log indices, each below 2^63.
    public let indices: [UInt64]

    /// Collects receipts.
    public init(indices: [UInt64]) { self.indices = indices }

    /// The message as CBOR.
    public var cborValue: CBORValue { .message((1, .array(indices.map { .unsigned($0) }))) }

    /// Reads receipts.
    /// - Throws: ``WireFormatError``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        indices = try fields.array(1, "indices", maximum: EventBatch.maximumEvents) { (value) throws(WireFormatError) in
            guard case .unsigned(let index) = value, index <= UInt64(Int64.max) else {
                throw .unexpected(field: "event-receipts.indices", expected: "log indices below 2^63")
            }
            return index
        }
    }
}

/// The answer to `GET /v1/views/{size}`: the node's view at a checkpoint, with the statement the ledger signed about it.
public struct ViewDelivery: WireMessage {
    /// The message's name in the CDDL.
    public static let messageName = "view-delivery"

    /// The checkpoint as a signed note.
    public let checkpoint: String
    /// The encoded consent view.
    public let view: [UInt8]
    /// The ledger key's signature of the view's statement, 64 bytes.
    public let signature: [UInt8]

    /// Collects a delivery.
    public init(checkpoint: String, view: [UInt8], signature: [UInt8]) {
        self.checkpoint = checkpoint
        self.view = view
        self.signature = signature
    }

    /// The message as CBOR.
    public var cborValue: CBORValue {
        .message((1, .text(checkpoint)), (2, .bytes(view)), (3, .bytes(signature)))
    }

    /// Reads a delivery.
    /// - Throws: ``WireFormatError``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        checkpoint = try fields.text(1, "checkpoint", maximum: 65_536)
        view = try fields.bytes(2, "view", maximum: 512 << 20)
        signature = try fields.bytes(3, "signature", count: 64)
    }
}

/// The answer to `GET /v1/log/consistency`: the hashes of a consistency proof (RFC 6962 section 2.1.2).
public struct ConsistencyDelivery: WireMessage {
    /// The message's name in the CDDL.
    public static let messageName = "consistency-delivery"

    /// In the order of RFC 6962.
    public let hashes: [Digest]

    /// Collects hashes.
    public init(hashes: [Digest]) { self.hashes = hashes }

    /// The message as CBOR.
    public var cborValue: CBORValue { .message((1, .array(hashes.map { .bytes($0.bytes) }))) }

    /// Reads hashes.
    /// - Throws: ``WireFormatError``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        hashes = try fields.array(1, "hashes", maximum: 128) { (value) throws(WireFormatError) -> Digest in
            guard case .bytes(let bytes) = value, let digest = try? Digest(bytes) else {
                throw .unexpected(field: "consistency-delivery.hashes", expected: "digests")
            }
            return digest
        }
    }
}
