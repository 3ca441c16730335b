// The model: one logistic regression a category over shared features (multi-label, "one versus rest"). Small enough for
// a noisy sum to teach, and readable: a weight says how a habit in one category moves the odds of another.

/// Weights of K categories over F features.
public struct PropensityModel: Equatable, Sendable {
    /// Which feature is where.
    public let layout: FeatureLayout
    /// K × F weights, row-major: the weight of feature f for category k is at k·F + f.
    public internal(set) var parameters: [Float]

    /// Most parameters of a model that is read from outside: 1024 categories with 3077 features each.
    public static let maximumParameterCount = 1024 * 3077

    /// All weights zero: every category has probability one half. A public starting point.
    public init(layout: FeatureLayout) {
        self.layout = layout
        parameters = [Float](repeating: 0, count: layout.parameterCount)
    }

    /// Wraps weights.
    /// - Throws: ``LearningError/wrongLength(of:expected:actual:)``, ``LearningError/notFinite(_:)``.
    public init(layout: FeatureLayout, parameters: [Float]) throws(LearningError) {
        guard parameters.count == layout.parameterCount else {
            throw .wrongLength(of: "model", expected: layout.parameterCount, actual: parameters.count)
        }
        guard parameters.allSatisfy(\.isFinite) else { throw .notFinite("model") }
        self.layout = layout
        self.parameters = parameters
    }

    /// A public starting point that knows what every grocer knows and no customer told: few categories are bought in a
    /// period, and whoever bought one often and lately buys it again. The constants are chosen by hand.
    public static func repurchasePrior(layout: FeatureLayout) -> PropensityModel {
        var model = PropensityModel(layout: layout)
        for category in 0..<layout.categoryCount {
            let row = category * layout.featureCount
            model.parameters[row + layout.recency(category)] = 1
            model.parameters[row + layout.frequency(category)] = 2
            model.parameters[row + layout.bias] = -2
        }
        return model
    }

    /// The log-odds of each category: K values.
    public func scores(_ example: Example) -> [Float] {
        var scores = [Float](repeating: 0, count: layout.categoryCount)
        let weights = parameters.span
        for category in scores.indices {
            let row = category * layout.featureCount
            var sum: Float = 0
            for entry in example.featureIndices.indices {
                sum += example.featureValues[entry] * weights[row + Int(example.featureIndices[entry])]
            }
            scores[category] = sum
        }
        return scores
    }
}
