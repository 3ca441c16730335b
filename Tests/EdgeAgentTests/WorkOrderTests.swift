// Share checks come last and hold up nothing.

import Cryptography
import Rounds
import Testing

@testable import EdgeAgent

@Suite struct WorkOrderTests {
    private func item(_ kind: WorkItem.Kind, _ number: UInt8) -> WorkItem {
        WorkItem(kind: kind, sessionID: SHA256.hash([number]))
    }

    @Test func roundsComeBeforeShareChecks() {
        let order = WorkOrder(
            [item(.shareCheck, 0), item(.offer, 1), item(.vote, 2), item(.offer, 3), item(.reveal, 4), item(.vote, 5)],
            takesOffers: true)
        #expect(
            order.items == [
                item(.vote, 2), item(.vote, 5), item(.reveal, 4), item(.offer, 1), item(.offer, 3),
                item(.shareCheck, 0),
            ])
        #expect(order.checkBatches == 1)
    }

    @Test func offersMayBeLeftOut() {
        let order = WorkOrder([item(.offer, 1), item(.shareCheck, 0), item(.vote, 2)], takesOffers: false)
        #expect(order.items == [item(.vote, 2), item(.shareCheck, 0)])
        #expect(order.checkBatches == 1)
    }

    /// Offers that are not answered are no work; and a list that repeats share checks does not multiply them.
    @Test func shareChecksAlone() {
        let order = WorkOrder(
            [item(.shareCheck, 0), item(.offer, 1), item(.shareCheck, 0)], takesOffers: false)
        #expect(order.items == [item(.shareCheck, 0)])
        #expect(order.checkBatches == 8)
        #expect(WorkOrder([], takesOffers: true).items.isEmpty)
    }
}
