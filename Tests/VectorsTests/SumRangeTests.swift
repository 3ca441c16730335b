import Glibc
import Testing
import Vectors

@Suite struct SumRangeTests {
    private func range(
        m: Int = 0, bound: Int64 = 0, noise: Double = 0, d: Int = 1, rounds: Int = 1, exponent: Int = 40
    ) throws -> SumRange {
        try SumRange(
            maximumCustomers: m, coordinateBound: bound, noiseStandardDeviation: noise, dimension: d, rounds: rounds,
            wraparoundExponent: exponent)
    }

    @Test func dataAloneIsExactAtTheEdge() throws {
        // 2^(b−1) − 1 fits in b bits; one more does not.
        #expect(try range(m: 32_767, bound: 1).requiredBits == 16)
        #expect(try range(m: 32_768, bound: 1).requiredBits == 17)
        #expect(try range(m: 1, bound: 2_147_483_647).narrowestLayout() == .twoBy32)
        #expect(try range(m: 1, bound: 2_147_483_648).requiredBits == 33)
    }

    @Test func noiseReachIsTheSubGaussianUnionBound() throws {
        // k = sqrt(2 ln(2·1e6·1e3·2^40)) = 9.8965 by hand.
        let k = sqrt(2 * (log(2.0) * 41 + log(1e9)))
        let reach = try range(noise: 1000, d: 1_000_000, rounds: 1000).noiseReach
        #expect(reach >= 1000 * k)
        #expect(reach <= 1000 * k * 1.000_001)
        #expect(try range(noise: 1000, d: 10).noiseReach < range(noise: 1000, d: 10, rounds: 2).noiseReach)
        #expect(try range(noise: 1000, exponent: 20).noiseReach < range(noise: 1000).noiseReach)
    }

    @Test func choosesTheNarrowestLayout() throws {
        #expect(try range(m: 10, bound: 100, noise: 100, d: 100).narrowestLayout() == .fourBy16)
        #expect(try range(m: 1000, bound: 400, noise: 3000, d: 7200, rounds: 100).narrowestLayout() == .threeBy21)
        #expect(try range(m: 20_000, bound: 400, noise: 9000, d: 7200, rounds: 100).narrowestLayout() == .twoBy32)
    }

    @Test func namesTheFailingBoundAndARemedyThatWorks() throws {
        let tight = try range(m: 1_000_000, bound: 4000, noise: 100_000, d: 7200, rounds: 100)
        let failure = #expect(throws: SumRangeError.self) { try tight.narrowestLayout() }
        guard case .doesNotFit(32, 33, .data, let fitting) = failure else {
            Issue.record("unexpected \(String(describing: failure))")
            return
        }
        try range(m: fitting, bound: 4000, noise: 100_000, d: 7200, rounds: 100).check(.twoBy32)
        #expect(try range(m: fitting + 1, bound: 4000, noise: 100_000, d: 7200, rounds: 100).requiredBits == 33)

        let noisy = #expect(throws: SumRangeError.self) { try range(m: 1, bound: 1, noise: 1e9).check(.twoBy32) }
        #expect(noisy?.description.contains("noise alone") == true)
        let both = #expect(throws: SumRangeError.self) {
            try range(m: 30_000, bound: 1, noise: 500).check(.fourBy16)
        }
        #expect(both?.description.contains("data plus noise") == true)
    }

    @Test func refusesMeaninglessParameters() throws {
        #expect(throws: SumRangeError.invalid(field: "maximumCustomers")) { try range(m: -1) }
        #expect(throws: SumRangeError.invalid(field: "coordinateBound")) { try range(bound: -1) }
        #expect(throws: SumRangeError.invalid(field: "noiseStandardDeviation")) { try range(noise: .nan) }
        #expect(throws: SumRangeError.invalid(field: "dimension")) { try range(d: 0) }
        #expect(throws: SumRangeError.invalid(field: "rounds")) { try range(rounds: 0) }
        #expect(throws: SumRangeError.invalid(field: "wraparoundExponent")) { try range(exponent: 0) }
        #expect(try range(m: .max, bound: .max, noise: 1e300).requiredBits > 996)
    }
}
