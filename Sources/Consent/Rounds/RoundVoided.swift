// The end of an attempt that gave nothing. What it was charged stays spent.

import Cryptography
import WireFormat

/// An attempt ended without a model.
public struct RoundVoided: WireMessage, Hashable {
    /// Why. None of the reasons depends on a customer's data: nodes never refuse because of values.
    public enum Reason: UInt8, CaseIterable, Hashable, Sendable {
        /// Fewer nodes than the minimum uploaded in time.
        case tooFewSurvivors = 1
        /// The committee did not answer in time.
        case committeeUnavailable = 2
        /// A signature, share or digest did not verify.
        case verificationFailed = 3
        /// The budget does not cover the attempt.
        case budgetExhausted = 4
        /// A person stopped the round.
        case stopped = 5
        /// Another attempt of the round takes its place.
        case superseded = 6
    }

    /// The attempt.
    public let attempt: AttemptReference
    /// Why.
    public let reason: Reason
    /// Whether budget was charged for the attempt, and so is spent.
    public let isSpent: Bool

    /// Describes the end of an attempt.
    public init(attempt: AttemptReference, reason: Reason, isSpent: Bool) {
        self.attempt = attempt
        self.reason = reason
        self.isSpent = isSpent
    }

    /// The message's name in the CDDL.
    public static let messageName = "round-voided"

    /// The message as a CBOR map with numbered fields.
    public var cborValue: CBORValue {
        .message(about: attempt.round, session: attempt.session, [.code(reason), .boolean(isSpent)])
    }

    /// Reads the message from its fields.
    /// - Throws: `WireFormatError`.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        attempt = try fields.attempt()
        reason = try fields.enumeration(4, "reason", message: Self.messageName)
        isSpent = try fields.boolean(5, "spent")
    }
}
