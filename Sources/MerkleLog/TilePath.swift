// Names of a log's static files: c2sp.org/tlog-tiles. A tile is 256 hashes of one level, an entry bundle the 256 entries
// beneath a tile of level 0; the last of a row may be partial and then carries its width in its name.

/// The coordinates of a tile or an entry bundle.
public struct TilePath: Hashable, Sendable {
    /// What a file holds.
    public enum Content: Hashable, Sendable {
        /// Roots of the complete subtrees of 256^level leaves; level in 0...63.
        case hashes(level: Int)
        /// Log entries.
        case entries
    }

    /// Width of a full tile or bundle.
    public static let fullWidth = 256
    /// The highest level the format names.
    public static let maximumLevel = 63
    /// The highest index, so that no position in a row overflows.
    static let maximumIndex = Int.max / fullWidth - 1

    /// What the file holds.
    public let content: Content
    /// Position in the row, from 0.
    public let index: Int
    /// Number of hashes or entries, 1...256; below 256 the tile is partial.
    public let width: Int

    /// Checked coordinates.
    /// - Throws: ``MerkleLogError/malformed(_:field:)`` if the level is not in 0...63, the index negative or beyond any
    ///   tree, or the width not in 1...256.
    public init(_ content: Content, index: Int, width: Int = TilePath.fullWidth) throws(MerkleLogError) {
        if case .hashes(let level) = content, level < 0 || level > TilePath.maximumLevel {
            throw .malformed(.tilePath, field: "level")
        }
        guard index >= 0, index <= TilePath.maximumIndex else { throw .malformed(.tilePath, field: "index") }
        guard width >= 1, width <= TilePath.fullWidth else { throw .malformed(.tilePath, field: "width") }
        self.init(unchecked: content, index: index, width: width)
    }

    init(unchecked content: Content, index: Int, width: Int) {
        self.content = content
        self.index = index
        self.width = width
    }

    /// Parses a path below a log's prefix, such as "tile/0/x001/067" or "tile/entries/000.p/7". One spelling for each.
    /// - Throws: ``MerkleLogError/malformed(_:field:)``.
    public init(parsing path: String) throws(MerkleLogError) {
        let slash = UInt8(ascii: "/")
        var parts = [UInt8](path.utf8).split(separator: slash, omittingEmptySubsequences: false)[...]
        guard parts.popFirst()?.elementsEqual("tile".utf8) == true, let row = parts.popFirst() else {
            throw .malformed(.tilePath, field: "prefix")
        }
        let content: Content
        if row.elementsEqual("entries".utf8) {
            content = .entries
        } else if let level = row.decimal {
            content = .hashes(level: level)
        } else {
            throw .malformed(.tilePath, field: "level")
        }
        var width = TilePath.fullWidth
        if let marked = parts.dropLast().last, marked.suffix(2).elementsEqual(".p".utf8) {
            guard let last = parts.popLast()?.decimal, last < TilePath.fullWidth else {
                throw .malformed(.tilePath, field: "width")
            }
            width = last
            parts[parts.endIndex - 1] = marked.dropLast(2)
        }
        try self.init(content, index: TilePath.index(from: parts), width: width)
    }

    /// The path below a log's prefix, without a leading slash.
    public var text: String {
        let row =
            switch content {
            case .hashes(let level): String(level)
            case .entries: "entries"
            }
        var elements = TilePath.threeDigits(index % 1000)
        var rest = index / 1000
        while rest > 0 {
            elements = "x" + TilePath.threeDigits(rest % 1000) + "/" + elements
            rest /= 1000
        }
        return "tile/\(row)/\(elements)" + (isPartial ? ".p/\(width)" : "")
    }

    /// Whether the file will be followed by wider ones of the same index.
    public var isPartial: Bool { width < TilePath.fullWidth }

    /// Positions, within the row, of the hashes or entries that the file holds.
    public var range: Range<Int> {
        index * TilePath.fullWidth..<index * TilePath.fullWidth + width
    }

    /// The index that path elements spell: three digits each, all but the last after an "x", no leading zero element.
    private static func index(from elements: ArraySlice<ArraySlice<UInt8>>) throws(MerkleLogError) -> Int {
        let x = UInt8(ascii: "x")
        guard let last = elements.last, elements.count <= 7 else { throw .malformed(.tilePath, field: "index") }
        var digits: [UInt8] = []
        for element in elements.dropLast() {
            guard element.count == 4, element.first == x else { throw .malformed(.tilePath, field: "index") }
            digits += element.dropFirst()
        }
        guard last.count == 3, elements.count == 1 || !digits.starts(with: "000".utf8) else {
            throw .malformed(.tilePath, field: "index")
        }
        digits += last
        // Padding zeros come off before the strict number reader sees them; all three of "000" must not.
        let number = digits.drop { $0 == UInt8(ascii: "0") }
        guard let index = number.isEmpty ? 0 : number.decimal else { throw .malformed(.tilePath, field: "index") }
        return index
    }

    private static func threeDigits(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: 3 - digits.count) + digits
    }
}
