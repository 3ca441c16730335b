// The theorem of Protocols/differential-privacy.md in small exact cases: the hockey-stick divergence of sums of discrete
// Gaussians, convolved in Float64, against the bound the accountant relies on. The mutation "account with the full
// variance h·s²" must be caught by the same numbers.

import DifferentialPrivacy
import Glibc
import Testing

/// Exact probabilities of a sum of `shares` draws of N_Z(0, variance), on −reach...reach.
private func summedShares(variance: Double, shares: Int, reach: Int) -> [Double] {
    let single = (-reach...reach).map { exp(-Double($0 * $0) / (2 * variance)) }
    let total = single.reduce(0, +)
    let one = single.map { $0 / total }
    var sum = one
    for _ in 1..<max(1, shares) {
        var next = [Double](repeating: 0, count: sum.count)
        for (i, p) in sum.enumerated() where p > 1e-300 {
            let low = max(0, i - reach)
            let high = min(sum.count - 1, i + reach)
            for k in low...high { next[k] += p * one[k - i + reach] }
        }
        sum = next
    }
    return sum
}

/// Σ max(0, p − e^ε·q).
private func hockeyStick(_ p: [Double], _ q: [Double], _ epsilon: Double) -> Double {
    let factor = exp(epsilon)
    return zip(p, q).reduce(0) { $0 + max(0, $1.0 - factor * $1.1) }
}

private func shifted(_ values: [Double], by shift: Int) -> [Double] {
    [Double](repeating: 0, count: shift) + values.dropLast(shift)
}

/// c of the theorem for any s and s2, term by term.
private func slack(variance: Double, shares: Int, smoothing: Double) -> Double {
    func e(_ v: Double) -> Double { 2 * (1...30).reduce(0) { $0 + exp(-2 * .pi * .pi * v * Double($1 * $1)) } }
    var c = log1p(e(Double(shares) * variance))
    for j in 1..<max(1, shares) {
        let tail = e(variance * Double(j) / Double(j + 1))
        if tail >= 1 { return .infinity }
        c += log((1 + tail) / (1 - tail))
    }
    return e(smoothing) < 1 ? c - log1p(-e(smoothing)) : .infinity
}

/// The theorem's bound for T = 1 with the best of a few s2, as small noise needs a smaller one than 2.
private func bound(variance: Double, shares: Int, shift: Int, q: Double, epsilon: Double, mixtureFirst: Bool) -> Double
{
    var best = 1.0
    for step in 0..<40 {
        let smoothing = pow(0.3 + 0.05 * Double(step), 2)
        let rest = Double(shares) * variance - smoothing
        if rest <= 0.04 * Double(shares) * variance { break }
        let c = slack(variance: variance, shares: shares, smoothing: smoothing)
        if !c.isFinite { continue }
        let mu = Double(shift) / rest.squareRoot()
        let delta = GaussianProfile.delta(mu: mu, q: q, epsilon: epsilon - 2 * c, mixtureFirst: mixtureFirst)
        best = min(best, exp(c) * delta)
    }
    return best
}

@Suite struct TheoremTests {
    private static let epsilons = [-0.2, 0, 0.05, 0.1, 0.3, 0.5, 1, 1.5, 2, 3, 4, 6]

    @Test(arguments: [(0.16, 1), (0.25, 2), (0.49, 4), (1, 1), (1, 2), (1, 5), (2.25, 3), (9, 1), (9, 4)])
    func boundCoversTheExactMechanism(variance: Double, shares: Int) {
        let s = variance.squareRoot()
        let reach = Int(11 * s * Double(shares).squareRoot()) + 16
        let noise = summedShares(variance: variance, shares: shares, reach: reach)
        var checked = 0
        for shift in [1, 2, 5] {
            let moved = shifted(noise, by: shift)
            for q in [1, 0.5, 0.1, 0.01] {
                let mixture = zip(noise, moved).map { (1 - q) * $0 + q * $1 }
                for epsilon in Self.epsilons {
                    for mixtureFirst in [true, false] {
                        let exact =
                            mixtureFirst
                            ? hockeyStick(mixture, noise, epsilon) : hockeyStick(noise, mixture, epsilon)
                        if exact < 1e-12 { continue }
                        let limit = bound(
                            variance: variance, shares: shares, shift: shift, q: q, epsilon: epsilon,
                            mixtureFirst: mixtureFirst)
                        #expect(exact <= limit * (1 + 1e-9) + 1e-14)
                        checked += 1
                    }
                }
            }
        }
        #expect(checked > 50)
    }

    /// s = 1, one share, shift 1, q = 0.1, ε = 4: the exact δ is twice what the full variance would promise.
    @Test func theFullVarianceIsNotABound() {
        let noise = summedShares(variance: 1, shares: 1, reach: 30)
        let mixture = zip(noise, shifted(noise, by: 1)).map { 0.9 * $0 + 0.1 * $1 }
        let exact = hockeyStick(mixture, noise, 4)
        let full = GaussianProfile.delta(mu: 1, q: 0.1, epsilon: 4, mixtureFirst: true)
        let limit = bound(variance: 1, shares: 1, shift: 1, q: 0.1, epsilon: 4, mixtureFirst: true)
        #expect(abs(exact / 1.177e-10 - 1) < 1e-3)
        #expect(abs(full / 5.09e-11 - 1) < 1e-3)
        #expect(exact > 2 * full && exact <= limit)
    }

