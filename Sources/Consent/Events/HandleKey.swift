// Turns a loyalty number into a handle. Whoever holds this key can test membership, so nodes keep it in memory only.

import Cryptography

/// The chain's key for subject handles.
public struct HandleKey: Sendable, CustomStringConvertible {
    private let key: SecretBytes

    /// Separates handles from every other use of HMAC; its version changes only with the derivation.
    private static let label = [UInt8]("subj/v1".utf8)

    /// Wraps 32 secret bytes.
    /// - Throws: ``ConsentError/cryptography(_:)`` for any other length.
    public init(_ key: SecretBytes) throws(ConsentError) {
        guard key.count == 32 else {
            throw .cryptography(.wrongLength(of: "handle key", expected: 32, actual: key.count))
        }
        self.key = key
    }

    /// The handle of one identity: `HMAC-SHA256(key, "subj/v1" 0 tenant 0 namespace 0 id)[0..<16]`.
    ///
    /// - Parameters:
    ///   - tenant: the chain, for example its register name.
    ///   - namespace: the kind of identity, for example `loyalty`.
    ///   - canonicalID: the identity in the one form the namespace prescribes; two spellings would be two subjects.
    /// - Throws: ``ConsentError/invalid(field:expected:)`` if a part is empty or holds a zero byte, which is the separator.
    public func handle(tenant: String, namespace: String, canonicalID: String) throws(ConsentError) -> SubjectHandle {
        var message = Self.label
        for (name, part) in [("tenant", tenant), ("namespace", namespace), ("canonicalID", canonicalID)] {
            if part.isEmpty || part.utf8.contains(0) {
                throw .invalid(field: name, expected: "a text without zero bytes that is not empty")
            }
            message.append(0)
            message.append(contentsOf: part.utf8)
        }
        defer { wipe(&message) }
        let code = try ConsentError.cryptographic { () throws(CryptographyError) in
            try HMACSHA256.authenticationCode(for: message, key: key)
        }
        return SubjectHandle(checked: code.prefix(SubjectHandle.byteCount))
    }

    /// Safe to log: carries no secret and no customer data.
    public var description: String { "<redacted>" }
}
