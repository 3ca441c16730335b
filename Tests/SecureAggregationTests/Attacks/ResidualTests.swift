// What the coordinator sees is uniform: uploads, and whatever is left of them after any set of masks that it can legally take
// out. Real uploads of vectors that are anything but random, so every regularity that shows is a mask that failed.

import Cryptography
import TestSupport
import Testing
import Vectors
import WireFormat

@testable import SecureAggregation

/// Pearson's χ² against uniform, for byte values and for what follows what.
enum Uniformity {
    /// With 255 degrees of freedom a uniform sample exceeds this once in 10^5. Seeds are fixed: a test that passes once
    /// passes always.
    static let threshold = 363.1

    /// Byte values of the words, each against 1/256.
    static func bytes(_ words: [UInt64]) -> Double { chiSquare(VectorChunks.encode(words[...])) }

    /// Pairs of half-bytes at the same place of neighbouring words: 256 pairs, each against 1/256. Pairs do not overlap, or
    /// the statistic would have another distribution; so there are two ways to pair words, and two halves of a byte. The
    /// largest of the four.
    static func serial(_ words: [UInt64]) -> Double {
        var largest = 0.0
        for start in [0, 1] {
            let pairs = stride(from: start, to: words.count - 1, by: 2)
            let left = VectorChunks.encode(pairs.map { words[$0] }[...])
            let right = VectorChunks.encode(pairs.map { words[$0 + 1] }[...])
            largest = max(
                largest, chiSquare(zip(left, right).map { ($0 & 15) << 4 | $1 & 15 }),
                chiSquare(zip(left, right).map { $0 & 0xf0 | $1 >> 4 }))
        }
        return largest
    }

    static func looksUniform(_ words: [UInt64]) -> Bool { bytes(words) < threshold && serial(words) < threshold }

    private static func chiSquare(_ symbols: [UInt8]) -> Double {
        var counts = [Double](repeating: 0, count: 256)
        for symbol in symbols { counts[Int(symbol)] += 1 }
        let expected = Double(symbols.count) / 256
        return counts.reduce(0) { $0 + ($1 - expected) * ($1 - expected) / expected }
    }
}

struct ResidualTests {
    private static let dimension = 8192
    private static let dropped: NodeIndex = 17

    /// A round of eighteen nodes with constant, nearly equal vectors; node 17 uploads and is labelled dropped.
    private struct Round {
        let scenario: AggregationScenario
        let session: CoordinatorSession
        let uploads: [NodeIndex: MaskedUpload]
        /// b of every node.
        let seeds: [NodeIndex: SecretBytes]
    }

    private static func values(_ node: NodeIndex) -> [Int64] {
        [Int64](repeating: Int64(node) - 3, count: dimension)
    }

