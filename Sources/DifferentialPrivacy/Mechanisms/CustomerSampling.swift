// Whether a customer takes part in a round: a coin of exact probability, flipped inside her home node and known nowhere
// else. The accountant is given the very probability of the coin.

import Cryptography

/// Poisson sampling of customers with probability q̂ = threshold / 2^64, or everybody.
///
/// Immutable and `Sendable`.
public struct CustomerSampling: Hashable, Sendable {
    /// A customer takes part if a uniform word is below this; nothing means everybody does.
    public let threshold: UInt64?

    /// Every eligible customer takes part in every round (q = 1).
    public static let everyone = CustomerSampling(threshold: nil)

    private init(threshold: UInt64?) { self.threshold = threshold }

    /// Sampling with probability `threshold / 2^64`.
    /// - Parameter threshold: at least 1.
    /// - Throws: ``MechanismError/outOfRange(field:)``.
    public init(threshold: UInt64) throws(MechanismError) {
        if threshold == 0 { throw .outOfRange(field: "samplingThreshold") }
        self.threshold = threshold
    }

    /// Sampling with a probability in millionths, rounded down to a multiple of 2^−64.
    /// - Parameter millionths: 1...1,000,000; a million is ``everyone``.
    /// - Throws: ``MechanismError/outOfRange(field:)``.
    public init(millionths: UInt64) throws(MechanismError) {
        if !(1...1_000_000).contains(millionths) { throw .outOfRange(field: "samplingMillionths") }
        threshold = millionths == 1_000_000 ? nil : (1_000_000 as UInt64).dividingFullWidth((millionths, 0)).quotient
    }

    /// Flips one customer's coin. Draw it after the eligible set is fixed, keep it secret, and use it for nothing else.
    @inline(__always)
    public func flip(_ coins: inout KeyedRandomGenerator) -> Bool {
        guard let threshold else { return true }
        return coins.next() < threshold
    }

    /// q̂ as a Double, rounded up: 1 for everybody.
    public var probability: Double {
        guard let threshold else { return 1 }
        return min(1, (Double(threshold) * 0x1p-64).nextUp)
    }
}
