// What a node's upload shows: nothing of its customers, whatever their data does to the arithmetic.

import Consent
import Cryptography
import DifferentialPrivacy
import Foundation
import HTTPServer
import Learning
import Rounds
import SecureAggregation
import TestSupport
import Testing
import Vectors
import WireFormat

@testable import Coordinator
@testable import EdgeAgent

@Suite struct NodeSecrecyTests {
    /// An open round in which node 0 has consenting customers.
    private struct Stage {
        let chain: DirectChain
        let session: Digest
        let offer: RoundOffer
        let view: VerifiedView
        let folder: TestFolder
        let now: Int64

        init() async throws {
            chain = try await DirectChain.ready()
            folder = try TestFolder()
            now = chain.clock.nowMilliseconds()
            try await chain.enrol(customers: 5)
            var csv = "customer_id,store_id,timestamp,category,quantity,value\n"
            for number in 0..<5 {
                for week in 0..<20 {
                    let category = ["bread", "milk", "soap", "tea"][(week + number) % 4]
                    csv += "customer-\(number),s,\(1_700_000_000 - Int64(week) * 604_800 - 60),\(category),1,2.50\n"
                }
            }
            session = try await chain.openAttempt()
            offer = try await chain.offer(0, session)
            view = try await chain.view(0, offer: offer)
            for name in ["sales", "nothing"] {
                try FileManager.default.createDirectory(atPath: folder(name), withIntermediateDirectories: false)
            }
            try Data(csv.utf8).write(to: URL(filePath: folder("sales/sales.csv")))
        }

        func data(_ name: String) throws -> CustomerData {
            let chain = chain
            return try CustomerData(folder: folder(name), maximumSkippedRows: 0) {
                try BadRequestTests.handle($0, chain)
            }
        }

        /// The node's packed vector; `seed` is the node's randomness.
        func vector(_ data: String, plan: ValidatedPlan, seed: UInt64) throws -> [UInt64] {
            let model = try ModelFile(decoding: try TestKeys.initialModel()).model
            return try RoundComputation(
                plan: plan, model: model, keys: chain.nodes[0].keys, random: SeededRandomSource(seed: seed)
            ).packedVector(
                view: view, removals: [], data: try self.data(data), sessionID: session, nowMilliseconds: now)
        }
    }

    /// Steps of 3·10³⁸: updates, scores and losses at the end of what a Float holds.
    private func wildPlan(_ chain: DirectChain) throws -> ValidatedPlan {
        let tame = try TestKeys.job()
        let wild = try PropensityJob(
            vocabulary: tame.vocabulary, constants: tame.constants, schedule: tame.schedule,
            training: try LocalTrainingConfiguration(learningRate: 3e38, localEpochs: 3), clipNorm: tame.clipNorm,
            serverRule: tame.serverRule, ownCategoryScale: tame.ownCategoryScale, initialLogOdds: tame.initialLogOdds,
            rounds: tame.rounds)
        return try ValidatedPlan(
            verifying: try chain.keys.plan("wild", job: wild), owner: chain.keys.anchors.planOwnerKey)
    }

    @Test func wildCustomersStayWithinTheBound() async throws {
        let stage = try await Stage()
        #expect(stage.view.rows.count == 5)
        let layout = stage.offer.parameters.body.layout
        for plan in [try wildPlan(stage.chain), stage.chain.plan] {
            let withThem = try stage.vector("sales", plan: plan, seed: 1)
            let withoutThem = try stage.vector("nothing", plan: plan, seed: 1)
            #expect(withThem.count == stage.offer.parameters.body.wordCount)
            #expect(withoutThem.count == withThem.count)
            #expect(withThem != withoutThem, "they do count")
            // The noise is the same, so the difference is the customers' own: five times the bound of one, at most.
            let one = try layout.unpackSum(withThem, dimension: plan.dimension)
            let two = try layout.unpackSum(withoutThem, dimension: plan.dimension)
            let square = zip(one, two).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
            #expect(square.squareRoot() <= 5 * Double(plan.bound.squaredSensitivity).squareRoot())
        }
    }

    /// Two uploads of the same customers with other coins and noise differ in the masked vector, in its digests and in the
    /// signature over them, and in nothing else; wild customers change no length either.
    @Test func onlyTheVectorDependsOnData() async throws {
        let stage = try await Stage()
        let context = try stage.chain.context()
        func upload(_ words: [UInt64]) throws -> MaskedUpload {
            var node = stage.chain.nodes[0]
            return try node.maskedUpload(
                words: words, offer: stage.offer, context: context, random: SeededRandomSource(seed: 9))
        }
        let plan = stage.chain.plan
        let uploads = try [
            upload(try stage.vector("sales", plan: plan, seed: 1)),
            upload(try stage.vector("sales", plan: plan, seed: 2)),
            upload(try stage.vector("nothing", plan: plan, seed: 3)),
            upload(try stage.vector("sales", plan: try wildPlan(stage.chain), seed: 4)),
        ]
        let first = uploads[0]
        for other in uploads.dropFirst() {
            #expect(other.words != first.words)
            #expect(other.words.count == first.words.count)
            // The seed of the self mask is hedged with the vector, so that a cloned machine does not repeat it: what hides
            // it differs, and nobody without the node's secrets can tell how. Counts and lengths do not differ.
            #expect(other.envelope.shares.ciphertexts.map(\.count) == first.envelope.shares.ciphertexts.map(\.count))
            #expect(other.envelope.shares.commitments.count == first.envelope.shares.commitments.count)
            #expect(other.envelope.encoded().count == first.envelope.encoded().count)
            let (one, two) = (first.envelope.upload.body, other.envelope.upload.body)
            #expect(two.vectorDigest != one.vectorDigest)
            // Put the digests of vector and seed back, and the bytes are the same.
            let restored = try [5, 6, 7].reduce(two.cborValue) { try $0.replacing(field: $1, from: one.cborValue) }
            #expect(restored.encoded() == one.cborValue.encoded())
        }
    }

    /// The masked vector lies sealed on the coordinator's disk, the plain one nowhere.
    @Test func uploadsAtRest() async throws {
        let chain = try await DirectChain.ready()
        let session = try await chain.openAttempt()
        let offer = try await chain.offer(0, session)
        let values = (0..<chain.plan.dimension).map { Int64(0x5a5a_0000 + $0) }
        let plain = VectorChunks.encode(offer.parameters.body.layout.pack(values)[...])
        let upload = try chain.nodes[0].maskedUpload(values, offer: offer, context: try chain.context())
        let masked = VectorChunks.encode(upload.words[...])
        try await chain.success(
            chain.nodes[0].peer, .put, "v1/sessions/\(session.hex)/chunks/0",
            query: ["sha256": SHA256.hash(masked).hex], body: masked)
        let altered = await chain.call(
            chain.nodes[0].peer, .put, "v1/sessions/\(session.hex)/chunks/0",
            query: ["sha256": SHA256.hash([1]).hex], body: masked)
        let files = chain.folder.files()
        #expect(files.contains { $0.path.contains("/uploads/") && $0.bytes.count >= masked.count })
        for (path, bytes) in files + [("the answer", altered.body)] {
            for (name, canary) in [("plain", plain), ("masked", masked)] {
                for start in stride(from: 0, to: canary.count - 16, by: 16) {
                    #expect(!bytes.contains(canary[start..<start + 16]), "\(name) words in \(path)")
                }
            }
        }
    }
}
