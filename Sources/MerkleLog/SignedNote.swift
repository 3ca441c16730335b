// Text signed by one or more keys: c2sp.org/signed-note, the envelope of checkpoints.

import Cryptography

/// One signature line of a note.
public struct NoteSignature: Equatable, Sendable {
    /// The name of the key that claims to have signed.
    public let name: String
    /// The key ID the line carries.
    public let keyID: UInt32
    /// What follows the key ID; its form depends on the key's ``NoteSignatureKind``. At least one byte.
    public let bytes: [UInt8]

    /// Wraps a signature, unverified.
    /// - Throws: ``MerkleLogError/malformed(_:field:)`` for an invalid name or an empty signature.
    public init(name: String, keyID: UInt32, bytes: [UInt8]) throws(MerkleLogError) {
        guard NoteVerifierKey.isValid(name: name) else { throw .malformed(.note, field: "key name") }
        guard !bytes.isEmpty else { throw .malformed(.note, field: "signature") }
        self.name = name
        self.keyID = keyID
        self.bytes = bytes
    }
}

/// A note with its signatures. The text means nothing until ``verify(with:)`` has returned.
public struct SignedNote: Equatable, Sendable {
    /// Longest note accepted, in bytes, signatures included: the limit of golang.org/x/mod/sumdb/note.
    public static let maximumByteCount = 1_000_000
    /// Most signature lines accepted: the limit of golang.org/x/mod/sumdb/note; the format asks for 16 at least.
    public static let maximumSignatureCount = 100

    private static let lineStart = "\u{2014} "

    /// What is signed, with its final newline. May contain empty lines.
    public let text: String
    /// The signature lines, in order.
    public let signatures: [NoteSignature]

    /// Puts a text and its signatures together, unverified.
    /// - Throws: ``MerkleLogError/malformed(_:field:)`` unless `text` ends in a newline, has no other control character
    ///   and there is a signature; ``MerkleLogError/tooLarge(_:limit:)``.
    public init(text: String, signatures: [NoteSignature]) throws(MerkleLogError) {
        try SignedNote.check(text: text)
        guard !signatures.isEmpty else { throw .malformed(.note, field: "signatures") }
        guard signatures.count <= SignedNote.maximumSignatureCount else {
            throw .tooLarge(.note, limit: SignedNote.maximumSignatureCount)
        }
        self.text = text
        self.signatures = signatures
        guard encoded.utf8.count <= SignedNote.maximumByteCount else {
            throw .tooLarge(.note, limit: SignedNote.maximumByteCount)
        }
    }

    /// Parses the whole note: text, empty line, signature lines.
    /// - Throws: ``MerkleLogError/malformed(_:field:)`` or ``MerkleLogError/tooLarge(_:limit:)``.
    public init(parsing note: String) throws(MerkleLogError) {
        guard note.utf8.count <= SignedNote.maximumByteCount else {
            throw .tooLarge(.note, limit: SignedNote.maximumByteCount)
        }
        let bytes = [UInt8](note.utf8)
        guard let separator = SignedNote.lastEmptyLine(in: bytes) else { throw .malformed(.note, field: "empty line") }
        var lines = LineReader(bytes[(separator + 1)...])
        var signatures: [NoteSignature] = []
        while let line = lines.next() {
            guard signatures.count < SignedNote.maximumSignatureCount else {
                throw .tooLarge(.note, limit: SignedNote.maximumSignatureCount)
            }
            signatures.append(try SignedNote.parse(signatureLine: line))
        }
        guard lines.isAtEnd else { throw .malformed(.note, field: "final newline") }
        try self.init(text: bytes[..<separator].text, signatures: signatures)
    }

    /// The whole note, as ``init(parsing:)`` reads it.
    public var encoded: String {
        signatures.reduce(into: text + "\n") { note, signature in
            let identified = signature.keyID.mostSignificantFirst + signature.bytes
            note += "\(SignedNote.lineStart)\(signature.name) \(Base64.encode(identified))\n"
        }
    }

    /// The same note with one more signature line, for a cosigner.
    /// - Throws: ``MerkleLogError/tooLarge(_:limit:)``.
    public func adding(_ signature: NoteSignature) throws(MerkleLogError) -> SignedNote {
        try SignedNote(text: text, signatures: signatures + [signature])
    }

    /// Verifies the signatures by `keys` and returns the keys that signed, each once, in the order of their lines.
    /// Signatures by other keys are ignored, as the format demands: they may be witnesses this reader does not know.
    /// - Throws: ``MerkleLogError/invalidSignature(keyID:)`` if a line names one of `keys` and does not verify;
    ///   ``MerkleLogError/noTrustedSignature`` if no line names one; ``MerkleLogError/ambiguousVerifierKey(keyID:)``.
    public func verify(with keys: [NoteVerifierKey]) throws(MerkleLogError) -> [NoteVerifierKey] {
        var verified: [NoteVerifierKey] = []
        for signature in signatures {
            let named = keys.filter { $0.isNamed(by: signature) }
            guard let key = named.first else { continue }
            guard named.allSatisfy({ $0.publicKey == key.publicKey }) else {
                throw .ambiguousVerifierKey(keyID: key.keyID)
            }
            guard key.isValid(signature, on: text) else {
                throw .invalidSignature(keyID: key.keyID)
            }
            if !verified.contains(key) { verified.append(key) }
        }
        guard !verified.isEmpty else { throw .noTrustedSignature }
        return verified
    }

    /// The rules for the signed text.
    static func check(text: String) throws(MerkleLogError) {
        let bytes = [UInt8](text.utf8)
        guard bytes.last == UInt8(ascii: "\n") else { throw .malformed(.note, field: "text newline") }
        guard bytes[...].isPrintable else { throw .malformed(.note, field: "control character") }
        guard bytes.count <= maximumByteCount else { throw .tooLarge(.note, limit: maximumByteCount) }
    }

    /// Where the last empty line's newline is: the text ends before it.
    private static func lastEmptyLine(in bytes: [UInt8]) -> Int? {
        let newline = UInt8(ascii: "\n")
        return bytes.indices.dropFirst().last { bytes[$0] == newline && bytes[$0 - 1] == newline }
    }

    private static func parse(signatureLine line: ArraySlice<UInt8>) throws(MerkleLogError) -> NoteSignature {
        guard let content = line.dropping(prefix: lineStart),
            let space = content.firstIndex(of: UInt8(ascii: " "))
        else { throw .malformed(.note, field: "signature line") }
        guard let identified = content[(space + 1)...].base64Decoded, identified.count > 4 else {
            throw .malformed(.note, field: "signature")
        }
        return try NoteSignature(
            name: content[..<space].text, keyID: UInt32(mostSignificantFirst: identified[..<4]),
            bytes: Array(identified[4...]))
    }
}
