// The start of a round: everything that decides who may take part is fixed here.

import Cryptography
import WireFormat

/// A round was opened on a model and a pinned checkpoint.
public struct RoundOpened: WireMessage, Hashable {
    /// The round.
    public let round: RoundReference
    /// Digest of the approved plan.
    public let planDigest: Digest
    /// Digest of the model that nodes train from.
    public let modelDigest: Digest
    /// The checkpoint that decides homes and eligibility.
    public let pinned: PinnedCheckpoint
    /// The size that the previous round pinned; at most the pinned one.
    public let previousPinned: Int
    /// Budget spent before the round, in millionths of ε.
    public let epsilonBeforeMicro: UInt64
    /// The job's budget, in millionths of ε.
    public let epsilonCapMicro: UInt64

    /// Describes a round.
    /// - Throws: ``ConsentError/invalid(field:expected:)`` if `previousPinned` is not in 0...pinned size, or an amount
    ///   does not fit 63 bits.
    public init(
        round: RoundReference, planDigest: Digest, modelDigest: Digest, pinned: PinnedCheckpoint, previousPinned: Int,
        epsilonBeforeMicro: UInt64, epsilonCapMicro: UInt64
    ) throws(ConsentError) {
        guard (0...pinned.size).contains(previousPinned) else {
            throw .invalid(field: "previousPinned", expected: "0 to the pinned size")
        }
        guard max(epsilonBeforeMicro, epsilonCapMicro) <= UInt64(Int64.max) else {
            throw .invalid(field: "epsilon", expected: "63 bits")
        }
        self.round = round
        self.planDigest = planDigest
        self.modelDigest = modelDigest
        self.pinned = pinned
        self.previousPinned = previousPinned
        self.epsilonBeforeMicro = epsilonBeforeMicro
        self.epsilonCapMicro = epsilonCapMicro
    }

    /// The message's name in the CDDL.
    public static let messageName = "round-opened"

    /// The message as a CBOR map with numbered fields.
    public var cborValue: CBORValue {
        .message(
            about: round,
            [
                .digest(planDigest), .digest(modelDigest), pinned.cborValue, CBORValue(Int64(previousPinned)),
                .unsigned(epsilonBeforeMicro), .unsigned(epsilonCapMicro),
            ])
    }

    /// Reads the message from its fields.
    /// - Throws: `WireFormatError`.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        round = try fields.round()
        planDigest = try fields.digest(3, "planDigest")
        modelDigest = try fields.digest(4, "modelDigest")
        pinned = try fields.message(5, "pinned")
        previousPinned = try fields.integer(6, "previousPinned", in: 0...pinned.size)
        epsilonBeforeMicro = try fields.microEpsilon(7, "epsilonBefore")
        epsilonCapMicro = try fields.microEpsilon(8, "epsilonCap")
    }
}
