import Cryptography
import DifferentialPrivacy
import Glibc
import Testing

@Suite struct ContributionBoundTests {
    /// ⌊R² + d/4 + R + √d/2⌋ in 60-digit decimals.
    @Test(
        arguments: [
            (1, 1, 2), (4, 2, 8), (7200, 400, 162_242), (4096, 256, 66_848), (1_000_000, 4000, 16_254_500),
            (3, 268_435_456, 72_057_594_306_363_393), (1 << 30, 268_435_456, 72_057_594_574_815_232),
        ] as [(Int, Int64, UInt64)])
    func squaredBoundIsExact(dimension: Int, radius: Int64, expected: UInt64) throws {
        let bound = try ContributionBound(dimension: dimension, radius: radius)
        #expect(bound.squaredUpdateBound == expected)
        #expect(bound.squaredSensitivity == expected)
        let reach = bound.coordinateBound
        #expect(UInt64(reach * reach) <= expected)
        #expect(UInt64((reach + 1) * (reach + 1)) > expected)
    }

    @Test func rideAlongsEnterTheSensitivity() throws {
        let bound = try ContributionBound(dimension: 4, radius: 2, rideAlongWeights: [3, 10])
        #expect(bound.squaredUpdateBound == 8)
        #expect(bound.squaredSensitivity == 8 + 9 + 100)
        #expect(bound.vectorCount == 6)
        #expect(bound.coordinateBound == 10)
    }

    @Test func refusesParametersOutOfRange() {
        #expect(throws: MechanismError.outOfRange(field: "dimension")) {
            try ContributionBound(dimension: 0, radius: 1)
        }
        #expect(throws: MechanismError.outOfRange(field: "radius")) { try ContributionBound(dimension: 1, radius: 0) }
        #expect(throws: MechanismError.outOfRange(field: "radius")) {
            try ContributionBound(dimension: 1, radius: 1 << 28 + 1)
        }
        for weights in [[0], [-1], [Int64](repeating: 1, count: 17)] as [[Int64]] {
            #expect(throws: MechanismError.outOfRange(field: "rideAlongWeights")) {
                try ContributionBound(dimension: 1, radius: 1, rideAlongWeights: weights)
            }
        }
    }
}

@Suite struct IntegerClipTests {
    private func contribution(
        _ update: [Float], norm: Double? = nil, rideAlongs: [Double] = [], weights: [Int64] = [], radius: Int64,
        clipNorm: Double = 1, dimension: Int? = nil, seed: UInt8 = 1
    ) throws -> [Int64] {
        let bound = try ContributionBound(
            dimension: dimension ?? update.count, radius: radius, rideAlongWeights: weights)
        var clip = try IntegerClip(bound: bound, clipNorm: clipNorm)
        var coins = try testGenerator(seed)
        var sum = [Int64](repeating: 0, count: bound.vectorCount)
        clip.contribute(
            update: update, norm: norm ?? IntegerClip.norm(of: update), rideAlongs: rideAlongs, coins: &coins,
            into: &sum)
        return sum
    }

    private func squaredNorm(_ values: [Int64]) -> UInt64 { values.reduce(0) { $0 + $1.magnitude * $1.magnitude } }

    /// Every shape, scale and seed: the bound is a certainty, and a large update is not simply thrown away.
    @Test(arguments: [(1, 1), (4, 1), (64, 4), (65, 32), (1000, 30), (333, 1000)] as [(Int, Int64)])
    func neverPassesTheBound(dimension: Int, radius: Int64) throws {
        let bound = try ContributionBound(dimension: dimension, radius: radius, rideAlongWeights: [7])
        var random = try testGenerator(5)
        for seed in 0..<40 as Range<UInt8> {
            let scale = pow(10, Double(Int(seed % 7) - 3))
            let half = (Double(radius) / Double(dimension).squareRoot()).rounded(.down) + 0.5
            let update = (0..<dimension).map { index -> Float in
                switch seed % 4 {
                case 0: Float(scale * (Double(random.next() >> 11) * 0x1p-53 - 0.5))
                case 1: index == 0 ? Float(scale) : 0
                case 2: Float(half)
                default: Float(scale)
                }
            }
            let clipNorm = seed % 4 == 2 ? Double(radius) : 1
            let vector = try contribution(
                update, rideAlongs: [1], weights: [7], radius: radius, clipNorm: clipNorm, seed: seed)
            #expect(squaredNorm(Array(vector.dropLast())) <= bound.squaredUpdateBound)
            #expect(squaredNorm(vector) <= bound.squaredSensitivity)
            #expect(vector.last == 7)
        }
    }

