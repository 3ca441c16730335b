// The exact privacy profile of one continuous (sampled) Gaussian: what the accountant's answers must never fall below,
// and the bound side of the theorem. Balle and Wang 2018 for q = 1; the sampled form is the same integral with the
// threshold moved to where the mixture's loss is ε.

import Cryptography
import Glibc

enum GaussianProfile {
    static func phi(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }

    /// δ(ε) of ((1−q)·N(0,1) + q·N(mu,1), N(0,1)), or of the two the other way round.
    static func delta(mu: Double, q: Double, epsilon: Double, mixtureFirst: Bool) -> Double {
        let e = exp(epsilon)
        if mixtureFirst {
            let t = (e - 1 + q) / q
            if t <= 0 { return 1 - e }
            let x = log(t) / mu + mu / 2
            return (1 - q) * phi(-x) + q * phi(mu - x) - e * phi(-x)
        }
        let t = (exp(-epsilon) - 1 + q) / q
        if t <= 0 { return 0 }
        let x = log(t) / mu + mu / 2
        return phi(x) - e * ((1 - q) * phi(x) + q * phi(x - mu))
    }

    /// The exact ε of a Gaussian of noise multiplier 1/mu at δ, by bisection, for q = 1.
    static func epsilon(mu: Double, delta: Double) -> Double {
        var low = 0.0
        var high = mu * mu / 2 + mu * 40
        for _ in 0..<200 {
            let middle = (low + high) / 2
            if Self.delta(mu: mu, q: 1, epsilon: middle, mixtureFirst: true) > delta {
                low = middle
            } else {
                high = middle
            }
        }
        return low
    }
}

/// A generator whose key is one repeated byte.
func testGenerator(_ seed: UInt8) throws -> KeyedRandomGenerator {
    try KeyedRandomGenerator(key: SecretBytes(copying: [UInt8](repeating: seed, count: 32)))
}
