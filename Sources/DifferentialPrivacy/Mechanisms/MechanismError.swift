// Why plan parameters do not make a mechanism. All of them are public numbers of a signed plan.

/// A refused parameter of the mechanism or of its accounting.
public enum MechanismError: Error, Equatable, CustomStringConvertible {
    /// A named parameter is outside the range its documentation states.
    case outOfRange(field: String)
    /// A variance parameter of the sampler outside 1...2^48.
    case varianceOutOfRange
    /// minAlive − C leaves no node that surely adds honest noise.
    case noHonestShare(minimumAlive: Int, maximumCorrupt: Int)
    /// s² < 9: shares this small do not sum to a discrete Gaussian closely enough.
    case shareTooSmall(variance: UInt64, minimum: UInt64)
    /// No noise multiplier in range reaches the wanted ε.
    case noNoiseMultiplierReaches(epsilon: Double)

    /// Safe to log: names parameters, never data.
    public var description: String {
        switch self {
        case .outOfRange(let field): "mechanism.outOfRange: \(field)"
        case .varianceOutOfRange: "mechanism.varianceOutOfRange: s² must lie in 1...2^48"
        case .noHonestShare(let minimumAlive, let maximumCorrupt):
            "mechanism.noHonestShare: minAlive \(minimumAlive) less C \(maximumCorrupt) must be at least 1"
        case .shareTooSmall(let variance, let minimum):
            "mechanism.shareTooSmall: s² = \(variance) is below \(minimum); raise the clip radius or the noise multiplier"
        case .noNoiseMultiplierReaches(let epsilon):
            "mechanism.noNoiseMultiplierReaches: no noise multiplier up to 1,000,000 gives ε ≤ \(epsilon)"
        }
    }
}
