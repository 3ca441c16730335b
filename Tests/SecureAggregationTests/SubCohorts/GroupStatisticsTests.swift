// What poisoned stores can do to a round of groups: the average, its breakdown point, and the alarms.

import Cryptography
import Glibc
import TestSupport
import Testing
import Vectors
import WireFormat

@testable import SecureAggregation

/// Seeded sums of simulated groups: 20 groups of 50 nodes with 20 customers each, radius 1024, noise.
struct SimulatedRound {
    static let groupCount = 20
    static let nodes = 50
    static let customers = 20
    static let dimension = 40
    static let radius = 1024.0
    /// Of a whole group: what z = 1 gives one customer.
    static let noise = 1024.0

    /// Group sums; of the groups below `poisoned`, one node multiplies what it sends by `boost`.
    let sums: [[Int64]]
    /// The sums without the attack.
    let honest: [[Int64]]

    init(seed: UInt64, poisoned: Int, boost: Double) throws {
        var generator = try KeyedRandomGenerator(key: SeededRandomSource(seed: seed).secretBytes(count: 32))
        func gaussian() -> Double {
            let u = (Double(generator.next() >> 11) + 1) * 0x1p-53
            let v = Double(generator.next() >> 11) * 0x1p-53
            return (-2 * log(u)).squareRoot() * cos(2 * .pi * v)
        }
        var sums: [[Int64]] = []
        var honest: [[Int64]] = []
        for group in 0..<Self.groupCount {
            var total = [Double](repeating: 0, count: Self.dimension)
            var attack = total
            for node in 0..<Self.nodes {
                // Every update is clipped to the radius: a common direction and much of its own.
                let raw = (0..<Self.dimension).map { ($0 == 0 ? 2 : 0) + gaussian() }
                let norm = raw.reduce(0) { $0 + $1 * $1 }.squareRoot()
                let update = raw.map { Double(Self.customers) * Self.radius * $0 / norm }
                for (index, value) in update.enumerated() {
                    total[index] += value
                    if node == 0 { attack[index] = (boost - 1) * value }
                }
            }
            let noised = total.map { $0 + Self.noise * gaussian() }
            honest.append(noised.map { Int64($0.rounded()) })
            sums.append(
                zip(noised, attack).map { Int64((group < poisoned ? $0 + $1 : $0).rounded()) })
        }
        self.sums = sums
        self.honest = honest
    }

    static func groupSum(_ values: [Int64]) throws -> GroupSum {
        try GroupSum(
            values: values, customers: nodes * customers, divisor: Double(nodes * customers), noiseDeviation: noise)
    }

    static func alarm(rate: Double = 0.01) throws -> GroupAlarm {
        try GroupAlarm(customerNorm: radius, coordinateBound: radius, dimension: dimension, falseAlarmRate: rate)
    }
}

struct GroupStatisticsTests {
    private func statistics(_ sums: [[Int64]]) throws -> GroupStatistics {
        try GroupStatistics(sums.map(SimulatedRound.groupSum))
    }

    private func distance(_ left: [Double], _ right: [Double]) -> Double {
        zip(left, right).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
    }

    // MARK: The average

    @Test func withoutTrimmingItIsTheSumOverEverybody() throws {
        let sums = [
            try GroupSum(values: [10, -4], customers: 2, divisor: 2, noiseDeviation: 1),
            try GroupSum(values: [2, 8], customers: 6, divisor: 6, noiseDeviation: 1),
            try GroupSum(values: [0, 0], customers: 4, divisor: 4, noiseDeviation: 1),
        ]
        let statistics = try GroupStatistics(sums)
        let mean = try statistics.trimmedMean(trim: 0)
        #expect(abs(mean[0] - 1) < 1e-12 && abs(mean[1] - 4.0 / 12) < 1e-12)
        // One of each side of three: the median of 5, 1/3, 0 and of −2, 4/3, 0.
        #expect(try statistics.trimmedMean(trim: 1) == [2.0 / 6, 0])
        #expect(statistics.mean(of: 0) == [5, -2])
        #expect(try GroupStatistics(sums.reversed()).trimmedMean(trim: 1) == statistics.trimmedMean(trim: 1))
    }

