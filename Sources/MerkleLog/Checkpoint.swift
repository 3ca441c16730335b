// A log's commitment to everything it holds: c2sp.org/tlog-checkpoint.

import Cryptography

/// The size and root of a log at one moment, under the log's name.
public struct Checkpoint: Equatable, Sendable {
    /// The log's unique name, by convention a URL without scheme; also the name of the log's key in this profile.
    public let origin: String
    /// Number of leaves.
    public let size: Int
    /// The RFC 6962 root of the first ``size`` leaves.
    public let root: Digest
    /// Lines after the root, opaque to this module. Concord's own logs write none.
    public let extensions: [String]

    /// A checkpoint to be signed.
    /// - Throws: ``MerkleLogError/malformed(_:field:)`` for an empty line or a control character;
    ///   ``MerkleLogError/sizeOutOfRange``; ``MerkleLogError/rootMismatch`` if an empty log has another root than
    ///   ``MerkleTreeHash/emptyRoot``.
    public init(
        origin: String, size: Int, root: Digest, extensions: [String] = []
    ) throws(MerkleLogError) {
        guard Checkpoint.isLine(origin) else { throw .malformed(.checkpoint, field: "origin") }
        guard size >= 0 else { throw .sizeOutOfRange }
        guard size > 0 || root == MerkleTreeHash.emptyRoot else { throw .rootMismatch }
        guard extensions.allSatisfy(Checkpoint.isLine) else { throw .malformed(.checkpoint, field: "extension") }
        self.origin = origin
        self.size = size
        self.root = root
        self.extensions = extensions
    }

    /// Parses the text of a signed note. It proves nothing: see ``init(verifying:with:)``.
    /// - Throws: as ``init(origin:size:root:extensions:)``, and ``MerkleLogError/tooLarge(_:limit:)``.
    public init(parsing body: String) throws(MerkleLogError) {
        guard body.utf8.count <= SignedNote.maximumByteCount else {
            throw .tooLarge(.checkpoint, limit: SignedNote.maximumByteCount)
        }
        var lines = LineReader([UInt8](body.utf8)[...])
        guard let origin = lines.next() else { throw .malformed(.checkpoint, field: "origin") }
        guard let size = lines.next()?.decimal else { throw .malformed(.checkpoint, field: "size") }
        guard let root = lines.next()?.base64Digest else { throw .malformed(.checkpoint, field: "root") }
        var extensions: [String] = []
        while let line = lines.next() { extensions.append(line.text) }
        guard lines.isAtEnd else { throw .malformed(.checkpoint, field: "final newline") }
        try self.init(origin: origin.text, size: size, root: root, extensions: extensions)
    }

    /// Opens a signed checkpoint: the log itself must have signed it, with one of `keys` that has the checkpoint's
    /// origin as its name. Signatures by witnesses alone do not suffice.
    /// - Throws: as ``SignedNote/verify(with:)`` and ``init(parsing:)``; ``MerkleLogError/noTrustedSignature`` if
    ///   only keys of other names signed.
    public init(verifying note: SignedNote, with keys: [NoteVerifierKey]) throws(MerkleLogError) {
        let signers = try note.verify(with: keys)
        try self.init(parsing: note.text)
        let isSignedByLog = signers.contains { $0.kind == .text && $0.name.utf8.elementsEqual(origin.utf8) }
        guard isSignedByLog else { throw .noTrustedSignature }
    }

    /// The text to sign: origin, size and root on a line each, then the extension lines.
    public var body: String {
        extensions.reduce("\(origin)\n\(size)\n\(Base64.encode(root.bytes))\n") { "\($0)\($1)\n" }
    }

    private static func isLine(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { $0 >= 0x20 }
    }
}
