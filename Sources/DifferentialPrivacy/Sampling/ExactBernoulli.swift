// Coins whose probability is exp(−γ) exactly, from uniform words and integers alone: algorithm 1 of Canonne, Kamath,
// Steinke 2020, "The Discrete Gaussian for Differential Privacy" (NeurIPS; arXiv 2004.00010). A floating-point coin
// would be off by an amount nobody has bounded; these are off by nothing.

import Cryptography

/// A probability in [0, 1) as (word + remainder / divisor) / 2^64, exactly.
struct ExactFraction {
    /// The first 64 binary digits.
    var word: UInt64
    /// What is left of them, below `divisor`.
    var remainder: UInt64 = 0
    /// At least 1.
    var divisor: UInt64 = 1

    /// True with exactly this probability: one word almost always; a tie, once in 2^64, is settled exactly.
    @inline(__always)
    func flip(_ generator: inout KeyedRandomGenerator) -> Bool {
        let coin = generator.next()
        if coin != word { return coin < word }
        return generator.uniform(below: divisor) < remainder
    }
}

/// Exact coins of probability exp(−γ).
enum ExactExponential {
    /// 20!, the largest factorial below 2^64.
    static let factorial20: UInt64 = 2_432_902_008_176_640_000
    /// Σ_{k=0}^{20} (−1)^k·20!/k!, the number of derangements of 20 things: 20!/e to the nearest integer.
    static let derangements20: UInt64 = 895_014_631_192_902_121

    /// True with probability exp(−γ) for a γ in [0, 1).
    ///
    /// Counts how many flips of γ/1, γ/2, γ/3, … come up true before the first false; the count is even with
    /// probability Σ (−γ)^k/k! = exp(−γ). A flip of γ/k is a flip of γ and an independent one of 1/k.
    @inline(__always)
    static func flip(minus gamma: ExactFraction, _ generator: inout KeyedRandomGenerator) -> Bool {
        if !gamma.flip(&generator) { return true }
        var k: UInt64 = 2
        while generator.uniform(below: k) == 0, gamma.flip(&generator) { k += 1 }
        return !k.isMultiple(of: 2)
    }

    /// True with probability 1/e, from one bounded draw: the first twenty terms of the same series have the common
    /// denominator 20!, and the one draw that they leave undecided goes on with the rest of the series.
    @inline(__always)
    static func flipMinusOne(_ generator: inout KeyedRandomGenerator) -> Bool {
        let draw = generator.uniform(below: factorial20)
        if draw < derangements20 - 1 { return true }
        if draw >= derangements20 { return false }
        // Here lies 20!/e − (derangements20 − 1) = 1 − 1/21 + 1/(21·22) − … of a unit: true if an even number of
        // flips of 1/21, 1/22, … precede the first false.
        var k: UInt64 = 21
        while generator.uniform(below: k) == 0 { k += 1 }
        return !k.isMultiple(of: 2)
    }
}
