// How witnesses vouch for a checkpoint: c2sp.org/tlog-cosignature, Ed25519 version 1. A cosignature says that, at its time,
// this checkpoint was the largest consistent one the witness had seen of the log; enough of them rule out a split view.

import Cryptography

/// Signs checkpoints for a witness. The caller must first have verified the checkpoint and its consistency with the last
/// one it cosigned; a cosigner's key serves one cosigner and nothing else, since the signed message lacks its name.
public struct Cosigner: Sendable {
    private let key: Ed25519PrivateKey
    /// What readers must trust to count this witness.
    public let verifierKey: NoteVerifierKey

    /// Names a private key.
    /// - Throws: ``MerkleLogError/malformed(_:field:)`` unless `name` is non-empty and free of Unicode white space, plus
    ///   signs and control characters.
    public init(name: String, key: Ed25519PrivateKey) throws(MerkleLogError) {
        self.key = key
        verifierKey = try NoteVerifierKey(name: name, publicKey: key.publicKey, kind: .cosignature)
    }

    /// Adds a cosignature to a signed checkpoint. Deterministic.
    /// - Parameter timeMilliseconds: Now, in milliseconds since 1970 UTC; the format keeps whole seconds, rounded down.
    /// - Throws: ``MerkleLogError/malformed(_:field:)`` if the note is no checkpoint or the time is negative;
    ///   ``MerkleLogError/tooLarge(_:limit:)``; ``MerkleLogError/signingFailed``.
    public func cosign(_ note: SignedNote, atMilliseconds timeMilliseconds: Int64) throws(MerkleLogError) -> SignedNote
    {
        _ = try Checkpoint(parsing: note.text)
        guard timeMilliseconds >= 0 else { throw .malformed(.note, field: "cosignature time") }
        let unsigned = Cosignature(seconds: timeMilliseconds / 1000, signature: [])
        guard let signature = try? key.signature(for: unsigned.message(on: note.text)) else { throw .signingFailed }
        let cosignature = Cosignature(seconds: unsigned.seconds, signature: signature)
        return try note.adding(
            NoteSignature(name: verifierKey.name, keyID: verifierKey.keyID, bytes: cosignature.bytes))
    }
}

extension SignedNote {
    /// When the witness that `key` names cosigned this checkpoint, in milliseconds since 1970 UTC; the latest, if the
    /// note has several lines of it.
    /// - Throws: as ``verify(with:)`` for that one key; ``MerkleLogError/noTrustedSignature`` if `key` is no witness's.
    public func cosignatureTimeMilliseconds(by key: NoteVerifierKey) throws(MerkleLogError) -> Int64 {
        _ = try verify(with: [key])
        let times = signatures.filter(key.isNamed).compactMap { Cosignature($0)?.timeMilliseconds }
        guard key.kind == .cosignature, let latest = times.max() else { throw .noTrustedSignature }
        return latest
    }
}

/// The `timestamped_signature` of c2sp.org/tlog-cosignature.
struct Cosignature {
    /// Seconds since 1970 UTC, 0 or more and small enough to count in milliseconds.
    let seconds: Int64
    /// 64 bytes of RFC 8032.
    let signature: [UInt8]

    init(seconds: Int64, signature: [UInt8]) {
        self.seconds = seconds
        self.signature = signature
    }

    /// Reads the bytes of a signature line; nil unless there are 72 and the time is one this module can count.
    init?(_ line: NoteSignature) {
        guard line.bytes.count == 72 else { return nil }
        let time = line.bytes[..<8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard time <= UInt64(Int64.max / 1000) else { return nil }
        self.init(seconds: Int64(time), signature: Array(line.bytes[8...]))
    }

    var timeMilliseconds: Int64 { seconds * 1000 }

    /// The time, most significant byte first, and the signature.
    var bytes: [UInt8] {
        stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: seconds >> $0) } + signature
    }

    /// What the witness signs: a header for domain separation, the time, and the checkpoint's text.
    func message(on text: String) -> [UInt8] {
        [UInt8]("cosignature/v1\ntime \(seconds)\n\(text)".utf8)
    }
}
