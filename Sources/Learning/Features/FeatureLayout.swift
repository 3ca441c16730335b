// The model's input: recency, frequency and monetary value of each category (RFM analysis, Hughes 1994, "Strategic
// Database Marketing"), scaled by public constants. Nothing is fitted on customers: a mean or a variance of the data would
// be a statistic that leaves a store without noise.

import WireFormat

/// Which feature is where. Blocks of K for recency, frequency and value, then ``globalCount`` features of the customer.
public struct FeatureLayout: Equatable, Sendable {
    /// Number of categories, K.
    public let categoryCount: Int

    /// Features of the customer as a whole: bias, recency, visits, breadth, spend.
    public static let globalCount = 5

    /// A layout for K categories.
    public init(categoryCount: Int) { self.categoryCount = categoryCount }

    /// Number of features, F = 3K + 5.
    public var featureCount: Int { 3 * categoryCount + Self.globalCount }
    /// Number of model parameters, K·F.
    public var parameterCount: Int { categoryCount * featureCount }

    /// Index of a category's recency.
    public func recency(_ category: Int) -> Int { category }
    /// Index of a category's log-frequency.
    public func frequency(_ category: Int) -> Int { categoryCount + category }
    /// Index of a category's log-value.
    public func value(_ category: Int) -> Int { 2 * categoryCount + category }
    /// Index of the constant 1.
    public var bias: Int { 3 * categoryCount }
    /// Index of the recency of the last visit.
    public var lastVisit: Int { 3 * categoryCount + 1 }
    /// Index of the log-number of visits.
    public var visits: Int { 3 * categoryCount + 2 }
    /// Index of the share of categories bought.
    public var breadth: Int { 3 * categoryCount + 3 }
    /// Index of the log-value of everything bought.
    public var spend: Int { 3 * categoryCount + 4 }

    /// For each model parameter, `scale` where a category meets its own recency, frequency or value, and 1 elsewhere.
    func ownCategoryScales(_ scale: Float) -> [Float] {
        var scales = [Float](repeating: 1, count: parameterCount)
        for category in 0..<categoryCount {
            for feature in [recency(category), frequency(category), value(category)] {
                scales[category * featureCount + feature] = scale
            }
        }
        return scales
    }
}

/// The public constants that scale features into 0 ... 1.
public struct FeatureConstants: WireMessage, Sendable {
    /// Purchases older than this before the cut-off are ignored, so early and late cut-offs see histories of one length.
    public let lookbackWeeks: Int
    /// Recency is exp(−weeks since the last purchase ÷ this).
    public let recencyDecayWeeks: Int
    /// Visits with the category that give frequency 1: log(1+n)/log(1+cap), not above 1.
    public let frequencyCap: Int
    /// Money spent on the category that gives value 1, in units of currency, on the same scale.
    public let valueCap: Int
    /// Visits that give the visits feature 1, on the same scale.
    public let visitCap: Int
    /// Money spent on everything that gives the spend feature 1, on the same scale.
    public let spendCap: Int

    /// Fixes the constants; each must be in 1 ... 1,000,000.
    /// - Throws: ``LearningError/invalid(field:expected:)``.
    public init(
        lookbackWeeks: Int, recencyDecayWeeks: Int, frequencyCap: Int, valueCap: Int, visitCap: Int, spendCap: Int
    ) throws(LearningError) {
        let all = [lookbackWeeks, recencyDecayWeeks, frequencyCap, valueCap, visitCap, spendCap]
        guard all.allSatisfy(Self.range.contains) else {
            throw .invalid(field: "feature constant", expected: "1 to 1,000,000")
        }
        self.init(unchecked: all)
    }

    private static let range = 1...1_000_000

    private init(unchecked all: [Int]) {
        lookbackWeeks = all[0]
        recencyDecayWeeks = all[1]
        frequencyCap = all[2]
        valueCap = all[3]
        visitCap = all[4]
        spendCap = all[5]
    }

    /// Half a year of history, recency with a time constant of four weeks, and caps that a weekly shopper nearly reaches.
    public static let standard = FeatureConstants(unchecked: [24, 4, 24, 300, 100, 3000])

    /// The message's name in the CDDL.
    public static let messageName = "feature-constants"

    /// Fields 1 to 6 in the order of the initialiser.
    public var cborValue: CBORValue {
        .message(
            (1, CBORValue(Int64(lookbackWeeks))), (2, CBORValue(Int64(recencyDecayWeeks))),
            (3, CBORValue(Int64(frequencyCap))), (4, CBORValue(Int64(valueCap))), (5, CBORValue(Int64(visitCap))),
            (6, CBORValue(Int64(spendCap))))
    }

    /// Reads the constants.
    /// - Throws: `WireFormatError`.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        let names = [
            "lookback-weeks", "recency-decay-weeks", "frequency-cap", "value-cap", "visit-cap", "spend-cap",
        ]
        var all: [Int] = []
        for (offset, name) in names.enumerated() {
            all.append(try fields.integer(UInt64(offset + 1), name, in: Self.range))
        }
        self.init(unchecked: all)
    }
}
