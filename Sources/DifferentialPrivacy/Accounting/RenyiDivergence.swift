// Rényi divergence of one round, order by order, rounded up.
//
// q = 1: α/(2z²) (Mironov 2017, "Rényi Differential Privacy", proposition 7).
// q < 1, integer α: ln Σ_k C(α,k)(1−q)^(α−k) q^k exp(k(k−1)/(2z²)) / (α−1), Mironov, Talwar, Zhang 2019, "Rényi
// Differential Privacy of the Sampled Gaussian Mechanism" (arXiv 1908.10530), section 3.3. Theorem 5 there shows that
// this direction (mixture against noise) is the larger of the two, so it covers adding and removing a customer.
// q < 1, other α: the smaller of two upper bounds, the truncated series of FractionalMoment and the chord between the
// neighbouring integers (the logarithm of the moment is convex in α), which keeps its accuracy when the moment is near 1.

import Glibc

enum RenyiDivergence {
    /// ln k! for k ≤ 100,000, by compensated summation: off by less than 10^−9.
    private static let logFactorials: [Double] = {
        var table = [0.0]
        table.reserveCapacity(100_001)
        var sum = 0.0
        var carry = 0.0
        for k in 1...100_000 {
            let term = log(Double(k)) + carry
            let next = sum + term
            carry = term - (next - sum)
            sum = next
            table.append(sum)
        }
        return table
    }()

    /// Largest integer order.
    static let maximumOrder = 100_000

    /// Divergence of order `order` of one round, rounded up.
    /// - Parameters:
    ///   - order: above 1, at most ``maximumOrder``.
    ///   - z: noise multiplier, a lower bound of it.
    ///   - q: sampling probability in (0, 1], an upper bound of it.
    static func ofRound(order: Double, z: Double, q: Double) -> Double {
        let unsampled = (order / (2 * z * z)) * (1 + 0x1p-48)
        if q >= 1 { return unsampled }
        let below = order.rounded(.down)
        let moment: Double
        if below == order {
            moment = logMoment(order: Int(order), z: z, q: q)
        } else {
            let share = order - below
            let low = below < 2 ? 0 : (1 - share) * logMoment(order: Int(below), z: z, q: q)
            let chord = low + share * logMoment(order: Int(below) + 1, z: z, q: q)
            moment = min(chord, FractionalMoment.logarithm(order: order, z: z, q: q))
        }
        let sampled = moment / (order - 1) * (1 + 0x1p-48)
        // Sampling never hurts, by quasi-convexity of the divergence.
        return min(sampled, unsampled)
    }

    /// ln E[(mixture/noise)^α] under the noise, rounded up; infinite where it is useless (above 700·(α−1)).
    ///
    /// Sums A − 1 = Σ_{k≥2} C(α,k)(1−q)^(α−k) q^k (exp(k(k−1)/(2z²)) − 1), whose terms are all positive: nothing cancels,
    /// however close A is to 1.
    private static func logMoment(order: Int, z: Double, q: Double) -> Double {
        let alpha = Double(order)
        let logQ = log(q)
        let log1mQ = log1p(-q)
        let growth = 1 / (2 * z * z)
        if (alpha * (alpha - 1) * growth + alpha * logQ) / (alpha - 1) > 700 { return .infinity }
        var largest = -Double.infinity
        var sum = 0.0
        for k in 2...order {
            let count = Double(k)
            let exponent = count * (count - 1) * growth
            let rise = exponent > 40 ? exponent : log(expm1(exponent))
            let choose = logFactorials[order] - logFactorials[k] - logFactorials[order - k]
            let term = choose + (alpha - count) * log1mQ + count * logQ + rise
            if term > largest {
                sum = sum * exp(largest - term) + 1
                largest = term
            } else {
                sum += exp(term - largest)
            }
        }
        // Every term is a sum of numbers no larger than `size`, each off by a few units of 2^-53 (the table by 10^-9).
        let size = logFactorials[order] + alpha * (abs(logQ) + abs(log1mQ)) + alpha * alpha * growth + 1
        let error = size * 0x1p-48 + alpha * 0x1p-51 + 4e-9
        let logRise = largest + log(sum) + error
        return logRise > 700 ? logRise + 0x1p-40 : log1p(exp(logRise)) * (1 + 0x1p-48)
    }

    /// The (ε, δ) that a Rényi divergence `divergence` of order `order` guarantees, rounded up: Canonne, Kamath, Steinke
    /// 2020, proposition 12; zero where the Bretagnolle-Huber inequality bounds the total variation by δ.
    static func epsilon(divergence: Double, order: Double, delta: Double) -> Double {
        if !divergence.isFinite { return .infinity }
        if delta * delta * (1 - 0x1p-40) > -expm1(-divergence) { return 0 }
        let spread = log(delta * order) / (order - 1)
        let value = divergence + log1p(-1 / order) - spread
        return max(0, value + (abs(divergence) + abs(spread) + 1) * 0x1p-46)
    }
}
