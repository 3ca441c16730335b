// The coordinator's secrets, loaded once from its key folder.

import ChainKeys
import Cryptography
import MerkleLog
import SecureAggregation

/// Everything the coordinator signs or seals with.
struct CoordinatorKeys: Sendable {
    /// Signs offers, receipts and evidence.
    let offerKey: Ed25519PrivateKey
    /// Signs consent views; the same key as the checkpoints', under another domain.
    let viewKey: Ed25519PrivateKey
    /// Signs checkpoints.
    let ledgerSigner: NoteSigner
    /// Wraps subject keys and upload keys. In a file of its own, apart from the data directory and its backups.
    let keyEncryptionKey: SecretBytes
    /// The chain's public keys.
    let anchors: TrustAnchors
    /// The register.
    let register: Register
    /// The register as signed, for nodes and evidence.
    let signedRegister: SignedMessage<Register>

    /// Loads and cross-checks a key folder.
    /// - Throws: `KeyFolderError`; a key that does not match its anchor is refused here, not at the first signature.
    init(folder path: String) throws {
        let folder = KeyFolder(path: path)
        anchors = try folder.anchors()
        signedRegister = try folder.register(anchors: anchors)
        register = signedRegister.body
        offerKey = try folder.offerKey()
        viewKey = try folder.ledgerKey()
        ledgerSigner = try NoteSigner(name: "\(anchors.chain)/consent", key: viewKey)
        keyEncryptionKey = try folder.keyEncryptionKey()
        guard offerKey.publicKey == anchors.coordinatorKey else {
            throw KeyFolderError.file("offer.key", reason: "is not the key that the trust anchors name")
        }
        guard ledgerSigner.verifierKey.text == anchors.ledgerVerifierKey else {
            throw KeyFolderError.file("ledger.key", reason: "is not the key that the trust anchors name")
        }
    }
}
