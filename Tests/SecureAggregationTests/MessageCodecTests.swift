// Every message: its bytes come back, every missing, unknown or mistyped field is refused, no truncation and no mutation
// traps, and what is accepted is exactly what would be sent. Row 18 of the attack table.

import Cryptography
import TestSupport
import Testing
import Vectors
import WireFormat

@testable import SecureAggregation

struct MessageCodecTests {
    /// A message without its type.
    struct Sample: Sendable {
        let name: String
        let value: CBORValue
        /// Decodes and encodes again.
        let decode: @Sendable ([UInt8]) throws -> [UInt8]

        init<Message: WireMessage>(_ message: Message) {
            name = Message.messageName
            value = message.cborValue
            decode = { try Message(decoding: $0).encoded() }
        }
    }

    private static let made = Result {
        var uploaded = try AggregationScenario.uploaded()
        let scenario = uploaded.scenario
        var session = uploaded.session
        try uploaded.scenario.certify(&session)
        let request = try #require(session.revealRequest(for: 0))
        let reveal = try uploaded.scenario.reveal(request, session: session, member: 0)
        let envelope = try #require(session.uploads[4])
        let bundle = try scenario.prekey(of: 3).bundle
        let key = scenario.authority.publicKey
        return [
            Sample(scenario.register), Sample(try SignedMessage(signing: scenario.register, key: scenario.authority)),
            Sample(
                TrustAnchors(
                    chain: "c", authorityKey: key, planOwnerKey: key, coordinatorKey: key, ledgerVerifierKey: "l+1+k")),
            Sample(scenario.announcement.hellos[2].body), Sample(scenario.announcement.hellos[2]),
            Sample(scenario.announcement), Sample(bundle.prekey.body), Sample(bundle.prekey), Sample(bundle.shares),
            Sample(bundle), Sample(session.parameters.body), Sample(session.parameters),
            Sample(try #require(bundle.shares.opening(of: 3))), Sample(try #require(session.offer(for: 4))),
            Sample(envelope.upload.body), Sample(envelope.upload),
            Sample(envelope), Sample(try #require(session.labelProposal)),
            Sample(try #require(session.certificate?.votes.first).body),
            Sample(try #require(session.certificate?.votes.first)), Sample(try #require(session.certificate)),
            Sample(request), Sample(reveal.body), Sample(reveal), Sample(SubCohortPlace(index: 3, count: 20)),
        ]
    }

    static func samples() throws -> [Sample] { try made.get() }

    @Test func bytesComeBack() throws {
        for sample in try Self.samples() {
            let bytes = sample.value.encoded()
            #expect(try sample.decode(bytes) == bytes, "\(sample.name)")
        }
    }

    @Test("Row 18: fields are neither missing nor unknown nor of another type")
    func fieldsAreNeitherMissingNorUnknownNorOfAnotherType() throws {
        for sample in try Self.samples() {
            guard case .map(let entries) = sample.value else { throw SecureAggregationError.malformed("test") }
            for entry in entries {
                for wrong: CBORValue? in [nil, .null, .boolean(true), CBORValue(-1), .map([])] {
                    let changed = try sample.value.replacing(entry.key, with: wrong).encoded()
                    #expect(throws: WireFormatError.self, "\(sample.name) \(entry.key)") {
                        try sample.decode(changed)
                    }
                }
            }
            let added = try sample.value.replacing(200, with: .unsigned(1)).encoded()
            #expect(throws: WireFormatError.unknownField(200, message: sample.name)) { try sample.decode(added) }
            for wrong in [CBORValue.array([]), .bytes(sample.value.encoded()), .unsigned(3)] {
                #expect(throws: WireFormatError.self) { try sample.decode(wrong.encoded()) }
            }
        }
    }

    @Test("Row 18: every truncation of every message is refused") func everyTruncationIsRefused() throws {
        for sample in try Self.samples() {
            let bytes = sample.value.encoded()
            // Every length for a message of ordinary size; of long lists, whose items repeat, a prime number of steps.
            let step = bytes.count < 1500 ? 1 : 53
            for length in stride(from: 0, to: bytes.count, by: step) {
                if (try? sample.decode([UInt8](bytes.prefix(length)))) != nil {
                    Issue.record("\(sample.name) cut to \(length) bytes was accepted")
                }
            }
            #expect(throws: WireFormatError.self) { try sample.decode(bytes + [0]) }
        }
    }

    @Test("Row 18: ten thousand mutations never trap") func tenThousandMutationsNeverTrap() throws {
        var random = try KeyedRandomGenerator(key: SecretBytes(copying: [UInt8](repeating: 18, count: 32)))
        let samples = try Self.samples()
        var accepted = 0
        for index in 0..<10_000 {
            let sample = samples[index % samples.count]
            var bytes = sample.value.encoded()
            for _ in 0...random.uniform(below: 2) {
                let position = Int(random.uniform(below: UInt64(bytes.count)))
                switch random.uniform(below: 4) {
                case 0: bytes[position] = UInt8(random.uniform(below: 256))
                case 1: bytes[position] ^= 1 << UInt8(random.uniform(below: 8))
                case 2: bytes.remove(at: position)
                default: bytes.insert(UInt8(random.uniform(below: 256)), at: position)
                }
            }
            guard let again = try? sample.decode(bytes) else { continue }
            accepted += 1
            if again != bytes { Issue.record("\(sample.name): accepted bytes are not the sent bytes") }
        }
        // A changed signature, digest or number is still a message; that it is refused is the state machines' work.
        #expect(accepted > 100)
    }

    @Test func headsOfEveryMessageMayBeAnyByte() throws {
        for sample in try Self.samples() where sample.value.encoded().count < 400 {
            let bytes = sample.value.encoded()
            for position in 0..<min(bytes.count, 40) {
                for byte in stride(from: 0, through: 255, by: 15) {
                    var mutated = bytes
                    mutated[position] = UInt8(byte)
                    guard let again = try? sample.decode(mutated) else { continue }
                    if again != mutated { Issue.record("\(sample.name): byte \(position) has two meanings") }
                }
            }
        }
    }

    // MARK: Bounds of single fields

    @Test("Row 18: numbers out of range are refused") func numbersOutOfRangeAreRefused() throws {
        let scenario = try AggregationScenario.standard()
        let parameters = try scenario.session().parameters.body
        let refused: [(UInt64, CBORValue)] = [
            (3, .bytes([UInt8](repeating: 0, count: 16))), (3, .bytes([1])), (4, .unsigned(0)), (4, .unsigned(1 << 32)),
            (5, .unsigned(0)), (5, .unsigned(3)), (8, .unsigned(1 << 63)), (10, .unsigned(.max)), (11, .unsigned(0)),
            (11, .unsigned(1 << 33)), (12, .unsigned(1)), (12, .unsigned(3)), (12, .unsigned(5)), (13, .unsigned(31)),
            (13, .unsigned(64)), (14, .unsigned(0)), (14, .unsigned(3)), (15, .unsigned(0)), (15, .unsigned(1_000_001)),
            (16, .unsigned(0)), (16, .unsigned(1_000_001)), (17, .unsigned(1 << 63)), (17, CBORValue(-1)),
            (1, .bytes([UInt8](repeating: 0, count: 31))), (19, .bytes([UInt8](repeating: 0, count: 33))),
        ]
        for (field, value) in refused {
            #expect(throws: WireFormatError.self, "\(field)") { try parameters.replacing(field, with: value) }
        }
        for field in UInt64(1)...4 {
            #expect(throws: WireFormatError.self) {
                try parameters.replacing(
                    18, with: parameters.derived.cborValue.replacing(field, with: .unsigned(1_000_001)))
            }
        }
    }

    @Test("Row 18: lists and texts are bounded") func listsAndTextsAreBounded() throws {
        let scenario = try AggregationScenario.standard()
        let long = CBORValue.text(String(repeating: "a", count: 256))
        #expect(throws: WireFormatError.self) { try scenario.register.replacing(1, with: long) }
        #expect(throws: WireFormatError.self) { try scenario.register.replacing(4, with: .unsigned(0)) }
        #expect(throws: WireFormatError.self) { try scenario.register.replacing(4, with: .unsigned(18)) }
        #expect(throws: WireFormatError.self) { try scenario.register.replacing(5, with: .array([.unsigned(1 << 32)])) }
        #expect(throws: WireFormatError.self) { try scenario.register.replacing(6, with: .unsigned(1000)) }
        let shares = try scenario.prekey(of: 0).bundle.shares
        #expect(throws: WireFormatError.self) {
            try shares.replacing(1, with: .array([CBORValue](repeating: .bytes([]), count: 10_001)))
        }
        for wrong in [CBORValue.bytes([UInt8](repeating: 0, count: 67)), .bytes([0]), .null] {
            #expect(throws: WireFormatError.self) {
                try shares.replacing(1, with: .array([CBORValue](repeating: wrong, count: 8)))
            }
        }
        #expect(throws: WireFormatError.unexpected(field: "share-package.commitments", expected: "one a ciphertext")) {
            try shares.replacing(2, with: .array([]))
        }
        let reveal = Reveal(
            sessionID: scenario.epoch.root, node: 0, labelDigest: scenario.epoch.root, shares: [[], []],
            openingDigest: scenario.epoch.root)
        #expect(throws: WireFormatError.self) { try reveal.replacing(4, with: .array([.bytes([1, 2])])) }
        #expect(throws: WireFormatError.self) { try reveal.replacing(2, with: .unsigned(1 << 32)) }
    }

    @Test("Row 18: rosters and bitmaps have one form") func rostersAndBitmapsHaveOneForm() throws {
        let sessionID = try VectorChain.digest(1)
        for (bitmap, count) in [([UInt8]([0xff]), 7), ([0xff], 9), ([], 1), ([0xff, 0], 8), ([0x01], 4)] {
            #expect(throws: SecureAggregationError.malformed("survivor bitmap")) {
                try SurvivorSet(sessionID: sessionID, bitmap: bitmap, count: count)
            }
        }
        let set = try SurvivorSet(sessionID: sessionID, bitmap: [0xa0, 0x80], count: 9)
        #expect(set.alive == [true, false, true, false, false, false, false, false, true] && set.survivorCount == 3)
        let roster = try AggregationScenario.standard().roster()
        #expect(try Roster(bytes: roster.bytes) == roster)
        #expect(throws: SecureAggregationError.malformed("roster")) {
            try Roster(bytes: [UInt8](roster.bytes.dropLast()))
        }
        for length in 0..<44 where length > 0 {
            #expect(throws: SecureAggregationError.malformed("roster")) {
                try Roster(bytes: [UInt8](roster.bytes.prefix(length)))
            }
        }
        #expect(roster.position(of: 17) == 17 && roster.position(of: 18) == nil)
    }

    @Test func chunksCoverAVectorWithoutOverlap() throws {
        let full = VectorChunks.wordsPerChunk
        for words in [0, 1, full - 1, full, full + 1, 3 * full] {
            let ranges = (0..<VectorChunks.count(wordCount: words)).map { VectorChunks.range($0, wordCount: words) }
            #expect(ranges.reduce(0) { $0 + $1.count } == words)
            #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
            #expect(ranges.allSatisfy { $0.lowerBound.isMultiple(of: 2) && !$0.isEmpty && $0.count <= full })
        }
        let words: [UInt64] = [1, .max, 0x0102_0304_0506_0708]
        #expect(try VectorChunks.decode(VectorChunks.encode(words[...])) == words)
        #expect(VectorChunks.encode(words[2...]) == [8, 7, 6, 5, 4, 3, 2, 1])
        #expect(VectorChunks.chunkDigests(of: words) == [SHA256.hash(VectorChunks.encode(words[...]))])
        #expect(throws: SecureAggregationError.malformed("vector chunk")) {
            try VectorChunks.decode([UInt8](repeating: 0, count: 7))
        }
    }
}
