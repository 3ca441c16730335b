// The other yardstick: the same model on the same consented customers, trained in one place without privacy. What Concord
// loses against it is the price of privacy and of few rounds, so it must be trained well to be an honest comparison.

import Cryptography

/// Minibatch Adam over pooled customers, with the step size falling linearly to nothing. Not private: for simulation.
///
/// A category's own weights may step further, as the coordinator's do: among few customers, steps of one length for all
/// weights fit chance in the many others first, and the comparison would flatter the federated model.
public struct CentralTraining: Sendable {
    /// Step size of the first epoch.
    public let learningRate: Float
    /// Factor of the steps of a category's own recency, frequency and value. Smaller than
    /// ``ServerOptimizer/ownCategoryScale`` for the same effect, because Adam's steps do not shrink with the gradient.
    public let ownCategoryScale: Float
    /// Passes over all customers.
    public let epochs: Int
    /// Customers a step.
    public let batchSize: Int

    /// Fixes the settings. The defaults were the best of a scan on generated chains of 2,000 to 20,000 customers and on the
    /// public sample that Protocols/training.md names.
    /// - Throws: ``LearningError/invalid(field:expected:)``.
    public init(
        learningRate: Float = 0.003, ownCategoryScale: Float = 12, epochs: Int = 20, batchSize: Int = 100
    ) throws(LearningError) {
        guard learningRate > 0, learningRate.isFinite, ownCategoryScale > 0, ownCategoryScale.isFinite, epochs > 0,
            batchSize > 0
        else {
            throw .invalid(field: "central training", expected: "numbers above 0")
        }
        self.learningRate = learningRate
        self.ownCategoryScale = ownCategoryScale
        self.epochs = epochs
        self.batchSize = batchSize
    }

    /// Trains from `initial`, in an order drawn from `random`.
    /// - Throws: ``LearningError`` if training diverges.
    public func train(
        from initial: PropensityModel, on customers: [CustomerExamples], random: inout KeyedRandomGenerator
    ) throws(LearningError) -> PropensityModel {
        var order = customers.indices.filter { !customers[$0].training.isEmpty }
        // One local step of size 1 is minus the gradient.
        let gradientOnly = try LocalTrainingConfiguration(learningRate: 1, localEpochs: 1)
        var model = initial
        var parameters = initial.parameters
        let scales = initial.layout.ownCategoryScales(ownCategoryScale)
        var first = [Float](repeating: 0, count: parameters.count)
        var second = first
        var update = first
        var sum = first
        var beta1Power: Float = 1
        var beta2Power: Float = 1
        let (beta1, beta2): (Float, Float) = (0.9, 0.999)
        for epoch in 0..<epochs {
            for index in order.indices.dropFirst() {
                order.swapAt(index, Int(random.uniform(below: UInt64(index + 1))))
            }
            let rate = learningRate * Float(epochs - epoch) / Float(epochs)
            for start in stride(from: 0, to: order.count, by: batchSize) {
                let batch = order[start..<min(start + batchSize, order.count)]
                for index in sum.indices { sum[index] = 0 }
                var trainer = LocalTrainer(model: model, configuration: gradientOnly)
                for customer in batch {
                    trainer.update(customers[customer], into: &update)
                    for index in sum.indices { sum[index] += update[index] }
                }
                // Adam with bias correction (Kingma and Ba 2015, Algorithm 1).
                beta1Power *= beta1
                beta2Power *= beta2
                for index in sum.indices {
                    let step = sum[index] / Float(batch.count)
                    first[index] = beta1 * first[index] + (1 - beta1) * step
                    second[index] = beta2 * second[index] + (1 - beta2) * step * step
                    let scale = (second[index] / (1 - beta2Power)).squareRoot() + 1e-8
                    parameters[index] += rate * scales[index] * first[index] / (1 - beta1Power) / scale
                }
                model = try PropensityModel(layout: initial.layout, parameters: parameters)
            }
        }
        return model
    }
}
