// What a node is told when it asks for work. Pull only: everything here is a read of committed rows.

import Cryptography
import SecureAggregation
import WireFormat

/// One thing a node may do now.
public struct WorkItem: Equatable, Hashable, Sendable {
    /// What to do.
    public enum Kind: UInt64, Sendable {
        /// Take part in a session: fetch its offer.
        case offer = 1
        /// Vote on a session's survivor set: fetch its label proposal.
        case vote = 2
        /// Open shares for a session: fetch its reveal request.
        case reveal = 3
        /// Check shares that were dealt to this node: fetch its share checks. Named by the epoch's root instead of a session.
        case shareCheck = 4
    }

    /// What to do.
    public let kind: Kind
    /// In which session; for share checks, in which epoch.
    public let sessionID: Digest

    /// Describes an item.
    public init(kind: Kind, sessionID: Digest) {
        self.kind = kind
        self.sessionID = sessionID
    }
}

/// The answer to `GET /v1/work`.
public struct WorkList: WireMessage {
    /// The message's name in the CDDL.
    public static let messageName = "work-list"

    /// The coordinator's clock, Unix milliseconds.
    public let serverMilliseconds: Int64
    /// When to ask again.
    public let pollAfterMilliseconds: Int64
    /// The current epoch's number, at most `Epoch.maximumNumber`; 0 before the first.
    public let epoch: UInt64
    /// The epoch's root, or nil while hellos are still collected.
    public let epochRoot: Digest?
    /// Whether this node's hello for the epoch is stored.
    public let helloStored: Bool
    /// Unused prekeys of this node that the coordinator holds.
    public let prekeysHeld: Int
    /// Entries in the consent log, so that a node that saw more can tell that the coordinator lost some.
    public let ledgerSize: UInt64
    /// What to do now.
    public let items: [WorkItem]

    /// Collects a work list.
    public init(
        serverMilliseconds: Int64, pollAfterMilliseconds: Int64, epoch: UInt64, epochRoot: Digest?, helloStored: Bool,
        prekeysHeld: Int, ledgerSize: UInt64, items: [WorkItem]
    ) {
        self.serverMilliseconds = serverMilliseconds
        self.pollAfterMilliseconds = pollAfterMilliseconds
        self.epoch = epoch
        self.epochRoot = epochRoot
        self.helloStored = helloStored
        self.prekeysHeld = prekeysHeld
        self.ledgerSize = ledgerSize
        self.items = items
    }

    /// The message as CBOR.
    public var cborValue: CBORValue {
        .message(
            (1, CBORValue(serverMilliseconds)), (2, CBORValue(pollAfterMilliseconds)), (3, .unsigned(epoch)),
            (4, epochRoot.map { .bytes($0.bytes) }), (5, .boolean(helloStored)), (6, .unsigned(UInt64(prekeysHeld))),
            (7, .unsigned(ledgerSize)),
            (
                8,
                .array(
                    items.map { .message((1, .unsigned($0.kind.rawValue)), (2, .bytes($0.sessionID.bytes))) })
            ))
    }

    /// Reads a work list.
    /// - Throws: ``WireFormatError``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        serverMilliseconds = Int64(try fields.unsigned(1, "serverMilliseconds"))
        pollAfterMilliseconds = Int64(try fields.unsigned(2, "pollAfterMilliseconds", in: 1...86_400_000))
        epoch = try fields.unsigned(3, "epoch", in: 0...Epoch.maximumNumber)
        if let root = fields.optionalField(4) {
            guard case .bytes(let bytes) = root, let digest = try? Digest(bytes) else {
                throw .unexpected(field: "work-list.epochRoot", expected: "a digest")
            }
            epochRoot = digest
        } else {
            epochRoot = nil
        }
        helloStored = try fields.boolean(5, "helloStored")
        prekeysHeld = try fields.integer(6, "prekeysHeld", in: 0...1_000_000)
        ledgerSize = try fields.unsigned(7, "ledgerSize")
        items = try fields.array(8, "items", maximum: 10_000) { (value) throws(WireFormatError) -> WorkItem in
            var item = try MessageReader(value, message: "work-list.item")
            let number = try item.unsigned(1, "kind")
            guard let kind = WorkItem.Kind(rawValue: number) else {
                throw .unexpected(field: "work-list.item.kind", expected: "1, 2, 3 or 4")
            }
            let bytes = try item.bytes(2, "sessionId", count: Digest.byteCount)
            try item.finish()
            guard let digest = try? Digest(bytes) else {
                throw .unexpected(field: "work-list.item.sessionId", expected: "a digest")
            }
            return WorkItem(kind: kind, sessionID: digest)
        }
    }
}
