// The rules by which a coordinator may move the global model. Reddi et al. 2021, "Adaptive Federated Optimization",
// Algorithms 1 and 2; momentum as in Hsu et al. 2019, "Measuring the Effects of Non-Identical Data Distribution for
// Federated Visual Classification".

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

    /// - Throws: ``LearningError/invalid(field:expected:)`` for a constant outside its range.
    func check() throws(LearningError) {
        let (rate, decays, tau): (Float, [Float], Float) =
            switch self {
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

    /// Reads the rule.
    /// - Throws: `WireFormatError`.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        let rule: ServerOptimizerRule
        switch try fields.integer(1, "kind", in: 0...2) {
        case 0: rule = .fedAvg(learningRate: try fields.float(2, "constants"))
        case 1:
            let constants = try fields.floats(2, "constants", count: 2)
            rule = .fedAvgM(learningRate: constants[0], momentum: constants[1])
        default:
            let constants = try fields.floats(2, "constants", count: 4)
            rule = .fedAdam(
                learningRate: constants[0], beta1: constants[1], beta2: constants[2], tau: constants[3])
        }
        do throws(LearningError) {
            try rule.check()
        } catch {
            throw .unexpected(field: "constants", expected: "values in their ranges")
        }
        self = rule
    }
}
