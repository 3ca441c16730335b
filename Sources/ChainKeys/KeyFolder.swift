// One party's folder of keys: secrets in files of mode 0600, public files beside them.

import Cryptography
import FoundationEssentials
import Identity
import MerkleLog
import SecureAggregation
import WireFormat

/// What is wrong with a key folder. Names files, never their content.
public enum KeyFolderError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The folder to create is there already.
    case exists
    /// A file is missing, unreadable or not what its name says.
    case file(String, reason: String)
    /// The ceremony cannot be performed as asked.
    case invalid(String)

    /// Safe to log: carries no secret.
    public var description: String {
        switch self {
        case .exists: "the key folder exists already; keys are never overwritten"
        case .file(let name, let reason): "key file \(name): \(reason)"
        case .invalid(let why): why
        }
    }
}

/// A folder of keys.
public struct KeyFolder: Sendable {
    /// Where it is.
    public let path: String

    /// File names.
    static let anchorsFile = "trust.cbor"
    static let registerFile = "register.cbor"
    static let offerKeyFile = "offer.key"
    static let ledgerKeyFile = "ledger.key"
    static let keyEncryptionKeyFile = "key-encryption.key"
    static let planKeyFile = "plan.key"
    static let protocolKeyFile = "protocol.key"
    static let hedgeFile = "hedge.key"
    static let handleKeyFile = "handle.key"

    /// A folder at `path`.
    public init(path: String) { self.path = path }

    /// The party's TLS files.
    public var tls: TLSFiles { TLSFiles(folder: "\(path)/tls") }

    /// The chain's public keys.
    /// - Throws: ``KeyFolderError``.
    public func anchors() throws -> TrustAnchors {
        let bytes = try readPublic(Self.anchorsFile)
        do { return try TrustAnchors(decoding: bytes) } catch {
            throw KeyFolderError.file(Self.anchorsFile, reason: error.description)
        }
    }

    /// The register, verified under the anchors' authority.
    /// - Throws: ``KeyFolderError``.
    public func register(anchors: TrustAnchors) throws -> SignedMessage<Register> {
        let bytes = try readPublic(Self.registerFile)
        do {
            let signed = try SignedMessage<Register>(decoding: bytes)
            try signed.verify(by: anchors.authorityKey)
            guard signed.body.chain == anchors.chain else {
                throw KeyFolderError.file(Self.registerFile, reason: "of another chain")
            }
            return signed
        } catch let error as KeyFolderError {
            throw error
        } catch {
            throw KeyFolderError.file(Self.registerFile, reason: "\(error)")
        }
    }

    /// The coordinator's offer-signing key.
    /// - Throws: ``KeyFolderError``.
    public func offerKey() throws -> Ed25519PrivateKey { try signingKey(Self.offerKeyFile) }
    /// The key that signs checkpoints and views.
    /// - Throws: ``KeyFolderError``.
    public func ledgerKey() throws -> Ed25519PrivateKey { try signingKey(Self.ledgerKeyFile) }
    /// The plan owner's key.
    /// - Throws: ``KeyFolderError``.
    public func planKey() throws -> Ed25519PrivateKey { try signingKey(Self.planKeyFile) }
    /// A node's protocol key.
    /// - Throws: ``KeyFolderError``.
    public func protocolKey() throws -> Ed25519PrivateKey { try signingKey(Self.protocolKeyFile) }
    /// The key that wraps subject keys and upload keys.
    /// - Throws: ``KeyFolderError``.
    public func keyEncryptionKey() throws -> SecretBytes { try secret(Self.keyEncryptionKeyFile) }
    /// A node's static secret for hedged randomness.
    /// - Throws: ``KeyFolderError``.
    public func hedge() throws -> SecretBytes { try secret(Self.hedgeFile) }
    /// The key that turns customer ids into handles; only nodes have it.
    /// - Throws: ``KeyFolderError``.
    public func handleKey() throws -> SecretBytes { try secret(Self.handleKeyFile) }

    private func signingKey(_ name: String) throws -> Ed25519PrivateKey {
        try Ed25519PrivateKey(try secret(name))
    }

    private func secret(_ name: String) throws -> SecretBytes {
        let bytes: SecretBytes
        do { bytes = try SecretFile.read("\(path)/\(name)", kind: name) } catch {
            throw KeyFolderError.file(name, reason: error.description)
        }
        guard bytes.count == 32 else { throw KeyFolderError.file(name, reason: "expected 32 bytes") }
        return bytes
    }

    func writeSecret(_ bytes: SecretBytes, _ name: String) throws {
        try SecretFile.write(bytes, to: "\(path)/\(name)", kind: name)
    }

    func writePublic(_ bytes: [UInt8], _ name: String) throws {
        try Data(bytes).write(to: URL(filePath: "\(path)/\(name)"), options: .withoutOverwriting)
    }

    private func readPublic(_ name: String) throws -> [UInt8] {
        do { return [UInt8](try Data(contentsOf: URL(filePath: "\(path)/\(name)"))) } catch {
            throw KeyFolderError.file(name, reason: "cannot be read")
        }
    }
}
