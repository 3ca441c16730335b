// What the coordinator does with the noisy mean of updates: post-processing of a private value, so it costs no privacy.
// Reddi et al. 2021, "Adaptive Federated Optimization", Algorithms 1 and 2; momentum as in Hsu et al. 2019, "Measuring
// the Effects of Non-Identical Data Distribution for Federated Visual Classification".

import WireFormat

/// The rule that moves the global model.
public enum ServerOptimizerRule: Equatable, Sendable {
    /// x ← x + η Δ.
    case fedAvg(learningRate: Float)
    /// m ← β m + Δ, x ← x + η m.
    case fedAvgM(learningRate: Float, momentum: Float)
    /// m ← β₁ m + (1−β₁) Δ, v ← β₂ v + (1−β₂) Δ², x ← x + η m ⁄ (√v + τ), from m = 0 and v = τ². Algorithm 2 has no
    /// correction of the bias towards those starting values, and neither has this.
    case fedAdam(learningRate: Float, beta1: Float, beta2: Float, tau: Float)
}

/// A server optimiser with its state; a value, so a round that is repeated from the same state gives the same model.
public struct ServerOptimizer: WireMessage, Sendable {
    /// The rule and its constants.
    public let rule: ServerOptimizerRule
    /// First moment, or momentum; empty for plain averaging.
    public private(set) var firstMoment: [Float]
    /// Second moment; empty except for Adam.
    public private(set) var secondMoment: [Float]
    /// Steps taken.
    public private(set) var stepCount: Int

    /// A fresh state.
    /// - Throws: ``LearningError/invalid(field:expected:)`` for a constant outside its range.
    public init(rule: ServerOptimizerRule, parameterCount: Int) throws(LearningError) {
        try Self.check(rule)
        guard (1...PropensityModel.maximumParameterCount).contains(parameterCount) else {
            throw .invalid(field: "parameter count", expected: "1 to \(PropensityModel.maximumParameterCount)")
        }
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
        next.move(&parameters, averageUpdate)
        next.stepCount += 1
        guard parameters.allSatisfy(\.isFinite), next.firstMoment.allSatisfy(\.isFinite),
            next.secondMoment.allSatisfy(\.isFinite)
        else { throw .notFinite("model after the step") }
        model.parameters = parameters
        self = next
    }

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

    private static func check(_ rule: ServerOptimizerRule) throws(LearningError) {
        let (rate, decays, tau): (Float, [Float], Float) =
            switch rule {
            case .fedAvg(let rate): (rate, [], 1)
            case .fedAvgM(let rate, let momentum): (rate, [momentum], 1)
            case .fedAdam(let rate, let beta1, let beta2, let tau): (rate, [beta1, beta2], tau)
            }
        guard rate > 0, rate.isFinite else {
            throw .invalid(field: "server learning rate", expected: "a finite number above 0")
        }
        guard decays.allSatisfy({ $0 >= 0 && $0 < 1 }) else {
            throw .invalid(field: "server decay", expected: "at least 0 and below 1")
        }
        guard tau > 0, tau.isFinite else { throw .invalid(field: "server tau", expected: "a finite number above 0") }
    }
}

extension ServerOptimizerRule: WireMessage {
    /// The message's name in the CDDL.
    public static let messageName = "server-optimizer-rule"

    /// Field 1: 0 averaging, 1 momentum, 2 Adam; field 2: its constants in the order of the case.
    public var cborValue: CBORValue {
        let (kind, constants): (UInt64, [Float]) =
            switch self {
            case .fedAvg(let rate): (0, [rate])
            case .fedAvgM(let rate, let momentum): (1, [rate, momentum])
            case .fedAdam(let rate, let beta1, let beta2, let tau): (2, [rate, beta1, beta2, tau])
            }
        return .message((1, .unsigned(kind)), (2, .bytes(FloatCoding.bytes(constants))))
    }

    /// Reads the rule. Ranges are checked where the rule is put to use, by ``ServerOptimizer``.
    /// - Throws: `WireFormatError`.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        switch try fields.integer(1, "kind", in: 0...2) {
        case 0: self = .fedAvg(learningRate: try fields.float(2, "constants"))
        case 1:
            let constants = try fields.floats(2, "constants", count: 2)
            self = .fedAvgM(learningRate: constants[0], momentum: constants[1])
        default:
            let constants = try fields.floats(2, "constants", count: 4)
            self = .fedAdam(
                learningRate: constants[0], beta1: constants[1], beta2: constants[2], tau: constants[3])
        }
    }
}

extension ServerOptimizer {
    /// The message's name in the CDDL.
    public static let messageName = "server-optimizer"

    /// Field 1 the rule, 2 the step count, 3 and 4 the moments as little-endian IEEE 754 singles.
    public var cborValue: CBORValue {
        .message(
            (1, rule.cborValue), (2, .unsigned(UInt64(stepCount))), (3, .bytes(FloatCoding.bytes(firstMoment))),
            (4, .bytes(FloatCoding.bytes(secondMoment))))
    }

    /// Reads a state.
    /// - Throws: `WireFormatError`.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        let rule = try fields.message(1, "rule", as: ServerOptimizerRule.self)
        let steps = try fields.integer(2, "step-count", in: 0...1_000_000_000)
        let first = try fields.floats(3, "first-moment")
        let second = try fields.floats(4, "second-moment")
        do throws(LearningError) {
            try Self.check(rule)
        } catch {
            throw .unexpected(field: "rule", expected: "constants in their ranges")
        }
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
