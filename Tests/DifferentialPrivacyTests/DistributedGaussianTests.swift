import Cryptography
import DifferentialPrivacy
import Glibc
import Testing
import Vectors

@Suite struct DistributedGaussianTests {
    private func mechanism(
        _ thousandths: Int64, _ squared: UInt64, _ alive: Int, _ corrupt: Int
    ) throws -> DistributedGaussian {
        try DistributedGaussian(
            noiseMultiplier: NoiseMultiplier(thousandths: thousandths), squaredSensitivity: squared,
            minimumAlive: alive, maximumCorrupt: corrupt)
    }

    /// ⌈(z²D² + 4)/(t − C)⌉ by hand. A missing +4, N instead of t − C, or a floor changes each of them.
    @Test(
        arguments: [
            (1000, 100, 4, 0, 26), (1000, 100, 5, 1, 26), (2000, 100, 20, 0, 21), (2000, 100, 24, 4, 21),
            (2236, 1, 1, 0, 9), (1500, 162_242, 30, 2, 13_038), (70_000, 16_254_500, 17, 1, 4_977_940_626),
        ] as [(Int64, UInt64, Int, Int, UInt64)])
    func shareVarianceIsExact(z: Int64, squared: UInt64, alive: Int, corrupt: Int, expected: UInt64) throws {
        let mechanism = try mechanism(z, squared, alive, corrupt)
        #expect(mechanism.shareVariance == expected)
        #expect(mechanism.accountedVariance == UInt128(alive - corrupt) * UInt128(expected) - 4)
    }

    /// For every plan: σ_c² = (t − x)s² − 4 is at least z²D², and one unit less of s² would not be.
    @Test("Row 3: the honest shares alone carry the planned noise") func honestSharesAloneCarryThePlannedNoise() throws
    {
        var random = try testGenerator(11)
        for _ in 0..<300 {
            let z = Int64(500 + random.uniform(below: 20_000))
            let squared = 10_000 + random.uniform(below: 1 << 30)
            let corrupt = Int(random.uniform(below: 20))
            let alive = corrupt + 1 + Int(random.uniform(below: 60))
            let plan = try mechanism(z, squared, alive, corrupt)
            let needed = UInt128(z) * UInt128(z) * UInt128(squared)
            #expect(plan.accountedVariance * 1_000_000 >= needed)
            #expect((plan.accountedVariance - UInt128(plan.honestShares)) * 1_000_000 < needed)
            #expect(plan.accountedNoiseMultiplier >= Double(z) / 1000 * (1 - 1e-14))
        }
    }

