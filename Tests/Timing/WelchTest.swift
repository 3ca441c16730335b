// Whether two sets of times have one mean: Welch's t, over all measurements and over those below a series of limits.

import Glibc

/// Mean and variance of a stream of numbers (Welford 1962), for two classes.
struct WelchTest {
    private struct Moments {
        var count = 0.0
        var mean = 0.0
        var squares = 0.0

        mutating func add(_ value: Double) {
            count += 1
            let distance = value - mean
            mean += distance / count
            squares += distance * (value - mean)
        }

        var varianceOfMean: Double { squares / (count - 1) / count }
    }

    private var first = Moments()
    private var second = Moments()

    mutating func add(_ measurement: Measurement) {
        if measurement.isFixed { first.add(measurement.nanoseconds) } else { second.add(measurement.nanoseconds) }
    }

    /// Measurements in the smaller class.
    var count: Int { Int(min(first.count, second.count)) }

    /// t: the difference of the means over its standard error. 0 where nothing varies or too little was measured.
    var t: Double {
        guard count > 1 else { return 0 }
        let error = (first.varianceOfMean + second.varianceOfMean).squareRoot()
        return error > 0 ? (first.mean - second.mean) / error : 0
    }

    /// Difference of the means: nanoseconds by which the fixed class takes longer.
    var difference: Double { first.mean - second.mean }
}

/// One timed call.
struct Measurement {
    /// Whether its input was the fixed one.
    let isFixed: Bool
    let nanoseconds: Double
}

/// The verdict over one operation.
struct TimingResult {
    /// The largest |t| over all limits, with its sign.
    let t: Double
    /// Share of the measurements below the limit at which it was found.
    let kept: Double
    /// t over all measurements.
    let uncropped: Double
    /// Nanoseconds between the means, at that limit.
    let difference: Double

    /// Judges measurements after dropping the slowest ones, at many limits: interrupts and other processes make a long
    /// tail in which a small difference would drown. The limits are those of Reparaz, Balasch and Verbauwhede 2017: the
    /// quantiles 1 − 2^(−i/10), i = 1 … 100.
    init(_ measurements: [Measurement]) {
        let sorted = measurements.map(\.nanoseconds).sorted()
        let all = Self.test(measurements, below: .infinity)
        var best = (test: all, kept: 1.0)
        for step in stride(from: 1.0, through: 100, by: 1) {
            let quantile = 1 - pow(0.5, step / 10)
            let limit = sorted[min(sorted.count - 1, Int(quantile * Double(sorted.count)))]
            let test = Self.test(measurements, below: limit)
            // A hundredth of the measurements says too little.
            guard test.count > measurements.count / 100 else { continue }
            if abs(test.t) > abs(best.test.t) { best = (test, quantile) }
        }
        t = best.test.t
        kept = best.kept
        uncropped = all.t
        difference = best.test.difference
    }

    private static func test(_ measurements: [Measurement], below limit: Double) -> WelchTest {
        var test = WelchTest()
        for measurement in measurements where measurement.nanoseconds < limit { test.add(measurement) }
        return test
    }
}