    @Test func scalesAndRoundsWithoutBias() throws {
        // Inside the clip: y = 100·g, and the mean of the rounding is y.
        let update: [Float] = [0.25, -0.003, 0.6251, 0, -0.5]
        let repeats = 4000
        let bound = try ContributionBound(dimension: 5, radius: 100)
        var clip = try IntegerClip(bound: bound, clipNorm: 1)
        var coins = try testGenerator(2)
        var sum = [Int64](repeating: 0, count: 5)
        for _ in 0..<repeats { clip.contribute(update: update, rideAlongs: [], coins: &coins, into: &sum) }
        for (total, value) in zip(sum, update) {
            let error = Double(total) / Double(repeats) - 100 * Double(value)
            #expect(abs(error) < 5 * 0.5 / Double(repeats).squareRoot())
        }
        #expect(sum[3] == 0)
        #expect(sum[4] == Int64(-50 * repeats))
        // Every rounding is one of the two neighbours.
        for seed in 0..<20 as Range<UInt8> {
            let once = try contribution(update, radius: 100, seed: seed)
            #expect(once[0] == 25 && [0, -1].contains(once[1]) && [62, 63].contains(once[2]))
        }
    }

    @Test func clipsToTheRadius() throws {
        // |g| = 50 against a clip norm of 1: the direction stays, the length becomes R·(1 − 2^−20).
        let vector = try contribution([30, 40], radius: 1_000_000)
        #expect(abs(Double(vector[0]) - 600_000 * (1 - 0x1p-20)) <= 1)
        #expect(abs(Double(vector[1]) - 800_000 * (1 - 0x1p-20)) <= 1)
    }

