// A node's signed commitment, as the ledger records it before the node's update is accepted.

import WireFormat

/// A node fixed its eligible set.
public struct CohortCommitted: WireMessage, Hashable {
    /// The commitment.
    public let commitment: CohortCommitment
    /// The node's signature: 64 bytes, see ``CohortCommitment/verify(signature:by:)``.
    public let signature: [UInt8]

    /// Records a commitment.
    /// - Throws: ``ConsentError/invalid(field:expected:)`` unless the signature has 64 bytes.
    public init(commitment: CohortCommitment, signature: [UInt8]) throws(ConsentError) {
        guard signature.count == 64 else { throw .invalid(field: "signature", expected: "64 bytes") }
        self.commitment = commitment
        self.signature = signature
    }

    /// The message's name in the CDDL.
    public static let messageName = "cohort-committed"

    /// The message as a CBOR map with numbered fields.
    public var cborValue: CBORValue { .message((1, commitment.cborValue), (2, .bytes(signature))) }

    /// Reads the message from its fields.
    /// - Throws: `WireFormatError`.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        commitment = try fields.message(1, "commitment")
        signature = try fields.bytes(2, "signature", count: 64)
    }
}