    /// What is dropped counts for nothing, on either side, and what is kept counts by its divisor.
    @Test func theMiddleIsAveragedByDivisor() throws {
        let sums = try [(-900, 1), (2, 1), (9, 3), (8, 2), (7000, 1)].map { (value, divisor) in
            try GroupSum(
                values: [Int64(value), Int64(-value)], customers: 1, divisor: Double(divisor), noiseDeviation: 0)
        }
        // Means −900, 2, 3, 4, 7000.
        let mean = try GroupStatistics(sums).trimmedMean(trim: 1)
        #expect(abs(mean[0] - 19.0 / 6) < 1e-12 && abs(mean[1] + 19.0 / 6) < 1e-12)
        #expect(try GroupStatistics(sums).trimmedMean(trim: 2) == [3, -3])
    }

    /// A boosted update ×100 in 1, 3 and 9 of 20 groups moves the trimmed mean no further than honest groups differ, and no
    /// further than a fraction of the clip; in the tenth group it breaks through, which is the stated limit.
    @Test(arguments: [1, 3, 9], 1...3 as ClosedRange<UInt64>)
    func boostedUpdatesAreBoundedUpToTheTrim(poisoned: Int, seed: UInt64) throws {
        let round = try SimulatedRound(seed: seed, poisoned: poisoned, boost: 100)
        let attacked = try statistics(round.sums)
        let truth = try statistics(round.honest).trimmedMean(trim: 0)
        let robust = try attacked.trimmedMean(trim: 9)
        let honestMeans = (poisoned..<20).map { attacked.mean(of: $0) }
        for coordinate in robust.indices {
            let values = honestMeans.map { $0[coordinate] }
            #expect(try #require(values.min())...(#require(values.max())) ~= robust[coordinate])
        }
        let robustError = distance(robust, truth)
        let plainError = distance(try attacked.trimmedMean(trim: 0), truth)
        #expect(robustError < 0.2 * SimulatedRound.radius, "\(robustError)")
        // One node of 1000, boosted a hundredfold: the plain average goes 0.1 of the clip for each such node.
        #expect(plainError > 0.09 * SimulatedRound.radius * Double(poisoned).squareRoot(), "\(plainError)")
        #expect(robustError < plainError)
    }

    /// Attackers that agree on one direction, as far as a lane reaches: harmless in t groups, decisive in t + 1.
    @Test func breakdownIsExactlyAtTheTrim() throws {
        let round = try SimulatedRound(seed: 5, poisoned: 0, boost: 1)
        let truth = try statistics(round.honest).trimmedMean(trim: 0)
        for trim in [1, 3, 9] {
            for poisoned in [trim, trim + 1] {
                var sums = round.sums
                for group in 0..<poisoned { sums[group] = [Int64](repeating: 1 << 31 - 1, count: 40) }
                let error = distance(try statistics(sums).trimmedMean(trim: trim), truth)
                if poisoned <= trim {
                    #expect(error < SimulatedRound.radius, "trim \(trim): \(error)")
                } else {
                    #expect(error > 100 * SimulatedRound.radius, "trim \(trim): \(error)")
                }
            }
        }
    }

