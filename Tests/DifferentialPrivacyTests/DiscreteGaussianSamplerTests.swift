import Cryptography
import DifferentialPrivacy
import Glibc
import Testing

@Suite struct DiscreteGaussianSamplerTests {
    /// Computed by an independent model in exact rational arithmetic from the AES-256-CTR stream of the key 00 01 … 1f.
    @Test(
        arguments: [
            (1, [-1, -1, 0, 1, 1, 1, -1, 0, 0, 0]),
            (9, [-2, -4, 0, 1, -3, 2, -1, -1, 1, -1]),
            (1_000_003, [-1328, -340, -626, -995, 6, 947, -264, -1193, -636, -338]),
            (
                (1 << 46) - 1,
                [
                    -2_729_992, -2_560_720, -4_481_599, -6_971_732, -736_882, 1_789_875, -3_159_695, -8_036_792,
                    -3_132_676,
                    5_771_387,
                ]
            ),
            (
                1 << 48,
                [
                    -4_091_881, 6_715_673, 14_181_916, -11_632_773, -437_283, 1_210_891, 2_821_898, 1_304_117,
                    9_507_846,
                    10_178_483,
                ]
            ),
        ] as [(UInt64, [Int64])])
    func knownAnswers(variance: UInt64, expected: [Int64]) throws {
        var generator = try KeyedRandomGenerator(key: SecretBytes(copying: (0..<32).map { UInt8($0) }))
        let samples = try DiscreteGaussianSampler(variance: variance).samples(count: 10, &generator)
        #expect(samples == expected)
    }

    /// SHA-256 of the first 10,000 draws, big-endian, from the same model and key: long enough to meet every branch that
    /// is not astronomically rare, so a constant that is off by a part in a thousand fails.
    @Test(
        arguments: [
            (9, "de9ad55c33cadc5291b8380ca9a9e7893e916f1d88b4ddf5306f9d906bfc9bbf"),
            (1_000_003, "9c7cbe3f1b10930d1a1c90933572f9c72865e5effc9ca190dc48a5a294904806"),
        ] as [(UInt64, String)])
    func longKnownAnswers(variance: UInt64, expected: String) throws {
        var generator = try KeyedRandomGenerator(key: SecretBytes(copying: (0..<32).map { UInt8($0) }))
        let samples = try DiscreteGaussianSampler(variance: variance).samples(count: 10_000, &generator)
        var bytes: [UInt8] = []
        for sample in samples {
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: sample >> shift))
            }
        }
        #expect(SHA256.hash(bytes).hex == expected)
    }

    /// Pearson's χ² of up to 42 bins of equal width against the exact probabilities. A wrong variance by 3 %, a lost
    /// sign rule at zero or a biased coin all fail.
    @Test(arguments: [1, 2, 3, 9, 10_000, 400_000_000] as [UInt64])
    func matchesTheExactProbabilities(variance: UInt64) throws {
        let count = 120_000
        var generator = try testGenerator(7)
        let samples = try DiscreteGaussianSampler(variance: variance).samples(count: count, &generator)
        let s = Double(variance).squareRoot()
        let width = max(1, Int(s / 5))
        let limit = Int(4 * s) / width
        func bin(_ value: Int) -> Int {
            let shifted = value + width / 2
            let index = shifted >= 0 ? shifted / width : -((-shifted + width - 1) / width)
            return max(-limit, min(limit, index)) + limit
        }
        var weights = [Double](repeating: 0, count: 2 * limit + 1)
        for k in -Int(12 * s) - 2...Int(12 * s) + 2 {
            weights[bin(k)] += exp(-Double(k) * Double(k) / (2 * Double(variance)))
        }
        let total = weights.reduce(0, +)
        var observed = [Double](repeating: 0, count: weights.count)
        for sample in samples { observed[bin(Int(sample))] += 1 }
        var statistic = 0.0
        for index in weights.indices {
            let expected = Double(count) * weights[index] / total
            #expect(expected > 1)
            statistic += (observed[index] - expected) * (observed[index] - expected) / expected
        }
        let freedom = Double(weights.count - 1)
        #expect(statistic < freedom + 4.5 * (2 * freedom).squareRoot() + 8)
    }

    @Test(arguments: [9, 1 << 20, 1 << 46, 1 << 48] as [UInt64])
    func meanAndVarianceAreRight(variance: UInt64) throws {
        let count = 100_000
        var generator = try testGenerator(9)
        let samples = try DiscreteGaussianSampler(variance: variance).samples(count: count, &generator)
        let s = Double(variance).squareRoot()
        let mean = samples.reduce(0.0) { $0 + Double($1) } / Double(count)
        let second = samples.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(count)
        #expect(abs(mean) < 5 * s / Double(count).squareRoot())
        #expect(abs(second / Double(variance) - 1) < 5 * (2 / Double(count)).squareRoot())
    }

    @Test func addsToAVectorWithoutTrapping() throws {
        let sampler = try DiscreteGaussianSampler(variance: 1 << 48)
        var one = try testGenerator(3)
        var two = try testGenerator(3)
        var vector = [Int64](repeating: .max, count: 64)
        sampler.addSamples(to: &vector, &one)
        let samples = sampler.samples(count: 64, &two)
        #expect(vector == samples.map { Int64.max &+ $0 })
        #expect(vector.contains { $0 < 0 })
    }

    @Test func refusesVariancesOutOfRange() {
        #expect(throws: MechanismError.varianceOutOfRange) { try DiscreteGaussianSampler(variance: 0) }
        #expect(throws: MechanismError.varianceOutOfRange) { try DiscreteGaussianSampler(variance: 1 << 48 + 1) }
    }
}
