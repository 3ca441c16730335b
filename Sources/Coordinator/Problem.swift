// Every refusal the coordinator gives, with its HTTP status and a stable code. Texts name fields and bounds, never data.

import Consent
import DifferentialPrivacy
import Rounds
import SecureAggregation
import Storage
import WireFormat

/// An RFC 9457 problem.
struct Problem: Error, Equatable, Sendable {
    /// HTTP status.
    let status: Int
    /// The last component of the problem's type URI.
    let code: String
    /// One sentence about this kind of problem.
    let title: String
    /// What happened here.
    let detail: String

    static func badRequest(_ detail: String) -> Problem {
        Problem(status: 400, code: "bad-request", title: "The request cannot be read", detail: detail)
    }
    static let forbidden = Problem(
        status: 403, code: "forbidden", title: "This role may not do that", detail: "see the table of roles")
    static func notFound(_ what: String) -> Problem {
        Problem(status: 404, code: "not-found", title: "No such thing here", detail: what)
    }
    static func conflict(_ detail: String) -> Problem {
        Problem(status: 409, code: "conflict", title: "This contradicts what was accepted", detail: detail)
    }
    static func gone(_ detail: String) -> Problem {
        Problem(status: 410, code: "closed", title: "Too late", detail: detail)
    }
    static func refused(_ detail: String) -> Problem {
        Problem(status: 422, code: "refused", title: "A check failed", detail: detail)
    }
    static func budget(_ detail: String) -> Problem {
        Problem(status: 409, code: "privacy-budget", title: "The privacy budget does not allow it", detail: detail)
    }
    static let quarantined = Problem(
        status: 503, code: "quarantined", title: "The ledger is behind what nodes have seen",
        detail: "no round opens until officer and auditor reconcile")
    static let storageFull = Problem(
        status: 507, code: "storage-full", title: "The disk is full", detail: "nothing was stored; try again later")
    static let storage = Problem(
        status: 503, code: "storage", title: "Storage is not available", detail: "nothing was stored; try again later")

    /// The problem that answers any error.
    init(_ error: any Error) {
        switch error {
        case let problem as Problem: self = problem
        case let error as WireFormatError: self = .badRequest(error.description)
        case let error as ConsentError: self = .refused(error.description)
        case AttemptError.closed: self = .gone("uploads are closed")
        case AttemptError.illegal(let event, let state):
            self = .gone("\(event) does not fit an attempt that is \(state.rawValue)")
        case AttemptError.refused(let error): self = Problem(aggregation: error)
        case let error as SecureAggregationError: self = Problem(aggregation: error)
        case let error as PlanError: self = .refused(error.description)
        case let error as BudgetError: self = .budget(error.description)
        case StorageError.diskFull: self = .storageFull
        case StorageError.conflict: self = .conflict("other bytes are stored under this name")
        case StorageError.digestMismatch: self = .refused("the bytes do not match their digest")
        case StorageError.notFound: self = .notFound("stored bytes")
        default: self = .storage
        }
    }

    init(status: Int, code: String, title: String, detail: String) {
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
    }

    private init(aggregation error: SecureAggregationError) {
        switch error {
        case .conflict: self = .conflict(error.description)
        case .wrongPhase, .tooLate: self = .gone(error.description)
        case .unknown: self = .notFound(error.description)
        case .malformed: self = .badRequest(error.description)
        default: self = .refused(error.description)
        }
    }
}
