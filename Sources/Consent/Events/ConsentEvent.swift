// One act of consent: the payload that a leaf of the ledger commits to. Consent-ledger specification, section 3.

import WireFormat

/// One event about one data subject. Personal data: it exists in clear only inside a node, and sealed in the vault.
public struct ConsentEvent: Hashable, Sendable {
    /// What happened.
    public let kind: EventKind
    /// The data subject.
    public let handle: SubjectHandle
    /// The decisions, strictly ascending; empty for kinds without decisions.
    public let purposes: [PurposeDecision]
    /// The basis of a grant.
    public let legalBasis: LegalBasis?
    /// ISO 3166-1 country or ISO 3166-2 subdivision, for example `DE` or `US-CA`.
    public let jurisdiction: String?
    /// The text that was shown.
    public let notice: NoticeReference?
    /// Where the event was captured.
    public let channel: CaptureChannel
    /// Who acted.
    public let actor: EventActor
    /// The register index of the home store's node, for ``EventKind/homeAssigned``.
    public let homeNode: UInt32?
    /// When the act happened by the capturing device's clock, milliseconds since 1970 UTC.
    public let capturedAtMilliseconds: Int64
    /// From when it should count, milliseconds since 1970 UTC.
    public let effectiveAtMilliseconds: Int64
    /// When a grant ends, milliseconds since 1970 UTC; nil if it has no end of its own.
    public let expiresAtMilliseconds: Int64?
    /// Causal context: the subject's latest decision events known to the capturer, strictly ascending.
    public let seen: [EventIdentifier]
    /// The objections or restrictions this event answers, strictly ascending.
    public let supersedes: [EventIdentifier]
    /// The event's own name: uploading it twice is uploading it once.
    public let identifier: EventIdentifier

    /// Most entries of ``seen``: more heads than this means stores that have not synchronised for years.
    public static let maximumSeen = 64
    /// Most entries of ``supersedes``.
    public static let maximumSupersedes = 16

    /// Creates an event. Lists may come in any order; they are sorted.
    /// - Throws: `WireFormatError` that names the field which breaks a rule of its kind (specification, section 3.2).
    public init(
        _ kind: EventKind, of handle: SubjectHandle, identifier: EventIdentifier, purposes: [PurposeDecision] = [],
        legalBasis: LegalBasis? = nil, jurisdiction: String? = nil, notice: NoticeReference? = nil,
        channel: CaptureChannel, actor: EventActor, homeNode: UInt32? = nil,
        capturedAtMilliseconds: Int64, effectiveAtMilliseconds: Int64? = nil, expiresAtMilliseconds: Int64? = nil,
        seen: [EventIdentifier] = [], supersedes: [EventIdentifier] = []
    ) throws(WireFormatError) {
        self.kind = kind
        self.handle = handle
        self.purposes = purposes.sorted()
        self.legalBasis = legalBasis
        self.jurisdiction = jurisdiction
        self.notice = notice
        self.channel = channel
        self.actor = actor
        self.homeNode = homeNode
        self.capturedAtMilliseconds = capturedAtMilliseconds
        self.effectiveAtMilliseconds = effectiveAtMilliseconds ?? capturedAtMilliseconds
        self.expiresAtMilliseconds = expiresAtMilliseconds
        self.seen = seen.sorted()
        self.supersedes = supersedes.sorted()
        self.identifier = identifier
        try validate()
    }
}

extension ConsentEvent: WireMessage {
    /// The message's name in the CDDL.
    public static let messageName = "consent-event"

    /// The message as a CBOR map with numbered fields.
    public var cborValue: CBORValue {
        .message(
            (1, .code(kind)), (2, .bytes(handle.bytes)), (3, .array(purposes.map(\.cborValue))),
            (4, legalBasis.map { .code($0) }), (5, jurisdiction.map { .text($0) }), (6, notice?.cborValue),
            (7, .code(channel)), (8, .code(actor)), (9, homeNode.map { .unsigned(UInt64($0)) }),
            (10, CBORValue(capturedAtMilliseconds)), (11, CBORValue(effectiveAtMilliseconds)),
            (12, expiresAtMilliseconds.map { CBORValue($0) }), (13, .array(seen.map { .bytes($0.bytes) })),
            (14, .array(supersedes.map { .bytes($0.bytes) })), (15, .bytes(identifier.bytes)))
    }

    /// Reads the message from its fields.
    /// - Throws: `WireFormatError`, also for an event that breaks a rule of its kind.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        let name = Self.messageName
        kind = try fields.enumeration(1, "type", message: name)
        handle = SubjectHandle(checked: try fields.bytes(2, "handle", count: SubjectHandle.byteCount)[...])
        purposes = try fields.array(3, "purposes", maximum: 2 * Purpose.allCases.count) {
            (value) throws(WireFormatError) in try PurposeDecision(cborValue: value)
        }
        legalBasis = try fields.optional(4, message: name) { (field) throws(WireFormatError) in
            try field.enumeration(4, "legalBasis", message: name)
        }
        jurisdiction = try fields.optional(5, message: name) { (field) throws(WireFormatError) in
            try field.text(5, "jurisdiction", maximum: 6)
        }
        notice = try fields.optional(6, message: name) { (field) throws(WireFormatError) in
            try field.message(6, "notice")
        }
        channel = try fields.enumeration(7, "channel", message: name)
        actor = try fields.enumeration(8, "actor", message: name)
        homeNode = try fields.optional(9, message: name) { (field) throws(WireFormatError) in
            UInt32(try field.unsigned(9, "homeNode", in: 0...UInt64(UInt32.max)))
        }
        capturedAtMilliseconds = try fields.milliseconds(10, "capturedAt")
        effectiveAtMilliseconds = try fields.milliseconds(11, "effectiveAt")
        expiresAtMilliseconds = try fields.optional(12, message: name) { (field) throws(WireFormatError) in
            try field.milliseconds(12, "expiresAt")
        }
        seen = try fields.array(13, "seen", maximum: Self.maximumSeen, Self.identifier)
        supersedes = try fields.array(14, "supersedes", maximum: Self.maximumSupersedes, Self.identifier)
        identifier = EventIdentifier(checked: try fields.bytes(15, "idem", count: EventIdentifier.byteCount)[...])
        try validate()
    }

    private static func identifier(_ value: CBORValue) throws(WireFormatError) -> EventIdentifier {
        guard case .bytes(let bytes) = value, bytes.count == EventIdentifier.byteCount else {
            throw .unexpected(field: "\(messageName).identifier", expected: "16 bytes")
        }
        return EventIdentifier(checked: bytes[...])
    }
}

extension ConsentEvent: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Safe to log: the kind alone.
    public var description: String { "<event \(kind)>" }
    /// The same as ``description``.
    public var debugDescription: String { description }
    /// Empty: reflection finds nothing to print.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
