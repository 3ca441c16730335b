// The keys of signed notes and their one-line text, "<name>+<key ID>+<base64 of type byte and key>".
// Format: c2sp.org/signed-note, which took it from Go's checksum database (golang.org/x/mod/sumdb/note).

import Cryptography

/// What a signature line signs, with the type bytes that c2sp.org/signed-note assigns. Both are Ed25519.
public enum NoteSignatureKind: UInt8, Hashable, Sendable {
    /// The note's text, 64 bytes of RFC 8032.
    case text = 0x01
    /// A witness's statement about a checkpoint at a time, c2sp.org/tlog-cosignature: an 8-byte time and 64 bytes.
    case cosignature = 0x04
}

/// A public key that may sign notes, with the name it signs under.
public struct NoteVerifierKey: Hashable, Sendable {
    /// What signature lines call this key; by convention a URL without scheme.
    public let name: String
    /// What the key signs.
    public let kind: NoteSignatureKind
    /// The first four bytes, big-endian, of `SHA-256(name ‖ "\n" ‖ type byte ‖ public key)`. A hint, not an identity.
    public let keyID: UInt32
    /// The Ed25519 key.
    public let publicKey: Ed25519PublicKey

    /// Names a public key.
    /// - Throws: ``MerkleLogError/malformed(_:field:)`` unless `name` is non-empty and free of Unicode white space, plus
    ///   signs and control characters.
    public init(
        name: String, publicKey: Ed25519PublicKey, kind: NoteSignatureKind = .text
    ) throws(MerkleLogError) {
        guard NoteVerifierKey.isValid(name: name) else { throw .malformed(.verifierKey, field: "name") }
        self.name = name
        self.kind = kind
        self.publicKey = publicKey
        let typedKey = [kind.rawValue] + publicKey.bytes
        let hash = SHA256.hash(concatenating: [[UInt8](name.utf8), [UInt8(ascii: "\n")], typedKey])
        keyID = UInt32(mostSignificantFirst: hash.bytes[..<4])
    }

    /// Parses the text form. Types other than those of ``NoteSignatureKind`` are refused.
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
        guard let kind = typedKey.first.flatMap(NoteSignatureKind.init) else {
            throw .malformed(.verifierKey, field: "signature type")
        }
        guard typedKey.count == 33 else { throw .malformed(.verifierKey, field: "key length") }
        guard let publicKey = try? Ed25519PublicKey(typedKey.dropFirst()) else { throw .unacceptablePublicKey }
        try self.init(name: parts[0].text, publicKey: publicKey, kind: kind)
        guard UInt32(mostSignificantFirst: keyID[...]) == self.keyID else { throw .keyIDMismatch }
    }

    /// The text form, "<name>+<8 hexadecimal digits>+<base64>".
    public var text: String {
        "\(name)+\(Hex.encode(keyID.mostSignificantFirst))+\(Base64.encode([kind.rawValue] + publicKey.bytes))"
    }

    /// Whether `signature` claims to be by this key. A name alone or a key ID alone is another key's.
    func isNamed(by signature: NoteSignature) -> Bool {
        keyID == signature.keyID && name.utf8.elementsEqual(signature.name.utf8)
    }

    /// Whether `signature` is this key's signature on `text`.
    func isValid(_ signature: NoteSignature, on text: String) -> Bool {
        switch kind {
        case .text:
            publicKey.isValid(signature: signature.bytes, for: [UInt8](text.utf8))
        case .cosignature:
            Cosignature(signature).map { publicKey.isValid(signature: $0.signature, for: $0.message(on: text)) }
                ?? false
        }
    }

    /// The rule for key names in c2sp.org/signed-note.
    static func isValid(name: String) -> Bool {
        !name.isEmpty
            && name.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0 != "+" && !$0.properties.isWhitespace }
    }
}
