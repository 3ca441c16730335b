// What a node shows about one customer when an auditor or she herself asks.

import WireFormat

/// Shows that a subject is in a committed cohort.
public struct CohortOpening: WireMessage {
    /// The node's salt of the round.
    public let salt: CohortSalt
    /// The subject's leaf.
    public let leaf: ProvenLeaf

    init(salt: CohortSalt, leaf: ProvenLeaf) {
        self.salt = salt
        self.leaf = leaf
    }

    /// The message's name in the CDDL.
    public static let messageName = "cohort-opening"

    /// The message as a CBOR map with numbered fields.
    public var cborValue: CBORValue { .message((1, .bytes(salt.bytes)), (2, leaf.cborValue)) }

    /// Reads the message from its fields.
    /// - Throws: `WireFormatError`.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        salt = try fields.salt(1, Self.messageName)
        leaf = try fields.message(2, "leaf")
    }
}

/// Shows that a subject is not in a committed cohort.
public struct CohortAbsence: WireMessage {
    /// The node's salt of the round.
    public let salt: CohortSalt
    /// The neighbours of where the subject's leaf would be.
    public let proof: AbsenceProof

    init(salt: CohortSalt, proof: AbsenceProof) {
        self.salt = salt
        self.proof = proof
    }

    /// The message's name in the CDDL.
    public static let messageName = "cohort-absence"

    /// The message as a CBOR map with numbered fields.
    public var cborValue: CBORValue { .message((1, .bytes(salt.bytes)), (2, proof.cborValue)) }

    /// Reads the message from its fields.
    /// - Throws: `WireFormatError`.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        salt = try fields.salt(1, Self.messageName)
        proof = try fields.message(2, "proof")
    }
}

extension MessageReader {
    fileprivate mutating func salt(_ key: UInt64, _ message: String) throws(WireFormatError) -> CohortSalt {
        let bytes = try bytes(key, "salt", count: CohortSalt.byteCount)
        do { return try CohortSalt(bytes) } catch { throw .unexpected(field: "\(message).salt", expected: "32 bytes") }
    }
}
