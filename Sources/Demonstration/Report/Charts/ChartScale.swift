// From numbers to places on paper. Nothing here assumes that a number is a sensible one: what is no number, or is beyond
// all measure, has no place.

import Glibc

/// A value axis: a range with round ends and the ticks between them.
struct ChartScale {
    let low: Double
    let high: Double
    let ticks: [Double]
    /// Decimals that tell the ticks apart.
    let decimals: Int

    /// The number, if it can be drawn.
    static func drawable(_ value: Double) -> Double? { value.isFinite && abs(value) <= 1e12 ? value : nil }

    /// A scale that holds all values that can be drawn.
    /// - Parameters:
    ///   - tickCount: ticks aimed at; the choice of round steps makes it a few more or less.
    ///   - leastStep: least distance of ticks; 1 for counts.
    init(values: [Double], includesZero: Bool, tickCount: Int, leastStep: Double = 0) {
        let values = values.compactMap(ChartScale.drawable) + (includesZero ? [0] : [])
        var least = values.min() ?? 0
        var most = values.max() ?? 1
        let size = max(abs(least), abs(most))
        if most - least <= max(size * 1e-6, 1e-12) {
            // One value only: room around it, or above it if it stands on zero.
            let room = size > 1e-12 ? size * 0.1 : 1
            if !(includesZero && least == 0) { least -= room }
            most += room
        }
        let rough = (most - least) / Double(max(1, tickCount))
        let magnitude = pow(10, log10(rough).rounded(.down))
        let round = [1, 2, 2.5, 5, 10].map { $0 * magnitude }.first { $0 >= rough * 0.999 } ?? rough
        let step = max(round, leastStep)
        let first = (least / step + 1e-9).rounded(.down)
        let last = (most / step - 1e-9).rounded(.up)
        low = first * step
        high = last * step
        ticks = (0...max(1, min(24, Int(last - first)))).map { (first + Double($0)) * step }
        // As few decimals as write the step exactly.
        decimals =
            (0...12).first { decimals in
                let scaled = step * pow(10, Double(decimals))
                return scaled > 0.5 && abs(scaled - scaled.rounded()) < 1e-6
            } ?? 12
    }

    /// The place of a value between that of `low` and that of `high`, if it can be drawn.
    func place(_ value: Double, from start: Double, to end: Double) -> Double? {
        guard let value = ChartScale.drawable(value) else { return nil }
        return start + (min(max(value, low), high) - low) / (high - low) * (end - start)
    }
}
