// One tick on a form: this purpose, up to (or from) this level, yes or no.

import WireFormat

/// One customer's decision about one purpose.
public struct PurposeDecision: WireMessage, Hashable, Comparable {
    /// Yes or no.
    public enum Answer: UInt8, Sendable {
        /// Grants levels 1...level.
        case grant = 1
        /// Removes levels `level` and above; lower ones stay.
        case deny = 2
    }

    /// The purpose decided about.
    public let purpose: Purpose
    /// 1...``Purpose/maximumLevel``.
    public let level: Int
    /// Yes or no.
    public let answer: Answer

    /// Creates a decision; its level is checked when the event is.
    public init(_ answer: Answer, _ purpose: Purpose, level: Int = 1) {
        self.purpose = purpose
        self.level = level
        self.answer = answer
    }

    /// Order of the decisions in an event: by purpose, then grant before deny.
    public static func < (left: PurposeDecision, right: PurposeDecision) -> Bool {
        (left.purpose.rawValue, left.answer.rawValue) < (right.purpose.rawValue, right.answer.rawValue)
    }

    /// The message's name in the CDDL.
    public static let messageName = "purpose-decision"

    /// The message as a CBOR map with numbered fields.
    public var cborValue: CBORValue {
        .message(
            (1, .unsigned(UInt64(purpose.rawValue))), (2, CBORValue(Int64(level))),
            (3, .unsigned(UInt64(answer.rawValue))))
    }

    /// Reads the message from its fields.
    /// - Throws: `WireFormatError`, also for a purpose, level or answer outside the registry.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        let purpose: Purpose = try fields.enumeration(1, "code", message: Self.messageName)
        self.purpose = purpose
        level = try fields.integer(2, "level", in: 1...purpose.maximumLevel)
        answer = try fields.enumeration(3, "decision", message: Self.messageName)
    }
}
