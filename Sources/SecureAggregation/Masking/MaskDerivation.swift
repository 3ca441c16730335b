// Where mask keys come from. Every derivation names the session, the parties and their keys, so nothing carries over.

import Cryptography

/// The derivations of Protocols/secure-aggregation.md, "Masks".
enum MaskDerivation {
    /// s_ij = HKDF(X25519(sk_i, pk_j), sid, "pair" ‖ min ‖ max ‖ pk_min ‖ pk_max): the same for both ends.
    static func pairKey(
        sessionID: Digest, own: X25519PrivateKey, ownNode: NodeIndex, peer: X25519PublicKey, peerNode: NodeIndex
    ) throws(CryptographyError) -> SecretBytes {
        let ownFirst = ownNode < peerNode
        let (first, second) = ownFirst ? (ownNode, peerNode) : (peerNode, ownNode)
        let (firstKey, secondKey) = ownFirst ? (own.publicKey, peer) : (peer, own.publicKey)
        return try HKDF.deriveKey(
            from: own.sharedSecret(with: peer), salt: sessionID.bytes,
            info: [UInt8]("pair".utf8) + bigEndian(first) + bigEndian(second) + firstKey.bytes + secondKey.bytes)
    }

    /// The key of the self mask: HKDF(b, sid, "self-mask" ‖ node).
    static func selfMaskKey(
        sessionID: Digest, seed: SecretBytes, node: NodeIndex
    ) throws(CryptographyError) -> SecretBytes {
        try HKDF.deriveKey(from: seed, salt: sessionID.bytes, info: [UInt8]("self-mask".utf8) + bigEndian(node))
    }

    /// H("b-commit", sid, node, b).
    static func selfMaskCommitment(sessionID: Digest, node: NodeIndex, seed: SecretBytes) -> Digest {
        var hasher = SHA256.Hasher()
        hasher.update(tag: "b-commit")
        hasher.update(sessionID.bytes)
        hasher.update(bigEndian(node))
        hasher.update(seed)
        return hasher.finalize()
    }
}

/// One mask to add to, or take from, a vector.
public struct MaskTerm: Sendable {
    /// Key of the mask's stream.
    let key: SecretBytes
    /// Whether the mask is subtracted.
    let subtract: Bool
}

/// Adds masks to words: tiles outside, seeds inside, so the words being summed stay in cache while every seed's stream
/// passes over them.
enum MaskExpander {
    /// Words of a tile: 128 KiB.
    static let tileWords = 1 << 14

    /// Applies `terms`, expanded with `generator`, to `words`, which are the words of the vector from `wordOffset` (even) on.
    static func apply(
        _ terms: [MaskTerm], generator: KeystreamCipher, to words: inout [UInt64], wordOffset: Int = 0
    ) throws(CryptographyError) {
        let added = terms.filter { !$0.subtract }.map(\.key)
        let subtracted = terms.filter(\.subtract).map(\.key)
        var streams = try KeystreamSum(generator)
        var start = 0
        while start < words.count {
            let tile = start..<min(start + tileWords, words.count)
            try streams.apply(
                adding: added, subtracting: subtracted, to: &words, in: tile, wordOffset: wordOffset + start)
            start = tile.upperBound
        }
    }
}
