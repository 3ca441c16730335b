import Cryptography
import Foundation
import Learning
import TestSupport
import Testing

@Suite struct LocalTrainerTests {
    /// Two vectors of lanes, the second partly padding.
    let layout = FeatureLayout(categoryCount: 19)

    func random(_ seed: UInt64) throws -> KeyedRandomGenerator {
        try KeyedRandomGenerator(key: SeededRandomSource(seed: seed).secretBytes(count: 32))
    }

    func example(_ random: inout KeyedRandomGenerator) -> Example {
        let indices = (0..<layout.featureCount).filter { _ in random.next() & 3 == 0 }
        return Example(
            featureIndices: indices.map(UInt16.init),
            featureValues: indices.map { _ in Float(random.uniform(below: 1001)) / 1000 },
            positives: (0..<layout.categoryCount).filter { _ in random.next() & 3 == 0 }.map(UInt16.init))
    }

    func customers(_ count: Int, seed: UInt64) throws -> [CustomerExamples] {
        var random = try random(seed)
        return (0..<count).map { _ in
            CustomerExamples(training: (0..<3).map { _ in example(&random) }, evaluation: nil)
        }
    }

    func model(seed: UInt64) throws -> PropensityModel {
        var random = try random(seed)
        return try PropensityModel(
            layout: layout,
            parameters: (0..<layout.parameterCount).map { _ in Float(random.uniform(below: 2001)) / 1000 - 1 })
    }

    /// The definition, dense and in double precision.
    func reference(_ model: PropensityModel, _ customer: CustomerExamples, rate: Double, epochs: Int) -> [Double] {
        let start = model.parameters.map(Double.init)
        var weights = start
        for _ in 0..<epochs {
            var gradient = [Double](repeating: 0, count: weights.count)
            for example in customer.training {
                for category in 0..<layout.categoryCount {
                    let row = category * layout.featureCount
                    var score = 0.0
                    for (index, value) in zip(example.featureIndices, example.featureValues) {
                        score += weights[row + Int(index)] * Double(value)
                    }
                    let label = example.positives.contains(UInt16(category)) ? 1.0 : 0
                    let residual = 1 / (1 + exp(-score)) - label
                    for (index, value) in zip(example.featureIndices, example.featureValues) {
                        gradient[row + Int(index)] += residual * Double(value)
                    }
                }
            }
            for index in weights.indices { weights[index] -= rate * gradient[index] / Double(customer.training.count) }
        }
        return zip(weights, start).map { $0 - $1 }
    }

    @Test(arguments: [1, 4])
    func updatesAreGradientSteps(epochs: Int) throws {
        let model = try model(seed: 1)
        let customer = try customers(1, seed: 2)[0]
        let settings = try LocalTrainingConfiguration(learningRate: 0.3, localEpochs: epochs)
        var trainer = LocalTrainer(model: model, configuration: settings)
        let update = trainer.update(customer)
        let expected = reference(model, customer, rate: Double(settings.learningRate), epochs: epochs)
        for (value, wanted) in zip(update, expected) { #expect(abs(Double(value) - wanted) < 2e-5) }
        #expect(update.contains { $0 != 0 })
    }

    @Test func aCustomersUpdateIsBitEqualWithAndWithoutTheOthers() throws {
        let model = try model(seed: 3)
        let settings = try LocalTrainingConfiguration(learningRate: 0.5, localEpochs: 2)
        let customers = try customers(4, seed: 4)
        let alone = customers.map { customer -> [UInt32] in
            var fresh = LocalTrainer(model: model, configuration: settings)
            return fresh.update(customer).map(\.bitPattern)
        }
        var shared = LocalTrainer(model: model, configuration: settings)
        var buffer = [Float](repeating: .nan, count: layout.parameterCount)
        for index in [2, 0, 3, 1, 2] {
            _ = shared.loss(customers[(index + 1) % 4])
            shared.update(customers[index], into: &buffer)
            #expect(buffer.map(\.bitPattern) == alone[index])
        }
    }

    @Test func noExamplesNoUpdate() throws {
        var trainer = LocalTrainer(
            model: try model(seed: 5), configuration: try LocalTrainingConfiguration(learningRate: 1, localEpochs: 1))
        let update = trainer.update(CustomerExamples(training: [], evaluation: nil))
        #expect(update == [Float](repeating: 0, count: layout.parameterCount))
    }

    @Test func trainingLowersTheLossAndZeroWeightsLoseLogTwo() throws {
        let customer = try customers(1, seed: 6)[0]
        let settings = try LocalTrainingConfiguration(learningRate: 0.5, localEpochs: 5)
        let zero = PropensityModel(layout: layout)
        var trainer = LocalTrainer(model: zero, configuration: settings)
        #expect(abs(trainer.loss(customer) - log(2)) < 1e-9)
        let trained = try PropensityModel(layout: layout, parameters: trainer.update(customer))
        var after = LocalTrainer(model: trained, configuration: settings)
        #expect(after.loss(customer) < 0.6)
        // The mean log-loss from the scores, written out.
        let losses = customer.training.flatMap { example in
            trained.scores(example).enumerated().map { category, score in
                let probability = 1 / (1 + exp(-Double(score)))
                return -log(example.positives.contains(UInt16(category)) ? probability : 1 - probability)
            }
        }
        #expect(abs(after.loss(customer) - losses.reduce(0, +) / Double(losses.count)) < 1e-6)
    }

    @Test func settingsAreChecked() {
        for (rate, epochs) in [(Float(0), 1), (.nan, 1), (.infinity, 1), (-1, 1), (1, 0), (1, 101)] {
            #expect(throws: LearningError.self) {
                try LocalTrainingConfiguration(learningRate: rate, localEpochs: epochs)
            }
        }
    }
}
