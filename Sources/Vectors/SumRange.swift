// The one calculation of how wide a lane must be. Nothing is clamped before, so a lane that is too narrow costs
// utility (a coordinate wraps), never privacy; a plan is refused when that is not negligible.
//
// |data sum| ≤ m·B always, and the noise of a coordinate is a sum of independent discrete Gaussians, which is
// sub-Gaussian with its variance parameter (Canonne, Kamath, Steinke 2020, "The Discrete Gaussian for Differential
// Privacy"): P[|noise| ≥ k·S] ≤ 2·exp(−k²/2). A union over d coordinates and T rounds gives k = sqrt(2·ln(2dT/β)),
// and b bits are enough when m·B + k·S ≤ 2^(b−1) − 1.

import Glibc

/// How far the coordinates of a job's sums can reach, whatever the data.
///
/// Immutable and `Sendable`. Floating-point steps are rounded towards more bits.
public struct SumRange: Equatable, Sendable {
    /// Most customers that can contribute to one sum (m).
    public let maximumCustomers: Int
    /// Largest absolute value of one customer's coordinate (B = ⌊D0⌋, or a larger ride-along weight).
    public let coordinateBound: Int64
    /// Standard deviation of a coordinate's noise when every node of the roster is alive (S = s·√N).
    public let noiseStandardDeviation: Double
    /// Coordinates of the vector, ride-alongs included (d).
    public let dimension: Int
    /// Rounds of the job (T).
    public let rounds: Int
    /// −log2 of the accepted probability that any coordinate of any round wraps.
    public let wraparoundExponent: Int

    /// States the bounds of a job.
    /// - Parameters:
    ///   - maximumCustomers: 0 or more; a job without customers still sends noise.
    ///   - coordinateBound: 0 or more.
    ///   - noiseStandardDeviation: finite, 0 or more.
    ///   - dimension: at least 1.
    ///   - rounds: at least 1.
    ///   - wraparoundExponent: 1...256; 40 means a probability of at most 2^−40 over the whole job.
    /// - Throws: ``SumRangeError/invalid(field:)``.
    public init(
        maximumCustomers: Int, coordinateBound: Int64, noiseStandardDeviation: Double, dimension: Int, rounds: Int,
        wraparoundExponent: Int = 40
    ) throws(SumRangeError) {
        if maximumCustomers < 0 { throw .invalid(field: "maximumCustomers") }
        if coordinateBound < 0 { throw .invalid(field: "coordinateBound") }
        if !noiseStandardDeviation.isFinite || noiseStandardDeviation < 0 {
            throw .invalid(field: "noiseStandardDeviation")
        }
        if dimension < 1 { throw .invalid(field: "dimension") }
        if rounds < 1 { throw .invalid(field: "rounds") }
        if !(1...256).contains(wraparoundExponent) { throw .invalid(field: "wraparoundExponent") }
        self.maximumCustomers = maximumCustomers
        self.coordinateBound = coordinateBound
        self.noiseStandardDeviation = noiseStandardDeviation
        self.dimension = dimension
        self.rounds = rounds
        self.wraparoundExponent = wraparoundExponent
    }

    /// Reach of the data alone: m·B, exact unless it passes 2^53, and then rounded up.
    public var dataReach: Double {
        (Double(maximumCustomers).nextUp * Double(coordinateBound).nextUp).nextUp.rounded(.down)
    }

    /// Reach of the noise: k·S with k = sqrt(2·ln(2dT/β)), rounded up.
    public var noiseReach: Double {
        let logarithm =
            log(2.0) * Double(1 + wraparoundExponent) + log(Double(dimension)) + log(Double(rounds))
        // 2^-40 relative is far above the rounding of four logarithms, one root and two products.
        return sqrt(2 * logarithm) * noiseStandardDeviation * (1 + 0x1p-40)
    }

    /// Bits a lane needs, sign included: the smallest b with m·B + k·S ≤ 2^(b−1) − 1.
    public var requiredBits: Int {
        let reach = dataReach + noiseReach
        var bits = 1
        while bits < 1024, exp2(Double(bits - 1)) - 1 < reach { bits += 1 }
        return bits
    }

    /// The most compact layout whose lanes are wide enough.
    /// - Throws: ``SumRangeError/doesNotFit(layoutBits:requiredBits:failing:customersThatFit:)`` if even 32 bits are too few.
    public func narrowestLayout() throws(SumRangeError) -> LaneLayout {
        let needed = requiredBits
        for layout in LaneLayout.all where layout.bits >= needed { return layout }
        try check(.twoBy32)
        return .twoBy32
    }

    /// Checks that a layout's lanes hold every sum, but for the stated probability.
    /// - Throws: ``SumRangeError/doesNotFit(layoutBits:requiredBits:failing:customersThatFit:)``.
    public func check(_ layout: LaneLayout) throws(SumRangeError) {
        let needed = requiredBits
        if needed <= layout.bits { return }
        let limit = Double(layout.maximumCoordinate)
        let room = limit - noiseReach
        let failing: SumRangeError.Bound = room < 0 ? .noise : (dataReach > limit ? .data : .dataAndNoise)
        let fitting = room <= 0 || coordinateBound == 0 ? 0 : Int((room / Double(coordinateBound)).rounded(.down))
        throw .doesNotFit(
            layoutBits: layout.bits, requiredBits: needed, failing: failing, customersThatFit: fitting)
    }
}

/// Why a lane layout cannot carry a job.
public enum SumRangeError: Error, Equatable, CustomStringConvertible {
    /// Which part of the sum leaves the lane.
    public enum Bound: String, Equatable, Sendable {
        /// The noise alone: fewer customers do not help.
        case noise = "noise alone"
        /// The customers' data alone.
        case data = "data alone"
        /// Each fits, their sum does not.
        case dataAndNoise = "data plus noise"
    }

    /// A parameter is outside its range.
    case invalid(field: String)
    /// The lanes are too narrow.
    case doesNotFit(layoutBits: Int, requiredBits: Int, failing: Bound, customersThatFit: Int)

    /// Safe to log: names parameters, never data.
    public var description: String {
        switch self {
        case .invalid(let field): return "sumRange.invalid: \(field) is outside its range"
        case .doesNotFit(let layoutBits, let requiredBits, let failing, let customersThatFit):
            let remedy =
                failing == .noise
                ? "lower the clip radius or the noise multiplier"
                : "at most \(customersThatFit) customers a round would fit, or lower the clip radius"
            return "sumRange.doesNotFit: \(failing.rawValue) needs \(requiredBits) bits a lane, the layout has "
                + "\(layoutBits); \(remedy)"
        }
    }
}
