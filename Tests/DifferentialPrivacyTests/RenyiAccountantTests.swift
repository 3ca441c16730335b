import DifferentialPrivacy
import Glibc
import TestSupport
import Testing

@Suite struct RenyiAccountantTests {
    private func accountant(_ z: Double, _ millionths: UInt64 = 1_000_000, slack: Double = 0) throws -> RenyiAccountant
    {
        try RenyiAccountant(
            noiseMultiplier: z, sampling: CustomerSampling(millionths: millionths), slackPerRound: slack)
    }

    private func divergence(_ accountant: RenyiAccountant, order: Double) throws -> Double {
        accountant.divergences[try #require(RenyiAccountant.orders.firstIndex(of: order))]
    }

    /// Mironov, Talwar, Zhang's sum in 40 digits. Never below, and above by rounding only.
    @Test(arguments: [
        (1, 10_000, 2, 0.000171813422074548), (1, 10_000, 8, 0.000893643907606032),
        (4, 100_000, 64, 0.037999885906183), (50, 10_000, 1024, 2.05674744331014e-5),
        (0.6, 1000, 5, 0.000358845915883557), (1, 1, 12, 1.03099695991377e-11),
        (20, 100, 4096, 5.13166983773364e-8),
    ])
    func integerOrdersMatchTheExactSum(z: Double, q: UInt64, order: Double, expected: Double) throws {
        let value = try divergence(accountant(z, q), order: order)
        #expect(value >= expected * (1 - 1e-13))
        #expect(value <= expected * (1 + 1e-7))
    }

    /// Between integer orders: against quadrature in 40 digits.
    @Test(arguments: [
        (1, 10_000, 2.5, 0.00021757533228188), (4, 100_000, 7.3, 0.0024298684395758),
        (0.6, 1000, 3.5, 3.10494730586186e-5), (1, 100_000, 1.5, 0.0117345921966852),
    ])
    func fractionalOrdersMatchQuadrature(z: Double, q: UInt64, order: Double, expected: Double) throws {
        let value = try divergence(accountant(z, q), order: order)
        #expect(value >= expected * (1 - 1e-12))
        #expect(value <= expected * (1 + 1e-4))
    }

    /// Both directions by quadrature: adding a customer never costs more than the sum that the accountant uses.
    @Test(
        arguments: [(0.8, 50_000, 3), (1, 10_000, 8), (2, 300_000, 5), (5, 500_000, 20)] as [(Double, UInt64, Double)])
    func coversBothDirections(z: Double, q: UInt64, order: Double) throws {
        let probability = Double(q) / 1e6
        var mixtureFirst = 0.0
        var noiseFirst = 0.0
        let step = z / 400
        var x = -14 * z
        while x < 14 * z + order {
            let density = exp(-x * x / (2 * z * z)) / (z * (2 * Double.pi).squareRoot())
            let ratio = 1 - probability + probability * exp((2 * x - 1) / (2 * z * z))
            mixtureFirst += density * pow(ratio, order) * step
            noiseFirst += density * pow(ratio, 1 - order) * step
            x += step
        }
        let value = try divergence(accountant(z, q), order: order)
        #expect(abs(log(mixtureFirst) / (order - 1) / value - 1) < 1e-6)
        #expect(log(noiseFirst) / (order - 1) <= value)
    }

    /// A Gaussian composed T times is one of noise multiplier z/√T, whose profile is known exactly.
    @Test func neverBelowTheExactGaussian() throws {
        for z in [0.5, 1, 3, 10, 70, 400] {
            let accountant = try accountant(z)
            for rounds in [1, 10, 1000, 100_000] {
                for delta in [1e-3, 1e-6, 1e-9, 1e-12] {
                    let mu = Double(rounds).squareRoot() / z
                    if mu > 30 { continue }
                    let exact = GaussianProfile.epsilon(mu: mu, delta: delta)
                    let printed = accountant.epsilon(rounds: rounds, delta: delta)
                    #expect(printed >= exact)
                    #expect(printed <= exact * 1.25 + 0.02)
                }
            }
        }
    }

    /// One sampled step against its exact profile, in both directions.
    @Test func neverBelowTheExactSampledStep() throws {
        for (z, q) in [(0.7, 10_000), (1, 100_000), (2, 500_000), (1, 990_000)] as [(Double, UInt64)] {
            let accountant = try accountant(z, q)
            for delta in [1e-4, 1e-7, 1e-10] {
                let epsilon = accountant.epsilon(rounds: 1, delta: delta)
                for mixtureFirst in [true, false] {
                    let exact = GaussianProfile.delta(
                        mu: 1 / z, q: Double(q) / 1e6, epsilon: epsilon, mixtureFirst: mixtureFirst)
                    #expect(exact <= delta)
                }
            }
        }
    }

    @Test func isMonotone() throws {
        let base = try accountant(1.2, 20_000).epsilon(rounds: 500, delta: 1e-6)
        #expect(try accountant(1.3, 20_000).epsilon(rounds: 500, delta: 1e-6) < base)
        #expect(try accountant(1.2, 30_000).epsilon(rounds: 500, delta: 1e-6) > base)
        #expect(try accountant(1.2, 20_000).epsilon(rounds: 501, delta: 1e-6) > base)
        #expect(try accountant(1.2, 20_000).epsilon(rounds: 500, delta: 2e-6) < base)
        let sampled = try accountant(1.2, 999_999)
        let everyone = try accountant(1.2)
        for (left, right) in zip(sampled.divergences, everyone.divergences) { #expect(left <= right) }
        for (low, high) in zip(sampled.divergences, sampled.divergences.dropFirst()) { #expect(low <= high) }
    }

    @Test func meaninglessQuestionsHaveNoBound() throws {
        let accountant = try accountant(1)
        #expect(accountant.epsilon(rounds: 0, delta: 1e-6) == 0)
        for delta in [0, -1, 1, 2, Double.nan] { #expect(accountant.epsilon(rounds: 1, delta: delta) == .infinity) }
        #expect(accountant.epsilon(rounds: -1, delta: 1e-6) == .infinity)
        #expect(accountant.epsilon(rounds: .max, delta: 1e-6) > 1e15)
        for z in [0, -1, Double.nan, .infinity] {
            #expect(throws: MechanismError.outOfRange(field: "noiseMultiplier")) { try self.accountant(z) }
        }
        #expect(throws: MechanismError.outOfRange(field: "slackPerRound")) { try self.accountant(1, slack: -1) }
    }

    /// δ_real ≤ e^(Tc)·δ_T(ε − 2Tc), at a slack large enough to see.
    @Test func slackEntersBothTerms() throws {
        let plain = try accountant(2)
        let slack = try accountant(2, slack: 0.01)
        let expected = plain.epsilon(rounds: 10, delta: 1e-6 * exp(-0.1)) + 0.2
        #expect(abs(slack.epsilon(rounds: 10, delta: 1e-6) - expected) < 1e-9)
        #expect(slack.epsilon(rounds: 10, delta: 1e-6) > plain.epsilon(rounds: 10, delta: 1e-6) + 0.2)
    }

    @Test(
        arguments: [(1, 10_000, 2.0), (1, 1_000_000, 3), (30, 1_000_000, 1), (0.5, 1_000_000, 0.1)]
            as [(Double, UInt64, Double)])
    func maximumRoundsIsTheLastThatFits(z: Double, q: UInt64, cap: Double) throws {
        let accountant = try accountant(z, q)
        let rounds = accountant.maximumRounds(cap: cap, delta: 1e-6)
        #expect(accountant.epsilon(rounds: rounds, delta: 1e-6) <= cap)
        #expect(accountant.epsilon(rounds: rounds + 1, delta: 1e-6) > cap)
    }

    @Test func calibrationSatisfiesItsBoundWithTheMechanismBuiltFromIt() throws {
        for (epsilon, delta, rounds, q) in [
            (2.0, 1e-6, 100, 1_000_000), (0.5, 1e-8, 20, 1_000_000), (1, 1e-6, 400, 50_000),
        ]
            as [(Double, Double, Int, UInt64)]
        {
            let sampling = try CustomerSampling(millionths: q)
            let z = try RenyiAccountant.noiseMultiplier(
                forEpsilon: epsilon, delta: delta, rounds: rounds, sampling: sampling)
            let bound = try ContributionBound(dimension: 7200, radius: 400, rideAlongWeights: [40, 40])
            let mechanism = try DistributedGaussian(
                noiseMultiplier: z, squaredSensitivity: bound.squaredSensitivity, minimumAlive: 30, maximumCorrupt: 2)
            let accountant = try RenyiAccountant(
                mechanism: mechanism, sampling: sampling, dimension: bound.vectorCount)
            #expect(accountant.epsilon(rounds: rounds, delta: delta) <= epsilon)
            let less = try RenyiAccountant(noiseMultiplier: z.lowerBound - 0.001, sampling: sampling)
            #expect(less.epsilon(rounds: rounds, delta: delta) > epsilon)
        }
        #expect(throws: MechanismError.noNoiseMultiplierReaches(epsilon: 1e-9)) {
            try RenyiAccountant.noiseMultiplier(forEpsilon: 1e-9, delta: 1e-12, rounds: 1_000_000, sampling: .everyone)
        }
        #expect(throws: MechanismError.outOfRange(field: "rounds")) {
            try RenyiAccountant.noiseMultiplier(forEpsilon: 1, delta: 1e-6, rounds: 0, sampling: .everyone)
        }
    }

    @Test func groupsPayMoreAndNeverLessThanTheExactGaussian() throws {
        let accountant = try accountant(10)
        for customers in [2, 3, 5] {
            let exact = GaussianProfile.epsilon(mu: Double(customers) * 10.0.squareRoot() / 10, delta: 1e-6)
            let printed = accountant.epsilon(customers: customers, rounds: 10, delta: 1e-6)
            #expect(printed >= exact && printed <= exact * 1.2)
        }
        let sampled = try self.accountant(1, 1000)
        let one = sampled.epsilon(rounds: 100, delta: 1e-6)
        let two = sampled.epsilon(customers: 2, rounds: 100, delta: 1e-6)
        #expect(two > one)
        #expect(two < sampled.withKnownCoins.epsilon(customers: 2, rounds: 100, delta: 1e-6))
        #expect(sampled.epsilon(customers: 1, rounds: 100, delta: 1e-6) == one)
        #expect(sampled.epsilon(customers: 0, rounds: 100, delta: 1e-6) == .infinity)
    }

    @Test func zCDPCostIsRoundedUp() throws {
        #expect(try accountant(1).microZCDPPerRound == 500_001 || accountant(1).microZCDPPerRound == 500_000)
        #expect(Double(try accountant(7.3).microZCDPPerRound) >= 500_000 / (7.3 * 7.3))
        #expect(try accountant(7.3).microZCDPPerRound == 9383)
    }
}

@Suite struct ReferenceTableTests {
    private static let epsilonTable = "reference/epsilon.csv"
    private static let calibrationTable = "reference/calibration.csv"

    private func rows(_ path: String) throws -> [[String: String]] {
        let lines = try ReferenceData.text(path).split(whereSeparator: \.isNewline).map { line in
            // No quoted field before the last ones of interest holds a comma except `exact_how`, which comes after them.
            line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        let header = try #require(lines.first)
        return lines.dropFirst().map { Dictionary(zip(header, $0), uniquingKeysWith: { first, _ in first }) }
    }

    /// Probabilities of the table are decimal fractions; the nearest threshold above keeps the comparison sound.
    private func sampling(_ text: String) throws -> CustomerSampling {
        let q = try #require(Double(text))
        return q == 1 ? .everyone : try CustomerSampling(threshold: UInt64(q * 0x1p64) + 1)
    }

    @Test(.enabled(if: ReferenceData.isPresent(epsilonTable), "needs reference/epsilon.csv"))
    func epsilonsOfTheReference() throws {
        var compared = 0
        for row in try rows(Self.epsilonTable) {
            guard let mechanism = row["mechanism"], ["gaussian", "poisson_gaussian"].contains(mechanism) else {
                continue
            }
            let id = try #require(row["id"])
            let z = try #require(row["noise_multiplier"].flatMap(Double.init))
            let rounds = try #require(row["steps"].flatMap(Int.init))
            let delta = try #require(row["delta"].flatMap(Double.init))
            let reference = try #require(row["eps_rdp"].flatMap(Double.init))
            let accountant = try RenyiAccountant(
                noiseMultiplier: z, sampling: sampling(try #require(row["sampling_prob"])))
            let epsilon = accountant.epsilon(rounds: rounds, delta: delta)
            if let exact = row["eps_exact"].flatMap(Double.init) { #expect(epsilon >= exact * (1 - 1e-12), "\(id)") }
            // An optimistic discretisation is below the truth but for its own rounding, up to the range of exp.
            if let lower = row["eps_pld_opt"].flatMap(Double.init), lower < 700 {
                #expect(epsilon >= lower * (1 - 1e-6), "\(id)")
            }
            #expect(epsilon <= reference * 1.001, "\(id)")
            compared += 1
        }
        #expect(compared >= 60)
    }

    @Test(.enabled(if: ReferenceData.isPresent(calibrationTable), "needs reference/calibration.csv"))
    func calibrationsOfTheReference() throws {
        for row in try rows(Self.calibrationTable) {
            let id = try #require(row["id"])
            let target = try #require(row["target_eps"].flatMap(Double.init))
            let rounds = try #require(row["steps"].flatMap(Int.init))
            let delta = try #require(row["delta"].flatMap(Double.init))
            let tight = try #require(row["nm_pld"].flatMap(Double.init))
            let reference = try #require(row["nm_rdp"].flatMap(Double.init))
            let z = try RenyiAccountant.noiseMultiplier(
                forEpsilon: target, delta: delta, rounds: rounds, sampling: sampling(try #require(row["sampling_prob"]))
            )
            let value = Double(z.thousandths) / 1000
            #expect(value >= tight * (1 - 1e-3), "\(id)")
            #expect(value <= reference * 1.001 + 0.001, "\(id)")
        }
    }
}