    @Test func refusesPlansWithoutAFloor() {
        #expect(throws: MechanismError.noHonestShare(minimumAlive: 5, maximumCorrupt: 5)) {
            try mechanism(1000, 1000, 5, 5)
        }
        #expect(throws: MechanismError.shareTooSmall(variance: 8, minimum: 9)) { try mechanism(1000, 4, 1, 0) }
        #expect(throws: MechanismError.varianceOutOfRange) { try mechanism(1_000_000_000, 1 << 61, 1, 0) }
        #expect(throws: MechanismError.outOfRange(field: "squaredSensitivity")) { try mechanism(1000, 0, 1, 0) }
        #expect(throws: MechanismError.outOfRange(field: "minimumAlive")) { try mechanism(1000, 100, -1, 0) }
        #expect(throws: MechanismError.outOfRange(field: "maximumCorrupt")) { try mechanism(1000, 100, 1, -1) }
        #expect(throws: MechanismError.outOfRange(field: "noiseMultiplier")) { try NoiseMultiplier(thousandths: 0) }
    }

    /// The formula of the theorem, summed term by term in 60 digits; the closed bound is above it, and not by much.
    @Test(arguments: [
        (3000, 10_000_000, 99, 9, 1.024_606_436_7e-27), (3000, 7202, 17, 9, 7.379_215_557_13e-31),
        (1_000_000, 7200, 29, 1_000_000, 7.376_403_282_1e-31),
    ])
    func slackBoundsTheTheoremsFormula(z: Int64, dimension: Int, corrupt: Int, variance: UInt64, expected: Double)
        throws
    {
        let honest = variance == 9 ? (dimension == 7202 ? 18 : 100) : 30
        // D² chosen so that s² comes out as wanted: h·s² − 4 over z².
        let squared = variance == 9 ? UInt64(honest) * 9 / 9 - 1 : 30
        let plan = try mechanism(z, squared, honest + corrupt, corrupt)
        #expect(plan.shareVariance == variance + (variance == 9 ? 0 : 1))
        let slack = plan.slackPerRound(dimension: dimension)
        #expect(slack >= expected * (1 - 1e-9))
        #expect(slack <= expected * 1.000_1)
    }

    /// Shares beyond the second enter the slack too, little as they are.
    @Test func slackGrowsWithTheNumberOfShares() throws {
        let plan = try mechanism(3000, 17, 20, 2)
        #expect(plan.shareVariance == 9)
        let two = plan.slackPerRound(dimension: 1, honestShares: 2)
        #expect(plan.slackPerRound(dimension: 1, honestShares: 1) < two)
        #expect(two < plan.slackPerRound(dimension: 1, honestShares: 1 << 31))
        #expect(plan.slackPerRound(dimension: 2, honestShares: 2) == 2 * two)
        #expect(plan.accountedNoiseMultiplier(honestShares: 0) == 0)
    }

    /// The sum over nodes, with corrupt ones sending nothing, still has the planned variance.
    @Test("Row 3: corrupt nodes cannot take the noise away") func corruptNodesCannotTakeTheNoiseAway() throws {
        let plan = try mechanism(1000, 40_000, 8, 3)
        let count = 20_000
        var sum = [Int64](repeating: 0, count: count)
        for node in 0..<UInt8(plan.minimumAlive - plan.maximumCorrupt) {
            var generator = try testGenerator(100 + node)
            plan.addShare(to: &sum, &generator)
        }
        let second = sum.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(count)
        #expect(second > 40_000 * (1 - 5 * (2 / Double(count)).squareRoot()))
        #expect(second < 40_000 * 1.1)
    }

    /// What a node adds does not depend on what it adds it to: not at the edge of a lane, nor at that of the numbers.
    @Test("Row 16: noise is added modulo 2^64 and never clamped") func noiseIsNeverClamped() throws {
        let plan = try mechanism(3000, 1 << 40, 20, 2)
        var generator = try testGenerator(16)
        let share = plan.sampleShare(count: 8, &generator)
        #expect(share.contains { $0 > 0 } && share.contains { $0 < 0 })
        for start: Int64 in [0, 1 << 31, -(1 << 31), 1 << 40, .max, .min] {
            var vector = [Int64](repeating: start, count: 8)
            var again = try testGenerator(16)
            plan.addShare(to: &vector, &again)
            #expect(vector == share.map { start &+ $0 }, "\(start)")
        }
    }

    @Test func shareDependsOnItsKeyAlone() throws {
        let plan = try mechanism(1000, 40_000, 8, 3)
        var one = try testGenerator(1)
        var again = try testGenerator(1)
        var other = try testGenerator(2)
        let share = plan.sampleShare(count: 50, &one)
        let repeated = plan.sampleShare(count: 50, &again)
        let different = plan.sampleShare(count: 50, &other)
        #expect(share == repeated)
        #expect(share != different)
    }

    /// From customers to the opened sum: clip, noise, pack, add, unpack. Nothing is lost between the integers.
    @Test(arguments: LaneLayout.all)
    func packedPathEqualsIntegerPath(layout: LaneLayout) throws {
        let bound = try ContributionBound(dimension: 9, radius: 12, rideAlongWeights: [2])
        let plan = try mechanism(500, bound.squaredSensitivity, 4, 1)
        var total = [Int64](repeating: 0, count: bound.vectorCount)
        var packed = [UInt64](repeating: 0, count: layout.wordCount(dimension: bound.vectorCount))
        for node in 0..<UInt8(4) {
            var coins = try testGenerator(node)
            var noise = try testGenerator(50 + node)
            var clip = try IntegerClip(bound: bound, clipNorm: 1)
            var vector = [Int64](repeating: 0, count: bound.vectorCount)
            for customer in 0..<10 {
                let update = (0..<9).map { Float($0 - customer) }
                clip.contribute(update: update, rideAlongs: [1], coins: &coins, into: &vector)
            }
            plan.addShare(to: &vector, &noise)
            for index in vector.indices { total[index] += vector[index] }
            try WordVector.add(layout.pack(vector), into: &packed)
        }
        #expect(try layout.unpackSum(packed, dimension: bound.vectorCount) == total)
    }
}

@Suite struct CustomerSamplingTests {
    @Test func probabilityIsThatOfTheCoin() throws {
        let tenth = try CustomerSampling(millionths: 100_000)
        #expect(tenth.threshold == 1_844_674_407_370_955_161)
        #expect(tenth.probability >= 0.1 * (1 - 0x1p-52))
        #expect(tenth.probability < 0.1 * (1 + 0x1p-50))
        #expect(try CustomerSampling(millionths: 1_000_000) == .everyone)
        #expect(CustomerSampling.everyone.probability == 1)
        #expect(try CustomerSampling(threshold: .max).probability == 1)
        #expect(throws: MechanismError.outOfRange(field: "samplingThreshold")) { try CustomerSampling(threshold: 0) }
        #expect(throws: MechanismError.outOfRange(field: "samplingMillionths")) {
            try CustomerSampling(millionths: 1_000_001)
        }
        var coins = try testGenerator(8)
        var heads = 0
        for _ in 0..<20_000 where tenth.flip(&coins) { heads += 1 }
        #expect(abs(heads - 2000) < 220)
        for _ in 0..<20 {
            let takesPart = CustomerSampling.everyone.flip(&coins)
            #expect(takesPart)
        }
    }
}
