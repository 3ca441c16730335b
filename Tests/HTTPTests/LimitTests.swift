// Requests that are refused, and what a client can make the server hold.

import Foundation
import HTTPServer
import Identity
import Testing

@testable import HTTPClient

struct LimitTests {
    @Test func bodyBeyondTheRoutesLimit() async throws {
        let fixture = try TestServer { $0.routeBodyLimit = { _, path in path == ["small"] ? 10 : 1_000_000 } }
        let client = try fixture.client()
        let refused = try await client.send(.put, path: "/small", body: [UInt8](repeating: 0, count: 11))
        #expect(refused.status == 413)
        #expect(refused.problem?.type == "urn:concord:problem:body-too-large")
        #expect(refused.text.contains("\"maximum_bytes\":10"))
        #expect(try await client.send(.put, path: "/small", body: [UInt8](repeating: 0, count: 10)).status == 200)
        #expect(try await client.send(.put, path: "/large", body: [UInt8](repeating: 0, count: 11)).status == 200)
        await fixture.server.stop()
    }

    @Test func bodyBeyondTheServersLimit() async throws {
        let fixture = try TestServer { $0.maximumBodyBytes = 1_000 }
        let client = try fixture.client()
        #expect(try await client.send(.put, path: "/", body: [UInt8](repeating: 0, count: 1_000_000)).status == 413)
        #expect(try await client.send(.put, path: "/", body: [UInt8](repeating: 0, count: 1_000)).status == 200)
        await fixture.server.stop()
    }

