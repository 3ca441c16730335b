// Training at the store, one customer at a time (McMahan et al. 2017, "Communication-Efficient Learning of Deep Networks
// from Decentralized Data", ClientUpdate, with the customer as the client). Full-batch gradient steps on that customer's
// few examples: the update is a function of (model, configuration, this customer) and of nothing else.

import Glibc
import WireFormat

/// How a customer's update is computed.
public struct LocalTrainingConfiguration: WireMessage, Sendable {
    /// Step size of local gradient descent, above 0.
    public let learningRate: Float
    /// Passes over the customer's examples, 1 ... 100; each is one step on their mean gradient.
    public let localEpochs: Int

    /// Fixes the settings.
    /// - Throws: ``LearningError/invalid(field:expected:)``.
    public init(learningRate: Float, localEpochs: Int) throws(LearningError) {
        guard learningRate > 0, learningRate.isFinite else {
            throw .invalid(field: "local learning rate", expected: "a finite number above 0")
        }
        guard (1...100).contains(localEpochs) else { throw .invalid(field: "local epochs", expected: "1 to 100") }
        self.learningRate = learningRate
        self.localEpochs = localEpochs
    }

    /// The message's name in the CDDL.
    public static let messageName = "local-training"

    /// Fields 1 and 2.
    public var cborValue: CBORValue {
        .message((1, .bytes(FloatCoding.bytes([learningRate]))), (2, .unsigned(UInt64(localEpochs))))
    }

    /// Reads the settings.
    /// - Throws: `WireFormatError`.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        let rate = try fields.float(1, "learning-rate")
        let epochs = try fields.integer(2, "local-epochs", in: 1...100)
        guard rate > 0 else { throw .unexpected(field: "learning-rate", expected: "a number above 0") }
        learningRate = rate
        localEpochs = epochs
    }
}

/// Computes updates of customers against one global model.
///
/// Holds scratch memory, so a round over many customers allocates nothing a customer. Each update starts from the global
/// model: no trace of an earlier customer can reach a later one. Not thread-safe: one trainer a thread.
public struct LocalTrainer {
    private typealias Lanes = SIMD16<Float>

    /// The layout of the model and of every update.
    public let layout: FeatureLayout
    private let configuration: LocalTrainingConfiguration
    /// The model feature by feature: a feature's weights for all categories are neighbours, padded to whole vectors, so
    /// the few features a customer has are a few dense runs.
    private let global: [Lanes]
    private let vectorsPerFeature: Int

    private var local: [Lanes] = []
    private var gradient: [Lanes] = []
    private var residual: [Lanes]
    /// Features this customer has, and for each feature its place among them, −1 for none.
    private var used: [Int] = []
    private var places: [Int]

    /// Prepares a round.
    public init(model: PropensityModel, configuration: LocalTrainingConfiguration) {
        layout = model.layout
        self.configuration = configuration
        vectorsPerFeature = (layout.categoryCount + Lanes.scalarCount - 1) / Lanes.scalarCount
        var global = [Lanes](repeating: .zero, count: layout.featureCount * vectorsPerFeature)
        for category in 0..<layout.categoryCount {
            for feature in 0..<layout.featureCount {
                let place = feature * vectorsPerFeature + category / Lanes.scalarCount
                global[place][category % Lanes.scalarCount] =
                    model.parameters[category * layout.featureCount + feature]
            }
        }
        self.global = global
        residual = [Lanes](repeating: .zero, count: vectorsPerFeature)
        places = [Int](repeating: -1, count: layout.featureCount)
    }

    /// The customer's update: local weights minus global weights, K × F row-major, before clipping. Zero for a customer
    /// without training examples.
    public mutating func update(_ customer: CustomerExamples) -> [Float] {
        var update = [Float](repeating: 0, count: layout.parameterCount)
        self.update(customer, into: &update)
        return update
    }

