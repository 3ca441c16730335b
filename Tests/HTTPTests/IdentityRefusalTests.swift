// Who is not let in. Each stranger differs from an accepted client in one thing.

import Foundation
import HTTPServer
import Identity
import Testing

@testable import HTTPClient

struct IdentityRefusalTests {
    private func isIdentityRefusal(_ error: HTTPClientError?) -> Bool {
        error == .tlsRefused(.refusedByServer) || error == .tlsRefused(.closedBeforeResponse)
    }

    private func errorOfGet(_ client: HTTPClient) async -> HTTPClientError? {
        do {
            _ = try await client.send(.get, path: "/")
            return nil
        } catch {
            return error
        }
    }

    @Test func clientOfAnotherRoot() async throws {
        let fixture = try TestServer()
        let other = try TestChain(name: "Other chain")
        let files = try other.clientFiles(trusting: fixture.chain.authority.certificatePEM)
        #expect(isIdentityRefusal(await errorOfGet(try fixture.client(files))))
        #expect(await errorOfGet(try fixture.client()) == nil)
        await fixture.server.stop()
    }

    @Test func clientOfAnotherRootWithTheSameName() async throws {
        let fixture = try TestServer()
        let twin = try TestChain()  // same subject name, other key
        let files = try twin.clientFiles(trusting: fixture.chain.authority.certificatePEM)
        #expect(isIdentityRefusal(await errorOfGet(try fixture.client(files))))
        await fixture.server.stop()
    }

    @Test func serverOfAnotherRoot() async throws {
        for name in ["Other chain", "Test chain"] {
            let fixture = try TestServer()
            let other = try TestChain(name: name)
            let client = try fixture.client(fixture.chain.clientFiles(trusting: other.authority.certificatePEM))
            #expect(await errorOfGet(client) == .tlsRefused(.serverNotTrusted))
            await fixture.server.stop()
        }
    }

    @Test func serverUnderAnotherAddress() async throws {
        let chain = try TestChain()
        let fixture = try TestServer(chain: chain, credentials: try chain.serverCredentials(addresses: ["127.0.0.2"]))
        #expect(await errorOfGet(try fixture.client()) == .tlsRefused(.serverNotTrusted))
        await fixture.server.stop()
    }

    @Test func clientCertificateAsServer() async throws {
        let chain = try TestChain()
        let store = TLSCredentials(
            certificateAuthorityPEM: chain.authority.certificatePEM,
            identity: try chain.identity("spiffe://chain.example/store/a"))
        let fixture = try TestServer(chain: chain, credentials: store)
        #expect(await errorOfGet(try fixture.client()) == .tlsRefused(.serverNotTrusted))
        await fixture.server.stop()
    }

    @Test func serverCertificateAsClient() async throws {
        let fixture = try TestServer()
        let files = try fixture.chain.clientFiles(
            "spiffe://chain.example/store/a", usage: .server(dnsNames: [], ipAddresses: ["127.0.0.1"]))
        #expect(isIdentityRefusal(await errorOfGet(try fixture.client(files))))
        await fixture.server.stop()
    }

    @Test func expiredAndFutureCertificates() async throws {
        let fixture = try TestServer()
        let now = fixture.chain.now
        for (from, to) in [(now - 1_200_000, now - 600_000), (now + 600_000, now + 1_200_000)] {
            let validity = try CertificateValidity(notBeforeMilliseconds: from, notAfterMilliseconds: to)
            let files = try fixture.chain.clientFiles(validity: validity)
            #expect(isIdentityRefusal(await errorOfGet(try fixture.client(files))))
        }
        await fixture.server.stop()
    }

    @Test func certificateThatExpiresWhileConnected() async throws {
        let fixture = try TestServer()
        let now = Int64(Date().timeIntervalSince1970 * 1_000)
        let validity = try CertificateValidity(
            notBeforeMilliseconds: now - 60_000, notAfterMilliseconds: (now / 1_000 + 2) * 1_000)
        let client = try fixture.client(try fixture.chain.clientFiles(validity: validity))
        #expect(try await client.send(.get, path: "/").status == 200)
        try await Task.sleep(for: .milliseconds(2_100))
        let answer = try await client.send(.get, path: "/")
        #expect(answer.problem?.type == "urn:concord:problem:identity-expired")
        await fixture.server.stop()
    }

    @Test func noCertificate() async throws {
        let fixture = try TestServer()
        #expect(isIdentityRefusal(await errorOfGet(try fixture.client(presentsCertificate: false))))
        #expect(fixture.server.openConnections <= 1)
        await fixture.server.stop()
    }

