// The noise multiplier as a signed plan carries it: an exact number of thousandths, so that every node computes the
// same share from it.

/// z: the standard deviation of a round's noise over the sensitivity D, in thousandths.
public struct NoiseMultiplier: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// 1000·z.
    public let thousandths: Int64

    /// Largest value: z = 1,000,000.
    public static let maximumThousandths: Int64 = 1_000_000_000

    /// Wraps a number of thousandths.
    /// - Parameter thousandths: 1...``maximumThousandths``.
    /// - Throws: ``MechanismError/outOfRange(field:)``.
    public init(thousandths: Int64) throws(MechanismError) {
        if !(1...Self.maximumThousandths).contains(thousandths) { throw .outOfRange(field: "noiseMultiplier") }
        self.thousandths = thousandths
    }

    /// z, rounded down: less noise than there is.
    public var lowerBound: Double { (Double(thousandths) / 1000).nextDown }

    /// z with three decimals.
    public var description: String { decimal(UInt64(thousandths), places: 3) }

    /// Order by size.
    public static func < (left: NoiseMultiplier, right: NoiseMultiplier) -> Bool {
        left.thousandths < right.thousandths
    }
}
