// A chain in a temporary folder: one root, a server, and clients of every kind, made by the same code that makes real ones.

import Foundation
import Identity

@testable import HTTPClient
@testable import HTTPServer

final class TestChain: Sendable {
    let folder: String
    let authority: CertificateAuthority
    let now: Int64
    let validity: CertificateValidity

    init(name: String = "Test chain") throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "http-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        now = Int64(Date().timeIntervalSince1970 * 1_000)
        validity = try CertificateValidity(
            notBeforeMilliseconds: now - 3_600_000, notAfterMilliseconds: now + 3_600_000)
        authority = try CertificateAuthority(name: name, validity: validity)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func identity(
        _ id: String, usage: CertificateUsage = .client, validity: CertificateValidity? = nil
    ) throws -> TLSIdentity {
        try authority.issue(subjectID: try SPIFFEID(id), usage: usage, validity: validity ?? self.validity)
    }

    func serverCredentials(addresses: [String] = ["127.0.0.1"]) throws -> TLSCredentials {
        TLSCredentials(
            certificateAuthorityPEM: authority.certificatePEM,
            identity: try identity(
                "spiffe://chain.example/coordinator/test", usage: .server(dnsNames: [], ipAddresses: addresses)))
    }

    /// The files of a client; `trusting` another chain if asked.
    func clientFiles(
        _ id: String = "spiffe://chain.example/store/north-7", usage: CertificateUsage = .client,
        validity: CertificateValidity? = nil, trusting root: String? = nil
    ) throws -> TLSFiles {
        let own = "\(folder)/\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: own, withIntermediateDirectories: true)
        let files = TLSFiles(folder: own)
        try files.write(
            TLSCredentials(
                certificateAuthorityPEM: root ?? authority.certificatePEM,
                identity: try identity(id, usage: usage, validity: validity)))
        return files
    }
}

/// A running server with its chain; stop it at the end of the test.
struct TestServer {
    let chain: TestChain
    let server: HTTPServer
    let port: UInt16

    init(
        chain: TestChain? = nil, credentials: TLSCredentials? = nil,
        configure: (inout ServerConfiguration) -> Void = { _ in },
        handler: @escaping HTTPHandler = TestServer.echo
    ) throws {
        let chain = try chain ?? TestChain()
        var configuration = ServerConfiguration()
        configuration.drainMilliseconds = 2_000
        configure(&configuration)
        self.chain = chain
        server = try HTTPServer(
            configuration: configuration, credentials: try credentials ?? chain.serverCredentials(), handler: handler)
        port = try server.start()
    }

    func client(
        _ files: TLSFiles? = nil, presentsCertificate: Bool = true,
        configure: (inout HTTPClient.Configuration) -> Void = { _ in }
    ) throws -> HTTPClient {
        var configuration = HTTPClient.Configuration()
        configuration.totalMilliseconds = 8_000
        configure(&configuration)
        return try HTTPClient(
            baseURL: "https://127.0.0.1:\(port)", uncheckedTLS: try files ?? chain.clientFiles(),
            presentsCertificate: presentsCertificate, configuration: configuration)
    }

    /// Tells what the handler saw: one line per part, then the body.
    @Sendable static func echo(_ request: HTTPRequest) async -> HTTPResponse {
        let lines = [
            request.method.rawValue, request.path.joined(separator: "|"),
            request.query.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: "|"),
            request.headers.contentType ?? "-", request.headers.ifNoneMatch ?? "-", request.headers.range ?? "-",
            request.requestID, request.peer?.id.description ?? "-", request.peer?.serialHex ?? "-",
        ]
        return HTTPResponse(
            status: 200, contentType: "text/plain", headers: [.init("ETag", "\"e\"")],
            body: [UInt8](lines.joined(separator: "\n").utf8) + [0x0a] + request.body)
    }
}

extension HTTPClientResponse {
    var text: String { String(decoding: body, as: UTF8.self) }
    var lines: [String] { text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) }
    /// The `type` and `status` of a problem document, read by Foundation.
    var problem: (type: String, status: Int)? {
        guard contentType == "application/problem+json",
            let object = try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any],
            let type = object["type"] as? String, let status = object["status"] as? Int
        else { return nil }
        return (type, status)
    }
}
