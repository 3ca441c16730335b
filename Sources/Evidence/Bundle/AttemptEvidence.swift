// What shows that a committee of nodes, and not the coordinator, decided whose updates a sum was made of.

import Cryptography
import SecureAggregation
import WireFormat

/// The session that was charged for a round. Holds whatever came from outside; ``EvidenceVerifier`` judges it.
public struct AttemptEvidence: WireMessage {
    /// The message's name in the CDDL.
    public static let messageName = "attempt-evidence"

    /// The session's parameters, signed by the coordinator.
    public let parameters: SignedMessage<SessionParameters>
    /// ``Roster/bytes`` of the cohort.
    public let rosterBytes: [UInt8]
    /// ``SurvivorSet/bitmap`` over the roster.
    public let survivorBitmap: [UInt8]
    /// The committee's votes for exactly that set.
    public let certificate: LabelCertificate

    /// Longest roster, in bytes: a cohort of a million nodes.
    static let maximumRosterByteCount = 44_000_000

    /// Collects what an attempt leaves behind.
    public init(
        parameters: SignedMessage<SessionParameters>, roster: Roster, survivors: SurvivorSet,
        certificate: LabelCertificate
    ) {
        self.parameters = parameters
        rosterBytes = roster.bytes
        survivorBitmap = survivors.bitmap
        self.certificate = certificate
    }

    /// The message as a CBOR map with numbered fields.
    public var cborValue: CBORValue {
        .message(
            (1, parameters.cborValue), (2, .bytes(rosterBytes)), (3, .bytes(survivorBitmap)),
            (4, certificate.cborValue))
    }

    /// Reads an attempt, unverified.
    /// - Throws: `WireFormatError`.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        parameters = try fields.message(1, "parameters")
        rosterBytes = try fields.bytes(2, "roster", maximum: Self.maximumRosterByteCount)
        survivorBitmap = try fields.bytes(3, "survivors")
        certificate = try fields.message(4, "certificate")
    }
}
