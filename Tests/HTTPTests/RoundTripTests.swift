// Requests that succeed: what the client sends is what the handler sees, with the identity of the certificate.

import Foundation
import HTTPClient
import HTTPServer
import Identity
import Testing

struct RoundTripTests {
    @Test func handlerSeesRequestAndPeer() async throws {
        let fixture = try TestServer()
        let files = try fixture.chain.clientFiles("spiffe://chain.example/store/north-7")
        let client = try fixture.client(files)
        let answer = try await client.send(
            .put, path: "/v1/rounds/\(HTTPClient.encode("a b?c"))/upload",
            query: ["part": "1&2", "x": "ä="], body: [1, 2, 3], contentType: "application/cbor",
            headers: ["If-None-Match": "*", "Range": "bytes=0-1", "X-Request-ID": "abc-1"])
        #expect(answer.status == 200)
        #expect(answer.contentType == "text/plain")
        #expect(answer.headers["etag"] == "\"e\"")
        #expect(answer.headers["x-request-id"] == "abc-1")
        #expect(answer.headers["x-content-type-options"] == "nosniff")
        #expect(
            answer.lines.prefix(8) == [
                "PUT", "v1|rounds|a b?c|upload", "part=1&2|x=ä=", "application/cbor", "*", "bytes=0-1", "abc-1",
                "spiffe://chain.example/store/north-7",
            ])
        let peer = try TLSCredentials(files: files).identity.peerIdentity()
        #expect(answer.lines[8] == peer.serialHex)
        #expect(answer.body.suffix(3) == [1, 2, 3])
        await fixture.server.stop()
    }

    @Test(arguments: [HTTPClient.Method.get, .put, .post, .delete, .head])
    func everyMethod(method: HTTPClient.Method) async throws {
        let fixture = try TestServer()
        let client = try fixture.client()
        for _ in 0..<2 {  // twice: the second over the kept connection
            let answer = try await client.send(method, path: "/a")
            #expect(answer.status == 200)
            if method == .head {
                #expect(answer.body.isEmpty)
                #expect(Int(answer.headers["content-length"] ?? "") ?? 0 > 10)
            } else {
                #expect(answer.lines.first == method.rawValue)
            }
        }
        #expect(fixture.server.openConnections == 1)
        await fixture.server.stop()
    }

    @Test func bodiesOfAllSizesComeThrough() async throws {
        let fixture = try TestServer(handler: { HTTPResponse(status: 200, body: $0.body) })
        let client = try fixture.client()
        for size in [0, 1, 16_383, 16_384, 16_385, 65_537, 1 << 20] {
            let body = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            #expect(try await client.send(.put, path: "/b", body: body).body == body)
        }
        #expect(fixture.server.bytesInFlight == 0)
        await fixture.server.stop()
    }

    @Test func statusesWithoutBody() async throws {
        let fixture = try TestServer(handler: { request in
            HTTPResponse(status: request.path == ["304"] ? 304 : 204, headers: [.init("ETag", "\"x\"")])
        })
        let client = try fixture.client()
        #expect(try await client.send(.get, path: "/304").status == 304)
        #expect(try await client.send(.post, path: "/204").status == 204)
        #expect(try await client.send(.get, path: "/204").headers["etag"] == "\"x\"")
        await fixture.server.stop()
    }

    @Test func twoHundredRequestsOfSixteenClients() async throws {
        let fixture = try TestServer { $0.maximumConnectionsPerPeer = 16 }
        let files = try fixture.chain.clientFiles()
        let clients = try (0..<16).map { _ in try fixture.client(files) }
        let answered = try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<200 {
                group.addTask {
                    let body = [UInt8]("body \(index)".utf8)
                    let answer = try await clients[index % 16].send(.post, path: "/n/\(index)", body: body)
                    return answer.status == 200 && answer.lines[1] == "n|\(index)"
                        && answer.body.suffix(body.count) == body
                }
            }
            return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(answered == 200)
        #expect(fixture.server.openConnections == 16)
        await fixture.server.stop()
        #expect(fixture.server.openConnections == 0)
    }

    @Test func renewedCertificatesServeNewConnections() async throws {
        let fixture = try TestServer()
        let old = try fixture.client()
        #expect(try await old.send(.get, path: "/").status == 200)
        let renewedChain = try TestChain(name: "Next chain")
        try fixture.server.replaceCredentials(try renewedChain.serverCredentials())
        #expect(try await old.send(.get, path: "/").status == 200)
        let new = try fixture.client(try renewedChain.clientFiles())
        #expect(try await new.send(.get, path: "/").status == 200)
        await #expect(throws: HTTPClientError.tlsRefused(.serverNotTrusted)) {
            try await fixture.client().send(.get, path: "/")
        }
        await fixture.server.stop()
    }

    @Test func plainListenerServesLoopbackWithoutIdentity() async throws {
        let listener = try PlainHTTPListener(configuration: ServerConfiguration(), handler: TestServer.echo)
        let port = try listener.start()
        let answer = try await RawSocket(port: port).exchange(
            "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(answer.contains("GET\nhealthz\n\n-\n-\n-\n"))
        await listener.stop()
        var wide = ServerConfiguration()
        wide.address = "0.0.0.0"
        #expect(throws: HTTPServerError.badAddress) {
            try PlainHTTPListener(configuration: wide, handler: TestServer.echo)
        }
    }
}
