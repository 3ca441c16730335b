import Cryptography
import MerkleLog
import TestSupport
import Testing

private let testLog = "vectors/tessera/testdata/log"

@Suite struct TileTests {
    @Test(arguments: [
        ("tile/0/000", TilePath.Content.hashes(level: 0), 0, 256),
        ("tile/0/x001/067", .hashes(level: 0), 1067, 256),
        ("tile/63/x001/x234/067", .hashes(level: 63), 1_234_067, 256),  // the index of the specification's example
        ("tile/1/999.p/1", .hashes(level: 1), 999, 1),
        ("tile/2/x001/000.p/255", .hashes(level: 2), 1000, 255),
        ("tile/entries/x001/x000/000.p/17", .entries, 1_000_000, 17),
        ("tile/entries/007", .entries, 7, 256),
        ("tile/0/x036/x028/x797/x018/x963/966", .hashes(level: 0), 36_028_797_018_963_966, 256),
    ]) func pathsRoundTrip(text: String, content: TilePath.Content, index: Int, width: Int) throws {
        let path = try TilePath(content, index: index, width: width)
        #expect(path.text == text)
        #expect(try TilePath(parsing: text) == path)
        #expect(path.isPartial == text.contains(".p/"))
    }

    @Test func everySmallIndexRoundTrips() throws {
        for index in 0..<3000 {
            let path = try TilePath(.hashes(level: 3), index: index, width: 1 + index % 256)
            #expect(try TilePath(parsing: path.text) == path)
        }
    }

