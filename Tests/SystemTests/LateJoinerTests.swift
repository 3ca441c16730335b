// A node that comes after the epoch's list was closed: it takes part from the next round on, survives and drops like every
// other, and holds no seat.

import Cryptography
import HTTPServer
import Identity
import Rounds
import SecureAggregation
import Testing
import WireFormat

@testable import Coordinator

@Suite struct LateJoinerTests {
    private static func chain(late: Int = 3) async throws -> DirectChain {
        let chain = try await DirectChain()
        try await chain.enlist(late: late)
        try await chain.startTask()
        return chain
    }

    @Test func aLateNodeIsInTheNextRound() async throws {
        let chain = try await Self.chain()
        let late = Array(chain.nodes.indices.suffix(3))
        let epoch = try #require(chain.epoch)
        #expect(late.allSatisfy { epoch.agreementKeys[NodeIndex($0)] == nil })
        let session = try await chain.openAttempt()
        #expect(try await chain.cohort(session) == Set(chain.nodes.map(\.index)))
        // One of them drops, so that both kinds of its shares are opened.
        try await chain.upload(chain.nodes.indices.dropLast(), session)
        try await chain.check(chain.committee.filter { !late.contains($0) })
        chain.clock.advance(milliseconds: DirectChain.deadlines.collecting)
        try await chain.tick()
        try await chain.crash()
        for index in late { #expect(try await chain.work(index).items.isEmpty) }
        // Asked all the same, a late node with a seat does not vote.
        let proposal = try await chain.proposal(0, session)
        let seat = try #require(late.first { chain.committee.contains($0) })
        let context = try chain.context()
        #expect(throws: SecureAggregationError.unknown("own agreement key in the epoch")) {
            try chain.nodes[seat].vote(proposal, context: context)
        }
        try await chain.finish(session, without: Set(late))
        #expect(try await chain.attemptStates() == ["released"])
        #expect(try await chain.sums() == [chain.expectedSum(chain.nodes.indices.dropLast())])
        #expect(try await chain.rowCounts()["fault"] == 0)
    }

    /// A late node with a seat votes on nothing, and a listed node cannot bring another key.
    @Test func agreementKeysArePresentExactlyWhenNeeded() async throws {
        let chain = try await Self.chain(late: 1)
        let epoch = try #require(chain.epoch)
        let register = chain.keys.register
        let late = chain.nodes.count - 1
        func post(_ index: Int, _ body: Prekey, _ shares: SharePackage) async throws -> Int {
            let bundle = PrekeyBundle(
                prekey: try SignedMessage(signing: body, key: chain.nodes[index].keys.protocolKey), shares: shares)
            return await chain.call(chain.nodes[index].peer, .post, "v1/prekeys", body: bundle.encoded()).status
        }
        func altered(_ prekey: Prekey, key: X25519PublicKey?) throws -> Prekey {
            guard case .map(let entries) = prekey.cborValue else { throw SecureAggregationError.malformed("test") }
            let value = CBORValue.map(
                entries.filter { $0.key != 6 } + (key.map { [.init(6, .bytes($0.bytes))] } ?? []))
            return try Prekey(cborValue: value)
        }
        let own = try chain.nodes[0].dealPrekey(register: register, epoch: epoch)
        let other = chain.nodes[late].keys.agreementKey.publicKey
        #expect(try await post(0, altered(own.prekey.body, key: other), own.shares) == 422)
        #expect(try await post(0, own.prekey.body, own.shares) == 204)
        let joining = try chain.nodes[late].dealPrekey(register: register, epoch: epoch)
        #expect(joining.prekey.body.agreementKey == other)
        #expect(try await post(late, altered(joining.prekey.body, key: nil), joining.shares) == 422)
        let copied = chain.nodes[0].keys.agreementKey.publicKey
        #expect(try await post(late, altered(joining.prekey.body, key: copied), joining.shares) == 409)
        #expect(try await post(late, joining.prekey.body, joining.shares) == 204)
    }
}
