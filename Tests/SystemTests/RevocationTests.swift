// Refusing a certificate before it expires.

import ChainKeys
import Cryptography
import Foundation
import HTTPServer
import Identity
import Storage
import Testing

@testable import Coordinator
@testable import HTTPClient

@Suite struct RevocationTests {
    private func body(_ peer: PeerIdentity) -> [UInt8] {
        [UInt8]("{\"certificate\":\"\(peer.certificateFingerprint.hex)\"}".utf8)
    }

    private func audited(_ chain: DirectChain) async throws -> [String] {
        try await chain.service.store.database.read { connection in
            try connection.query("SELECT subject FROM audit WHERE act = 'certificate.revoke'") { try $0.text(0) }
        }
    }

    @Test func aRevokedStore() async throws {
        let chain = try await DirectChain.ready()
        let (lost, other) = (chain.nodes[5].peer, chain.nodes[6].peer)
        #expect(await chain.call(lost, .get, "v1/work").status == 200)
        try await chain.success(try chain.person(.operator), .post, "v1/revocations", body: body(lost))
        #expect(try await audited(chain) == [lost.certificateFingerprint.hex])
        for _ in 0..<2 {
            for path in ["v1/work", "v1/register", "v1/epochs/current", "checkpoint"] {
                let response = await chain.call(lost, .get, path)
                #expect(response.status == 403, "\(path)")
                #expect(response.problemCode == "forbidden")
                #expect(await chain.call(other, .get, path).status == (path == "checkpoint" ? 404 : 200), "\(path)")
            }
            // A restart is no way back.
            try await chain.crash()
        }
        // A new certificate for the same store is.
        let folder = try TestFolder()
        let renewed = try TestKeys.peer(
            try chain.keys.files("spiffe://test.example/store/\(chain.nodes[5].name)", in: folder))
        #expect(renewed.id == lost.id)
        #expect(await chain.call(renewed, .get, "v1/work").status == 200)
        // Again is the same.
        try await chain.success(try chain.person(.operator), .post, "v1/revocations", body: body(lost))
        #expect(await chain.call(lost, .get, "v1/work").status == 403)
    }

    @Test func whatIsNoRevocation() async throws {
        let chain = try await DirectChain.ready()
        let operating = try chain.person(.operator)
        for (code, status, bytes) in [
            ("bad-request", 400, [UInt8]("{}".utf8)), ("bad-request", 400, []),
            ("bad-request", 400, [UInt8]("{\"certificate\":\"00\"}".utf8)),
            ("bad-request", 400, [UInt8]("{\"certificate\":7}".utf8)),
            ("conflict", 409, body(operating)),
        ] {
            try await chain.expectRefusal(status, code) {
                await chain.call(operating, .post, "v1/revocations", body: bytes)
            }
        }
        for role in [Role.engineer, .officer, .auditor] {
            let peer = try chain.person(role)
            #expect(await chain.call(peer, .post, "v1/revocations", body: body(chain.nodes[5].peer)).status == 403)
        }
        #expect(
            await chain.call(chain.nodes[4].peer, .post, "v1/revocations", body: body(chain.nodes[5].peer)).status
                == 403)
        #expect(try await audited(chain).isEmpty)
        #expect(await chain.call(chain.nodes[5].peer, .get, "v1/work").status == 200)
        #expect(await chain.call(operating, .get, "v1/status").status == 200)
    }

    /// A connection that is open already is no way round it.
    @Test func overAnOpenConnection() async throws {
        let folder = try TestFolder()
        let live = try await LiveChain(dataFolder: folder("data"))
        let client = try live.client(live.keys.storeFolder(2).tls)
        #expect(try await client.send(.get, path: "/v1/register").status == 200)
        let peer = try TestKeys.peer(live.keys.storeFolder(2).tls)
        try await live.success(.operator, .post, "/v1/revocations", body: body(peer))
        #expect(try await client.send(.get, path: "/v1/register").status == 403)
        try await live.stop()
    }
}
