// Names of the chain's nodes and people, as SPIFFE ids (SPIFFE-ID specification, sections 2.1 and 2.2):
// spiffe://<trust domain>/<role>/<name>. One text for one id: the parser accepts exactly what `description` writes.

/// `spiffe://<trust domain>/<role>/<name>`: who a certificate speaks for.
public struct SPIFFEID: Hashable, Sendable, CustomStringConvertible {
    /// Lower-case letters, digits, `.`, `-`, `_`; 1 to 255 bytes.
    public let trustDomain: String
    /// What the holder is.
    public let role: Role
    /// Letters, digits, `.`, `-`, `_`, but not `.` or `..`; 1 to ``maximumNameBytes`` bytes.
    public let name: String

    /// Upper bound of ``name``: it is also the certificate's common name (RFC 5280 appendix A, ub-common-name 64).
    public static let maximumNameBytes = 64
    /// Upper bound of the whole text (SPIFFE-ID section 2.3 demands that 2,048 bytes be accepted; ours cannot be longer).
    public static let maximumTextBytes = 2_048
    private static let maximumTrustDomainBytes = 255
    private static let scheme = "spiffe://"

    /// Builds an id from its parts.
    /// - Throws: ``IdentityError/malformedSPIFFEID(_:)`` naming the part that is not allowed.
    public init(trustDomain: String, role: Role, name: String) throws(IdentityError) {
        guard SPIFFEID.isTrustDomain(trustDomain) else { throw .malformedSPIFFEID(.trustDomain) }
        guard SPIFFEID.isName(name) else { throw .malformedSPIFFEID(.name) }
        self.trustDomain = trustDomain
        self.role = role
        self.name = name
    }

    /// Parses the text form. The scheme and the trust domain must be lower case; no port, user, query, fragment or
    /// percent encoding.
    /// - Throws: ``IdentityError/malformedSPIFFEID(_:)`` naming the first part that is not allowed.
    public init(_ text: String) throws(IdentityError) {
        guard text.utf8.count <= SPIFFEID.maximumTextBytes else { throw .malformedSPIFFEID(.length) }
        guard text.utf8.starts(with: SPIFFEID.scheme.utf8) else { throw .malformedSPIFFEID(.scheme) }
        let parts = text.utf8.dropFirst(SPIFFEID.scheme.utf8.count)
            .split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map { String(Substring($0)) }
        guard let trustDomain = parts.first, SPIFFEID.isTrustDomain(trustDomain) else {
            throw .malformedSPIFFEID(.trustDomain)
        }
        guard parts.count == 3 else { throw .malformedSPIFFEID(.path) }
        guard let role = Role(rawValue: parts[1]) else { throw .malformedSPIFFEID(.role) }
        try self.init(trustDomain: trustDomain, role: role, name: parts[2])
    }

    /// The text form. Safe to log: names a node or a member of staff, never a data subject.
    public var description: String { "\(SPIFFEID.scheme)\(trustDomain)/\(role.rawValue)/\(name)" }

    private static func isTrustDomain(_ text: String) -> Bool {
        (1...maximumTrustDomainBytes).contains(text.utf8.count)
            && text.utf8.allSatisfy { isLowerOrDigit($0) || isMark($0) }
    }

    private static func isName(_ text: String) -> Bool {
        (1...maximumNameBytes).contains(text.utf8.count) && text != "." && text != ".."
            && text.utf8.allSatisfy { isLowerOrDigit($0) || isUpper($0) || isMark($0) }
    }

    private static func isLowerOrDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isUpper(_ byte: UInt8) -> Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) }

    private static func isMark(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
    }
}
