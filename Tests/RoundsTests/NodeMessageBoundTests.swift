// Numbers in what a coordinator answers that a node could not store are refused by name.

import Cryptography
import SecureAggregation
import Testing
import WireFormat

@testable import Rounds

@Suite struct NodeMessageBoundTests {
    private func list(epoch: UInt64 = 1, ledgerSize: UInt64 = 1) -> [UInt8] {
        WorkList(
            serverMilliseconds: 1, pollAfterMilliseconds: 1, epoch: epoch, epochRoot: nil, helloStored: true,
            prekeysHeld: 0, ledgerSize: ledgerSize, items: []
        ).encoded()
    }

    @Test func epochOfAWorkList() throws {
        for epoch in [1 << 31, 1 << 63, UInt64.max] {
            #expect(
                throws: WireFormatError.unexpected(field: "work-list.epoch", expected: "an integer in 0...2147483647")
            ) { try WorkList(decoding: list(epoch: epoch)) }
        }
        #expect(try WorkList(decoding: list(epoch: Epoch.maximumNumber)).epoch == (1 << 31) - 1)
        #expect(try WorkList(decoding: list(epoch: 0)).epoch == 0)
    }

    @Test func sizeInAWorkList() throws {
        #expect(
            throws: WireFormatError.unexpected(
                field: "work-list.ledgerSize", expected: "an integer in 0...\(Int64.max)")
        ) { try WorkList(decoding: list(ledgerSize: 1 << 63)) }
        #expect(try WorkList(decoding: list(ledgerSize: UInt64(Int64.max))).ledgerSize == UInt64(Int64.max))
    }

    @Test func indicesOfReceipts() throws {
        for index in [1 << 63, UInt64.max] {
            #expect(
                throws: WireFormatError.unexpected(
                    field: "event-receipts.indices", expected: "log indices below 2^63")
            ) { try EventReceipts(decoding: EventReceipts(indices: [0, index]).encoded()) }
        }
        let largest = EventReceipts(indices: [UInt64(Int64.max)])
        #expect(try EventReceipts(decoding: largest.encoded()) == largest)
    }
}
