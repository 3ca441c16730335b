// Who decided, where, on what legal basis and after reading which text: what GDPR Articles 6 and 7(1) ask to be shown.

import Cryptography
import WireFormat

/// The legal basis of a grant. Only consent is a basis for the purposes of this registry.
public enum LegalBasis: UInt8, CaseIterable, Hashable, Sendable {
    /// Consent, GDPR Article 6(1)(a).
    case consent = 1
    /// Explicit consent, GDPR Article 9(2)(a).
    case explicitConsent = 2

    /// The term of the W3C Data Privacy Vocabulary 2.3 (`dpv:`), for exports.
    public var vocabularyTerm: String {
        switch self {
        case .consent: "Consent"
        case .explicitConsent: "ExplicitlyExpressedConsent"
        }
    }
}

/// Where the event was captured.
public enum CaptureChannel: UInt8, CaseIterable, Hashable, Sendable {
    /// The chain's app.
    case app = 1
    /// The chain's web site.
    case web = 2
    /// A kiosk in a store.
    case kiosk = 3
    /// A point of sale.
    case pointOfSale = 4
    /// A paper form, typed in later.
    case paper = 5
    /// A telephone call.
    case phone = 6
    /// A back-office or automatic process.
    case system = 7
}

/// Who acted.
public enum EventActor: UInt8, CaseIterable, Hashable, Sendable {
    /// The data subject.
    case subject = 1
    /// The holder of parental responsibility.
    case guardian = 2
    /// An authorised agent.
    case agent = 3
    /// A member of staff.
    case staff = 4
    /// The system by itself.
    case system = 5
    /// A supervisory authority or a court.
    case regulator = 6
}

/// The exact text that was shown.
public struct NoticeReference: WireMessage, Hashable {
    /// The notice's name in the registry, 1...64 bytes.
    public let identifier: String
    /// Its version, from 1.
    public let version: UInt32
    /// SHA-256 of the text as rendered.
    public let digest: Digest

    /// Refers to a notice; its identifier is checked when the event is.
    public init(identifier: String, version: UInt32, digest: Digest) {
        self.identifier = identifier
        self.version = version
        self.digest = digest
    }

    /// The message's name in the CDDL.
    public static let messageName = "notice-reference"

    /// The message as a CBOR map with numbered fields.
    public var cborValue: CBORValue {
        .message((1, .text(identifier)), (2, .unsigned(UInt64(version))), (3, .digest(digest)))
    }

    /// Reads the message from its fields.
    /// - Throws: `WireFormatError`.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        identifier = try fields.text(1, "id", maximum: 64)
        version = UInt32(try fields.unsigned(2, "version", in: 1...UInt64(UInt32.max)))
        digest = try fields.digest(3, "digest")
    }
}
