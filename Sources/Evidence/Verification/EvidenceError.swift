// What an auditor is told when a bundle does not hold: where in it, and which check. Never what the bytes were.

import Consent
import MerkleLog
import SecureAggregation
import WireFormat

/// Why a bundle was refused. Its description is safe to log.
public struct EvidenceError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A part of a bundle. Positions count from 0, in the order of the bundle.
    public enum Place: Equatable, Sendable, CustomStringConvertible {
        /// The file as a whole.
        case file
        /// The signed register.
        case register
        /// The signed plan.
        case plan
        /// A checkpoint, by its position.
        case checkpoint(Int)
        /// An entry of the log, by its position in the bundle.
        case entry(Int)
        /// A charged attempt, by its position.
        case attempt(Int)
        /// A round, by its number in the job.
        case round(UInt32)
        /// The proofs of a withdrawal, by their position.
        case withdrawal(Int)
        /// The final model.
        case model
        /// The coordinator's seal.
        case seal

        /// The place in words.
        public var description: String {
            switch self {
            case .file: "file"
            case .register: "register"
            case .plan: "plan"
            case .checkpoint(let position): "checkpoint \(position)"
            case .entry(let position): "entry \(position)"
            case .attempt(let position): "attempt \(position)"
            case .round(let round): "round \(round)"
            case .withdrawal(let position): "withdrawal \(position)"
            case .model: "model"
            case .seal: "seal"
            }
        }
    }

    /// Where.
    public let place: Place
    /// What.
    public let failure: EvidenceFailure

    /// Names a failure.
    public init(_ place: Place, _ failure: EvidenceFailure) {
        self.place = place
        self.failure = failure
    }

    /// One sentence: the place and the check that failed there.
    public var description: String { "\(place): \(failure)" }
}

extension EvidenceError {
    /// Reads something, and reports a failure as malformed at `place`.
    static func reading<Value>(
        _ place: Place, _ body: () throws(WireFormatError) -> Value
    ) throws(EvidenceError) -> Value {
        do { return try body() } catch { throw EvidenceError(place, .malformed(error)) }
    }

    /// Runs a check of the log, and reports a failure as `failure` makes it.
    static func log<Value>(
        _ place: Place, _ failure: (MerkleLogError) -> EvidenceFailure, _ body: () throws(MerkleLogError) -> Value
    ) throws(EvidenceError) -> Value {
        do { return try body() } catch { throw EvidenceError(place, failure(error)) }
    }

    /// Runs a check of consent evidence, and reports a failure as `failure` makes it.
    static func consent<Value>(
        _ place: Place, _ failure: (ConsentError) -> EvidenceFailure, _ body: () throws(ConsentError) -> Value
    ) throws(EvidenceError) -> Value {
        do { return try body() } catch { throw EvidenceError(place, failure(error)) }
    }

    /// Runs a check of the aggregation protocol, and reports a failure as `failure` makes it.
    static func aggregation<Value>(
        _ place: Place, _ failure: (SecureAggregationError) -> EvidenceFailure,
        _ body: () throws(SecureAggregationError) -> Value
    ) throws(EvidenceError) -> Value {
        do { return try body() } catch { throw EvidenceError(place, failure(error)) }
    }
}
