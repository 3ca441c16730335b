// A generated chain with the shape of a real one, for tests, demonstrations and simulation: nobody's data. Every customer
// is a function of (seed, index), so a store node makes its own customers and no others, and any partition agrees.

import Cryptography
import Glibc

/// One generated customer: who she is and where she shops.
public struct RetailCustomer: Equatable, Sendable {
    /// Position in the chain, from 0.
    public let index: Int
    /// The loyalty identifier.
    public let id: String
    /// The stores she visits, by descending habit, at least one.
    public let storeIDs: [String]
    /// The store with most of her visits; the one she prefers if that is a tie or she never came.
    public let mostVisitedStoreID: String
}

/// A chain of stores and customers, deterministic in its seed.
///
/// Shapes: store sizes follow a power law; a customer shops at 2.7 stores on average (the mean of the 2,377 households in
/// the public "Complete Journey" sample); visit rates are log-normal; tastes come from six kinds of households and from
/// each customer's own inclinations; habits start and end; seasons and complementary categories shift what is bought.
///
/// Immutable: any number of threads may use one. Deterministic up to the platform's `exp`, `log` and `cos`.
public struct RetailGenerator: Sendable {
    /// Seeds one chain.
    public let seed: UInt64
    /// Customers of the chain; identifiers count from 0.
    public let customerCount: Int
    /// Stores of the chain.
    public let storeCount: Int
    /// Weeks of history.
    public let weekCount: Int
    /// First second of the history: Monday 2024-01-01 00:00 UTC.
    public static let startSeconds: Int64 = 1_704_067_200

    /// Cumulative store sizes, the last is 1.
    let cumulativeStoreSizes: [Double]
    /// Rates of each kind of household: segment × category.
    let segmentRates: [[Double]]
    /// Share of households with a use for the category.
    let usefulness: [Double]
    /// Season's factor: week × category.
    let season: [[Double]]
    /// For each category, what it makes more likely later.
    let effects: [[(category: Int, factor: Double)]]

    /// Lays out a chain.
    /// - Throws: ``LearningError/invalid(field:expected:)``.
    public init(seed: UInt64, customers: Int = 20_000, stores: Int = 300, weeks: Int = 40) throws(LearningError) {
        guard (1...999_999_999).contains(customers) else {
            throw .invalid(field: "customers", expected: "1 to 999,999,999")
        }
        guard (1...99_999).contains(stores) else { throw .invalid(field: "stores", expected: "1 to 99,999") }
        guard (1...520).contains(weeks) else { throw .invalid(field: "weeks", expected: "1 to 520") }
        self.seed = seed
        customerCount = customers
        storeCount = stores
        weekCount = weeks

        // Sizes fall as rank^−0.8 (Pareto's law with a finite tail): the largest of 300 stores has about twelve times the
        // mean. Ranks are dealt by a fixed stride, so that a store's number says nothing about its size.
        let sizes = (0..<stores).map { pow(Double(($0 * 7919) % stores + 1), -0.8) }
        let total = sizes.reduce(0, +)
        var sum = 0.0
        cumulativeStoreSizes = sizes.map {
            sum += $0 / total
            return sum
        }

        let shelves = RetailAssortment.categories
        segmentRates = RetailAssortment.segments.map { segment in
            shelves.map { $0.rate * (segment.multipliers[$0.name] ?? 1) }
        }
        usefulness = shelves.map { RetailAssortment.niches[$0.name] ?? 0.85 }
        season = (0..<weeks).map { week in
            shelves.map { 1 + $0.swing * cos(2 * Double.pi * Double(week - $0.peakWeek) / 52) }
        }
        var effects = [[(category: Int, factor: Double)]](repeating: [], count: shelves.count)
        for link in RetailAssortment.complements {
            if let cause = RetailAssortment.index(of: link.cause), let effect = RetailAssortment.index(of: link.effect)
            {
                effects[cause].append((effect, link.factor))
            }
        }
        self.effects = effects
    }

    /// End of the history, exclusive; seconds since 1970 UTC.
    public var endSeconds: Int64 { Self.startSeconds + Int64(weekCount) * ExampleSchedule.secondsPerWeek }

    /// The product counts of the shelves: public, what ``vocabulary(count:)`` chooses by.
    public static var productCounts: [String: Int] {
        Dictionary(uniqueKeysWithValues: RetailAssortment.categories.map { ($0.name, $0.products) })
    }

    /// The categories with most products.
    /// - Throws: ``LearningError/invalid(field:expected:)`` for more categories than there are.
    public static func vocabulary(count: Int = 48) throws(LearningError) -> Vocabulary {
        try Vocabulary(productCounts: productCounts, count: count)
    }

    /// The identifier of store `index`.
    public static func storeID(_ index: Int) -> String { "store-" + padded(index, 5) }
    /// The identifier of customer `index`.
    public static func customerID(_ index: Int) -> String { "cust-" + padded(index, 9) }

    /// Who customer `index` is. A pure function of (seed, index, sizes of the chain).
    /// - Throws: `CryptographyError` if OpenSSL has no memory.
    /// - Precondition: `index` is in 0 ..< ``customerCount``.
    public func customer(_ index: Int) throws(CryptographyError) -> RetailCustomer {
        var random = try generator(customer: index)
        return RetailShopper(index: index, chain: self, random: &random).customer
    }

    /// Everything customer `index` bought, by time. A pure function of (seed, index, sizes of the chain).
    /// - Throws: `CryptographyError` if OpenSSL has no memory.
    /// - Precondition: `index` is in 0 ..< ``customerCount``.
    public func transactions(customerIndex index: Int) throws(CryptographyError) -> [Transaction] {
        var random = try generator(customer: index)
        let shopper = RetailShopper(index: index, chain: self, random: &random)
        return shopper.transactions(chain: self, random: &random)
    }

    private func generator(customer index: Int) throws(CryptographyError) -> KeyedRandomGenerator {
        precondition((0..<customerCount).contains(index), "a customer of this chain")
        let key = SHA256.tagged("retail", Self.bytes(seed), Self.bytes(UInt64(index)))
        return try KeyedRandomGenerator(key: SecretBytes(copying: key.bytes))
    }

    private static func bytes(_ value: UInt64) -> [UInt8] {
        (0..<8).reversed().map { UInt8(truncatingIfNeeded: value >> UInt64($0 * 8)) }
    }

    private static func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}

extension KeyedRandomGenerator {
    /// Uniform in 0 ..< 1, 53 bits.
    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// Standard normal (Box and Muller 1958, "A Note on the Generation of Random Normal Deviates").
    mutating func normal() -> Double {
        let radius = (-2 * log(1 - unit())).squareRoot()
        return radius * cos(2 * Double.pi * unit())
    }
}
