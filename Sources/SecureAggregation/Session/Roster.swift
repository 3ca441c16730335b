// The cohort of a session: which nodes, each with which one-time prekey.

import Cryptography
import WireFormat

/// One place in the cohort.
public struct RosterEntry: Equatable, Hashable, Sendable {
    /// The node.
    public let node: NodeIndex
    /// Its prekey's sequence number, at most ``Prekey/maximumSequence``.
    public let sequence: UInt64
    /// Its prekey.
    public let prekeyDigest: Digest

    /// Describes a place.
    public init(node: NodeIndex, sequence: UInt64, prekeyDigest: Digest) {
        self.node = node
        self.sequence = sequence
        self.prekeyDigest = prekeyDigest
    }
}

/// The cohort, by strictly increasing node index: no identity counts twice.
public struct Roster: Equatable, Sendable {
    /// The places; a roster position is an index into this array.
    public let entries: [RosterEntry]
    /// node (4) ‖ sequence (8) ‖ prekey digest (32), big-endian, one after the other.
    public let bytes: [UInt8]
    /// H("roster", ``bytes``).
    public let digest: Digest

    static let entryByteCount = 4 + 8 + 32

    /// Creates a roster.
    /// - Throws: ``SecureAggregationError/mismatch(field:)`` if indices do not strictly increase, and
    ///   ``SecureAggregationError/malformed(_:)`` for a sequence above ``Prekey/maximumSequence``.
    public init(_ entries: [RosterEntry]) throws(SecureAggregationError) {
        guard zip(entries, entries.dropFirst()).allSatisfy({ $0.node < $1.node }) else {
            throw .mismatch(field: "order of the roster")
        }
        // A roster's bytes are the only place where a sequence comes in as eight free bytes.
        guard entries.allSatisfy({ $0.sequence <= Prekey.maximumSequence }) else {
            throw .malformed("prekey sequence in the roster")
        }
        self.entries = entries
        var bytes: [UInt8] = []
        bytes.reserveCapacity(entries.count * Self.entryByteCount)
        for entry in entries { bytes += bigEndian(entry.node) + bigEndian(entry.sequence) + entry.prekeyDigest.bytes }
        self.bytes = bytes
        digest = SHA256.tagged("roster", bytes)
    }

    /// Reads ``bytes``.
    /// - Throws: ``SecureAggregationError``.
    public init(bytes: [UInt8]) throws(SecureAggregationError) {
        guard bytes.count.isMultiple(of: Self.entryByteCount) else { throw .malformed("roster") }
        var entries: [RosterEntry] = []
        entries.reserveCapacity(bytes.count / Self.entryByteCount)
        for start in stride(from: 0, to: bytes.count, by: Self.entryByteCount) {
            let node = bytes[start..<start + 4].reduce(NodeIndex(0)) { $0 << 8 | NodeIndex($1) }
            let sequence = bytes[start + 4..<start + 12].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            let digest = try refusing(as: "roster") { try Digest(bytes[start + 12..<start + 44]) }
            entries.append(RosterEntry(node: node, sequence: sequence, prekeyDigest: digest))
        }
        try self.init(entries)
    }

    /// The roster position of `node`.
    public func position(of node: NodeIndex) -> Int? {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].node < node { low = middle + 1 } else { high = middle }
        }
        return low < entries.count && entries[low].node == node ? low : nil
    }
}

/// What the coordinator hands a node: signed parameters, the roster, and the prekeys of the node's neighbours.
public struct RoundOffer: WireMessage {
    /// The message's name in the CDDL.
    public static let messageName = "round-offer"

    /// Signed by the coordinator.
    public let parameters: SignedMessage<SessionParameters>
    /// The cohort.
    public let roster: Roster
    /// Prekeys of the neighbours in the mask graph, by ascending roster position.
    public let neighbourPrekeys: [SignedMessage<Prekey>]

    /// Collects an offer.
    public init(
        parameters: SignedMessage<SessionParameters>, roster: Roster, neighbourPrekeys: [SignedMessage<Prekey>]
    ) {
        self.parameters = parameters
        self.roster = roster
        self.neighbourPrekeys = neighbourPrekeys
    }

    /// The message as CBOR.
    public var cborValue: CBORValue {
        .message(
            (1, parameters.cborValue), (2, .bytes(roster.bytes)),
            (3, .array(neighbourPrekeys.map(\.cborValue))))
    }

    /// Reads an offer, unverified.
    /// - Throws: ``WireFormatError``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        parameters = try fields.message(1, "parameters")
        let rosterBytes = try fields.bytes(2, "roster", maximum: 64 << 20)
        do { roster = try Roster(bytes: rosterBytes) } catch {
            throw .unexpected(field: "round-offer.roster", expected: error.description)
        }
        neighbourPrekeys = try fields.array(3, "neighbourPrekeys") { (value) throws(WireFormatError) in
            try SignedMessage<Prekey>(cborValue: value)
        }
    }
}
