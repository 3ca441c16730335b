// The contents of the files that TilePath names: hashes side by side, entries behind their lengths.
// Format: c2sp.org/tlog-tiles, "Merkle Tree" and "Log entries".

import Cryptography

extension MerkleTree {
    /// The bytes of a hash tile: `width` node hashes of 32 bytes each.
    /// - Throws: ``MerkleLogError/indexOutOfRange`` if the tree is too small to have the tile, or `path` names entries,
    ///   which a tree of hashes does not know.
    public func tile(_ path: TilePath) throws(MerkleLogError) -> [UInt8] {
        guard case .hashes(let level) = path.content,
            let bytes = subtreeHashes(level: 8 * level, path.range)
        else { throw .indexOutOfRange }
        return bytes
    }
}

/// Reads hash tiles.
public enum Tile {
    /// The node hashes in the bytes of a tile.
    /// - Throws: ``MerkleLogError/tileLength(expected:actual:)`` unless there are exactly 32 bytes for each of the
    ///   path's ``TilePath/width``; ``MerkleLogError/malformed(_:field:)`` if `path` names entries.
    public static func hashes(parsing bytes: [UInt8], of path: TilePath) throws(MerkleLogError) -> [Digest] {
        guard case .hashes = path.content else { throw .malformed(.tilePath, field: "level") }
        let expected = path.width * Digest.byteCount
        guard bytes.count == expected else { throw .tileLength(expected: expected, actual: bytes.count) }
        var hashes: [Digest] = []
        hashes.reserveCapacity(path.width)
        for start in stride(from: 0, to: bytes.count, by: Digest.byteCount) {
            guard let hash = try? Digest(bytes[start..<start + Digest.byteCount]) else {
                throw .tileLength(expected: expected, actual: bytes.count)
            }
            hashes.append(hash)
        }
        return hashes
    }
}

/// Writes and reads entry bundles: each entry behind its length in two bytes, most significant first.
public enum EntryBundle {
    /// The longest entry a bundle can carry.
    public static let maximumEntryByteCount = 65_535

    /// The bytes of a bundle.
    /// - Parameter entries: 1...256 entries, each at most ``maximumEntryByteCount`` bytes.
    /// - Throws: ``MerkleLogError/malformed(_:field:)`` for another number of entries;
    ///   ``MerkleLogError/entryTooLong(limit:)``.
    public static func encode(_ entries: [[UInt8]]) throws(MerkleLogError) -> [UInt8] {
        guard (1...TilePath.fullWidth).contains(entries.count) else { throw .malformed(.entryBundle, field: "width") }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(entries.reduce(0) { $0 + 2 + $1.count })
        for entry in entries {
            guard let length = UInt16(exactly: entry.count) else { throw .entryTooLong(limit: maximumEntryByteCount) }
            bytes.append(UInt8(length >> 8))
            bytes.append(UInt8(length & 0xff))
            bytes += entry
        }
        return bytes
    }

    /// The entries in a bundle's bytes, in order. They are untrusted until their leaf hashes match a verified tile.
    /// - Parameter width: The number of entries that the bundle's path calls for, 1...256.
    /// - Throws: ``MerkleLogError/malformed(_:field:)`` if an entry is cut short;
    ///   ``MerkleLogError/tileLength(expected:actual:)`` for another number of entries.
    public static func decode(_ bytes: [UInt8], width: Int) throws(MerkleLogError) -> [[UInt8]] {
        var entries: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            guard entries.count < width else { throw .tileLength(expected: width, actual: entries.count + 1) }
            guard let high = rest.popFirst(), let low = rest.popFirst() else {
                throw .malformed(.entryBundle, field: "length")
            }
            let length = Int(high) << 8 | Int(low)
            guard rest.count >= length else { throw .malformed(.entryBundle, field: "entry") }
            entries.append(Array(rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        guard entries.count == width else { throw .tileLength(expected: width, actual: entries.count) }
        return entries
    }
}
