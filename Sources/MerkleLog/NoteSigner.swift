// Signs notes with Ed25519: c2sp.org/signed-note, signature type 0x01.

import Cryptography

/// A private key and the name it signs under.
public struct NoteSigner: Sendable {
    private let key: Ed25519PrivateKey
    /// What readers must trust to accept this signer's notes.
    public let verifierKey: NoteVerifierKey

    /// Names a private key.
    /// - Throws: ``MerkleLogError/malformed(_:field:)`` unless `name` is non-empty and free of Unicode white space, plus
    ///   signs and control characters.
    public init(name: String, key: Ed25519PrivateKey) throws(MerkleLogError) {
        self.key = key
        verifierKey = try NoteVerifierKey(name: name, publicKey: key.publicKey)
    }

    /// Signs a text, which must end in a newline and hold no other control character. Deterministic.
    /// - Throws: ``MerkleLogError/malformed(_:field:)``, ``MerkleLogError/tooLarge(_:limit:)`` or
    ///   ``MerkleLogError/signingFailed``.
    public func sign(_ text: String) throws(MerkleLogError) -> SignedNote {
        try SignedNote.check(text: text)
        return try SignedNote(text: text, signatures: [signature(for: text)])
    }

    /// Adds this key's signature to a note others have signed.
    /// - Throws: ``MerkleLogError/tooLarge(_:limit:)`` or ``MerkleLogError/signingFailed``.
    public func sign(_ note: SignedNote) throws(MerkleLogError) -> SignedNote {
        try note.adding(signature(for: note.text))
    }

    private func signature(for text: String) throws(MerkleLogError) -> NoteSignature {
        guard let bytes = try? key.signature(for: [UInt8](text.utf8)) else { throw .signingFailed }
        return try NoteSignature(name: verifierKey.name, keyID: verifierKey.keyID, bytes: bytes)
    }
}
