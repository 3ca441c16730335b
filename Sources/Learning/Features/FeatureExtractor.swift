// One customer's history to one customer's examples, with public constants only: the result is the same whoever else is
// a customer, which is what makes a clipped update a bounded contribution.

import Glibc

/// Turns transactions of one customer into examples. Immutable: any number of threads may use one.
public struct FeatureExtractor: Sendable {
    /// The categories of the model.
    public let vocabulary: Vocabulary
    /// The scales of the features.
    public let constants: FeatureConstants
    /// Where each feature is.
    public let layout: FeatureLayout

    /// An extractor for a job's public constants.
    public init(vocabulary: Vocabulary, constants: FeatureConstants = .standard) {
        self.vocabulary = vocabulary
        self.constants = constants
        layout = FeatureLayout(categoryCount: vocabulary.count)
    }

    /// The examples of one customer.
    ///
    /// Lines with a quantity of zero or less are no purchases. Lines of one timestamp are one visit. Categories outside
    /// the vocabulary count for the visit features only. The order of `transactions` does not matter.
    /// - Parameters:
    ///   - transactions: everything known of this customer and nothing of any other.
    ///   - schedule: the job's cut-offs.
    public func examples(from transactions: [Transaction], schedule: ExampleSchedule) -> CustomerExamples {
        let purchases = purchases(in: transactions)
        return CustomerExamples(
            training: schedule.trainingCutoffs.compactMap {
                example(purchases, cutoff: $0, periodSeconds: schedule.periodSeconds)
            },
            evaluation: example(
                purchases, cutoff: schedule.evaluationCutoff, periodSeconds: schedule.periodSeconds))
    }

    private struct Purchase {
        let timestampSeconds: Int64
        /// Row of the vocabulary, −1 outside it.
        let category: Int
        let value: Double
    }

    /// Purchases by time. Ties are ordered too, so that sums round alike whatever the order of the input.
    private func purchases(in transactions: [Transaction]) -> [Purchase] {
        var purchases: [Purchase] = []
        purchases.reserveCapacity(transactions.count)
        for line in transactions where line.quantity > 0 && line.value.isFinite {
            purchases.append(
                Purchase(
                    timestampSeconds: line.timestampSeconds, category: vocabulary.index(of: line.category) ?? -1,
                    value: max(0, line.value)))
        }
        purchases.sort {
            if $0.timestampSeconds != $1.timestampSeconds { return $0.timestampSeconds < $1.timestampSeconds }
            if $0.category != $1.category { return $0.category < $1.category }
            return $0.value < $1.value
        }
        return purchases
    }

    private struct History {
        var lastSeconds: Int64 = 0
        var visits = 0
        var value = 0.0

        mutating func add(_ purchase: Purchase) {
            // Purchases come by time, so a new timestamp is a new visit.
            if visits == 0 || purchase.timestampSeconds != lastSeconds { visits += 1 }
            lastSeconds = purchase.timestampSeconds
            value += purchase.value
        }
    }

    private func example(_ purchases: [Purchase], cutoff: Int64, periodSeconds: Int64) -> Example? {
        let start = cutoff - Int64(constants.lookbackWeeks) * ExampleSchedule.secondsPerWeek
        var histories = [History](repeating: History(), count: vocabulary.count)
        var overall = History()
        var bought = [Bool](repeating: false, count: vocabulary.count)
        for purchase in purchases {
            if purchase.timestampSeconds < start { continue }
            if purchase.timestampSeconds >= cutoff + periodSeconds { break }
            if purchase.timestampSeconds >= cutoff {
                if purchase.category >= 0 { bought[purchase.category] = true }
            } else {
                overall.add(purchase)
                if purchase.category >= 0 { histories[purchase.category].add(purchase) }
            }
        }
        if overall.visits == 0 { return nil }
        let seen = histories.indices.filter { histories[$0].visits > 0 }
        var indices: [UInt16] = []
        var values: [Float] = []
        indices.reserveCapacity(3 * seen.count + FeatureLayout.globalCount)
        values.reserveCapacity(3 * seen.count + FeatureLayout.globalCount)
        func append(_ index: Int, _ value: Double) {
            indices.append(UInt16(index))
            values.append(Float(value))
        }
        for category in seen { append(layout.recency(category), recency(histories[category], cutoff)) }
        for category in seen {
            append(
                layout.frequency(category), Self.logScale(Double(histories[category].visits), constants.frequencyCap))
        }
        for category in seen {
            append(layout.value(category), Self.logScale(histories[category].value, constants.valueCap))
        }
        append(layout.bias, 1)
        append(layout.lastVisit, recency(overall, cutoff))
        append(layout.visits, Self.logScale(Double(overall.visits), constants.visitCap))
        append(layout.breadth, Double(seen.count) / Double(vocabulary.count))
        append(layout.spend, Self.logScale(overall.value, constants.spendCap))
        return Example(
            featureIndices: indices, featureValues: values,
            positives: bought.indices.filter { bought[$0] }.map(UInt16.init))
    }

    private func recency(_ history: History, _ cutoff: Int64) -> Double {
        let weeks = Double(cutoff - history.lastSeconds) / Double(ExampleSchedule.secondsPerWeek)
        return exp(-weeks / Double(constants.recencyDecayWeeks))
    }

    /// log(1+x)/log(1+cap), not above 1; x is not negative.
    private static func logScale(_ value: Double, _ cap: Int) -> Double {
        min(1, log1p(value) / log1p(Double(cap)))
    }
}
