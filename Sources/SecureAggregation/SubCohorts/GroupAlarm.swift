// When a group sum cannot be honest. Every threshold follows from the clip, the number of customers and the noise; the only
// choice is how often an honest group may be accused.

import Glibc

/// Tells group sums that honest nodes could have made from those they could hardly have.
///
/// An honest sum is data plus noise. Each of m customers moves it by at most D in ℓ2 norm and B in a coordinate. The noise is
/// a sum of independent discrete Gaussians, so it is sub-Gaussian with its variance parameter S² in every direction
/// (Canonne, Kamath, Steinke 2020), and with probability at least 1 − a
///
/// - its norm is at most S·√(d + 2√(d·x) + 2x) with x = ln(1/a) (Hsu, Kakade, Zhang 2012, theorem 2.1, for the identity);
/// - every coordinate is at most S·√(2·ln(2d/a)).
///
/// Each test gets a = half of the stated rate, so an honest group, **whatever its customers' data**, alarms with at most that
/// rate. The reverse does not hold: a poisoned sum within m·D passes, which is what the clip grants the group's customers
/// anyway; the trimmed mean is for those.
public struct GroupAlarm: Equatable, Sendable {
    /// D: largest ℓ2 norm of one customer's vector, ride-alongs included.
    public let customerNorm: Double
    /// B: largest absolute value of one customer's coordinate.
    public let coordinateBound: Double
    /// d.
    public let dimension: Int
    /// Probability, at most, that an honest group alarms in a round.
    public let falseAlarmRate: Double

    /// What is known of one group sum.
    public struct Verdict: Equatable, Sendable {
        /// ℓ2 norm of the sum over its threshold; above 1 is an alarm.
        public let normRatio: Double
        /// Largest absolute coordinate over its threshold; above 1 is an alarm. A lane that overflowed shows here.
        public let coordinateRatio: Double

        /// Whether an honest group would have gone so far with at most the stated rate.
        public var isAlarmed: Bool { normRatio > 1 || coordinateRatio > 1 }
    }

    /// States the bounds of a job.
    /// - Parameters:
    ///   - customerNorm: finite, 0 or more.
    ///   - coordinateBound: finite, 0 or more.
    ///   - dimension: at least 1.
    ///   - falseAlarmRate: above 0 and below 1.
    /// - Throws: ``SecureAggregationError/malformed(_:)`` naming the number out of range.
    public init(
        customerNorm: Double, coordinateBound: Double, dimension: Int, falseAlarmRate: Double
    ) throws(SecureAggregationError) {
        guard customerNorm.isFinite, customerNorm >= 0 else { throw .malformed("customerNorm: expected 0 or more") }
        guard coordinateBound.isFinite, coordinateBound >= 0 else {
            throw .malformed("coordinateBound: expected 0 or more")
        }
        guard dimension >= 1 else { throw .malformed("dimension: expected at least 1") }
        guard falseAlarmRate > 0, falseAlarmRate < 1 else {
            throw .malformed("falseAlarmRate: expected above 0 and below 1")
        }
        self.customerNorm = customerNorm
        self.coordinateBound = coordinateBound
        self.dimension = dimension
        self.falseAlarmRate = falseAlarmRate
    }

    /// The norm above which a group alarms.
    public func normThreshold(customers: Int, noiseDeviation: Double) -> Double {
        let count = Double(dimension)
        let x = log(2 / falseAlarmRate)
        let noise = noiseDeviation * (count + 2 * (count * x).squareRoot() + 2 * x).squareRoot()
        return (Double(customers) * customerNorm + noise) * Self.slack
    }

    /// The absolute coordinate above which a group alarms.
    public func coordinateThreshold(customers: Int, noiseDeviation: Double) -> Double {
        let noise = noiseDeviation * (2 * log(4 * Double(dimension) / falseAlarmRate)).squareRoot()
        return (Double(customers) * coordinateBound + noise) * Self.slack
    }

    /// Far above the rounding of a sum of 2^30 squares, two logarithms and three roots: rounding never accuses.
    private static let slack = 1 + 0x1p-20

    /// Judges one group sum.
    /// - Throws: ``SecureAggregationError/mismatch(field:)`` for a sum of another length.
    public func verdict(on sum: GroupSum) throws(SecureAggregationError) -> Verdict {
        guard sum.values.count == dimension else { throw .mismatch(field: "length of a group sum") }
        var squares = 0.0
        var largest: UInt64 = 0
        for value in sum.values {
            squares += Double(value) * Double(value)
            largest = max(largest, value.magnitude)
        }
        return Verdict(
            normRatio: Self.ratio(
                squares.squareRoot(), normThreshold(customers: sum.customers, noiseDeviation: sum.noiseDeviation)),
            coordinateRatio: Self.ratio(
                Double(largest), coordinateThreshold(customers: sum.customers, noiseDeviation: sum.noiseDeviation)))
    }

    /// Without customers and noise the threshold is 0, and only the zero vector passes.
    private static func ratio(_ value: Double, _ threshold: Double) -> Double {
        value == 0 ? 0 : value / threshold
    }
}
