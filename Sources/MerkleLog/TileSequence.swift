// Which files a log must publish when it grows: c2sp.org/tlog-tiles, "Merkle Tree" and "Partial Tiles".

/// The tiles and entry bundles of a tree that an older, smaller tree does not have: what to write before signing the new
/// checkpoint, or what to fetch after seeing it. Lazy, so that a size from outside allocates nothing.
///
/// The order is: entry bundles by index, then tiles by level and index. A partial file that has grown comes again, wider.
public struct TileSequence: Sequence, IteratorProtocol, Sendable {
    private let oldSize: Int
    private let newSize: Int
    private var content = TilePath.Content.entries
    private var index: Int

    /// The files that come with growth from `oldSize` to `newSize` leaves; all files if `oldSize` is 0.
    /// - Throws: ``MerkleLogError/sizeOutOfRange`` unless 0 ≤ `oldSize` ≤ `newSize`.
    public init(from oldSize: Int, to newSize: Int) throws(MerkleLogError) {
        guard oldSize >= 0, oldSize <= newSize else { throw .sizeOutOfRange }
        self.oldSize = oldSize
        self.newSize = newSize
        index = oldSize / TilePath.fullWidth
    }

    /// The next file; nil at the end.
    public mutating func next() -> TilePath? {
        while true {
            let shift =
                switch content {
                case .entries: 0
                case .hashes(let level): 8 * level  // 256 = 2^8 nodes make one node of the level above
                }
            let oldCount = oldSize >> shift
            let newCount = newSize >> shift
            if newCount == 0 { return nil }
            // Compared by division: one past the last index of the largest tree, times 256, would overflow.
            if oldCount < newCount, index <= (newCount - 1) / TilePath.fullWidth {
                defer { index += 1 }
                let width = Swift.min(TilePath.fullWidth, newCount - index * TilePath.fullWidth)
                return TilePath(unchecked: content, index: index, width: width)
            }
            let level =
                switch content {
                case .entries: 0
                case .hashes(let level): level + 1
                }
            content = .hashes(level: level)
            index = (oldSize >> (8 * level)) / TilePath.fullWidth
        }
    }
}
