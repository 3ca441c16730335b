// The keys of signed notes and their one-line text, "<name>+<key ID>+<base64 of type byte and key>".
// Format: c2sp.org/signed-note, which took it from Go's checksum database (golang.org/x/mod/sumdb/note).

import Cryptography

/// A public key that may sign notes, with the name it signs under.
public struct NoteVerifierKey: Hashable, Sendable {
    /// The signature type byte of plain Ed25519, c2sp.org/signed-note.
    static let ed25519Type: UInt8 = 0x01

    /// What signature lines call this key; by convention a URL without scheme.
    public let name: String
    /// The first four bytes, big-endian, of `SHA-256(name ‖ "\n" ‖ 0x01 ‖ public key)`. A hint, not an identity.
    public let keyID: UInt32
    /// The Ed25519 key.
    public let publicKey: Ed25519PublicKey

    /// Names a public key.
    /// - Throws: ``MerkleLogError/malformed(_:field:)`` unless `name` is non-empty and free of Unicode white space, plus
    ///   signs and control characters.
    public init(name: String, publicKey: Ed25519PublicKey) throws(MerkleLogError) {
        guard NoteVerifierKey.isValid(name: name) else { throw .malformed(.verifierKey, field: "name") }
        self.name = name
        self.publicKey = publicKey
        let typedKey = [NoteVerifierKey.ed25519Type] + publicKey.bytes
        let hash = SHA256.hash(concatenating: [[UInt8](name.utf8), [UInt8(ascii: "\n")], typedKey])
        keyID = UInt32(mostSignificantFirst: hash.bytes[..<4])
    }

    /// Parses the text form. Only type 0x01 (Ed25519) is known.
    /// - Throws: ``MerkleLogError/malformed(_:field:)``, ``MerkleLogError/keyIDMismatch`` or
    ///   ``MerkleLogError/unacceptablePublicKey``.
    public init(parsing vkey: String) throws(MerkleLogError) {
        let plus = UInt8(ascii: "+")
        // Base64 may contain plus signs, names and key IDs may not: the first two separate.
        let parts = [UInt8](vkey.utf8).split(separator: plus, maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .malformed(.verifierKey, field: "separators") }
        guard parts[1].count == 8, let keyID = try? Hex.decode(parts[1].text) else {
            throw .malformed(.verifierKey, field: "key ID")
        }
        guard let typedKey = parts[2].base64Decoded else { throw .malformed(.verifierKey, field: "base64") }
        guard typedKey.first == NoteVerifierKey.ed25519Type else {
            throw .malformed(.verifierKey, field: "signature type")
        }
        guard typedKey.count == 33 else { throw .malformed(.verifierKey, field: "key length") }
        guard let publicKey = try? Ed25519PublicKey(typedKey.dropFirst()) else { throw .unacceptablePublicKey }
        try self.init(name: parts[0].text, publicKey: publicKey)
        guard UInt32(mostSignificantFirst: keyID[...]) == self.keyID else { throw .keyIDMismatch }
    }

    /// The text form, "<name>+<8 hexadecimal digits>+<base64>".
    public var text: String {
        "\(name)+\(Hex.encode(keyID.mostSignificantFirst))+\(Base64.encode([NoteVerifierKey.ed25519Type] + publicKey.bytes))"
    }

    /// Whether `signature` claims to be by this key. A name alone or a key ID alone is another key's.
    func isNamed(by signature: NoteSignature) -> Bool {
        keyID == signature.keyID && name.utf8.elementsEqual(signature.name.utf8)
    }

    /// The rule for key names in c2sp.org/signed-note.
    static func isValid(name: String) -> Bool {
        !name.isEmpty
            && name.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0 != "+" && !$0.properties.isWhitespace }
    }
}
