// The verdict for programs: one object. Its fields are listed in Protocols/evidence-bundle.md.

import Cryptography
import WireFormat

/// The verdict as JSON (Protocols/evidence-bundle.md, "Verdict"). Amounts of ε are in millionths, digests in hexadecimal;
/// what a refused bundle would have shown is left out.
public struct EvidenceVerdict: Encodable, Sendable {
    private struct Failure: Encodable {
        let check: String
        let place: String
        let message: String
    }

    private struct Log: Encodable {
        let origin: String
        let size: Int
        let root: String
    }

    private struct Round: Encodable {
        let round: UInt32
        let pinnedSize: Int
        let attempt: UInt64?
        let offeredNodes: Int?
        let survivingNodes: Int?
        let votes: Int?
        let groups: Int?
        let epsilonAfterMicro: UInt64
        let chargeIndex: Int?
        let releaseIndex: Int?
        let modelDigest: String?
        let voidedSessions: Int
    }

    private struct Withdrawal: Encodable {
        let index: Int
        let round: UInt32
        let node: UInt32
    }

    private struct Checks: Encodable {
        let signatures: Int
        let consistencyProofs: Int
        let inclusionProofs: Int
        let survivorCommitments: Int
        let certificates: Int
        let modelSteps: Int
    }

    private let verdict: String
    private var failure: Failure?
    private var chain: String?
    private var jobId: String?
    private var planDigest: String?
    private var registerVersion: UInt64?
    private var log: Log?
    private var rounds: [Round]?
    private var withdrawals: [Withdrawal]?
    private var epsilonMicro: UInt64?
    private var epsilonCapMicro: UInt64?
    private var modelDigest: String?
    private var modelFileVerified: Bool?
    private var checks: Checks?

    /// The verdict on a bundle that was refused.
    public init(_ error: EvidenceError) {
        verdict = "refused"
        failure = Failure(
            check: error.failure.code, place: error.place.description, message: error.failure.description)
    }

    /// The verdict on a bundle that holds.
    public init(_ report: EvidenceReport) {
        verdict = "verified"
        chain = report.chain
        jobId = report.jobID
        planDigest = report.planDigest.hex
        registerVersion = report.registerVersion
        log = Log(origin: report.logOrigin, size: report.logSize, root: report.logRoot.hex)
        rounds = report.rounds.map {
            Round(
                round: $0.round, pinnedSize: $0.pinnedSize, attempt: $0.charge?.attempt,
                offeredNodes: $0.charge?.offeredNodes, survivingNodes: $0.charge?.survivingNodes,
                votes: $0.charge?.votes, groups: $0.charge?.groups, epsilonAfterMicro: $0.epsilonAfterMicro,
                chargeIndex: $0.charge?.index,
                releaseIndex: $0.release?.index, modelDigest: $0.release?.modelDigest.hex,
                voidedSessions: $0.voidedSessions)
        }
        withdrawals = report.withdrawals.map { Withdrawal(index: $0.index, round: $0.round, node: $0.node) }
        epsilonMicro = report.epsilonMicro
        epsilonCapMicro = report.epsilonCapMicro
        modelDigest = report.modelDigest.hex
        modelFileVerified = report.isModelFileVerified
        checks = Checks(
            signatures: report.checks.signatures, consistencyProofs: report.checks.consistencyProofs,
            inclusionProofs: report.checks.inclusionProofs, survivorCommitments: report.checks.survivorCommitments,
            certificates: report.checks.certificates, modelSteps: report.checks.modelSteps)
    }
}