    /// The product's own numbers, at the smallest share it accepts: the accounted variance covers the exact mechanism,
    /// and without the −4 it would not. (With +4 dropped from s², or s2² from the accounting, this fails.)
    @Test(
        arguments: [(2236, 1, 1, 1), (3000, 9, 9, 3), (1300, 4, 1, 2), (1100, 25, 4, 5)] as [(Int64, UInt64, Int, Int)])
    func accountedVarianceIsSoundAndNeeded(z: Int64, squared: UInt64, honest: Int, shift: Int) throws {
        let plan = try DistributedGaussian(
            noiseMultiplier: NoiseMultiplier(thousandths: z), squaredSensitivity: squared, minimumAlive: honest + 2,
            maximumCorrupt: 2)
        let variance = Double(plan.shareVariance)
        let reach = Int(12 * (variance * Double(honest)).squareRoot()) + 20
        let noise = summedShares(variance: variance, shares: honest, reach: reach)
        let moved = shifted(noise, by: shift)
        let accounted = plan.accountedNoiseMultiplier
        #expect(abs(accounted * accounted * Double(squared) - (Double(honest) * variance - 4)) < 1e-9)
        let c = plan.slackPerRound(dimension: 1)
        var worst = 0.0
        for q in [1, 0.1] {
            let mixture = zip(noise, moved).map { (1 - q) * $0 + q * $1 }
            for step in 1..<80 {
                let epsilon = 0.05 * Double(step)
                for mixtureFirst in [true, false] {
                    let exact =
                        mixtureFirst ? hockeyStick(mixture, noise, epsilon) : hockeyStick(noise, mixture, epsilon)
                    if exact < 1e-11 { continue }
                    let limit = GaussianProfile.delta(
                        mu: 1 / accounted, q: q, epsilon: epsilon - 2 * c, mixtureFirst: mixtureFirst)
                    let full = GaussianProfile.delta(
                        mu: Double(shift) / (variance * Double(honest)).squareRoot(), q: q, epsilon: epsilon,
                        mixtureFirst: mixtureFirst)
                    #expect(exact <= limit * exp(c) * (1 + 1e-9) + 1e-14)
                    worst = max(worst, exact / full)
                }
            }
        }
        #expect(worst > 1.001)
    }

    /// Two coordinates, an update rounded at random under the norm check: the random integer vector costs nothing.
    @Test(arguments: [(0.5, 0.5, 1), (1.3, 0.2, 4), (0.7, -1.6, 5), (3, 4, 25)])
    func randomRoundingCostsNothing(y0: Double, y1: Double, squared: Int) {
        let shares = 3
        let reach = 24
        let line = summedShares(variance: 1, shares: shares, reach: reach)
        let width = line.count
        func grid(_ dx: Int, _ dy: Int) -> [Double] {
            var values = [Double](repeating: 0, count: width * width)
            for i in 0..<width where (0..<width).contains(i - dx) {
                for j in 0..<width where (0..<width).contains(j - dy) {
                    values[i * width + j] = line[i - dx] * line[j - dy]
                }
            }
            return values
        }
        let noise = grid(0, 0)
        var mixture = [Double](repeating: 0, count: noise.count)
        var mass = 0.0
        for (up0, up1) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let r0 = Int(y0.rounded(.down)) + up0
            let r1 = Int(y1.rounded(.down)) + up1
            let f0 = y0 - y0.rounded(.down)
            let f1 = y1 - y1.rounded(.down)
            let p = (up0 == 1 ? f0 : 1 - f0) * (up1 == 1 ? f1 : 1 - f1)
            if p == 0 || r0 * r0 + r1 * r1 > squared { continue }
            mass += p
            for (index, value) in grid(r0, r1).enumerated() { mixture[index] += p * value }
        }
        mixture = mixture.map { $0 / mass }
        let smoothing = 0.64
        let c = 2 * slack(variance: 1, shares: shares, smoothing: smoothing)
        let mu = Double(squared).squareRoot() / (Double(shares) - smoothing).squareRoot()
        var checked = 0
        for q in [1, 0.3, 0.05] {
            let first = zip(noise, mixture).map { (1 - q) * $0 + q * $1 }
            for epsilon in [0, 0.1, 0.5, 1, 2] {
                for mixtureFirst in [true, false] {
                    let exact = mixtureFirst ? hockeyStick(first, noise, epsilon) : hockeyStick(noise, first, epsilon)
                    if exact < 1e-11 { continue }
                    let limit = GaussianProfile.delta(
                        mu: mu, q: q, epsilon: epsilon - 2 * c, mixtureFirst: mixtureFirst)
                    #expect(exact <= limit * exp(c) * (1 + 1e-9))
                    checked += 1
                }
            }
        }
        #expect(checked > 10)
    }
}
