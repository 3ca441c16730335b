// The coordinator's secrets, loaded once from its key folder.

import ChainKeys
import Cryptography
import Identity
import MerkleLog
import SecureAggregation

/// Everything the coordinator signs or seals with.
struct CoordinatorKeys: Sendable {
    /// Signs offers and receipts.
    let offerKey: Ed25519PrivateKey
    /// Signs checkpoints.
    let ledgerSigner: NoteSigner
    /// Wraps subject keys and data keys. In a file of its own, apart from the data directory and its backups.
    let keyEncryptionKey: SecretBytes
    /// The chain's public keys.
    let anchors: TrustAnchors
    /// The signed register.
    let register: Register
    /// The register as signed, for nodes and evidence.
    let signedRegister: SignedMessage<Register>
}
