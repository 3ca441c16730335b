// The α-th moment of the sampled Gaussian for an α that is no integer: Mironov, Talwar, Zhang 2019 (arXiv 1908.10530),
// section 3.3, with a truncation that is an upper bound.
//
// Split the line at z₀, where (1−q) = q·exp((2x−1)/(2z²)), and expand (1 − q + q·e^…)^α there by the binomial series in
// the smaller part over the larger. Beyond i = ⌈α⌉ the terms alternate and shrink at every x, so a sum that stops after
// a positive term is above the series at every x, and so is its integral.

import Glibc

enum FractionalMoment {
    /// Terms after which the series stops at the latest, after a positive one.
    private static let maximumTerms = 600

    /// ln E[(mixture/noise)^α] under the noise, rounded up.
    /// - Parameters:
    ///   - order: α, above 1 and no integer.
    ///   - z: noise multiplier.
    ///   - q: sampling probability in (0, 1).
    static func logarithm(order: Double, z: Double, q: Double) -> Double {
        let logQ = log(q)
        let log1mQ = log1p(-q)
        let growth = 1 / (2 * z * z)
        let split = z * z * (log1mQ - logQ) + 0.5
        var sum = SignedLogSum()
        var logChoose = 0.0
        var isPositive = true
        var i = 0.0
        while true {
            let j = order - i
            // Below z₀ the i-th power of the sampled part, above it the (α − i)-th.
            let below = SIMD4(j * log1mQ, i * logQ, i * (i - 1) * growth, logNormalTail((i - split) / z))
            let above = SIMD4(i * log1mQ, j * logQ, j * (j - 1) * growth, logNormalTail((split - j) / z))
            sum.add(logChoose, below, isPositive: isPositive)
            sum.add(logChoose, above, isPositive: isPositive)
            let isNegligible = logChoose + max(below.sum(), above.sum()) < sum.largest - 40
            if i > order, isPositive, isNegligible || Int(i) >= maximumTerms { break }
            if i > order { isPositive.toggle() }
            logChoose += log(abs(order - i) / (i + 1))
            i += 1
        }
        return sum.logarithmRoundedUp
    }

    /// ln P[N(0,1) > x], to a relative accuracy of a few units of 2^−52 of its own size.
    static func logNormalTail(_ x: Double) -> Double {
        if x < 36 { return log(0.5 * erfc(x / 2.0.squareRoot())) }
        // Asymptotic series (Abramowitz and Stegun 7.1.23), Horner's form; from x = 36 on the first omitted term,
        // 135135·x^(−14), is below 2^−55.
        let w = 1 / (x * x)
        let series = w * (-1 + w * (3 + w * (-15 + w * (105 + w * (-945 + w * 10_395)))))
        return -0.5 * x * x - log(x) - 0.5 * log(2 * Double.pi) + log1p(series)
    }
}

/// A sum of signed terms given by logarithms, with a bound on its rounding error.
private struct SignedLogSum {
    /// Logarithm of the largest term so far: the unit of the sums below.
    private(set) var largest = -Double.infinity
    private var sum = 0.0
    private var error = 0.0

    /// Adds ± exp(first + Σ rest). The error bound counts every part as off by a few units in its last place.
    mutating func add(_ first: Double, _ rest: SIMD4<Double>, isPositive: Bool) {
        let logarithm = first + rest.sum()
        let size = 16 + abs(first) + abs(rest.x) + abs(rest.y) + abs(rest.z) + abs(rest.w)
        if logarithm == -.infinity { return }
        if logarithm > largest {
            let factor = exp(largest - logarithm)
            sum *= factor
            error *= factor
            largest = logarithm
        }
        let term = exp(logarithm - largest)
        sum += isPositive ? term : -term
        error += term * size * 0x1p-48
    }

    /// Logarithm of the sum, rounding error added.
    var logarithmRoundedUp: Double {
        let total = sum + error
        return total > 0 ? largest + log(total) + (abs(largest) + 1) * 0x1p-50 : .infinity
    }
}
