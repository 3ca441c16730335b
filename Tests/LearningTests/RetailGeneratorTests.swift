import Testing

@testable import Learning

@Suite struct RetailGeneratorTests {
    @Test func customersArePureFunctionsOfSeedAndIndex() throws {
        let chain = try RetailGenerator(seed: 7, customers: 50, stores: 20, weeks: 20)
        let again = try RetailGenerator(seed: 7, customers: 50, stores: 20, weeks: 20)
        let forward = try (0..<50).map { try chain.transactions(customerIndex: $0) }
        for index in (0..<50).reversed() {
            #expect(try again.transactions(customerIndex: index) == forward[index])
        }
        let other = try RetailGenerator(seed: 8, customers: 50, stores: 20, weeks: 20)
        #expect(try other.transactions(customerIndex: 0) != forward[0])
        #expect(forward[0] != forward[1])
    }

    @Test func pinnedValuesHoldOnEveryRun() throws {
        let chain = try RetailGenerator(seed: 1)
        let customer = try chain.customer(0)
        #expect(customer.id == "cust-000000000")
        #expect(customer.storeIDs == ["store-00058", "store-00018"])
        let lines = try chain.transactions(customerIndex: 0)
        #expect(lines.count == 150)
        #expect(lines.first?.timestampSeconds == 1_704_473_941)
    }

    @Test func linesAreInOrderInRangeAndAtTheCustomersStores() throws {
        let chain = try RetailGenerator(seed: 3, customers: 100, stores: 40, weeks: 12)
        let names = Set(RetailAssortment.categories.map(\.name))
        for index in 0..<100 {
            let customer = try chain.customer(index)
            #expect(Set(customer.storeIDs).count == customer.storeIDs.count)
            var visits: [String: Set<Int64>] = [:]
            var last: Int64 = 0
            for line in try chain.transactions(customerIndex: index) {
                #expect(line.customerID == customer.id && names.contains(line.category))
                #expect(line.quantity >= 1 && line.value > 0 && customer.storeIDs.contains(line.storeID))
                #expect(line.timestampSeconds >= max(last, RetailGenerator.startSeconds))
                #expect(line.timestampSeconds < chain.endSeconds)
                last = line.timestampSeconds
                visits[line.storeID, default: []].insert(line.timestampSeconds)
            }
            #expect(customer.storeIDs.contains(customer.mostVisitedStoreID))
        }
    }

    @Test func theShapeIsThatOfAChain() throws {
        let chain = try RetailGenerator(seed: 1, stores: 100)
        var stores = 0
        var homes: [String: Int] = [:]
        let sample = 1500
        for index in 0..<sample {
            let customer = try chain.customer(index)
            stores += customer.storeIDs.count
            homes[customer.mostVisitedStoreID, default: 0] += 1
        }
        #expect(abs(Double(stores) / Double(sample) - 2.7) < 0.15)
        let sizes = homes.values.sorted(by: >)
        // A fifth of the stores has more than half of the customers, and small ones exist.
        #expect(sizes.prefix(20).reduce(0, +) > sample / 2)
        #expect(homes.count > 80)
    }

    @Test func seasonsShow() throws {
        let chain = try RetailGenerator(seed: 1, customers: 300, stores: 10, weeks: 52)
        var counts: [String: (summer: Int, winter: Int)] = [:]
        for index in 0..<150 {
            for line in try chain.transactions(customerIndex: index) {
                let week = Int((line.timestampSeconds - RetailGenerator.startSeconds) / ExampleSchedule.secondsPerWeek)
                if (22..<34).contains(week) { counts[line.category, default: (0, 0)].summer += 1 }
                if week < 6 || week >= 46 { counts[line.category, default: (0, 0)].winter += 1 }
            }
        }
        let iceCream = try #require(counts["ice cream"])
        let soup = try #require(counts["soup"])
        #expect(iceCream.summer > 2 * iceCream.winter)
        #expect(soup.winter > 2 * soup.summer)
    }

    @Test func theAssortmentIsConsistent() throws {
        let names = Set(RetailAssortment.categories.map(\.name))
        #expect(names.count == 50)
        #expect(abs(RetailAssortment.segments.map(\.share).reduce(0, +) - 1) < 1e-9)
        for segment in RetailAssortment.segments { #expect(names.isSuperset(of: segment.multipliers.keys)) }
        #expect(names.isSuperset(of: RetailAssortment.niches.keys))
        for link in RetailAssortment.complements { #expect(names.contains(link.cause) && names.contains(link.effect)) }
        let vocabulary = try RetailGenerator.vocabulary()
        #expect(vocabulary.count == 48)
        #expect(vocabulary.index(of: "charcoal") == nil && vocabulary.index(of: "candles") == nil)
        // Identifiers of usual chains fit a small string, so generating allocates none.
        #expect(RetailGenerator.customerID(19_999).utf8.count <= 15)
    }
}
