// From a request to an answer: find the operation, check the role, run the handler, turn every refusal into a problem.

import Cryptography
import HTTPServer
import Identity
import SecureAggregation
import Storage
import WireFormat

/// The request handler.
struct API: Sendable {
    let service: CoordinatorService

    /// Media type of node messages.
    static let cbor = "application/cbor"

    /// Who is calling, once authorised.
    struct Caller: Sendable {
        let peer: PeerIdentity
        /// The register index of a store; nil for people.
        let node: NodeIndex?
        /// The SPIFFE id's text, as the audit log names people.
        var actor: String { peer.id.description }
    }

    /// Answers a request over mutual TLS.
    func handle(_ request: HTTPRequest) async -> HTTPResponse {
        do {
            guard let (operation, arguments) = Operation.match(method: request.method, path: request.path) else {
                throw Problem.notFound("operation")
            }
            let caller = try await authorise(request, operation: operation)
            let response = try await perform(operation, arguments, request, caller)
            service.metrics.count(operation, status: response.status)
            return response
        } catch let error as StorageError where error.isFatal {
            service.log.event("storage.fatal", ["reason": error.description])
            return Self.response(Problem.storage)
        } catch {
            let problem = Problem(error)
            service.metrics.countRefusal(status: problem.status)
            return Self.response(problem)
        }
    }

    private func authorise(_ request: HTTPRequest, operation: Operation) async throws -> Caller {
        guard let peer = request.peer, peer.id.trustDomain == service.keys.anchors.chain,
            operation.rule.roles.contains(peer.id.role)
        else { throw Problem.forbidden }
        let fingerprint = peer.certificateFingerprint
        let revoked = try await service.store.transact { state, _ in state.revokedCertificates.contains(fingerprint) }
        if revoked { throw Problem.forbidden }
        var node: NodeIndex?
        if peer.id.role == .store {
            // A certificate of the chain is not enough: the store must be in the register.
            guard let index = service.nodesByName[peer.id.name] else { throw Problem.forbidden }
            node = index
        }
        return Caller(peer: peer, node: node)
    }

    private func perform(
        _ operation: Operation, _ arguments: [String], _ request: HTTPRequest, _ caller: Caller
    ) async throws -> HTTPResponse {
        let node = caller.node ?? .max
        switch operation {
        case .work: return try await work(node, request)
        case .register: return Self.cbor(service.keys.signedRegister)
        case .currentEpoch: return try await currentEpoch()
        case .postHello: return try await postHello(node, request)
        case .postPrekey: return try await postPrekey(node, request)
        case .plan: return try await plan(try Self.digest(arguments[0]))
        case .model: return try await model(try Self.digest(arguments[0]))
        case .view: return try await view(node, size: arguments[0], request)
        case .offer: return try await offer(node, try Self.digest(arguments[0]))
        case .labelProposal: return try await labelProposal(node, try Self.digest(arguments[0]))
        case .revealRequest: return try await revealRequest(node, try Self.digest(arguments[0]))
        case .uploadProgress: return try await uploadProgress(node, try Self.digest(arguments[0]))
        case .putChunk: return try await putChunk(node, try Self.digest(arguments[0]), index: arguments[1], request)
        case .postUpload:
            return try await postUpload(
                node, try Self.digest(arguments[0]), request, certificate: caller.peer.certificateFingerprint)
        case .postCohort: return try await postCohort(node, try Self.digest(arguments[0]), request)
        case .postVote: return try await postVote(node, try Self.digest(arguments[0]), request)
        case .postReveal: return try await postReveal(node, try Self.digest(arguments[0]), request)
        case .postEvents: return try await postEvents(node, request)
        case .shareChecks: return try await shareChecks(node)
        case .postShareReport: return try await postShareReport(node, request)
        case .postModel: return try await postModel(request)
        case .proposeTask: return try await proposeTask(caller, request)
        case .approveTask: return try await approveTask(caller, try Self.job(arguments[0]))
        case .stopTask: return try await stopTask(caller, try Self.job(arguments[0]))
        case .requestRounds: return try await requestRounds(caller, try Self.job(arguments[0]), request)
        case .listTasks: return try await listTasks()
        case .listRounds: return try await listRounds(try Self.job(arguments[0]))
        case .listSuspects: return try await listSuspects(try Self.job(arguments[0]))
        case .evidence: return try await evidence(caller, try Self.job(arguments[0]), request)
        case .status: return try await status()
        case .timeline: return try await timeline(caller, arguments[0])
        case .listFaults: return try await listFaults()
        case .fault: return try await fault(try Self.digest(arguments[0]))
        case .checkpoint: return try await checkpoint()
        case .postSeenCheckpoint: return try await postSeenCheckpoint(request)
        case .revoke: return try await revoke(caller, request)
        case .consistency: return try await consistency(request)
        case .tile: return try await tile(arguments[0])
        }
    }

    static func response(_ problem: Problem) -> HTTPResponse {
        let retry = problem.status == 503 || problem.status == 507
        return .problem(
            status: problem.status, type: "urn:concord:problem:\(problem.code)", title: problem.title,
            detail: problem.detail, headers: retry ? [.init("Retry-After", "2")] : [])
    }

    static func digest(_ text: String) throws -> Digest {
        do { return try Digest(hex: text) } catch { throw Problem.badRequest("expected 64 hexadecimal digits") }
    }

    static func job(_ text: String) throws -> JobID {
        do { return try JobID(try Hex.decode(text)) } catch { throw Problem.badRequest("expected a job id") }
    }
}