    @Test("Row 16: anything not finite contributes zero everywhere") func anythingNotFiniteContributesZeroEverywhere()
        throws
    {
        let good: [Float] = [0.1, 0.2, 0.3]
        for bad in [Float.nan, .infinity, -.infinity, .signalingNaN] {
            for position in good.indices {
                var update = good
                update[position] = bad
                #expect(try contribution(update, rideAlongs: [1], weights: [9], radius: 50) == [0, 0, 0, 0])
                // With a norm that hides it, too.
                #expect(try contribution(update, norm: 0.5, rideAlongs: [1], weights: [9], radius: 50) == [0, 0, 0, 0])
            }
        }
        for bad in [Double.nan, .infinity, -.infinity] {
            #expect(try contribution(good, rideAlongs: [0.5, bad], weights: [9, 9], radius: 50) == [0, 0, 0, 0, 0])
            #expect(try contribution(good, norm: bad, rideAlongs: [1], weights: [9], radius: 50) == [0, 0, 0, 0])
        }
        for clipNorm in [0, -1, Double.nan, .infinity, .leastNonzeroMagnitude, .leastNormalMagnitude] {
            #expect(
                try contribution(good, rideAlongs: [1], weights: [9], radius: 1 << 28, clipNorm: clipNorm) == [
                    0, 0, 0, 0,
                ])
        }
        #expect(try contribution(good, radius: 50, dimension: 4) == [0, 0, 0, 0])
        #expect(try contribution(good, rideAlongs: [1, 1], weights: [9], radius: 50) == [0, 0, 0, 0])
    }

    /// A customer that fails leaves the others as they are.
    @Test func aFailingCustomerLeavesTheNextOneAlone() throws {
        let bound = try ContributionBound(dimension: 2, radius: 100)
        var clip = try IntegerClip(bound: bound, clipNorm: 1)
        var coins = try testGenerator(4)
        var sum: [Int64] = [5, 5]
        clip.contribute(update: [.nan, 1], rideAlongs: [], coins: &coins, into: &sum)
        #expect(sum == [5, 5])
        clip.contribute(update: [0.5, 0], rideAlongs: [], coins: &coins, into: &sum)
        #expect(sum == [55, 5])
    }

    /// A customer's rounding depends on her own update and her place in line, not on what others' data made them redraw.
    @Test func anotherCustomersRedrawsDoNotReachThisOne() throws {
        let bound = try ContributionBound(dimension: 100, radius: 17)
        let update = (0..<100).map { Float($0) / 100 }
        var results: [[Int64]] = []
        let truncated = (0..<100).map { _ in Float(1.9) }
        for first in [truncated, [Float](repeating: .nan, count: 100), update] {
            var clip = try IntegerClip(bound: bound, clipNorm: 17)
            var coins = try testGenerator(12)
            var ignored = [Int64](repeating: 0, count: 100)
            clip.contribute(update: first, norm: 17.1, rideAlongs: [], coins: &coins, into: &ignored)
            var sum = [Int64](repeating: 0, count: 100)
            clip.contribute(update: update, rideAlongs: [], coins: &coins, into: &sum)
            results.append(sum)
        }
        #expect(results[0] == results[1] && results[1] == results[2])
        #expect(results[0].contains { $0 != 0 })
    }

    /// Without the exact check a norm that is too small would let a customer through at a multiple of the bound.
    @Test(arguments: [0.5, 0.1, 0, 1e-300])
    func aWrongNormCannotLoosenTheBound(factor: Double) throws {
        let update = [Float](repeating: 3, count: 100)
        let wrong = IntegerClip.norm(of: update) * factor
        let vector = try contribution(update, norm: wrong, rideAlongs: [1], weights: [40], radius: 400, clipNorm: 1)
        #expect(vector == [Int64](repeating: 0, count: 101))
        let huge = [Float](repeating: .greatestFiniteMagnitude, count: 3)
        #expect(try contribution(huge, norm: 0, radius: 400) == [0, 0, 0])
        // Sixteen coordinates of 2^30 have squares that sum to 2^64: a 64-bit sum would read 0.
        let sixteen = [Float](repeating: .greatestFiniteMagnitude, count: 16)
        #expect(try contribution(sixteen, norm: 0, radius: 400) == [Int64](repeating: 0, count: 16))
    }

    /// y = 1.11·R, so all nine roundings exceed D0, and truncation brings it well inside.
    @Test func fallsBackToTruncationTowardsZero() throws {
        let update = (0..<100).map { Float($0.isMultiple(of: 2) ? 1.9 : -1.9) }
        let vector = try contribution(update, norm: 19 * 0.9, radius: 17, clipNorm: 17)
        #expect(vector == (0..<100).map { $0.isMultiple(of: 2) ? 1 : -1 })
    }

    @Test func rideAlongsStayWithinTheirWeights() throws {
        var ones = 0
        for seed in 0..<200 as Range<UInt8> {
            let vector = try contribution(
                [0], rideAlongs: [1, -1, 7, -7, 0.25, 0], weights: [3, 3, 3, 3, 2, 1], radius: 4, seed: seed)
            #expect(Array(vector[1...4]) == [3, -3, 3, -3])
            #expect(vector[6] == 0)
            ones += Int(vector[5])
        }
        // 0.25·2 rounds up half of the time.
        #expect(abs(ones - 100) < 36)
    }

    @Test("Row 16: accumulation wraps instead of trapping") func accumulationWrapsInsteadOfTrapping() throws {
        let bound = try ContributionBound(dimension: 1, radius: 10)
        var clip = try IntegerClip(bound: bound, clipNorm: 1)
        var coins = try testGenerator(6)
        var sum: [Int64] = [.max]
        clip.contribute(update: [1], rideAlongs: [], coins: &coins, into: &sum)
        #expect(sum[0] < 0)
    }

    @Test func normIsAccurateWhereSingleAccumulatorsStall() {
        // 2^24 ones and a little more: a Float32 accumulator stops counting.
        let update = [Float](repeating: 1, count: 100_003)
        #expect(IntegerClip.norm(of: update) == 100_003.0.squareRoot())
        #expect(IntegerClip.norm(of: [3, 4]) == 5)
        #expect(IntegerClip.norm(of: []) == 0)
        #expect(!IntegerClip.norm(of: [.infinity]).isFinite)
        #expect(IntegerClip.norm(of: [Float](repeating: .greatestFiniteMagnitude, count: 9)).isFinite)
    }
}
