// Every operation, who may call it, and how large its body may be: the one table of authorisation. What is not in it does
// not exist, and a role that is not named is refused.

import HTTPServer
import Identity
import SecureAggregation

/// An operation of the API.
package enum Operation: String, CaseIterable, Sendable {
    // Nodes.
    case work, register, currentEpoch, postHello, postPrekey, plan, model, view
    case offer, labelProposal, revealRequest, uploadProgress
    case putChunk, postUpload, postCohort, postVote, postReveal, postEvents, shareChecks, postShareReport
    // People.
    case postModel, proposeTask, approveTask, stopTask, requestRounds, listTasks, listRounds, listSuspects
    case evidence, status
    case timeline, listFaults, fault
    // Anyone of the chain.
    case checkpoint, tile, consistency, postSeenCheckpoint, revoke

    /// Method, path and roles. `:x` matches one component.
    package var rule: (method: HTTPMethod, path: String, roles: Set<Role>, maximumBody: Int) {
        let small = 64 << 10
        return switch self {
        case .work: (.get, "v1/work", [.store], small)
        case .register: (.get, "v1/register", [.store, .auditor, .officer, .engineer, .operator], small)
        case .currentEpoch: (.get, "v1/epochs/current", [.store], small)
        case .postHello: (.post, "v1/epochs/:epoch/hellos", [.store], small)
        case .postPrekey: (.post, "v1/prekeys", [.store], 4 << 20)
        case .plan: (.get, "v1/plans/:digest", [.store, .auditor, .officer, .engineer], small)
        case .model: (.get, "v1/models/:digest", [.store, .auditor, .engineer], small)
        case .view: (.get, "v1/views/:size", [.store], small)
        case .offer: (.get, "v1/sessions/:session/offer", [.store], small)
        case .labelProposal: (.get, "v1/sessions/:session/label-proposal", [.store], small)
        case .revealRequest: (.get, "v1/sessions/:session/reveal-request", [.store], small)
        case .uploadProgress: (.get, "v1/sessions/:session/upload", [.store], small)
        case .putChunk:
            (.put, "v1/sessions/:session/chunks/:index", [.store], VectorChunks.bytesPerChunk)
        case .postUpload: (.post, "v1/sessions/:session/upload", [.store], 16 << 20)
        case .postCohort: (.post, "v1/sessions/:session/cohort", [.store], small)
        case .postVote: (.post, "v1/sessions/:session/votes", [.store], small)
        case .postReveal: (.post, "v1/sessions/:session/reveals", [.store], 16 << 20)
        case .postEvents: (.post, "v1/events", [.store], 4 << 20)
        case .shareChecks: (.get, "v1/share-checks", [.store], small)
        case .postShareReport: (.post, "v1/share-reports", [.store], 1 << 20)
        case .postModel: (.post, "v1/models", [.engineer], 64 << 20)
        case .proposeTask: (.post, "v1/tasks", [.engineer], 1 << 20)
        case .approveTask: (.post, "v1/tasks/:job/approval", [.officer], small)
        case .stopTask: (.post, "v1/tasks/:job/stop", [.officer], small)
        case .requestRounds: (.post, "v1/tasks/:job/rounds", [.engineer], small)
        case .listTasks: (.get, "v1/tasks", [.engineer, .officer, .auditor], small)
        case .listRounds: (.get, "v1/tasks/:job/rounds", [.engineer, .officer, .auditor], small)
        case .listSuspects:
            (.get, "v1/tasks/:job/suspects", [.operator, .engineer, .officer, .auditor], small)
        case .evidence: (.post, "v1/tasks/:job/evidence", [.auditor], 4 << 20)
        case .status: (.get, "v1/status", [.operator, .engineer, .officer, .auditor], small)
        case .timeline: (.get, "v1/subjects/:handle/timeline", [.officer], small)
        case .listFaults: (.get, "v1/faults", [.operator, .officer, .auditor], small)
        case .fault: (.get, "v1/faults/:digest", [.operator, .officer, .auditor], small)
        case .checkpoint: (.get, "checkpoint", Set(Role.allCases), small)
        case .postSeenCheckpoint: (.post, "v1/log/seen", [.store, .auditor], small)
        case .revoke: (.post, "v1/revocations", [.operator], small)
        case .consistency: (.get, "v1/log/consistency", Set(Role.allCases), small)
        case .tile: (.get, "tile/*", Set(Role.allCases), small)
        }
    }

    /// Finds the operation of a request, with the values of its `:` components in order.
    package static func match(method: HTTPMethod, path: [String]) -> (operation: Operation, arguments: [String])? {
        for operation in allCases where operation.rule.method == method {
            if let arguments = operation.arguments(of: path) { return (operation, arguments) }
        }
        return nil
    }

    /// Largest body a path accepts; the same bound for what does not exist.
    static func bodyLimit(method: HTTPMethod, path: [String]) -> Int {
        match(method: method, path: path)?.operation.rule.maximumBody ?? 64 << 10
    }

    private func arguments(of path: [String]) -> [String]? {
        let pattern = rule.path.split(separator: "/")
        var arguments: [String] = []
        for (position, part) in pattern.enumerated() {
            guard position < path.count else { return nil }
            if part == "*" { return arguments + [path.dropFirst(position).joined(separator: "/")] }
            if part.first == ":" {
                arguments.append(path[position])
            } else if path[position] != part {
                return nil
            }
        }
        return pattern.count == path.count ? arguments : nil
    }
}
