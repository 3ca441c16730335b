// What the same plan promises to people with several loyalty cards, or to a household: the numbers a statement owes
// its readers beside the headline.

import Glibc

extension RenyiAccountant {
    /// ε at `delta` for a group of `customers` customers, after `rounds` rounds, rounded up.
    ///
    /// The better of two bounds. (1) With all coins known, the group moves a round's sum by at most K·D: the accountant
    /// at q = 1 with the noise multiplier divided by K; coins have the same law with and without the group, so joint
    /// convexity carries the bound over. (2) The chain of K single zero-outs: (Kε₁, δ₁·(e^(Kε₁) − 1)/(e^(ε₁) − 1))
    /// from any (ε₁, δ₁) of one customer (Dwork and Roth 2014, "The Algorithmic Foundations of Differential Privacy",
    /// theorem 2.2 for δ = 0; the geometric series is the same chain with δ).
    /// - Parameters:
    ///   - customers: K, at least 1.
    ///   - rounds: 0 or more.
    ///   - delta: in (0, 1).
    /// - Returns: infinity where there is no bound.
    public func epsilon(customers: Int, rounds: Int, delta: Double) -> Double {
        if customers < 1 { return .infinity }
        if customers == 1 { return epsilon(rounds: rounds, delta: delta) }
        let count = Double(customers)
        var best = Double.infinity
        if let known = try? RenyiAccountant(
            noiseMultiplier: (noiseMultiplier / count).nextDown, sampling: .everyone, slackPerRound: slackPerRound)
        {
            best = known.epsilon(rounds: rounds, delta: delta)
        }
        if sampling == .everyone { return best }
        // Any single-customer delta is allowed; a geometric grid below delta/K finds a good one.
        var single = delta / count
        while single > delta * 1e-30 {
            let one = epsilon(rounds: rounds, delta: single)
            let factor = one > 0 ? expm1(count * one) / expm1(one) : count
            if single * factor * (1 + 0x1p-40) <= delta { best = min(best, (count * one).nextUp) }
            single /= 2
        }
        return best
    }
}
