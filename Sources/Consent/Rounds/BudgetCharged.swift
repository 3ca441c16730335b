// The charge, recorded before anything can be learned from the round. There are no refunds.

import Cryptography
import WireFormat

/// Privacy budget was charged for an attempt.
public struct BudgetCharged: WireMessage, Hashable {
    /// The attempt.
    public let attempt: AttemptReference
    /// Digest of the accountant's certificate.
    public let certificateDigest: Digest
    /// What the attempt costs, in millionths of ε, rounded up.
    public let costMicro: UInt64
    /// Budget spent including this attempt, in millionths of ε.
    public let epsilonAfterMicro: UInt64

    /// Describes a charge.
    /// - Throws: ``ConsentError/invalid(field:expected:)`` if an amount does not fit 63 bits.
    public init(
        attempt: AttemptReference, certificateDigest: Digest, costMicro: UInt64, epsilonAfterMicro: UInt64
    ) throws(ConsentError) {
        guard max(costMicro, epsilonAfterMicro) <= UInt64(Int64.max) else {
            throw .invalid(field: "epsilon", expected: "63 bits")
        }
        self.attempt = attempt
        self.certificateDigest = certificateDigest
        self.costMicro = costMicro
        self.epsilonAfterMicro = epsilonAfterMicro
    }

    /// The message's name in the CDDL.
    public static let messageName = "budget-charged"

    /// The message as a CBOR map with numbered fields.
    public var cborValue: CBORValue {
        .message(
            about: attempt.round, session: attempt.session,
            [.digest(certificateDigest), .unsigned(costMicro), .unsigned(epsilonAfterMicro)])
    }

    /// Reads the message from its fields.
    /// - Throws: `WireFormatError`.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        attempt = try fields.attempt()
        certificateDigest = try fields.digest(4, "certificateDigest")
        costMicro = try fields.microEpsilon(5, "cost")
        epsilonAfterMicro = try fields.microEpsilon(6, "epsilonAfter")
    }
}
