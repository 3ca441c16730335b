// A coordinator that serves real mutual TLS on a free port of the loopback address.

import ChainKeys
import Coordinator
import Foundation
import HTTPServer
import Identity
import Rounds

@testable import HTTPClient

/// One running coordinator; stop it at the end of the test.
final class LiveChain: Sendable {
    let keys: TestKeys
    let service: CoordinatorService
    let port: UInt16
    private let stopping: AsyncStream<Void>.Continuation
    private let running: Task<Void, any Error>

    /// Starts a coordinator on `dataFolder`, on `port` if one is named.
    init(
        dataFolder: String, port: UInt16 = 0, keys: TestKeys = .shared,
        configure: (inout CoordinatorConfiguration) -> Void = { _ in }
    ) async throws {
        self.keys = keys
        var configuration = CoordinatorConfiguration(
            dataDirectory: dataFolder, keysDirectory: keys.coordinatorFolder)
        configuration.port = port
        configuration.deadlines = AttemptDeadlines(collecting: 6_000, labelling: 10_000, revealing: 10_000)
        configuration.pollMilliseconds = 50
        configuration.livenessMilliseconds = 2_000
        configuration.openPatienceMilliseconds = 2_000
        configuration.helloPatienceMilliseconds = 10_000
        configure(&configuration)
        let service = try await CoordinatorService(configuration: configuration)
        let (stops, stopping) = AsyncStream<Void>.makeStream()
        let (ports, announcing) = AsyncStream<UInt16>.makeStream()
        running = Task {
            defer { announcing.finish() }
            try await service.run(
                until: { for await _ in stops { break } }, announce: { port, _ in announcing.yield(port) })
        }
        self.service = service
        self.stopping = stopping
        var announced: UInt16 = 0
        for await port in ports {
            announced = port
            break
        }
        self.port = announced
    }

    func stop() async throws {
        stopping.finish()
        try await running.value
    }

    func client(_ files: TLSFiles) throws -> HTTPClient {
        try HTTPClient(baseURL: "https://127.0.0.1:\(port)", tls: files)
    }

    func client(_ role: Role) throws -> HTTPClient {
        try client(role == .store ? keys.storeFolder(0).tls : keys.person(role))
    }

    /// A client with files that need not fit, or without a certificate.
    func stranger(_ files: TLSFiles, presentsCertificate: Bool = true) throws -> HTTPClient {
        var configuration = HTTPClient.Configuration()
        configuration.totalMilliseconds = 10_000
        return try HTTPClient(
            baseURL: "https://127.0.0.1:\(port)", uncheckedTLS: files, presentsCertificate: presentsCertificate,
            configuration: configuration)
    }
}

extension TestKeys {
    /// The TLS files of an identity that the ceremony did not make.
    /// - Parameter authority: who signs it; the chain's own if nil. The files trust the chain's authority either way.
    func files(
        _ id: String, in folder: TestFolder, authority: CertificateAuthority? = nil,
        fromMilliseconds: Int64 = -3_600_000, untilMilliseconds: Int64 = 3_600_000
    ) throws -> TLSFiles {
        let own = try self.authority()
        let identity = try (authority ?? own).issue(
            subjectID: try SPIFFEID(id), usage: .client,
            validity: try CertificateValidity(
                notBeforeMilliseconds: nowMilliseconds + fromMilliseconds,
                notAfterMilliseconds: nowMilliseconds + untilMilliseconds))
        let path = folder(UUID().uuidString)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let files = TLSFiles(folder: path)
        try files.write(TLSCredentials(certificateAuthorityPEM: own.certificatePEM, identity: identity))
        return files
    }
}
