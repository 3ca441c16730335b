// What engineers and officers do with a live chain.

import Cryptography
import Foundation
import HTTPClient
import Identity
import Rounds
import SecureAggregation
import Testing
import WireFormat

extension LiveChain {
    /// An attempt as people see it.
    struct AttemptSummary: Decodable {
        let round: Int
        let attempt: Int
        let state: String
        let uploaded: Int
        let survivors: Int?
        let eligibleCustomers: Int
        let excluded: [String: Int]
        let model: String?
        let voidReason: String?
    }

    struct Status: Decodable {
        let nodesReady: Int
        let subjects: Int
        let ledgerSize: Int
        let quarantined: Bool
    }

    @discardableResult
    func success(
        _ role: Role, _ method: HTTPClient.Method, _ path: String, body: [UInt8]? = nil
    ) async throws -> [UInt8] {
        let response = try await client(role).send(method, path: path, body: body)
        try #require(
            (200..<300).contains(response.status), "\(path): \(String(decoding: response.body, as: UTF8.self))")
        return response.body
    }

    func status() async throws -> Status {
        try JSONDecoder().decode(Status.self, from: Data(try await success(.operator, .get, "/v1/status")))
    }

    func rounds(_ job: JobID) async throws -> [AttemptSummary] {
        try JSONDecoder().decode(
            [AttemptSummary].self, from: Data(try await success(.engineer, .get, "/v1/tasks/\(job)/rounds")))
    }

    /// Puts the test's task in place.
    func startTask(
        _ subCohorts: SubCohortSettings? = nil, generator: KeystreamCipher = .aes256Counter
    ) async throws -> JobID {
        let plan = try keys.plan(subCohorts: subCohorts, generator: generator)
        try await success(.engineer, .post, "/v1/models", body: try TestKeys.initialModel())
        try await success(.engineer, .post, "/v1/tasks", body: plan.encoded())
        let job = try ValidatedPlan(verifying: plan, owner: keys.anchors.planOwnerKey).jobID
        try await success(.officer, .post, "/v1/tasks/\(job)/approval", body: [])
        return job
    }

    func ask(_ job: JobID, rounds: Int) async throws {
        try await success(.engineer, .post, "/v1/tasks/\(job)/rounds", body: [UInt8]("{\"total\":\(rounds)}".utf8))
    }

    /// Waits until `condition` holds, half a minute at most unless told otherwise.
    func wait(_ what: Comment, seconds: Int = 30, until condition: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(seconds)
        while try await !condition() {
            try #require(ContinuousClock.now < end, what)
            try await Task.sleep(for: .milliseconds(50))
        }
    }
}