    @Test func shapesAreChecked() throws {
        #expect(throws: SecureAggregationError.tooFew("group sums", have: 0, need: 1)) { try GroupStatistics([]) }
        let one = try GroupSum(values: [1], customers: 1, divisor: 1, noiseDeviation: 0)
        let two = try GroupSum(values: [1, 2], customers: 1, divisor: 1, noiseDeviation: 0)
        #expect(throws: SecureAggregationError.mismatch(field: "length of a group sum")) {
            try GroupStatistics([one, two])
        }
        let statistics = try GroupStatistics([one, one, one, one])
        #expect(statistics.maximumTrim == 1)
        #expect(try statistics.trimmedMean(trim: 1) == [1])
        for trim in [-1, 2, .max] {
            #expect(throws: SecureAggregationError.self) { try statistics.trimmedMean(trim: trim) }
        }
        for divisor in [0, -1, .infinity, .nan] {
            #expect(throws: SecureAggregationError.self) {
                try GroupSum(values: [], customers: 1, divisor: divisor, noiseDeviation: 0)
            }
        }
        #expect(throws: SecureAggregationError.self) {
            try GroupSum(values: [], customers: -1, divisor: 1, noiseDeviation: 0)
        }
        for noise in [-1, .infinity, .nan] {
            #expect(throws: SecureAggregationError.self) {
                try GroupSum(values: [], customers: 1, divisor: 1, noiseDeviation: noise)
            }
        }
    }

    // MARK: Alarms

    @Test(arguments: 1...3 as ClosedRange<UInt64>) func boostedGroupsAlarmAndHonestOnesDoNot(seed: UInt64) throws {
        let round = try SimulatedRound(seed: seed, poisoned: 3, boost: 100)
        let alarm = try SimulatedRound.alarm()
        let alarmed = try round.sums.indices.filter {
            try alarm.verdict(on: SimulatedRound.groupSum(round.sums[$0])).isAlarmed
        }
        #expect(alarmed == [0, 1, 2])
    }

    /// The stated rate holds where it is hardest: every customer at the clip and in one direction, noise on top. Without data
    /// the norm test alone must not accuse either, and the thresholds are not so wide that they could be halved.
    @Test func honestExtremesKeepTheStatedRate() throws {
        var generator = try KeyedRandomGenerator(key: SeededRandomSource(seed: 3).secretBytes(count: 32))
        func gaussian() -> Double {
            let u = (Double(generator.next() >> 11) + 1) * 0x1p-53
            let v = Double(generator.next() >> 11) * 0x1p-53
            return (-2 * log(u)).squareRoot() * cos(2 * .pi * v)
        }
        let alarm = try SimulatedRound.alarm(rate: 0.05)
        let trials = 2000
        for customers in [0, 1, 1000] {
            var alarms = 0
            var largest = 0.0
            for _ in 0..<trials {
                let values = (0..<SimulatedRound.dimension).map { index in
                    let data = index == 0 ? Double(customers) * SimulatedRound.radius : 0
                    return Int64((data + SimulatedRound.noise * gaussian()).rounded())
                }
                let verdict = try alarm.verdict(
                    on: GroupSum(values: values, customers: customers, divisor: 1, noiseDeviation: SimulatedRound.noise)
                )
                if verdict.isAlarmed { alarms += 1 }
                largest = max(largest, verdict.normRatio, verdict.coordinateRatio)
            }
            #expect(alarms <= trials / 20, "\(customers): \(alarms)")
            #expect(largest > 0.5, "\(customers): \(largest)")
        }
    }

    @Test func thresholdsFollowTheirFormulas() throws {
        let alarm = try GroupAlarm(customerNorm: 10, coordinateBound: 4, dimension: 100, falseAlarmRate: 0.02)
        // ln(2/0.02) = 4.60517; √(100 + 2√460.517 + 9.21034) = 12.3363; √(2 ln 20000) = 4.45057.
        #expect(abs(alarm.normThreshold(customers: 7, noiseDeviation: 3) - (70 + 3 * 12.3363)) < 0.01)
        #expect(abs(alarm.coordinateThreshold(customers: 7, noiseDeviation: 3) - (28 + 3 * 4.45057)) < 0.01)
        let still = try alarm.verdict(
            on: GroupSum(
                values: [Int64](repeating: 0, count: 100), customers: 0, divisor: 1, noiseDeviation: 0))
        #expect(!still.isAlarmed)
        var one = [Int64](repeating: 0, count: 100)
        one[7] = -1
        #expect(try alarm.verdict(on: GroupSum(values: one, customers: 0, divisor: 1, noiseDeviation: 0)).isAlarmed)
        one[7] = .min
        let lowest = try alarm.verdict(on: GroupSum(values: one, customers: 0, divisor: 1, noiseDeviation: 1))
        #expect(lowest.normRatio > 1 && lowest.coordinateRatio > 1)
        #expect(throws: SecureAggregationError.mismatch(field: "length of a group sum")) {
            try alarm.verdict(on: GroupSum(values: [], customers: 0, divisor: 1, noiseDeviation: 1))
        }
        for rate in [0, 1, -0.1, .nan] {
            #expect(throws: SecureAggregationError.self) { try SimulatedRound.alarm(rate: rate) }
        }
        for (norm, bound, dimension) in [(-1, 1, 1), (.nan, 1, 1), (1, .infinity, 1), (1, -1, 1), (1, 1, 0)] {
            #expect(throws: SecureAggregationError.self) {
                try GroupAlarm(
                    customerNorm: norm, coordinateBound: bound, dimension: dimension, falseAlarmRate: 0.1)
            }
        }
    }

    /// Each test sees what the other cannot: one far coordinate drowns in the norm of the noise, and many small steps stay small.
    @Test func eitherTestAlarmsAlone() throws {
        let alarm = try GroupAlarm(customerNorm: 1, coordinateBound: 1, dimension: 10_000, falseAlarmRate: 0.01)
        func verdict(_ values: [Int64]) throws -> GroupAlarm.Verdict {
            try alarm.verdict(on: GroupSum(values: values, customers: 5, divisor: 5, noiseDeviation: 100))
        }
        var one = [Int64](repeating: 0, count: 10_000)
        one[9_999] = -1_000
        let far = try verdict(one)
        #expect(far.coordinateRatio > 1 && far.normRatio < 1 && far.isAlarmed)
        let many = try verdict([Int64](repeating: 200, count: 10_000))
        #expect(many.coordinateRatio < 1 && many.normRatio > 1 && many.isAlarmed)
        #expect(try !verdict([Int64](repeating: 90, count: 10_000)).isAlarmed)
    }

    /// Words that no vector packs to, and lanes that overflow into their neighbours: whatever a node puts into its words, the
    /// group's sum decodes to integers within a lane, and these either alarm or are trimmed away.
    @Test(arguments: [LaneLayout.twoBy32, .threeBy21, .fourBy16], 1...4 as ClosedRange<UInt64>)
    func wordsOutOfRangeAlarmOrAreTrimmed(layout: LaneLayout, seed: UInt64) throws {
        // Small vectors, so that the honest sum fits the narrowest lanes: 50 nodes of at most 20 a coordinate.
        var generator = try KeyedRandomGenerator(key: SeededRandomSource(seed: seed).secretBytes(count: 32))
        let alarm = try GroupAlarm(customerNorm: 60, coordinateBound: 20, dimension: 41, falseAlarmRate: 0.01)
        var sums: [GroupSum] = []
        var alarmed: [Int] = []
        for group in 0..<20 {
            var words = [UInt64](repeating: 0, count: layout.wordCount(dimension: 41))
            for node in 0..<50 {
                var own = layout.pack((0..<41).map { _ in Int64(generator.uniform(below: 19)) - 9 })
                if group < 9, node == 0 {
                    switch group % 3 {
                    case 0: for index in own.indices { own[index] = generator.next() }
                    case 1: own = layout.pack([Int64](repeating: layout.maximumCoordinate + 5, count: 41))
                    default: own[3] = 1 << 63
                    }
                }
                try WordVector.add(own, into: &words)
            }
            let sum = try GroupSum(
                values: layout.unpackSum(words, dimension: 41), customers: 50, divisor: 50, noiseDeviation: 0)
            if try alarm.verdict(on: sum).isAlarmed { alarmed.append(group) }
            sums.append(sum)
        }
        // The top bit of a word carries nothing in three lanes, so group 2, 5 and 8 did no harm there.
        let harmful = layout == .threeBy21 ? [0, 1, 3, 4, 6, 7] : Array(0..<9)
        #expect(alarmed == harmful)
        let robust = try GroupStatistics(sums).trimmedMean(trim: 9)
        #expect(robust.allSatisfy { abs($0) <= 9 })
    }
}
