// The end of a round that worked: from here lineage answers "which models may my data have trained?".

import Cryptography
import WireFormat

/// One group's sum that a model was made of, in a round that was summed in groups.
public struct ReleasedGroup: WireMessage, Hashable {
    /// The group's session.
    public let session: Digest
    /// Digest of the session's signed survivor set.
    public let survivorDigest: Digest
    /// Digest of the group's noisy sum.
    public let sumDigest: Digest
    /// Log index of the ``BudgetCharged`` entry of the session.
    public let chargeIndex: Int

    /// Describes a group's part in a release.
    /// - Throws: ``ConsentError/invalid(field:expected:)`` for a negative index.
    public init(
        session: Digest, survivorDigest: Digest, sumDigest: Digest, chargeIndex: Int
    ) throws(ConsentError) {
        guard chargeIndex >= 0 else { throw .invalid(field: "chargeIndex", expected: "0 or more") }
        self.session = session
        self.survivorDigest = survivorDigest
        self.sumDigest = sumDigest
        self.chargeIndex = chargeIndex
    }

    /// The message's name in the CDDL.
    public static let messageName = "released-group"

    /// The message as a CBOR map with numbered fields.
    public var cborValue: CBORValue {
        .message(
            (1, .digest(session)), (2, .digest(survivorDigest)), (3, .digest(sumDigest)),
            (4, CBORValue(Int64(chargeIndex))))
    }

    /// Reads the message from its fields.
    /// - Throws: `WireFormatError`.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        session = try fields.digest(1, "session")
        survivorDigest = try fields.digest(2, "survivorDigest")
        sumDigest = try fields.digest(3, "sumDigest")
        chargeIndex = try fields.integer(4, "chargeIndex")
    }
}

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
    /// In a round summed in groups: the other groups whose sums the model was made of, in the order of their charges. Empty
    /// for one sum over everybody.
    public let otherGroups: [ReleasedGroup]

    /// Largest number of other groups.
    static let maximumOtherGroups = 100_000

    /// Describes a release.
    /// - Throws: ``ConsentError/invalid(field:expected:)`` for a negative index.
    public init(
        attempt: AttemptReference, survivorDigest: Digest, sumDigest: Digest, modelDigest: Digest,
        parentModelDigest: Digest, chargeIndex: Int, otherGroups: [ReleasedGroup] = []
    ) throws(ConsentError) {
        guard chargeIndex >= 0 else { throw .invalid(field: "chargeIndex", expected: "0 or more") }
        guard otherGroups.count <= Self.maximumOtherGroups else {
            throw .invalid(field: "otherGroups", expected: "\(Self.maximumOtherGroups) at most")
        }
        self.attempt = attempt
        self.survivorDigest = survivorDigest
        self.sumDigest = sumDigest
        self.modelDigest = modelDigest
        self.parentModelDigest = parentModelDigest
        self.chargeIndex = chargeIndex
        self.otherGroups = otherGroups
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
            ] + (otherGroups.isEmpty ? [] : [.array(otherGroups.map(\.cborValue))]))
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
        let groups = try fields.optional(9, message: Self.messageName) { (field) throws(WireFormatError) in
            try field.array(9, "otherGroups", maximum: Self.maximumOtherGroups) { (value) throws(WireFormatError) in
                try ReleasedGroup(cborValue: value)
            }
        }
        // An empty list would be a second encoding of no list.
        if let groups, groups.isEmpty {
            throw .unexpected(field: "\(Self.messageName).otherGroups", expected: "one group or more")
        }
        otherGroups = groups ?? []
    }
}
