// The demonstration's people: engineer, officer, operator and auditor, each with a certificate of their own.

import ChainKeys
import Cryptography
import FoundationEssentials
import HTTPClient
import Identity
import PeopleAPI
import Rounds
import SecureAggregation
import WireFormat

/// One person's calls.
struct PeopleClient: Sendable {
    private let http: HTTPClient

    init(port: Int, keys: String, role: Role) throws {
        http = try HTTPClient(
            baseURL: "https://127.0.0.1:\(port)", tls: KeyFolder(path: "\(keys)/\(role.rawValue)").tls)
    }

    private func call(_ method: HTTPClient.Method, _ path: String, _ body: [UInt8]? = nil) async throws -> [UInt8] {
        let response = try await http.send(
            method, path: path, body: body, contentType: body.map { _ in "application/octet-stream" })
        guard (200..<300).contains(response.status) else {
            throw DemonstrationFailure("\(path): \(response.status) \(String(decoding: response.body, as: UTF8.self))")
        }
        return response.body
    }

    private func json<Answer: Decodable>(_ path: String) async throws -> Answer {
        try JSONDecoder().decode(Answer.self, from: Data(try await call(.get, path)))
    }

    func status() async throws -> ChainStatus { try await json("/v1/status") }

    func rounds(_ job: String) async throws -> [AttemptSummary] { try await json("/v1/tasks/\(job)/rounds") }

    func model(_ digest: String) async throws -> [UInt8] { try await call(.get, "/v1/models/\(digest)") }

    func postModel(_ bytes: [UInt8]) async throws { _ = try await call(.post, "/v1/models", bytes) }

    func propose(_ plan: SignedMessage<TrainingPlan>) async throws -> String {
        try JSONDecoder().decode(CreatedTask.self, from: Data(try await call(.post, "/v1/tasks", plan.encoded()))).job
    }

    func approve(_ job: String) async throws { _ = try await call(.post, "/v1/tasks/\(job)/approval", []) }

    func requestRounds(_ job: String, total: Int) async throws {
        _ = try await call(
            .post, "/v1/tasks/\(job)/rounds", [UInt8](try JSONEncoder().encode(RoundsRequest(total: total))))
    }

    func evidence(_ job: String, answers: [UInt8]) async throws -> [UInt8] {
        try await call(.post, "/v1/tasks/\(job)/evidence", answers)
    }
}