    @Test func endlessBodyIsCut() async throws {
        let fixture = try TestServer { $0.maximumBodyBytes = 1_000 }
        // A reset, at once: an orderly close would leave the client waiting for a receive window until it times out.
        await #expect(throws: HTTPClientError.tlsRefused(.closedBeforeResponse)) {
            try await fixture.client().send(.put, path: "/", body: [UInt8](repeating: 0, count: 32 << 20))
        }
        #expect(try await fixture.client().send(.get, path: "/").status == 200)
        await fixture.server.stop()
    }

    @Test func oversizedHead() async throws {
        let fixture = try TestServer { $0.maximumHeadBytes = 4_096 }
        let client = try fixture.client()
        let answer = try await client.send(
            .get, path: "/", headers: ["X-Padding": String(repeating: "a", count: 5_000)])
        #expect(answer.status == 400 || answer.status == 413)
        #expect(try await fixture.client().send(.get, path: "/").status == 200)
        await fixture.server.stop()
    }

    @Test(arguments: [
        "/../etc/passwd", "/a/../b", "/a/./b", "/a//b", "/a/", "//", "/%2e%2e/b", "/a/%2E./b", "/a%2fb", "/a%00b",
        "/a%",
        "/a%2", "/a%zz", "/%ff", "/a%0ab", "/a%7f",
    ])
    func pathsThatCouldBeReadInTwoWays(path: String) async throws {
        let fixture = try TestServer()
        let answer = try await fixture.client().send(.get, path: path)
        #expect(answer.status == 400)
        #expect(answer.problem?.type == "urn:concord:problem:bad-request-target")
        await fixture.server.stop()
    }

    @Test func foreignMethodsFormsAndEncodings() async throws {
        let listener = try PlainHTTPListener(configuration: ServerConfiguration(), handler: TestServer.echo)
        let port = try listener.start()
        func status(_ request: String) async throws -> String {
            let text = "\(request)\r\nHost: a\r\nConnection: close\r\n\r\n"
            return String(try await RawSocket(port: port).exchange(text).prefix(12).suffix(3))
        }
        #expect(try await status("OPTIONS / HTTP/1.1") == "405")
        #expect(try await status("PATCH / HTTP/1.1") == "405")
        #expect(try await status("TRACE / HTTP/1.1") == "405")
        #expect(try await status("BREW / HTTP/1.1") != "200")
        #expect(try await status("GET http://a/ HTTP/1.1") == "400")
        #expect(try await status("GET * HTTP/1.1") == "400")
        #expect(try await status("GET /?a=1&a=2 HTTP/1.1") == "400")
        #expect(try await status("GET /\u{1} HTTP/1.1") == "400")
        #expect(try await status("GET / HTTP/1.1\r\nContent-Encoding: gzip") == "415")
        let chunked = try await RawSocket(port: port).exchange(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n1\r\nx\r\n0\r\n\r\n")
        #expect(chunked.hasPrefix("HTTP/1.1 411"))
        #expect(try await status("GET / HTTP/1.1") == "200")
        await listener.stop()
    }

    @Test func tooManyBytesInFlight() async throws {
        let gate = Gate()
        let fixture = try TestServer(
            configure: { $0.maximumBytesInFlight = 100_000 },
            handler: { request in
                if request.path == ["wait"] { await gate.wait() }
                return HTTPResponse(status: 200)
            })
        let files = try fixture.chain.clientFiles()
        let holder = try fixture.client(files)
        async let held = holder.send(.put, path: "/wait", body: [UInt8](repeating: 0, count: 90_000))
        try await gate.arrival()
        let client = try fixture.client(files)
        let refused = try await client.send(.put, path: "/", body: [UInt8](repeating: 0, count: 20_000))
        #expect(refused.status == 503)
        #expect(refused.headers["retry-after"] == "2")
        #expect(refused.problem?.type == "urn:concord:problem:overloaded")
        #expect(try await client.send(.get, path: "/").status == 200)
        await gate.open()
        #expect(try await held.status == 200)
        #expect(try await client.send(.put, path: "/", body: [UInt8](repeating: 0, count: 20_000)).status == 200)
        await fixture.server.stop()
        #expect(fixture.server.bytesInFlight == 0)
    }

    @Test func silentAndSlowConnectionsAreClosed() async throws {
        let fixture = try TestServer {
            $0.handshakeMilliseconds = 1_000
            $0.idleMilliseconds = 1_000
        }
        let silent = try RawSocket(port: fixture.port)
        #expect(await silent.receiveToEnd()?.isEmpty == true)
        let client = try fixture.client()
        #expect(try await client.send(.get, path: "/").status == 200)
        try await Task.sleep(for: .milliseconds(1_600))
        #expect(fixture.server.openConnections == 0)
        #expect(try await client.send(.get, path: "/").status == 200)  // connects anew
        await fixture.server.stop()
    }

    @Test func slowSendersAreCut() async throws {
        let fixture = try TestServer {
            $0.requestGraceMilliseconds = 1_000
            $0.minimumBytesPerSecond = 500_000
        }
        let files = try fixture.chain.clientFiles()
        let body = [UInt8](repeating: 0, count: 1_000_000)
        let slow = try fixture.client(files) { $0.maximumUploadBytesPerSecond = 50_000 }
        let start = ContinuousClock.now
        await #expect(throws: HTTPClientError.self) { try await slow.send(.put, path: "/", body: body) }
        #expect(ContinuousClock.now - start < .seconds(60))
        #expect(try await fixture.client(files).send(.put, path: "/", body: body).status == 200)
        await fixture.server.stop()
    }

    @Test func clientBoundsTheResponse() async throws {
        let fixture = try TestServer(handler: { _ in
            HTTPResponse(status: 200, body: [UInt8](repeating: 0, count: 5_000))
        })
        let client = try fixture.client { $0.maximumResponseBytes = 4_999 }
        await #expect(throws: HTTPClientError.responseTooLarge) { try await client.send(.get, path: "/") }
        #expect(try await fixture.client { $0.maximumResponseBytes = 5_000 }.send(.get, path: "/").body.count == 5_000)
        await fixture.server.stop()
    }

    @Test(arguments: [
        "http://a", "https://", "https://a/b", "https://a:0", "https://a:99999", "https://a:b", "https://u@a",
        "https://a?b", "https://[::1", "https://[]", "ftp://a", "https://a b",
    ])
    func badBaseURLs(text: String) throws {
        let files = TLSFiles(folder: "/nowhere")
        #expect(throws: HTTPClientError.badBaseURL) {
            try HTTPClient(
                baseURL: text, uncheckedTLS: files, presentsCertificate: false, configuration: .init())
        }
    }

    @Test func badRequestsAreNotSent() async throws {
        let client = try HTTPClient(
            baseURL: "https://[::1]:1/", uncheckedTLS: TLSFiles(folder: "/nowhere"), presentsCertificate: false,
            configuration: .init())
        for path in ["", "a", "/a b", "/a?b", "/a#b", "/a\r\nX: y", "/ä", "@evil.example/"] {
            await #expect(throws: HTTPClientError.badRequest) { try await client.send(.get, path: path) }
        }
        for (name, value) in [("a b", "c"), ("a", "b\r\nc: d"), ("", "a"), ("a:", "b"), ("a", "")] {
            await #expect(throws: HTTPClientError.badRequest) {
                try await client.send(.get, path: "/", headers: [name: value])
            }
        }
    }
}
