// Exact hypergeometric tails in the log domain, for the liveness bounds of Protocols/secure-aggregation.md. Privacy does
// not depend on them: they only size the ring and the committee so that a round seldom fails.

import Glibc

/// Log-factorials up to a bound, summed once; error below 1e-12 relative up to n = 10^6.
struct LogFactorials {
    private let table: [Double]

    init(upTo bound: Int) {
        var table = [0.0]
        table.reserveCapacity(bound + 1)
        // Kahan summation: the table is a long running sum, and every party must get the same one.
        var sum = 0.0
        var carry = 0.0
        for value in stride(from: 1, through: bound, by: 1) {
            let term = log(Double(value)) - carry
            let next = sum + term
            carry = (next - sum) - term
            sum = next
            table.append(sum)
        }
        self.table = table
    }

    func logBinomial(_ n: Int, _ k: Int) -> Double {
        k < 0 || k > n ? -.infinity : table[n] - table[k] - table[n - k]
    }

    /// max{a : P[X < a] ≤ e^logBound}: survivors that a sample of `draws` holds except with that probability.
    func guaranteedSuccesses(population: Int, successes: Int, draws: Int, logBound: Double) -> Int {
        let total = logBinomial(population, draws)
        var accumulated = -Double.infinity
        var a = 0
        while a < draws {
            let term = logBinomial(successes, a) + logBinomial(population - successes, draws - a) - total
            accumulated = logAdd(accumulated, term)
            if accumulated > logBound { return a }
            a += 1
        }
        return a
    }

    private func logAdd(_ left: Double, _ right: Double) -> Double {
        if left == -.infinity { return right }
        if right == -.infinity { return left }
        return max(left, right) + log1p(exp(-abs(left - right)))
    }
}