    /// The same, overwriting `update`.
    /// - Precondition: `update` has as many elements as the model has parameters.
    public mutating func update(_ customer: CustomerExamples, into update: inout [Float]) {
        precondition(update.count == layout.parameterCount, "an update has the model's dimension")
        for index in update.indices { update[index] = 0 }
        if customer.training.isEmpty { return }
        gather(customer.training)
        let step = configuration.learningRate / Float(customer.training.count)
        for _ in 0..<configuration.localEpochs {
            for index in gradient.indices { gradient[index] = .zero }
            for example in customer.training { addGradient(of: example) }
            for index in local.indices { local[index] -= step * gradient[index] }
        }
        scatter(into: &update)
    }

    /// Mean log-loss of the global model over a customer's training examples and categories, in nats; 0 without examples.
    public mutating func loss(_ customer: CustomerExamples) -> Double {
        if customer.training.isEmpty { return 0 }
        gather(customer.training)
        var sum = 0.0
        for example in customer.training {
            computeScores(of: example)
            for category in 0..<layout.categoryCount {
                let score = Double(residual[category / Lanes.scalarCount][category % Lanes.scalarCount])
                sum += max(score, 0) + log1p(exp(-abs(score)))
            }
            for category in example.positives {
                sum -= Double(residual[Int(category) / Lanes.scalarCount][Int(category) % Lanes.scalarCount])
            }
        }
        return sum / Double(customer.training.count * layout.categoryCount)
    }

    /// Copies the weights of the features these examples have.
    private mutating func gather(_ examples: [Example]) {
        for feature in used { places[feature] = -1 }
        used.removeAll(keepingCapacity: true)
        local.removeAll(keepingCapacity: true)
        for example in examples {
            for index in example.featureIndices where places[Int(index)] < 0 {
                places[Int(index)] = used.count
                used.append(Int(index))
                let start = Int(index) * vectorsPerFeature
                for vector in 0..<vectorsPerFeature { local.append(global[start + vector]) }
            }
        }
        gradient.removeAll(keepingCapacity: true)
        gradient.append(contentsOf: repeatElement(.zero, count: local.count))
    }

    /// Leaves the log-odds in `residual`.
    @inline(__always)
    private mutating func computeScores(of example: Example) {
        for vector in residual.indices { residual[vector] = .zero }
        for entry in example.featureIndices.indices {
            let start = places[Int(example.featureIndices[entry])] * vectorsPerFeature
            let value = example.featureValues[entry]
            for vector in 0..<vectorsPerFeature { residual[vector] += value * local[start + vector] }
        }
    }

    /// Adds the gradient of the log-loss summed over categories: x · (p − y).
    private mutating func addGradient(of example: Example) {
        computeScores(of: example)
        for vector in residual.indices {
            // exp overflows to infinity for very negative scores, and the quotient is then the right limit, 0.
            for lane in 0..<Lanes.scalarCount { residual[vector][lane] = 1 / (1 + expf(-residual[vector][lane])) }
        }
        for category in example.positives {
            residual[Int(category) / Lanes.scalarCount][Int(category) % Lanes.scalarCount] -= 1
        }
        for entry in example.featureIndices.indices {
            let start = places[Int(example.featureIndices[entry])] * vectorsPerFeature
            let value = example.featureValues[entry]
            for vector in 0..<vectorsPerFeature { gradient[start + vector] += value * residual[vector] }
        }
    }

    /// Writes the differences to their places in the row-major update.
    private func scatter(into update: inout [Float]) {
        for (place, feature) in used.enumerated() {
            for vector in 0..<vectorsPerFeature {
                let difference =
                    local[place * vectorsPerFeature + vector] - global[feature * vectorsPerFeature + vector]
                let first = vector * Lanes.scalarCount
                for lane in 0..<min(Lanes.scalarCount, layout.categoryCount - first) {
                    update[(first + lane) * layout.featureCount + feature] = difference[lane]
                }
            }
        }
    }
}
