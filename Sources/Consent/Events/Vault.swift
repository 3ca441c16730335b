// Where payloads live: sealed under their subject's key, bound to their leaf. Pure functions; storage is elsewhere.
// The commitment's nonce is sealed too, so that a backup of the vault cannot be tested against guesses of the payload
// once the key is gone.

import Cryptography
import MerkleLog

/// Sealing and opening of payloads with AES-256-GCM.
public enum Vault {
    /// Seals an entry that is not public.
    ///
    /// The plaintext is nonce ‖ payload; the associated data are the leaf's 52 bytes.
    /// - Parameters:
    ///   - random: draws the 12-byte GCM nonce; one subject has far fewer than 2^32 events.
    /// - Throws: ``ConsentError/invalid(field:expected:)`` for a public entry, which needs no vault;
    ///   ``ConsentError/cryptography(_:)``.
    public static func seal(
        _ entry: LedgerEntry, key: SubjectKey, random: any RandomSource
    ) throws(ConsentError) -> VaultRow {
        if entry.leaf.category.isPublic { throw .invalid(field: "leaf.class", expected: "a class that is sealed") }
        return try ConsentError.cryptographic { () throws(CryptographyError) in
            let nonce = try random.publicBytes(count: AESGCM.nonceByteCount)
            let sealed = try AESGCM.seal(
                SecretBytes(copying: entry.nonce + entry.payload), key: key.secret, nonce: nonce,
                authenticating: entry.leaf.encoded())
            return VaultRow(nonce: nonce, sealed: sealed)
        }
    }

    /// Opens a row and checks it against its leaf.
    /// - Throws: ``ConsentError/cryptography(_:)`` if anything was altered or the key is another one;
    ///   ``ConsentError/commitmentMismatch`` if the leaf commits to something else.
    public static func open(_ row: VaultRow, key: SubjectKey, leaf: LedgerLeaf) throws(ConsentError) -> LedgerEntry {
        let opened = try ConsentError.cryptographic { () throws(CryptographyError) in
            try AESGCM.open(row.sealed, key: key.secret, nonce: row.nonce, authenticating: leaf.encoded())
        }
        let plaintext = opened.unprotectedCopy()
        guard plaintext.count >= LedgerLeaf.nonceByteCount else { throw .commitmentMismatch }
        return try LedgerEntry(
            leaf: leaf, nonce: Array(plaintext.prefix(LedgerLeaf.nonceByteCount)),
            payload: Array(plaintext.dropFirst(LedgerLeaf.nonceByteCount)))
    }
}

/// A sealed payload at rest.
public struct VaultRow: Hashable, Sendable {
    /// 12 bytes.
    public let nonce: [UInt8]
    /// The encrypted commitment nonce and payload, and the tag.
    public let sealed: [UInt8]

    /// Takes a row from storage; lengths are checked when it is opened.
    public init(nonce: [UInt8], sealed: [UInt8]) {
        self.nonce = nonce
        self.sealed = sealed
    }
}
