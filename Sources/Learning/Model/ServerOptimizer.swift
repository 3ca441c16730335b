// What the coordinator does with the noisy mean of updates: post-processing of a private value, so it costs no privacy.

import WireFormat

/// A server optimiser with its state; a value, so a round that is repeated from the same state gives the same model.
public struct ServerOptimizer: WireMessage, Sendable {
    /// The rule and its constants.
    public let rule: ServerOptimizerRule
    /// How much further than others the weights of a category's own recency, frequency and value step; 1 is plain.
    ///
    /// A constant diagonal preconditioner: what a customer buys of a category says most about that category, yet it is
    /// three of F weights in a row and seldom present, so its plain gradient is small and a dozen rounds would not carry
    /// it far. It multiplies the mean update, after the noise, and is the same for all categories and all data.
    public let ownCategoryScale: Float
    /// First moment, or momentum; empty for plain averaging.
    public private(set) var firstMoment: [Float]
    /// Second moment; empty except for Adam.
    public private(set) var secondMoment: [Float]
    /// Steps taken.
    public private(set) var stepCount: Int

    /// A fresh state.
    /// - Throws: ``LearningError/invalid(field:expected:)`` for a constant outside its range.
    public init(
        rule: ServerOptimizerRule, ownCategoryScale: Float = 1, layout: FeatureLayout
    ) throws(LearningError) {
        try rule.check()
        guard Self.isScale(ownCategoryScale) else {
            throw .invalid(field: "own category scale", expected: "a finite number above 0")
        }
        let parameterCount = layout.parameterCount
        self.ownCategoryScale = ownCategoryScale
        self.rule = rule
        stepCount = 0
        switch rule {
        case .fedAvg: (firstMoment, secondMoment) = ([], [])
        case .fedAvgM: (firstMoment, secondMoment) = ([Float](repeating: 0, count: parameterCount), [])
        case .fedAdam(_, _, _, let tau):
            firstMoment = [Float](repeating: 0, count: parameterCount)
            secondMoment = [Float](repeating: tau * tau, count: parameterCount)
        }
    }

    /// Moves the model by one round's mean update. On an error neither the model nor the state has changed.
    /// - Parameters:
    ///   - model: the global model.
    ///   - averageUpdate: the noisy sum divided by the job's public divisor.
    /// - Throws: ``LearningError/wrongLength(of:expected:actual:)``, ``LearningError/notFinite(_:)``.
    public mutating func step(_ model: inout PropensityModel, averageUpdate: [Float]) throws(LearningError) {
        let count = model.parameters.count
        guard averageUpdate.count == count else {
            throw .wrongLength(of: "average update", expected: count, actual: averageUpdate.count)
        }
        for (state, isUsed) in [(firstMoment, usesFirstMoment), (secondMoment, usesSecondMoment)]
        where isUsed && state.count != count {
            throw .wrongLength(of: "optimiser state", expected: count, actual: state.count)
        }
        guard averageUpdate.allSatisfy(\.isFinite) else { throw .notFinite("average update") }
        var next = self
        var parameters = model.parameters
        next.move(&parameters, scaled(averageUpdate, model.layout))
        next.stepCount += 1
        guard parameters.allSatisfy(\.isFinite), next.firstMoment.allSatisfy(\.isFinite),
            next.secondMoment.allSatisfy(\.isFinite)
        else { throw .notFinite("model after the step") }
        model.parameters = parameters
        self = next
    }

    private func scaled(_ update: [Float], _ layout: FeatureLayout) -> [Float] {
        if ownCategoryScale == 1 { return update }
        var scaled = update
        for category in 0..<layout.categoryCount {
            for feature in [layout.recency(category), layout.frequency(category), layout.value(category)] {
                scaled[category * layout.featureCount + feature] *= ownCategoryScale
            }
        }
        return scaled
    }

    private static func isScale(_ value: Float) -> Bool { value > 0 && value.isFinite }

    private mutating func move(_ parameters: inout [Float], _ update: [Float]) {
        switch rule {
        case .fedAvg(let rate):
            for index in parameters.indices { parameters[index] += rate * update[index] }
        case .fedAvgM(let rate, let momentum):
            for index in parameters.indices {
                firstMoment[index] = momentum * firstMoment[index] + update[index]
                parameters[index] += rate * firstMoment[index]
            }
        case .fedAdam(let rate, let beta1, let beta2, let tau):
            for index in parameters.indices {
                let value = update[index]
                firstMoment[index] = beta1 * firstMoment[index] + (1 - beta1) * value
                secondMoment[index] = beta2 * secondMoment[index] + (1 - beta2) * value * value
                parameters[index] += rate * firstMoment[index] / (secondMoment[index].squareRoot() + tau)
            }
        }
    }

    private var usesFirstMoment: Bool { if case .fedAvg = rule { false } else { true } }
    private var usesSecondMoment: Bool { if case .fedAdam = rule { true } else { false } }
}

extension ServerOptimizer {
    /// The message's name in the CDDL.
    public static let messageName = "server-optimizer"

    /// Field 1 the rule, 2 the step count, 3 and 4 the moments, 5 the scale, as little-endian IEEE 754 singles.
    public var cborValue: CBORValue {
        .message(
            (1, rule.cborValue), (2, .unsigned(UInt64(stepCount))), (3, .bytes(FloatCoding.bytes(firstMoment))),
            (4, .bytes(FloatCoding.bytes(secondMoment))), (5, .bytes(FloatCoding.bytes([ownCategoryScale]))))
    }

    /// Reads a state.
    /// - Throws: `WireFormatError`.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        let rule = try fields.message(1, "rule", as: ServerOptimizerRule.self)
        let steps = try fields.integer(2, "step-count", in: 0...1_000_000_000)
        let first = try fields.floats(3, "first-moment")
        let second = try fields.floats(4, "second-moment")
        let scale = try fields.float(5, "own-category-scale")
        guard Self.isScale(scale) else {
            throw .unexpected(field: "own-category-scale", expected: "a finite number above 0")
        }
        ownCategoryScale = scale
        self.rule = rule
        stepCount = steps
        firstMoment = first
        secondMoment = second
        let fits =
            first.isEmpty != usesFirstMoment && second.isEmpty != usesSecondMoment
            && (!usesSecondMoment || first.count == second.count) && second.allSatisfy { $0 >= 0 }
        guard fits else { throw .unexpected(field: "moments", expected: "the moments of the rule") }
    }
}
