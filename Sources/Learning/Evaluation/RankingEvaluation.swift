// How good a ranking of categories is, customer by customer. The headline is mean average precision: every customer counts
// once, whatever she spends, as in the privacy guarantee; it needs no cut-off, judges the order alone (so a baseline without
// probabilities can be compared), and rewards a right category more the higher it stands, as a short list of offers does.
// Average precision and NDCG: Manning, Raghavan and Schütze 2008, "Introduction to Information Retrieval", section 8.4.

import Glibc

/// Figures over the customers who bought at least one category in the held-out period.
public struct RankingReport: Equatable, Sendable {
    /// Customers counted.
    public let customerCount: Int
    /// Mean over customers of average precision over all categories: the headline figure.
    public let meanAveragePrecision: Double
    /// Mean over customers of the normalised discounted cumulative gain of the first ten.
    public let ndcgAt10: Double
    /// Mean over customers of the share of the first ten that was bought.
    public let precisionAt10: Double
    /// Mean over customers of the share of what was bought that is in the first ten.
    public let recallAt10: Double
    /// Share of all (customer, bought category) pairs in the first ten.
    public let microRecallAt10: Double
    /// Mean over categories of the area under the ROC curve over customers; one half is chance, and what any ranking that
    /// is the same for everyone gets. Categories bought by everyone or by no one are left out.
    public let macroAUC: Double
}

/// Collects rankings of customers. Not private: for the operator's own data, public data and simulation.
public struct RankingEvaluation: Sendable {
    private static let cutoff = 10
    private let categoryCount: Int
    private var customers = 0
    private var averagePrecision = 0.0
    private var gain = 0.0
    private var precision = 0.0
    private var recall = 0.0
    private var hits = 0
    private var positives = 0
    /// Per category: score and label of every customer.
    private var outcomes: [[(score: Float, isPositive: Bool)]]

    /// An empty collection.
    public init(categoryCount: Int) {
        self.categoryCount = categoryCount
        outcomes = Array(repeating: [], count: categoryCount)
    }

    /// Adds one customer; one who bought nothing has no ranking to judge and is left out.
    /// - Parameters:
    ///   - scores: one a category; higher ranks first, equal scores rank in category order.
    ///   - positives: the categories bought.
    /// - Precondition: as many scores as categories.
    public mutating func add(scores: [Float], positives bought: [UInt16]) {
        precondition(scores.count == categoryCount, "one score a category")
        if bought.isEmpty { return }
        var isPositive = [Bool](repeating: false, count: categoryCount)
        for category in bought { isPositive[Int(category)] = true }
        let ranking = scores.indices.sorted { scores[$0] != scores[$1] ? scores[$0] > scores[$1] : $0 < $1 }
        var found = 0
        var foundEarly = 0
        var precisionSum = 0.0
        var discounted = 0.0
        for (rank, category) in ranking.enumerated() where isPositive[category] {
            found += 1
            precisionSum += Double(found) / Double(rank + 1)
            if rank < Self.cutoff {
                foundEarly += 1
                discounted += 1 / log2(Double(rank + 2))
            }
        }
        let ideal = (0..<min(bought.count, Self.cutoff)).reduce(0.0) { $0 + 1 / log2(Double($1 + 2)) }
        customers += 1
        averagePrecision += precisionSum / Double(bought.count)
        gain += discounted / ideal
        precision += Double(foundEarly) / Double(min(Self.cutoff, categoryCount))
        recall += Double(foundEarly) / Double(bought.count)
        hits += foundEarly
        positives += bought.count
        for category in scores.indices { outcomes[category].append((scores[category], isPositive[category])) }
    }

    /// The figures; zeros if no customer was added.
    public var report: RankingReport {
        let divisor = Double(max(customers, 1))
        let areas = outcomes.compactMap(Self.areaUnderCurve)
        return RankingReport(
            customerCount: customers, meanAveragePrecision: averagePrecision / divisor, ndcgAt10: gain / divisor,
            precisionAt10: precision / divisor, recallAt10: recall / divisor,
            microRecallAt10: Double(hits) / Double(max(positives, 1)),
            macroAUC: areas.reduce(0, +) / Double(max(areas.count, 1)))
    }

    /// Mann-Whitney statistic with mean ranks for ties (Hanley and McNeil 1982, "The meaning and use of the area under a
    /// receiver operating characteristic curve").
    private static func areaUnderCurve(_ outcomes: [(score: Float, isPositive: Bool)]) -> Double? {
        let sorted = outcomes.sorted { $0.score < $1.score }
        let positives = sorted.count { $0.isPositive }
        let negatives = sorted.count - positives
        if positives == 0 || negatives == 0 { return nil }
        var rankSum = 0.0
        var start = 0
        while start < sorted.count {
            var end = start
            var tiedPositives = 0
            while end < sorted.count && sorted[end].score == sorted[start].score {
                if sorted[end].isPositive { tiedPositives += 1 }
                end += 1
            }
            rankSum += Double(tiedPositives) * Double(start + 1 + end) / 2
            start = end
        }
        return (rankSum - Double(positives) * Double(positives + 1) / 2) / (Double(positives) * Double(negatives))
    }

    /// Judges a model on the held-out examples.
    public static func report(of model: PropensityModel, on customers: [CustomerExamples]) -> RankingReport {
        var evaluation = RankingEvaluation(categoryCount: model.layout.categoryCount)
        for case .some(let example) in customers.lazy.map(\.evaluation) {
            evaluation.add(scores: model.scores(example), positives: example.positives)
        }
        return evaluation.report
    }
}
