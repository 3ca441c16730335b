// The end of a round that worked: from here lineage answers "which models may my data have trained?".

import Cryptography
import WireFormat

/// A model was released from an attempt.
public struct ModelReleased: WireMessage, Hashable {
    /// The attempt.
    public let attempt: AttemptReference
    /// Digest of the signed survivor set.
    public let survivorDigest: Digest
    /// Digest of the noisy sum.
    public let sumDigest: Digest
    /// Digest of the model released.
    public let modelDigest: Digest
    /// Digest of the model it was trained from.
    public let parentModelDigest: Digest
    /// Log index of the ``BudgetCharged`` entry that paid for it.
    public let chargeIndex: Int

    /// Describes a release.
    /// - Throws: ``ConsentError/invalid(field:expected:)`` for a negative index.
    public init(
        attempt: AttemptReference, survivorDigest: Digest, sumDigest: Digest, modelDigest: Digest,
        parentModelDigest: Digest, chargeIndex: Int
    ) throws(ConsentError) {
        guard chargeIndex >= 0 else { throw .invalid(field: "chargeIndex", expected: "0 or more") }
        self.attempt = attempt
        self.survivorDigest = survivorDigest
        self.sumDigest = sumDigest
        self.modelDigest = modelDigest
        self.parentModelDigest = parentModelDigest
        self.chargeIndex = chargeIndex
    }

    /// The message's name in the CDDL.
    public static let messageName = "model-released"

    /// The message as a CBOR map with numbered fields.
    public var cborValue: CBORValue {
        .message(
            about: attempt.round, session: attempt.session,
            [
                .digest(survivorDigest), .digest(sumDigest), .digest(modelDigest), .digest(parentModelDigest),
                CBORValue(Int64(chargeIndex)),
            ])
    }

    /// Reads the message from its fields.
    /// - Throws: `WireFormatError`.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        attempt = try fields.attempt()
        survivorDigest = try fields.digest(4, "survivorDigest")
        sumDigest = try fields.digest(5, "sumDigest")
        modelDigest = try fields.digest(6, "modelDigest")
        parentModelDigest = try fields.digest(7, "parentModelDigest")
        chargeIndex = try fields.integer(8, "chargeIndex")
    }
}
