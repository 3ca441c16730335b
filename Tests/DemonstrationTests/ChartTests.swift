// Charts stay drawings whatever the numbers: every coordinate is a number, and inside the drawing.

import Foundation
import Testing

@testable import Demonstration

@Suite struct ChartTests {
    private static let values: [Double] = [
        0, 1, -1, 0.3127, 1e-300, .leastNonzeroMagnitude, 1e12, 1e300, -1e300, .greatestFiniteMagnitude, .infinity,
        -.infinity, .nan,
    ]

    @Test(arguments: [1, 2, 12, 40, 150])
    func coordinatesForAnyNumberOfRounds(_ rounds: Int) {
        expectSound(Samples.typical(rounds: rounds))
    }

    @Test(arguments: values)
    func coordinatesForAnyValue(_ value: Double) {
        for rounds in [1, 40] { expectSound(Samples.uniform(value, rounds: rounds)) }
    }

    @Test(arguments: values)
    func coordinatesWithOneOddRound(_ value: Double) {
        var result = Samples.typical(rounds: 5)
        result.rounds[2].utility = value
        result.rounds[2].epsilon = value
        result.utility.central = value
        expectSound(result)
    }

    @Test(arguments: [Int.min, -1, 0, 1, Int.max])
    func coordinatesForAnyCount(_ value: Int) {
        expectSound(Samples.counts(value))
    }

    @Test func whatIsNoNumberLeavesAGapAndAMark() {
        var result = Samples.typical(rounds: 5)
        result.rounds[2].utility = .nan
        let chart = Markup(UtilityChart(result).markup(description: "")).text
        let dots = chart.components(separatedBy: "class=\"dot\"").count - 1
        #expect(dots == 2 * 4)
        #expect(chart.components(separatedBy: ">?</text>").count - 1 == 2)
        let line = chart.firstMatch(of: /class="line concord" d="([^"]*)"/)
        #expect(line?.1.filter { $0 == "M" }.count == 2)
    }

    @Test func stepsRiseToTheRightHeight() throws {
        var result = Samples.typical(rounds: 2)
        result.epsilonCap = 10
        result.rounds[0].epsilon = 5
        result.rounds[1].epsilon = 10
        let chart = try #require(BudgetChart(result).markup(description: "").first).text
        // The plot of the wide drawing reaches from 272 up to 28.
        #expect(chart.contains("V150H"))
        #expect(chart.contains("V28H"))
    }

    @Test func filledAndEmptyPartsOfABarAddUp() throws {
        var result = Samples.typical(rounds: 1)
        result.rounds[0].survivors = 6
        result.rounds[0].dropped = 2
        let chart = try #require(SurvivorChart(result).markup(description: "").first).text
        let filled = try #require(chart.firstMatch(of: /class="bar" .* height="([0-9.]+)"/))
        let empty = try #require(chart.firstMatch(of: /class="bar-dropped" .* height="([0-9.]+)"/))
        #expect(Double(filled.1) == 183)
        let missing = try #require(Double(empty.1))
        #expect(abs(missing - 61) < 3)
        #expect(chart.contains(">\u{2212}2</text>"))
    }

    @Test(arguments: values)
    func scalesAreSound(_ value: Double) {
        for other in Self.values {
            for includesZero in [true, false] {
                let scale = ChartScale(values: [value, other], includesZero: includesZero, tickCount: 5)
                #expect(scale.low.isFinite && scale.high.isFinite && scale.low < scale.high)
                #expect((2...25).contains(scale.ticks.count))
                let tolerance = (scale.high - scale.low) * 1e-8
                for value in [value, other].compactMap(ChartScale.drawable) {
                    #expect(value >= scale.low - tolerance && value <= scale.high + tolerance)
                }
            }
        }
    }

    @Test func ticksAreRound() {
        let scale = ChartScale(values: [0.2584, 0.3318], includesZero: false, tickCount: 5)
        #expect(
            scale.ticks.map { ReportNumber.decimal($0, scale.decimals) } == [
                "0.24", "0.26", "0.28", "0.30", "0.32", "0.34",
            ])
        let nodes = ChartScale(values: [2], includesZero: true, tickCount: 5, leastStep: 1)
        #expect(nodes.ticks == [0, 1, 2])
        #expect(nodes.decimals == 0)
    }

    @Test func namesOfLinesKeepTheirDistance() {
        #expect(ChartFrame.apart([10, 50, 90], by: 18, in: 0...100) == [10, 50, 90])
        #expect(ChartFrame.apart([50, 50, 51], by: 18, in: 0...100) == [50, 68, 86])
        #expect(ChartFrame.apart([95, 99, 20], by: 18, in: 0...100) == [82, 100, 20])
        #expect(ChartFrame.apart([], by: 18, in: 0...100).isEmpty)
    }

    private func expectSound(_ result: DemonstrationResult, sourceLocation: SourceLocation = #_sourceLocation) {
        let page = ParsedPage(DemonstrationReport.html(result))
        #expect(page.error == nil, sourceLocation: sourceLocation)
        let numeric: Set = ["x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height"]
        for (element, attributes) in page.drawn {
            for (name, value) in attributes where numeric.contains(name) {
                let number = Double(value)
                let isInside = number.map { (-1...800).contains($0) } ?? false
                #expect(isInside, "\(element) \(name)=\(value)", sourceLocation: sourceLocation)
            }
            if let path = attributes["d"] {
                #expect(path.wholeMatch(of: /[MLHVZhvlz0-9. -]*/) != nil, "\(path)", sourceLocation: sourceLocation)
            }
        }
    }
}