    @Test func otherTrustDomain() async throws {
        let fixture = try TestServer()
        let files = try fixture.chain.clientFiles("spiffe://other.example/store/north-7")
        #expect(isIdentityRefusal(await errorOfGet(try fixture.client(files))))
        await fixture.server.stop()
    }

    @Test func revokedInTheHandshakeAndWhileConnected() async throws {
        let revoked = RevocationList()
        let fixture = try TestServer(configure: { $0.isRevoked = { revoked.contains($0.serialHex) } })
        let files = try fixture.chain.clientFiles()
        let client = try fixture.client(files)
        #expect(try await client.send(.get, path: "/").status == 200)
        revoked.add(try TLSCredentials(files: files).identity.peerIdentity().serialHex)
        let answer = try await client.send(.get, path: "/")
        #expect(answer.status == 403)
        #expect(answer.problem?.type == "urn:concord:problem:identity-revoked")
        #expect(answer.headers["connection"] == "close")
        #expect(isIdentityRefusal(await errorOfGet(client)))
        #expect(await errorOfGet(try fixture.client()) == nil)  // same name, other serial
        await fixture.server.stop()
    }

    @Test func olderTLS() async throws {
        let fixture = try TestServer()
        let socket = try RawSocket(port: fixture.port)
        socket.send(IdentityRefusalTests.clientHelloOfTLS12)
        // RFC 8446 section 4.2.1 and appendix B.2: a fatal (2) alert protocol_version (70).
        let answer = try #require(await socket.receiveToEnd())
        #expect(answer.count == 7)
        #expect(answer.prefix(1) == [21] && answer.suffix(4) == [0, 2, 2, 70])
        await fixture.server.stop()
    }

    @Test func plainTextOnTheTLSPort() async throws {
        let fixture = try TestServer()
        let answer = try await RawSocket(port: fixture.port).exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(!answer.contains("HTTP/1.1"))
        await fixture.server.stop()
    }

    @Test func tooManyConnectionsOfOnePeer() async throws {
        let fixture = try TestServer { $0.maximumConnectionsPerPeer = 2 }
        let files = try fixture.chain.clientFiles()
        let clients = try (0..<3).map { _ in try fixture.client(files) }
        #expect(await errorOfGet(clients[0]) == nil)
        #expect(await errorOfGet(clients[1]) == nil)
        #expect(isIdentityRefusal(await errorOfGet(clients[2])))
        #expect(
            await errorOfGet(try fixture.client(fixture.chain.clientFiles("spiffe://chain.example/store/b"))) == nil)
        await fixture.server.stop()
    }

    @Test func tooManyConnectionsInAll() async throws {
        let fixture = try TestServer { $0.maximumConnections = 2 }
        let clients = try (0..<3).map {
            try fixture.client(fixture.chain.clientFiles("spiffe://chain.example/store/s\($0)"))
        }
        #expect(await errorOfGet(clients[0]) == nil)
        #expect(await errorOfGet(clients[1]) == nil)
        guard case .tlsRefused = await errorOfGet(clients[2]) else {
            Issue.record("a connection beyond the limit was served")
            return
        }
        await fixture.server.stop()
    }

    @Test func clientRefusesKeyFilesOpenToOthers() throws {
        let chain = try TestChain()
        let files = try chain.clientFiles()
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: files.privateKey)
        #expect(throws: HTTPClientError.identity(.file(.accessibleByOthers(kind: "TLS private key")))) {
            try HTTPClient(baseURL: "https://127.0.0.1:1", tls: files)
        }
    }

    /// Version 1.2, one AEAD suite (0xc02f), no extension: what a client that cannot do 1.3 says (RFC 5246 section 7.4.1.2).
    private static let clientHelloOfTLS12: [UInt8] = {
        let body: [UInt8] = [3, 3] + [UInt8](repeating: 7, count: 32) + [0, 0, 2, 0xc0, 0x2f, 1, 0]
        let handshake: [UInt8] = [1, 0, 0, UInt8(body.count)] + body
        return [22, 3, 1, 0, UInt8(handshake.count)] + handshake
    }()
}

/// Serial numbers that are no longer accepted.
final class RevocationList: @unchecked Sendable {
    // Proof for @unchecked Sendable: `serials` is reached under `lock` only.
    private var serials: Set<String> = []
    private let lock = NSLock()
    func add(_ serial: String) { lock.withLock { _ = serials.insert(serial) } }
    func contains(_ serial: String) -> Bool { lock.withLock { serials.contains(serial) } }
}
