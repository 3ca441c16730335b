// Beginnings and ends that cross: clients that leave, servers that stop, handlers that take too long.

import Foundation
import HTTPServer
import Identity
import Testing

@testable import HTTPClient

struct LifecycleTests {
    @Test func clientLeavesWhileTheHandlerRuns() async throws {
        let gate = Gate()
        let fixture = try TestServer(
            configure: { $0.maximumConnectionsPerPeer = 64 },
            handler: { request in
                if request.path == ["wait"] { await gate.wait() }
                return HTTPResponse(status: 200, body: [UInt8](repeating: 1, count: 300_000))
            })
        let files = try fixture.chain.clientFiles()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    await #expect(throws: HTTPClientError.timedOut) {
                        try await fixture.client(files) { $0.totalMilliseconds = 1_500 }
                            .send(.put, path: "/wait", body: [UInt8](repeating: 0, count: 10_000))
                    }
                }
            }
        }
        try await gate.arrival(of: 20)
        await gate.open()
        let client = try fixture.client(files)
        for _ in 0..<20 { #expect(try await client.send(.get, path: "/").body.count == 300_000) }
        await fixture.server.stop()
        #expect(fixture.server.openConnections == 0)
        #expect(fixture.server.bytesInFlight == 0)
    }

    @Test func clientLeavesWhileTheAnswerIsWritten() async throws {
        let fixture = try TestServer(
            configure: { $0.maximumConnectionsPerPeer = 64 },
            handler: { _ in HTTPResponse(status: 200, body: [UInt8](repeating: 1, count: 8 << 20)) })
        let files = try fixture.chain.clientFiles()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<10 {
                group.addTask {
                    await #expect(throws: HTTPClientError.responseTooLarge) {
                        try await fixture.client(files) { $0.maximumResponseBytes = 100_000 }.send(.get, path: "/")
                    }
                }
            }
        }
        await fixture.server.stop()
        #expect(fixture.server.openConnections == 0)
    }

    @Test func stopAnswersWhatIsInHand() async throws {
        let gate = Gate()
        let fixture = try TestServer(handler: { _ in
            await gate.wait()
            return HTTPResponse(status: 200, body: [42])
        })
        let client = try fixture.client()
        let idle = try fixture.client(fixture.chain.clientFiles("spiffe://chain.example/store/idle"))
        async let answer = client.send(.get, path: "/")
        try await gate.arrival()
        let stopping = Task { await fixture.server.stop() }
        try await Task.sleep(for: .milliseconds(100))
        await #expect(throws: HTTPClientError.connectionFailed) { try await idle.send(.get, path: "/") }
        await gate.open()
        let received = try await answer
        #expect(received.body == [42])
        #expect(received.headers["connection"] == "close")
        await stopping.value
        #expect(fixture.server.openConnections == 0)
    }

    @Test func stopCutsWhatDoesNotEnd() async throws {
        let gate = Gate()
        let fixture = try TestServer(
            configure: { $0.drainMilliseconds = 200 },
            handler: { _ in
                await gate.wait()
                return HTTPResponse(status: 200)
            })
        let client = try fixture.client()
        let request = Task { () -> HTTPClientError? in
            do throws(HTTPClientError) {
                _ = try await client.send(.get, path: "/")
                return nil
            } catch {
                return error
            }
        }
        try await gate.arrival()
        let start = ContinuousClock.now
        await fixture.server.stop()
        #expect(ContinuousClock.now - start < .seconds(2))
        #expect(await request.value != nil)
        await gate.open()  // the answer arrives at a loop that has ended
        await fixture.server.stop()  // again: returns at once
    }

    @Test func lateHandlersAreCancelledAndAnswered() async throws {
        let fixture = try TestServer(
            configure: { $0.handlerMilliseconds = 200 },
            handler: { request in
                if request.path == ["slow"] { try? await Task.sleep(for: .seconds(30)) }
                return HTTPResponse(status: Task.isCancelled ? 500 : 200)
            })
        let client = try fixture.client()
        let answer = try await client.send(.get, path: "/slow")
        #expect(answer.status == 503)
        #expect(answer.problem?.type == "urn:concord:problem:handler-deadline")
        #expect(try await client.send(.get, path: "/").status == 200)
        await fixture.server.stop()
    }

    @Test func cancelledTasksGiveUp() async throws {
        let gate = Gate()
        let fixture = try TestServer(handler: { _ in
            await gate.wait()
            return HTTPResponse(status: 200)
        })
        let client = try fixture.client()
        let request = Task { () -> HTTPClientError? in
            do throws(HTTPClientError) {
                _ = try await client.send(.get, path: "/")
                return nil
            } catch {
                return error
            }
        }
        try await gate.arrival()
        request.cancel()
        #expect(await request.value == .cancelled)
        await gate.open()
        await fixture.server.stop()
    }

    @Test func nobodyListening() async throws {
        let fixture = try TestServer()
        let client = try fixture.client()
        await fixture.server.stop()
        await #expect(throws: HTTPClientError.connectionFailed) { try await client.send(.get, path: "/") }
    }

    @Test func portInUseAndSecondStart() async throws {
        let fixture = try TestServer()
        var configuration = ServerConfiguration()
        configuration.port = fixture.port
        let second = try HTTPServer(
            configuration: configuration, credentials: fixture.chain.serverCredentials(), handler: TestServer.echo)
        #expect(throws: HTTPServerError.bindFailed(code: EADDRINUSE)) { try second.start() }
        #expect(throws: HTTPServerError.alreadyStarted) { try fixture.server.start() }
        await fixture.server.stop()
        #expect(throws: HTTPServerError.alreadyStarted) { try fixture.server.start() }
    }

    @Test func forgottenServersEnd() async throws {
        let chain = try TestChain()
        var port: UInt16 = 0
        do {
            let server = try HTTPServer(
                configuration: ServerConfiguration(), credentials: chain.serverCredentials(), handler: TestServer.echo)
            port = try server.start()
        }
        let client = try HTTPClient(
            baseURL: "https://127.0.0.1:\(port)", tls: chain.clientFiles(), configuration: .init())
        var error: HTTPClientError?
        for _ in 0..<100 where error != .connectionFailed {
            do throws(HTTPClientError) {
                _ = try await client.send(.get, path: "/")
            } catch let caught {
                error = caught
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(error == .connectionFailed)
    }
}
