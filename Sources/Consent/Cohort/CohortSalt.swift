// Without the salt a cohort's leaves say nothing; with it, whoever knows a handle can look it up. So it stays with the
// node until it opens a leaf to somebody entitled to ask.

import Cryptography

/// 32 random bytes, one for each node and round.
public struct CohortSalt: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Length of every salt, in bytes.
    public static let byteCount = 32

    /// The 32 bytes.
    public let bytes: [UInt8]

    /// Draws a salt.
    /// - Throws: ``ConsentError/cryptography(_:)`` without randomness.
    public init(random: any RandomSource) throws(ConsentError) {
        bytes = try ConsentError.cryptographic { () throws(CryptographyError) in
            try random.publicBytes(count: Self.byteCount)
        }
    }

    /// Takes a salt from the node's own storage or out of an opening.
    /// - Throws: ``ConsentError/invalid(field:expected:)`` unless it has 32 bytes.
    public init(_ bytes: [UInt8]) throws(ConsentError) {
        guard bytes.count == Self.byteCount else { throw .invalid(field: "salt", expected: "32 bytes") }
        self.bytes = bytes
    }

    /// What is published about the salt: `H("concord-consent/1/cohort-salt", salt)`.
    public var commitment: Digest { SHA256.tagged("concord-consent/1/cohort-salt", bytes) }

    /// The leaf of a subject: `H("concord-consent/1/cohort-leaf", salt, handle)`.
    func leaf(of handle: SubjectHandle) -> Digest {
        SHA256.tagged("concord-consent/1/cohort-leaf", bytes, handle.bytes)
    }

    /// Safe to log: carries no secret and no customer data.
    public var description: String { "<redacted>" }
    /// The same as ``description``.
    public var debugDescription: String { "<redacted>" }
    /// Empty: reflection finds nothing to print.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
