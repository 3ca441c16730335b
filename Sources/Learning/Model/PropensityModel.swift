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

    /// All weights zero: every category has probability one half.
    public init(layout: FeatureLayout) {
        self.layout = layout
        parameters = [Float](repeating: 0, count: layout.parameterCount)
    }

    /// A starting point that knows how rare a purchase is: every category has the same log-odds for every customer.
    ///
    /// Started from one half instead, the first rounds teach only that most categories are not bought, and teach it
    /// wrongly: every feature learns to say no, so that customers who buy much rank below those who buy little.
    /// - Parameter logOdds: public, the planner's expectation: −2 if a period sees about an eighth of the categories.
    public static func constant(logOdds: Float, layout: FeatureLayout) -> PropensityModel {
        var model = PropensityModel(layout: layout)
        for category in 0..<layout.categoryCount {
            model.parameters[category * layout.featureCount + layout.bias] = logOdds
        }
        return model
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

    /// A rule of thumb as a model: who bought a category often and lately buys it again. Constants by hand, nothing
    /// learned: a personal yardstick beside ``PopularityBaseline``, which a trained model should beat.
    public static func repurchaseRule(layout: FeatureLayout) -> PropensityModel {
        var model = PropensityModel.constant(logOdds: -2, layout: layout)
        for category in 0..<layout.categoryCount {
            let row = category * layout.featureCount
            model.parameters[row + layout.recency(category)] = 1
            model.parameters[row + layout.frequency(category)] = 2
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
