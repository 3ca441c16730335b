// Who may call what, over real mutual TLS: the one table of operations against every role, and everyone who has no role.

import ChainKeys
import Cryptography
import Foundation
import HTTPServer
import Identity
import Testing

@testable import Coordinator
@testable import HTTPClient

@Suite struct AuthorisationTests {
    /// A path of an operation with values that name nothing.
    private static func path(_ operation: Coordinator.Operation) -> String {
        operation.rule.path.split(separator: "/").map { part -> String in
            switch part {
            case ":epoch", ":size": "1"
            case ":index": "0"
            case ":job", ":handle": String(repeating: "0", count: 32)
            case "*": "0/000"
            default: part.hasPrefix(":") ? String(repeating: "0", count: 64) : String(part)
            }
        }.reduce("") { "\($0)/\($1)" }
    }

    private static func method(_ operation: Coordinator.Operation) -> HTTPClient.Method {
        switch operation.rule.method {
        case .put: .put
        case .post: .post
        default: .get
        }
    }

    @Test func theWholeTable() async throws {
        let folder = try TestFolder()
        let live = try await LiveChain(dataFolder: folder("data"))
        var forbidden = 0
        var allowed = 0
        for role in Role.allCases {
            let client: HTTPClient
            switch role {
            case .coordinator:
                client = try live.client(live.keys.files("spiffe://test.example/coordinator/other", in: folder))
            default: client = try live.client(role)
            }
            for operation in Coordinator.Operation.allCases {
                let response = try await client.send(
                    Self.method(operation), path: Self.path(operation),
                    body: Self.method(operation) == .get ? nil : [])
                if operation.rule.roles.contains(role) {
                    allowed += 1
                    #expect(response.status != 403, "\(role.rawValue) may call \(operation)")
                    #expect(response.status < 500, "\(role.rawValue), \(operation): \(response.status)")
                } else {
                    forbidden += 1
                    #expect(response.status == 403, "\(role.rawValue) may not call \(operation)")
                    #expect(response.problem?.type == "urn:concord:problem:forbidden")
                }
            }
        }
        #expect(forbidden > 100)
        #expect(allowed > 40)
        try await live.stop()
    }

    @Test func noOneWithoutTheChainsCertificate() async throws {
        let folder = try TestFolder()
        let live = try await LiveChain(dataFolder: folder("data"))
        let foreign = try CertificateAuthority(
            name: "another authority",
            validity: try CertificateValidity(
                notBeforeMilliseconds: live.keys.nowMilliseconds - 7_200_000,
                notAfterMilliseconds: live.keys.nowMilliseconds + 7_200_000))
        let store = "spiffe://test.example/store/store-001"
        let strangers = [
            "anonymous": try live.stranger(live.keys.storeFolder(0).tls, presentsCertificate: false),
            "another authority": try live.stranger(live.keys.files(store, in: folder, authority: foreign)),
            "expired": try live.stranger(
                live.keys.files(store, in: folder, fromMilliseconds: -3_500_000, untilMilliseconds: -60_000)),
            "another chain's name": try live.stranger(
                live.keys.files("spiffe://other.example/store/store-001", in: folder)),
        ]
        for (name, client) in strangers {
            for path in ["/v1/work", "/checkpoint", "/v1/status"] {
                do {
                    let response = try await client.send(.get, path: path)
                    #expect(response.status == 403, "\(name): \(path)")
                } catch HTTPClientError.tlsRefused {
                    // Refused in the handshake, before there is a request.
                }
            }
        }
        #expect(try await live.client(.store).send(.get, path: "/v1/register").status == 200)
        try await live.stop()
    }

    @Test func aStoreOutsideTheRegister() async throws {
        let folder = try TestFolder()
        let live = try await LiveChain(dataFolder: folder("data"))
        let client = try live.client(live.keys.files("spiffe://test.example/store/store-999", in: folder))
        for operation in Coordinator.Operation.allCases {
            let response = try await client.send(
                Self.method(operation), path: Self.path(operation), body: Self.method(operation) == .get ? nil : [])
            #expect(response.status == 403, "\(operation)")
        }
        try await live.stop()
    }

    /// Every route that takes a body refuses one byte too many, before any handler sees it.
    @Test func oversizedBodies() async throws {
        let folder = try TestFolder()
        let live = try await LiveChain(dataFolder: folder("data"))
        for operation in Coordinator.Operation.allCases where Self.method(operation) != .get {
            let role = try #require(operation.rule.roles.sorted { $0.rawValue < $1.rawValue }.first)
            let body = [UInt8](repeating: 0, count: operation.rule.maximumBody + 1)
            do {
                let response = try await live.client(role).send(
                    Self.method(operation), path: Self.path(operation), body: body)
                #expect(response.status == 413, "\(operation)")
                #expect(response.problem == nil || response.problem?.type == "urn:concord:problem:body-too-large")
            } catch HTTPClientError.tlsRefused(.closedBeforeResponse) where body.count > 8 << 20 {
                // Beyond 8 MiB the server does not wait for the rest of a body it will not read: it cuts the line.
            }
        }
        try await live.stop()
    }
}

extension HTTPClientResponse {
    /// The problem document (RFC 9457), read by Foundation.
    var problem: (type: String, detail: String)? {
        guard contentType == "application/problem+json",
            let object = try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any],
            let type = object["type"] as? String
        else { return nil }
        return (type, object["detail"] as? String ?? "")
    }
}
