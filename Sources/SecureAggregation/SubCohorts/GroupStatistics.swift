// A robust average of group sums: what a poisoned store can do is bounded by what honest groups say.
// Trimmed means in learning from corrupt workers: Yin, Chen, Ramchandran and Bartlett (ICML 2018).

/// The opened sum of one group, with the public numbers that say what it may look like.
public struct GroupSum: Equatable, Sendable {
    /// The decoded integer sum, one value a coordinate.
    public let values: [Int64]
    /// m: customers that could contribute, at most; public.
    public let customers: Int
    /// What turns the sum into a mean: customers times the sampling probability. Public; finite and above 0.
    public let divisor: Double
    /// Standard deviation of a coordinate's noise, of all survivors of the group together; finite, 0 or more.
    public let noiseDeviation: Double

    /// Describes a group sum.
    /// - Throws: ``SecureAggregationError/malformed(_:)`` naming the number that is out of range.
    public init(
        values: [Int64], customers: Int, divisor: Double, noiseDeviation: Double
    ) throws(SecureAggregationError) {
        guard customers >= 0 else { throw .malformed("customers of a group: expected 0 or more") }
        guard divisor.isFinite, divisor > 0 else { throw .malformed("divisor of a group: expected above 0") }
        guard noiseDeviation.isFinite, noiseDeviation >= 0 else {
            throw .malformed("noise of a group: expected 0 or more")
        }
        self.values = values
        self.customers = customers
        self.divisor = divisor
        self.noiseDeviation = noiseDeviation
    }
}

/// Statistics over the group sums of one round. Post-processing of what was released: it costs no privacy.
///
/// It defends the model against stores, not the stores against the coordinator: an honest-but-curious coordinator computes
/// it, from sums that hide a node only within its group, each with the full noise of one (``SubCohortAssignment``).
public struct GroupStatistics: Equatable, Sendable {
    /// The groups.
    public let sums: [GroupSum]
    /// Coordinates of every sum.
    public let dimension: Int

    /// Collects the sums of a round.
    /// - Throws: ``SecureAggregationError/tooFew(_:have:need:)`` without a sum, ``SecureAggregationError/mismatch(field:)``
    ///   if their lengths differ.
    public init(_ sums: [GroupSum]) throws(SecureAggregationError) {
        guard let first = sums.first else { throw .tooFew("group sums", have: 0, need: 1) }
        guard sums.allSatisfy({ $0.values.count == first.values.count }) else {
            throw .mismatch(field: "length of a group sum")
        }
        self.sums = sums
        dimension = first.values.count
    }

    /// The mean of one group: its sum over its divisor.
    public func mean(of group: Int) -> [Double] {
        let divisor = sums[group].divisor
        return sums[group].values.map { Double($0) / divisor }
    }

    /// The largest t that leaves anything to average: ⌊(k − 1)/2⌋, for odd k the median.
    public var maximumTrim: Int { (sums.count - 1) / 2 }

    /// The coordinate-wise trimmed mean: of the k group means the t lowest and the t highest are dropped, the others averaged
    /// by divisor. With t = 0 it is the sum of all groups over the sum of all divisors: what one session would have given.
    ///
    /// **It withstands exactly t poisoned groups.** With at most t, every coordinate lies between the lowest and the highest
    /// mean of honest groups there, whatever the poisoned ones say: a kept value that is not honest has one of the t dropped
    /// values on each side honest. With t + 1 it withstands nothing: one extreme value is kept.
    /// - Parameter trim: t, 0 ... ``maximumTrim``.
    /// - Throws: ``SecureAggregationError/infeasible(_:)`` saying how many groups would do.
    public func trimmedMean(trim: Int) throws(SecureAggregationError) -> [Double] {
        guard trim >= 0 else { throw .infeasible("trim: expected 0 or more") }
        guard trim <= maximumTrim else {
            throw .infeasible(
                "trim: \(sums.count) groups allow at most \(maximumTrim) on each side; more groups would do, 2t + 1 of them"
            )
        }
        var result = [Double](repeating: 0, count: dimension)
        var column = [(mean: Double, divisor: Double)](repeating: (0, 0), count: sums.count)
        for coordinate in 0..<dimension {
            for (group, sum) in sums.enumerated() {
                column[group] = (Double(sum.values[coordinate]) / sum.divisor, sum.divisor)
            }
            // Equal means are told apart by divisor, so that the result does not depend on the order of groups.
            column.sort { ($0.mean, $0.divisor) < ($1.mean, $1.divisor) }
            var total = 0.0
            var divisors = 0.0
            for (mean, divisor) in column[trim..<column.count - trim] {
                total += mean * divisor
                divisors += divisor
            }
            // Rounding must not carry an average past what it averages.
            result[coordinate] = min(
                max(total / divisors, column[trim].mean), column[column.count - 1 - trim].mean)
        }
        return result
    }
}
