// The life of one generated customer: stores and visits first, so that her home store is known cheaply, then baskets.

import Cryptography
import Glibc

/// A customer's latent traits and visits, drawn from her own stream; her baskets continue the same stream.
struct RetailShopper {
    private struct Visit {
        let week: Int
        let timestampSeconds: Int64
        let store: Int
    }

    let customer: RetailCustomer
    private let visits: [Visit]

    init(index: Int, chain: RetailGenerator, random: inout KeyedRandomGenerator) {
        let stores = Self.stores(chain, &random)
        let visits = Self.visits(stores: stores, chain, &random)
        var counts = [Int](repeating: 0, count: stores.count)
        for visit in visits { counts[visit.store] += 1 }
        let names = stores.map(RetailGenerator.storeID)
        var most = 0
        for store in counts.indices where counts[store] > counts[most] { most = store }
        customer = RetailCustomer(
            index: index, id: RetailGenerator.customerID(index), storeIDs: names, mostVisitedStoreID: names[most])
        self.visits = visits
    }

    /// Distinct stores, large ones more often: one for sure, each further one with probability 0.64, at most ten. The mean
    /// of that is 2.74.
    private static func stores(_ chain: RetailGenerator, _ random: inout KeyedRandomGenerator) -> [Int] {
        var wanted = 1
        while wanted < min(10, chain.storeCount) && random.unit() < 0.64 { wanted += 1 }
        var stores: [Int] = []
        var attempts = 0
        // Attempts are bounded: in a chain of few stores a draw often repeats one.
        while stores.count < wanted && attempts < 100 {
            attempts += 1
            let store = lowerBound(of: random.unit(), in: chain.cumulativeStoreSizes)
            if !stores.contains(store) { stores.append(store) }
        }
        return stores
    }

    private static func lowerBound(of value: Double, in cumulative: [Double]) -> Int {
        var (low, high) = (0, cumulative.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if cumulative[middle] > value { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// Visits by time. Each store is half as likely as the one before; weeks of absence come in stretches.
    private static func visits(
        stores: [Int], _ chain: RetailGenerator, _ random: inout KeyedRandomGenerator
    ) -> [Visit] {
        let rate = min(4, max(0.15, 0.85 * exp(0.6 * random.normal())))
        let none = exp(-rate)
        var away = false
        var visits: [Visit] = []
        for week in 0..<chain.weekCount {
            away = random.unit() < (away ? 0.75 : 0.03)
            if away { continue }
            let first = visits.count
            // Poisson by products of uniforms (Knuth, The Art of Computer Programming 2, section 3.4.1).
            var product = random.unit()
            while product > none {
                var store = 0
                while store + 1 < stores.count && random.unit() < 0.4 { store += 1 }
                let day = Int64(random.uniform(below: 7))
                let second = 8 * 3600 + Int64(random.uniform(below: 13 * 3600))
                let timestamp =
                    RetailGenerator.startSeconds + Int64(week) * ExampleSchedule.secondsPerWeek + day * 86_400 + second
                visits.append(Visit(week: week, timestampSeconds: timestamp, store: store))
                product *= random.unit()
            }
            visits[first...].sort {
                $0.timestampSeconds != $1.timestampSeconds
                    ? $0.timestampSeconds < $1.timestampSeconds : $0.store < $1.store
            }
        }
        return visits
    }

    /// Everything bought, by time.
    func transactions(chain: RetailGenerator, random: inout KeyedRandomGenerator) -> [Transaction] {
        let shelves = RetailAssortment.categories
        let taste = Self.taste(chain, &random)
        // A habit is on or off; it starts with a probability of one half and turns over about every fourteen weeks.
        var habit = shelves.indices.map { _ in random.next() & 1 == 0 }
        var lastWeek = [Int](repeating: -100, count: shelves.count)
        var boost = [Double](repeating: 1, count: shelves.count)
        var lines: [Transaction] = []
        lines.reserveCapacity(visits.count * 3)
        var week = -1
        for visit in visits {
            while week < visit.week {
                week += 1
                Self.turnOver(&habit, &random)
            }
            for category in shelves.indices { boost[category] = 1 }
            for cause in shelves.indices where week - lastWeek[cause] <= 3 {
                for (effect, factor) in chain.effects[cause] { boost[effect] *= factor }
            }
            for category in shelves.indices {
                // What is still in the cupboard is rarely bought; what has run out is bought soon.
                let lasts = shelves[category].lasts
                let need = lasts == 0 ? 1 : week - lastWeek[category] < lasts ? 0.1 : 1 + 0.25 * Double(lasts)
                let rate =
                    taste[category] * chain.season[week][category] * boost[category] * need
                    * (habit[category] ? 1.7 : 0.2)
                if random.unit() >= min(0.9, rate) { continue }
                lastWeek[category] = week
                let quantity = 1 + Double(random.next().leadingZeroBitCount)
                let discount = 0.8 + 0.4 * random.unit()
                let cents = (shelves[category].price * quantity * discount * 100).rounded()
                lines.append(
                    Transaction(
                        customerID: customer.id, storeID: customer.storeIDs[visit.store],
                        timestampSeconds: visit.timestampSeconds, category: shelves[category].name, quantity: quantity,
                        value: cents / 100))
            }
        }
        return lines
    }

    /// The household's kind, a little of another kind, and the customer's own inclinations.
    private static func taste(_ chain: RetailGenerator, _ random: inout KeyedRandomGenerator) -> [Double] {
        let main = segment(&random)
        let other = segment(&random)
        return RetailAssortment.categories.indices.map { category in
            let rate = 0.8 * chain.segmentRates[main][category] + 0.2 * chain.segmentRates[other][category]
            let useful = random.unit() < chain.usefulness[category]
            // exp(σ²/2) is the mean of the log-normal factor: rates stay rates on average.
            let inclination = exp(0.7 * random.normal() - 0.245)
            return rate * inclination * (useful ? 1 / chain.usefulness[category] : 0.05)
        }
    }

    private static func segment(_ random: inout KeyedRandomGenerator) -> Int {
        var rest = random.unit()
        for (index, segment) in RetailAssortment.segments.enumerated() {
            if rest < segment.share { return index }
            rest -= segment.share
        }
        return 0
    }

    /// Flips each habit with probability 1/14, four categories a word.
    private static func turnOver(_ habit: inout [Bool], _ random: inout KeyedRandomGenerator) {
        var word: UInt64 = 0
        for category in habit.indices {
            if category.isMultiple(of: 4) { word = random.next() }
            if word & 0xFFFF < 0x10000 / 14 { habit[category].toggle() }
            word >>= 16
        }
    }
}
