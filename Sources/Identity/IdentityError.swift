// What can go wrong with names, certificates and key files. No case carries certificate content, key material or a path.

import Cryptography

/// Why an identity, a certificate or a key file is refused. Every description is safe to log.
public enum IdentityError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The part of a SPIFFE id that breaks the grammar.
    public enum SPIFFEIDPart: String, Equatable, Sendable {
        /// Not `spiffe://` in lower case.
        case scheme
        /// Empty, too long, or with a character outside `a-z 0-9 . - _` (a port or a user included).
        case trustDomain = "trust domain"
        /// Not exactly `/role/name`.
        case path
        /// Not one of ``Role``.
        case role
        /// Empty, too long, `.` or `..`, or with a character outside `A-Z a-z 0-9 . - _`.
        case name
        /// The whole text is too long.
        case length
    }

    /// Why a well-formed certificate does not give an identity, or is not issued.
    public enum CertificateFault: String, Equatable, Sendable {
        /// X.509-SVID section 2: exactly one URI subject alternative name.
        case uriCount = "not exactly one URI subject alternative name"
        /// A certificate authority's certificate presented as a leaf (X.509-SVID section 4.1).
        case isAuthority = "a certificate authority's certificate is no identity"
        /// A leaf's certificate used to issue.
        case isNotAuthority = "not a certificate authority's certificate"
        /// Zero or negative serial number (RFC 5280 section 4.1.2.2), or one longer than 20 bytes.
        case serial = "serial number"
        /// The dates cannot be read, are in the wrong order, or go beyond the issuer's.
        case validity = "validity"
        /// Certificate and private key do not belong together.
        case keyMismatch = "private key does not match"
        /// A DNS name or an IP address of a server certificate is malformed.
        case subjectAlternativeName = "subject alternative name"
    }

    /// The text is no SPIFFE id of this chain.
    case malformedSPIFFEID(SPIFFEIDPart)
    /// Text that should be PEM of the named kind is not.
    case malformedPEM(String)
    /// The certificate is refused.
    case certificateRefused(CertificateFault)
    /// A key or certificate file is refused.
    case file(SecretFileError)
    /// Random bytes or a digest were not to be had.
    case cryptography(CryptographyError)
    /// OpenSSL refused an operation that cannot fail for well-formed input.
    case operationFailed(String)

    /// Safe to log: names the part, never its content.
    public var description: String {
        switch self {
        case .malformedSPIFFEID(let part): "malformed SPIFFE id: \(part.rawValue)"
        case .malformedPEM(let kind): "malformed PEM: \(kind)"
        case .certificateRefused(let fault): "certificate refused: \(fault.rawValue)"
        case .file(let error): error.description
        case .cryptography(let error): error.description
        case .operationFailed(let operation): "OpenSSL refused \(operation)"
        }
    }
}
