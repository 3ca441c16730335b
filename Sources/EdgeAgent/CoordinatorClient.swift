// The node API from the node's side: typed calls, typed refusals.

import Consent
import Cryptography
import HTTPClient
import Identity
import MerkleLog
import Rounds
import SecureAggregation
import WireFormat

/// The coordinator refused, or answered what it must not.
public enum CoordinatorRefusal: Error, Equatable, Sendable, CustomStringConvertible {
    /// An RFC 9457 problem; the status says what to do: 404 and 410 give the session up, 409 means someone uses this
    /// node's identity, 5xx try again.
    case status(Int, operation: String)
    /// The answer is not the message it should be.
    case malformed(operation: String)

    /// Safe to log.
    public var description: String {
        switch self {
        case .status(let status, let operation): "\(operation): refused with status \(status)"
        case .malformed(let operation): "\(operation): malformed answer"
        }
    }
}

/// Calls of one node.
struct CoordinatorClient: Sendable {
    let http: HTTPClient

    init(coordinator: String, tls: TLSFiles) throws {
        http = try HTTPClient(baseURL: coordinator, tls: tls)
    }

    private func get<Message: WireMessage>(
        _ path: String, query: [String: String] = [:], operation: String
    ) async throws -> Message {
        try Self.decode(try await bytes(path, query: query, operation: operation), operation: operation)
    }

    private func bytes(
        _ path: String, query: [String: String] = [:], operation: String
    ) async throws -> [UInt8] {
        let response = try await http.send(.get, path: path, query: query)
        guard response.status == 200 else { throw CoordinatorRefusal.status(response.status, operation: operation) }
        return response.body
    }

    @discardableResult
    private func post(_ path: String, _ body: [UInt8], operation: String) async throws -> [UInt8] {
        let response = try await http.send(.post, path: path, body: body, contentType: "application/cbor")
        guard (200..<300).contains(response.status) else {
            throw CoordinatorRefusal.status(response.status, operation: operation)
        }
        return response.body
    }

    private static func decode<Message: WireMessage>(_ bytes: [UInt8], operation: String) throws -> Message {
        do { return try Message(decoding: bytes) } catch { throw CoordinatorRefusal.malformed(operation: operation) }
    }

    func work() async throws -> WorkList { try await get("/v1/work", operation: "work") }

    func postSeen(checkpoint note: String) async throws {
        try await post("/v1/log/seen", [UInt8](note.utf8), operation: "seen checkpoint")
    }

    func currentEpoch() async throws -> EpochAnnouncement { try await get("/v1/epochs/current", operation: "epoch") }

    func post(_ hello: SignedMessage<EpochHello>) async throws {
        try await post("/v1/epochs/\(hello.body.epoch)/hellos", hello.encoded(), operation: "hello")
    }

    func post(_ prekey: PrekeyBundle) async throws {
        try await post("/v1/prekeys", prekey.encoded(), operation: "prekey")
    }

    func plan(_ digest: Digest) async throws -> SignedMessage<TrainingPlan> {
        try await get("/v1/plans/\(digest.hex)", operation: "plan")
    }

    func model(_ digest: Digest) async throws -> [UInt8] {
        let bytes = try await bytes("/v1/models/\(digest.hex)", operation: "model")
        guard SHA256.hash(bytes) == digest else { throw CoordinatorRefusal.malformed(operation: "model") }
        return bytes
    }

    func view(size: UInt64, previous: UInt64) async throws -> ViewDelivery {
        try await get("/v1/views/\(size)", query: ["previous": String(previous)], operation: "view")
    }

    func consistency(from: Int, to: Int) async throws -> ConsistencyProof {
        let message: ConsistencyDelivery = try await get(
            "/v1/log/consistency", query: ["from": String(from), "to": String(to)], operation: "consistency")
        return ConsistencyProof(oldSize: from, newSize: to, hashes: message.hashes)
    }

    func offer(_ session: Digest) async throws -> RoundOffer {
        try await get("/v1/sessions/\(session.hex)/offer", operation: "offer")
    }

    func labelProposal(_ session: Digest) async throws -> LabelProposal {
        try await get("/v1/sessions/\(session.hex)/label-proposal", operation: "label proposal")
    }

    func revealRequest(_ session: Digest) async throws -> RevealRequest {
        try await get("/v1/sessions/\(session.hex)/reveal-request", operation: "reveal request")
    }

    func post(_ cohort: CohortCommitted, session: Digest) async throws {
        try await post("/v1/sessions/\(session.hex)/cohort", cohort.encoded(), operation: "cohort")
    }

    func post(_ vote: SignedMessage<LabelVote>, session: Digest) async throws {
        try await post("/v1/sessions/\(session.hex)/votes", vote.encoded(), operation: "vote")
    }

    func post(_ reveal: SignedMessage<Reveal>, session: Digest) async throws {
        try await post("/v1/sessions/\(session.hex)/reveals", reveal.encoded(), operation: "reveal")
    }

    func shareChecks() async throws -> ShareChecks { try await get("/v1/share-checks", operation: "share checks") }

    func post(_ report: SignedMessage<ShareReport>) async throws {
        try await post("/v1/share-reports", report.encoded(), operation: "share report")
    }

    func uploadProgress(_ session: Digest) async throws -> UploadProgress {
        try await get("/v1/sessions/\(session.hex)/upload", operation: "upload progress")
    }

    func putChunk(_ bytes: [UInt8], index: Int, digest: Digest, session: Digest) async throws {
        let response = try await http.send(
            .put, path: "/v1/sessions/\(session.hex)/chunks/\(index)", query: ["sha256": digest.hex], body: bytes,
            contentType: "application/octet-stream")
        guard response.status == 204 else { throw CoordinatorRefusal.status(response.status, operation: "chunk") }
    }

    func post(_ envelope: UploadEnvelope, session: Digest) async throws -> SignedMessage<UploadReceipt> {
        try Self.decode(
            try await post("/v1/sessions/\(session.hex)/upload", envelope.encoded(), operation: "upload"),
            operation: "upload")
    }

    func post(_ events: EventBatch) async throws -> EventReceipts {
        try Self.decode(
            try await post("/v1/events", events.encoded(), operation: "events"), operation: "events")
    }
}
