import Cryptography
import Foundation
import Learning
import TestSupport
import Testing
import WireFormat

@Suite struct PropensityJobTests {
    static func job(_ chain: RetailGenerator) throws -> PropensityJob {
        try .defaults(
            vocabulary: RetailGenerator.vocabulary(), schedule: ExampleSchedule(endSeconds: chain.endSeconds))
    }

    @Test func jobsSurviveTheirBytes() throws {
        let job = try Self.job(RetailGenerator(seed: 1))
        #expect(try PropensityJob(decoding: job.encoded()) == job)
        #expect(job.layout.parameterCount >= 5000)
        let bytes = job.encoded()
        for end in stride(from: 0, to: bytes.count, by: 7) {
            #expect(throws: WireFormatError.self) { try PropensityJob(decoding: [UInt8](bytes[..<end])) }
        }
    }

    @Test func plansOutOfRangeAreRefused() throws {
        let job = try Self.job(RetailGenerator(seed: 1))
        for (clip, scale, rounds) in [(Float(0), Float(1), 1), (.nan, 1, 1), (1, 0, 1), (1, 1, 0), (1, 1, 10_001)] {
            #expect(throws: LearningError.self) {
                try PropensityJob(
                    vocabulary: job.vocabulary, constants: job.constants, schedule: job.schedule,
                    training: job.training, clipNorm: clip, serverRule: job.serverRule, ownCategoryScale: scale,
                    initialLogOdds: -2, rounds: rounds)
            }
        }
        #expect(throws: LearningError.self) { try ExampleSchedule(endSeconds: -1) }
        #expect(throws: LearningError.self) { try ExampleSchedule(endSeconds: 0, periodWeeks: 0) }
        #expect(throws: LearningError.self) { try ExampleSchedule(endSeconds: 0, trainingWindows: 13) }
    }

    /// A job in memory: every customer's update is clipped, summed with noise as at ε of about 3 for a full-sized chain,
    /// divided by a fixed number. Small, because a debug build computes it.
    @Test func federatedRoundsLearnWhatCentralTrainingLearns() throws {
        let chain = try RetailGenerator(seed: 1, customers: 250, stores: 20)
        let job = try Self.job(chain)
        let customers = try (0..<chain.customerCount).map {
            job.extractor.examples(from: try chain.transactions(customerIndex: $0), schedule: job.schedule)
        }
        var random = try KeyedRandomGenerator(key: SeededRandomSource(seed: 1).secretBytes(count: 32))
        // The noise a customer of 12,000 sees at z = 5, for 250 of them.
        let deviation = 5 * job.clipNorm * 250 / 12_000
        var model = job.initialModel
        var optimizer = try job.makeServerOptimizer()
        var update = [Float](repeating: 0, count: job.layout.parameterCount)
        for _ in 0..<6 {
            var trainer = LocalTrainer(model: model, configuration: job.training)
            var sum = [Float](repeating: 0, count: update.count)
            for customer in customers {
                trainer.update(customer, into: &update)
                let norm = update.reduce(Float(0)) { $0 + $1 * $1 }.squareRoot()
                let factor = norm > job.clipNorm ? job.clipNorm / norm : 1
                for index in sum.indices where update[index] != 0 { sum[index] += factor * update[index] }
            }
            for index in sum.indices {
                // The sum of twelve uniforms less six is nearly normal with variance 1.
                let draw = (0..<12).reduce(Float(-6)) { total, _ in
                    total + Float(random.uniform(below: 1 << 24)) / 0x1p24
                }
                sum[index] = (sum[index] + deviation * draw) / Float(customers.count)
            }
            try optimizer.step(&model, averageUpdate: sum)
        }
        let popularity = PopularityBaseline(categoryCount: job.vocabulary.count, customers: customers)
            .report(on: customers)
        let federated = RankingEvaluation.report(of: model, on: customers)
        #expect(federated.customerCount > 150)
        #expect(federated.meanAveragePrecision > popularity.meanAveragePrecision + 0.05)

        let central = RankingEvaluation.report(
            of: try CentralTraining(learningRate: 0.03, epochs: 2, batchSize: 50)
                .train(from: job.initialModel, on: customers, random: &random), on: customers)
        #expect(central.meanAveragePrecision > popularity.meanAveragePrecision + 0.05)
        #expect(federated.meanAveragePrecision > 0.9 * central.meanAveragePrecision)
    }
}
