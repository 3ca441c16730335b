// The baseline every personal model must beat: the same ranking for everyone, by how many customers buy a category.

/// Ranks categories by the number of training labels among the same consented customers. Not private: a yardstick for
/// simulation, computed where all data is in one place.
public struct PopularityBaseline: Equatable, Sendable {
    /// Purchases of each category in the training periods.
    public let counts: [Int]

    /// Counts the training labels of `customers`.
    public init(categoryCount: Int, customers: [CustomerExamples]) {
        var counts = [Int](repeating: 0, count: categoryCount)
        for customer in customers {
            for example in customer.training {
                for category in example.positives { counts[Int(category)] += 1 }
            }
        }
        self.counts = counts
    }

    /// Judges the ranking on the held-out examples.
    public func report(on customers: [CustomerExamples]) -> RankingReport {
        let scores = counts.map(Float.init)
        var evaluation = RankingEvaluation(categoryCount: counts.count)
        for case .some(let example) in customers.lazy.map(\.evaluation) {
            evaluation.add(scores: scores, positives: example.positives)
        }
        return evaluation.report
    }
}