    @Test(arguments: [
        "", "tile", "tile/", "tile/0", "tile/0/", "/tile/0/000", "tile/0/000/", "tiles/0/000", "tile//000",
        "tile/00/000",
        "tile/01/000", "tile/64/000", "tile/-1/000", "tile/+1/000", "tile/x/000", "tile/Entries/000", "tile/data/000",
        "tile/0/0", "tile/0/00", "tile/0/0000", "tile/0/x00", "tile/0/x000", "tile/0/x000/000", "tile/0/x000/067",
        "tile/0/001/067", "tile/0/x001/x067", "tile/0/x001", "tile/0/x001/", "tile/0/X001/067", "tile/0/x01/067",
        "tile/0/00a", "tile/0/-01", "tile/0/000.p", "tile/0/000.p/", "tile/0/000.p/0", "tile/0/000.p/256",
        "tile/0/000.p/01", "tile/0/000.p/-1", "tile/0/000.p/1/", "tile/0/000.p/1.p/1", "tile/0/.p/1", "tile/0/000.q/1",
        "tile/0/x001.p/067", "tile/0/000 ", "tile/0/٠٠٠", "tile/0/x036/x028/x797/x018/x963/967",
        "tile/0/x999/x999/x999/x999/x999/x999/999", "tile/0/x001/x000/x000/x000/x000/x000/x000/000", "tile/.p/1",
    ]) func malformedPathsAreRefused(text: String) {
        #expect {
            try TilePath(parsing: text)
        } throws: { error in
            guard case .malformed(.tilePath, _) = error as? MerkleLogError else { return false }
            return true
        }
    }

    @Test func coordinatesOutsideAnyTreeAreRefused() {
        #expect(throws: MerkleLogError.malformed(.tilePath, field: "level")) {
            try TilePath(.hashes(level: -1), index: 0)
        }
        for index in [-1, .max, .min] {
            #expect(throws: MerkleLogError.malformed(.tilePath, field: "index")) {
                try TilePath(.entries, index: index)
            }
        }
        for width in [0, 257, .min, .max] {
            #expect(throws: MerkleLogError.malformed(.tilePath, field: "width")) {
                try TilePath(.entries, index: 0, width: width)
            }
        }
    }

    /// The example of c2sp.org/tlog-tiles: size 70,000 has 273 full and one 112-wide tile at level 0, one full and one
    /// 17-wide at level 1, and one 1-wide at level 2; size 256 has a full tile and a 1-wide one above it.
    @Test func sequencesFollowTheSpecificationsExample() throws {
        let paths = Array(try TileSequence(from: 0, to: 70_000))
        let entries = paths.filter { $0.content == .entries }
        #expect(entries.count == 274)
        #expect(entries.last?.text == "tile/entries/273.p/112")
        let levels = (0..<4).map { level in paths.filter { $0.content == .hashes(level: level) } }
        #expect(levels.map(\.count) == [274, 2, 1, 0])
        #expect(levels[0].dropLast().allSatisfy { !$0.isPartial })
        #expect(levels[0].last?.text == "tile/0/273.p/112")
        #expect(levels[1].map(\.text) == ["tile/1/000", "tile/1/001.p/17"])
        #expect(levels[2].map(\.text) == ["tile/2/000.p/1"])
        #expect(
            try TileSequence(from: 255, to: 256).map(\.text) == ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"])
        #expect(try TileSequence(from: 256, to: 257).map(\.text) == ["tile/entries/001.p/1", "tile/0/001.p/1"])
        #expect(try Array(TileSequence(from: 300, to: 300)).isEmpty)
        #expect(try Array(TileSequence(from: 0, to: 0)).isEmpty)
    }

    @Test func growthInStepsPublishesWhatEachSizeNeeds() throws {
        let steps = [0, 1, 200, 256, 257, 512, 700, 66_000, 66_048]
        var published: Set<TilePath> = []
        for (old, new) in zip(steps, steps.dropFirst()) {
            let added = Array(try TileSequence(from: old, to: new))
            #expect(published.isDisjoint(with: added))
            published.formUnion(added)
            #expect(published.isSuperset(of: Array(try TileSequence(from: 0, to: new))))
        }
    }

    @Test func hostileSizesNeitherTrapNorAllocate() throws {
        for (old, new) in [(-1, 0), (1, 0), (Int.min, .max), (.max, 0)] {
            #expect(throws: MerkleLogError.sizeOutOfRange) { try TileSequence(from: old, to: new) }
        }
        #expect(try TileSequence(from: 0, to: .max).prefix(3).map(\.width) == [256, 256, 256])
        let last = Array(try TileSequence(from: .max - 1, to: .max))
        #expect(last.count == 2)
        #expect(last.allSatisfy { $0.width == 255 && $0.range.upperBound == .max })
    }

    @Test func tilesHoldTheSubtreeRootsAndComeBack() throws {
        let leaves = (0..<700).map(decimalLeaf)
        let tree = MerkleTree(leafHashes: leaves)
        let bottom = try TilePath(.hashes(level: 0), index: 2, width: 188)
        #expect(try Tile.hashes(parsing: tree.tile(bottom), of: bottom) == Array(leaves[512...]))
        let upper = try TilePath(.hashes(level: 1), index: 0, width: 2)
        #expect(
            try Tile.hashes(parsing: tree.tile(upper), of: upper)
                == [ReferenceTree.root(leaves[..<256]), ReferenceTree.root(leaves[256..<512])])

        for (level, index, width) in [(0, 2, 189), (0, 3, 1), (1, 0, 3), (2, 0, 1), (8, 0, 1), (63, 0, 1)] {
            let path = try TilePath(.hashes(level: level), index: index, width: width)
            #expect(throws: MerkleLogError.indexOutOfRange) { try tree.tile(path) }
        }
        let bundle = try TilePath(.entries, index: 0)
        #expect(throws: MerkleLogError.indexOutOfRange) { try tree.tile(bundle) }
        #expect(throws: MerkleLogError.malformed(.tilePath, field: "level")) {
            try Tile.hashes(parsing: [], of: bundle)
        }
        for count in [0, 31, 33, 63, 65, 96] {
            #expect(throws: MerkleLogError.tileLength(expected: 64, actual: count)) {
                try Tile.hashes(parsing: [UInt8](repeating: 0, count: count), of: upper)
            }
        }
    }

    @Test func bundlesRoundTripAndRefuseEverythingElse() throws {
        let longest = [UInt8](repeating: 7, count: 65_535)
        let entries = [[], [1], longest, [2, 3]]
        let bytes = try EntryBundle.encode(entries)
        #expect(bytes.count == 8 + 1 + 65_535 + 2)
        #expect(try EntryBundle.decode(bytes, width: 4) == entries)
        #expect(try EntryBundle.encode([[0xaa, 0xbb]]) == [0, 2, 0xaa, 0xbb])

        #expect(throws: MerkleLogError.entryTooLong(limit: 65_535)) { try EntryBundle.encode([longest + [1]]) }
        #expect(throws: MerkleLogError.malformed(.entryBundle, field: "width")) { try EntryBundle.encode([]) }
        #expect(throws: MerkleLogError.malformed(.entryBundle, field: "width")) {
            try EntryBundle.encode([[UInt8]](repeating: [1], count: 257))
        }
        let wrong: [([UInt8], Int, MerkleLogError)] = [
            ([], 1, .tileLength(expected: 1, actual: 0)),
            ([0, 1, 5], 2, .tileLength(expected: 2, actual: 1)),
            ([0, 1, 5, 0, 0], 1, .tileLength(expected: 1, actual: 2)),
            ([0], 1, .malformed(.entryBundle, field: "length")),
            ([0, 2, 1], 1, .malformed(.entryBundle, field: "entry")),
            ([0xff, 0xff], 1, .malformed(.entryBundle, field: "entry")),
            ([0, 0], 0, .tileLength(expected: 0, actual: 1)),
            ([], -1, .tileLength(expected: -1, actual: 0)),
        ]
        for (bytes, width, error) in wrong {
            #expect(throws: error) { try EntryBundle.decode(bytes, width: width) }
        }
    }

    /// A whole log written by transparency-dev/tessera: every checkpoint, tile and bundle it published, byte for byte.
    @Test(.enabled(if: ReferenceData.isPresent(testLog), "\(ReferenceData.absence(of: testLog))"))
    func tesserasLogIsOurs() throws {
        let key = try NoteVerifierKey(
            parsing: ReferenceData.text("vectors/tessera/log.vkey").split(separator: "\n").joined())
        let words = [
            "one", "two", "three", "four", "five", "six", "seven", "eit", "nain", "ten", "ileven", "twelf", "threeten",
            "fourten", "fivten",
        ].map { [UInt8]($0.utf8) }
        var tree = MerkleTree()
        var checkpoints: [Checkpoint] = []
        for size in 0...words.count {
            if size > 0 { tree.append(leafHash: MerkleTreeHash.leaf(words[size - 1])) }
            let text = try ReferenceData.text("\(testLog)/checkpoint.\(size)")
            let note = try SignedNote(parsing: text)
            #expect(note.encoded == text)
            let checkpoint = try Checkpoint(verifying: note, with: [key])
            #expect(checkpoint.size == size)
            #expect(checkpoint.root == tree.root)
            #expect(
                try Checkpoint(origin: key.name, size: size, root: tree.root).body == note.text)
            checkpoints.append(checkpoint)
            for path in try TileSequence(from: 0, to: size) {
                let published = try ReferenceData.bytes("\(testLog)/\(path.text)")
                switch path.content {
                case .hashes:
                    #expect(try tree.tile(path) == published)
                case .entries:
                    #expect(try EntryBundle.encode(Array(words[path.range])) == published)
                    #expect(try EntryBundle.decode(published, width: path.width) == Array(words[path.range]))
                }
            }
        }
        for old in checkpoints.dropFirst() {
            for new in checkpoints[old.size...] {
                try tree.consistencyProof(from: old.size, to: new.size).verify(oldRoot: old.root, newRoot: new.root)
            }
        }
    }
}