    private static let made = Result {
        let scenario = try AggregationScenario(dimension: dimension)
        let session = try scenario.session()
        var uploads: [NodeIndex: MaskedUpload] = [:]
        var seeds: [NodeIndex: SecretBytes] = [:]
        for node in NodeIndex(0)..<18 {
            let upload = try scenario.upload(values(node), node: node, offer: #require(session.offer(for: node)))
            uploads[node] = upload
            let context = ShareContext(
                kind: .selfMaskSeed, scope: session.sessionID, dealer: node, chargeSequence: 1)
            let shares = try (0..<scenario.register.quorum).map { holder in
                (
                    position: holder,
                    share: try SharePackage.open(
                        upload.envelope.shares.ciphertexts[holder], context: context, holder: holder,
                        register: scenario.register, epoch: scenario.epoch,
                        agreementKey: scenario.keys(of: NodeIndex(holder)).agreementKey)
                )
            }
            seeds[node] = try ShamirSharing.join(shares, threshold: scenario.register.quorum)
        }
        return Round(scenario: scenario, session: session, uploads: uploads, seeds: seeds)
    }

    private let round: Round

    init() throws { round = try Self.made.get() }

    private func words(_ node: NodeIndex) throws -> [UInt64] { try #require(round.uploads[node]).words }

    /// The term that takes the self mask of `node` out.
    private func selfMask(_ node: NodeIndex) throws -> MaskTerm {
        MaskTerm(
            key: try MaskDerivation.selfMaskKey(
                sessionID: round.session.sessionID, seed: #require(round.seeds[node]), node: node), subtract: true)
    }

    /// The term that takes the mask between `node` and `peer` out of the words of `node`.
    private func pairMask(_ node: NodeIndex, _ peer: NodeIndex) throws -> MaskTerm {
        MaskTerm(
            key: try MaskDerivation.pairKey(
                sessionID: round.session.sessionID, own: round.scenario.prekey(of: node).privateKey, ownNode: node,
                peer: round.scenario.prekey(of: peer).bundle.prekey.body.publicKey, peerNode: peer),
            subtract: node < peer)
    }

    private func removing(_ terms: [MaskTerm], from words: [UInt64]) throws -> [UInt64] {
        var words = words
        try MaskExpander.apply(terms, generator: .aes256Counter, to: &words)
        return words
    }

    private func sum(_ nodes: some Sequence<NodeIndex>) throws -> [UInt64] {
        var sum = [UInt64](repeating: 0, count: round.session.parameters.body.wordCount)
        for node in nodes { try WordVector.add(words(node), into: &sum) }
        return sum
    }

    private func expectUniform(
        _ words: [UInt64], _ what: String, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let (bytes, serial) = (Uniformity.bytes(words), Uniformity.serial(words))
        #expect(bytes < Uniformity.threshold, "\(what): bytes", sourceLocation: sourceLocation)
        #expect(serial < Uniformity.threshold, "\(what): serial", sourceLocation: sourceLocation)
    }

    // MARK: What is seen

    @Test("Row 16: every upload is uniform, and so is the difference of any two")
    func uploadsAreUniform() throws {
        for node in NodeIndex(0)..<18 {
            expectUniform(try words(node), "upload \(node)")
            let other = (node + 1) % 18
            let difference = zip(try words(node), try words(other)).map { $0 &- $1 }
            expectUniform(difference, "difference of \(node) and \(other)")
        }
        // Two attempts of one node with the same vector.
        let again = try round.scenario.session(round: 2)
        let second = try round.scenario.upload(
            Self.values(4), node: 4, offer: #require(again.offer(for: 4)))
        expectUniform(zip(second.words, try words(4)).map { $0 &- $1 }, "one vector in two sessions")
    }

    @Test("Row 7: a survivor's upload without its self mask is uniform while one honest neighbour is not opened")
    func survivorsAreUniformWithoutTheirSelfMask() throws {
        let target: NodeIndex = 4
        let peers = (NodeIndex(0)..<18).filter { $0 != target }
        for kept in [peers.count, 2, 1] {
            let terms = try [selfMask(target)] + peers.dropLast(kept).map { try pairMask(target, $0) }
            expectUniform(try removing(terms, from: words(target)), "\(kept) pair masks left")
        }
    }

    @Test("Row 7: a dropped node's upload without its pair masks is uniform under its self mask")
    func droppedNodesAreUniformUnderTheirSelfMask() throws {
        let terms = try (NodeIndex(0)..<17).map { try pairMask(Self.dropped, $0) }
        expectUniform(try removing(terms, from: words(Self.dropped)), "dropped")
        // The sum in which it was counted, although its seed is not opened.
        let survivors = try (NodeIndex(0)..<17).map { try selfMask($0) }
        expectUniform(try removing(survivors, from: sum(0..<18)), "sum with the dropped node")
    }

    @Test("Row 7: a sum with one pair mask of honest nodes left, or one node missing, is uniform")
    func sumsThatAreNotCompleteAreUniform() throws {
        let all = try (NodeIndex(0)..<18).map { try selfMask($0) }
        // Node 17 is labelled alive but never uploaded: nobody can open its masks with the others.
        expectUniform(try removing(Array(all.prefix(17)), from: sum(0..<17)), "a ghost's pair masks are left")
        // All of them but one are known, as if every other node were corrupt.
        let known = try (NodeIndex(1)..<17).map { try pairMask($0, 17) }
        expectUniform(try removing(Array(all.prefix(17)) + known, from: sum(0..<17)), "one pair mask is left")
        // Any part of the survivors is as good as nothing.
        expectUniform(try removing(Array(all.prefix(9)), from: sum(0..<9)), "half of the survivors")
        // One coefficient of two.
        let twice = zip(try sum(0..<18), try words(3)).map { $0 &+ $1 }
        expectUniform(try removing(all + [selfMask(3)], from: twice), "one node counted twice")
        // One self mask left.
        expectUniform(try removing(Array(all.dropLast()), from: sum(0..<18)), "one self mask is left")
    }

    // MARK: The tests can fail

    @Test("Positive control: unmasked data, and masks with a regularity, are noticed")
    func regularitiesAreNoticed() throws {
        let target: NodeIndex = 4
        let peers = (NodeIndex(0)..<18).filter { $0 != target }
        // Every mask out of one upload, and out of the sum: the data is there, and both tests say so.
        let clear = try removing([selfMask(target)] + peers.map { try pairMask(target, $0) }, from: words(target))
        #expect(clear == LaneLayout.twoBy32.pack(Self.values(target)))
        let total = try removing((NodeIndex(0)..<18).map { try selfMask($0) }, from: sum(0..<18))
        for words in [clear, total] {
            #expect(Uniformity.bytes(words) > 100 * Uniformity.threshold)
            #expect(Uniformity.serial(words) > 100 * Uniformity.threshold)
        }
        // Gaussian-sized noise over the data is not a mask.
        var random = try KeyedRandomGenerator(key: SecretBytes(copying: [UInt8](repeating: 5, count: 32)))
        let noisy = clear.map { $0 &+ random.uniform(below: 1 << 20) &+ random.uniform(below: 1 << 20) << 32 }
        #expect(Uniformity.bytes(noisy) > 10 * Uniformity.threshold)
        // A good stream used twice over is uniform byte by byte; only what follows what gives it away.
        let stream = try words(target)
        let repeated = stream.prefix(2048).flatMap { [$0, $0] }
        #expect(Uniformity.bytes(repeated) < 2 * Uniformity.threshold)
        #expect(Uniformity.serial(repeated) > 10 * Uniformity.threshold)
        #expect(!Uniformity.looksUniform(repeated) && Uniformity.looksUniform(stream))
        // A mask that leaves the upper lane alone.
        #expect(!Uniformity.looksUniform(stream.map { $0 & 0xffff_ffff }))
    }
}
