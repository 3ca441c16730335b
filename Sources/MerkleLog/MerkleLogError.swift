// Why a log artefact was refused. Codes, field names and numbers only: no case carries text or bytes from outside.

/// What can go wrong when a log is built, read or verified. Every description is safe to log.
public enum MerkleLogError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A leaf index is negative or not below the tree size.
    case indexOutOfRange
    /// A tree size is negative, larger than the tree, or smaller than another size it must not be smaller than.
    case sizeOutOfRange
    /// A proof has another number of hashes than its index and sizes call for.
    case proofLength(expected: Int, actual: Int)
    /// The hashes do not lead to the root that was given.
    case rootMismatch
    /// Consistency was asked with the empty tree as the older one. Every tree extends it, so a proof would show nothing.
    case consistencyWithEmptyTree
    /// A text does not follow its format. `field` names the part that is wrong.
    case malformed(Artefact, field: String)
    /// A tile or an entry bundle has another length than its width calls for.
    case tileLength(expected: Int, actual: Int)
    /// A log entry is longer than an entry bundle can carry.
    case entryTooLong(limit: Int)
    /// A note or one of its parts is larger than a verifier accepts.
    case tooLarge(Artefact, limit: Int)
    /// No signature on the note is by one of the trusted keys.
    case noTrustedSignature
    /// A signature claims a trusted key and does not verify: the whole note is refused.
    case invalidSignature(keyID: UInt32)
    /// Two different trusted keys have the same name and key ID, so a signature line cannot say which one it means.
    case ambiguousVerifierKey(keyID: UInt32)
    /// The key ID in a verifier key's text is not the one its name and public key give.
    case keyIDMismatch
    /// The public key is not canonical or has small order.
    case unacceptablePublicKey
    /// OpenSSL refused to sign.
    case signingFailed

    /// The texts this module reads and writes.
    public enum Artefact: String, Sendable {
        /// `c2sp.org/tlog-checkpoint` body.
        case checkpoint = "checkpoint"
        /// `c2sp.org/signed-note` envelope.
        case note = "signed note"
        /// `c2sp.org/signed-note` verifier key.
        case verifierKey = "verifier key"
        /// `c2sp.org/tlog-proof` file.
        case proof = "log proof"
        /// `c2sp.org/tlog-tiles` path.
        case tilePath = "tile path"
        /// `c2sp.org/tlog-tiles` entry bundle.
        case entryBundle = "entry bundle"
    }

    /// Safe to log: carries no secret and no customer data.
    public var description: String {
        switch self {
        case .indexOutOfRange: "leaf index is out of range"
        case .sizeOutOfRange: "tree size is out of range"
        case .proofLength(let expected, let actual): "proof has \(actual) hashes, expected \(expected)"
        case .rootMismatch: "root hash does not match"
        case .consistencyWithEmptyTree: "consistency with the empty tree shows nothing"
        case .malformed(let artefact, let field): "malformed \(artefact.rawValue): \(field)"
        case .tileLength(let expected, let actual): "tile has \(actual) bytes or entries, expected \(expected)"
        case .entryTooLong(let limit): "log entry is longer than \(limit) bytes"
        case .tooLarge(let artefact, let limit): "\(artefact.rawValue) exceeds the limit of \(limit)"
        case .noTrustedSignature: "no signature by a trusted key"
        case .invalidSignature(let keyID): "signature by trusted key \(keyID) does not verify"
        case .ambiguousVerifierKey(let keyID): "two trusted keys share a name and the key ID \(keyID)"
        case .keyIDMismatch: "key ID does not belong to the name and public key"
        case .unacceptablePublicKey: "public key is not canonical or has small order"
        case .signingFailed: "signing failed"
        }
    }
}
