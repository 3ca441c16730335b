// How a vector of signed integers travels in 64-bit words. Packing is a homomorphism from Z^d to words modulo 2^64, so
// the sum of packed vectors is a function of the integer sum alone, even when lanes overflow: no node ever has to
// clamp, refuse or trap on a value, and what is released stays a post-processing of the noisy sum.

/// A way to place `lanes` signed integers of `bits` bits in one 64-bit word.
///
/// Coordinate `w·lanes + q` of a vector sits in lane `q` of word `w`, at bit `bits·q`. Immutable and `Sendable`.
public struct LaneLayout: Hashable, Sendable, CustomStringConvertible {
    /// Coordinates in a word: 2, 3 or 4.
    public let lanes: Int
    /// Bits of a coordinate of the sum, sign included: 32, 21 or 16.
    public let bits: Int

    /// Two coordinates of 32 bits a word: the default.
    public static let twoBy32 = LaneLayout(uncheckedLanes: 2, bits: 32)
    /// Three coordinates of 21 bits a word; the top bit of the word carries nothing.
    public static let threeBy21 = LaneLayout(uncheckedLanes: 3, bits: 21)
    /// Four coordinates of 16 bits a word.
    public static let fourBy16 = LaneLayout(uncheckedLanes: 4, bits: 16)
    /// Every layout, the most compact one first.
    public static let all = [fourBy16, threeBy21, twoBy32]

    private init(uncheckedLanes lanes: Int, bits: Int) {
        self.lanes = lanes
        self.bits = bits
    }

    /// Accepts exactly the three known layouts, as a signed plan names them.
    /// - Throws: ``VectorsError/unknownLayout(lanes:bits:)``.
    public init(lanes: Int, bits: Int) throws(VectorsError) {
        guard let known = Self.all.first(where: { $0.lanes == lanes && $0.bits == bits }) else {
            throw .unknownLayout(lanes: lanes, bits: bits)
        }
        self = known
    }

    /// Words that `dimension` coordinates take: ⌈dimension / lanes⌉, and 0 for a dimension that is not positive.
    public func wordCount(dimension: Int) -> Int {
        dimension <= 0 ? 0 : (dimension - 1) / lanes + 1
    }

    /// Largest value a coordinate of the sum can hold: 2^(bits−1) − 1.
    public var maximumCoordinate: Int64 { (1 << Int64(bits - 1)) - 1 }

    /// `lanes×bits`.
    public var description: String { "\(lanes)×\(bits)" }
}
