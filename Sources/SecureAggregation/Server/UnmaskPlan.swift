// What stands between the sum of the uploads and the sum of the vectors, and how it is taken away.

import Cryptography

/// A node that dropped: the private key of its prekey, and the survivors that put a mask with it into their uploads.
struct DroppedNode: Sendable {
    let node: NodeIndex
    let privateKey: X25519PrivateKey
    let neighbours: [(node: NodeIndex, key: X25519PublicKey)]

    /// The masks that survivors put in, to be taken back out.
    func terms(sessionID: Digest) throws(SecureAggregationError) -> [MaskTerm] {
        try refusing(as: "pair mask") {
            try neighbours.map { neighbour in
                let key = try MaskDerivation.pairKey(
                    sessionID: sessionID, own: privateKey, ownNode: node, peer: neighbour.key,
                    peerNode: neighbour.node)
                // The survivor put in + if its index is the smaller; take the same back out.
                return MaskTerm(key: key, subtract: neighbour.node < node)
            }
        }
    }
}

/// The opened keys of a certified session. Ranges of words are independent, so any worker may open any range.
public struct UnmaskPlan: Sendable {
    /// The session.
    public let sessionID: Digest
    /// Words of the vector.
    public let wordCount: Int
    /// What the masks were expanded with.
    let generator: KeystreamCipher
    /// Roster positions whose uploads are summed.
    public let survivorPositions: [Int]
    let selfMasks: [MaskTerm]
    let dropped: [DroppedNode]

    /// Number of masks to expand: one a survivor, and one a pair of a dropped node and a surviving neighbour.
    public var maskCount: Int { selfMasks.count + pairMaskCount }

    /// Number of key agreements to compute: one a pair of a dropped node and a surviving neighbour.
    public var pairMaskCount: Int { dropped.reduce(0) { $0 + $1.neighbours.count } }

    /// Derives the key of every mask: one key agreement for every pair of a dropped node and a surviving neighbour.
    /// ``openSum(workers:readingChunk:)`` does this on all cores; whoever folds ranges elsewhere takes the masks out of each with
    /// ``SessionMasks/remove(from:wordOffset:)``.
    /// - Throws: ``SecureAggregationError/malformed(_:)`` if a primitive fails.
    public func masks() throws(SecureAggregationError) -> SessionMasks {
        var terms = selfMasks
        for node in dropped { terms += try node.terms(sessionID: sessionID) }
        return SessionMasks(wordCount: wordCount, generator: generator, terms: terms)
    }
}

/// Every mask of a session's sum, with its key.
public struct SessionMasks: Sendable {
    /// Words of the vector.
    public let wordCount: Int
    let generator: KeystreamCipher
    let terms: [MaskTerm]

    /// Takes the masks out of `words`, the wrapping sum of the survivors' words from `wordOffset` (even) on.
    /// - Throws: ``SecureAggregationError/malformed(_:)`` if the cipher fails or the range is outside the vector.
    public func remove(from words: inout [UInt64], wordOffset: Int) throws(SecureAggregationError) {
        guard wordOffset >= 0, wordOffset.isMultiple(of: 2), wordOffset <= wordCount,
            words.count <= wordCount - wordOffset
        else { throw .malformed("word range") }
        do {
            try MaskExpander.apply(terms, generator: generator, to: &words, wordOffset: wordOffset)
        } catch {
            throw .malformed("mask")
        }
    }
}
