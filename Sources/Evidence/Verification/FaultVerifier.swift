// Judges one fault file under the chain's public keys, as the coordinator did before it stored it. The rules are
// SecureAggregation's; what is added here is where the keys come from.

import Cryptography
import SecureAggregation
import WireFormat

/// Judges evidence of faults.
public struct FaultVerifier: Sendable {
    private let register: Register
    private let coordinatorKey: Ed25519PublicKey

    /// What evidence proves.
    public struct Judgement: Equatable, Sendable {
        /// "node 4", or "the coordinator".
        public let accused: String
        /// The kind of fault, such as "inconsistent-deal".
        public let kind: String
    }

    /// Reads the trust anchors and the register they vouch for.
    /// - Throws: `WireFormatError`, or `SecureAggregationError` if the authority did not sign the register or it is of another
    ///   chain.
    public init(trustFile: [UInt8], registerFile: [UInt8]) throws {
        let anchors = try TrustAnchors(decoding: trustFile)
        let signed = try SignedMessage<Register>(decoding: registerFile)
        try signed.verify(by: anchors.authorityKey)
        guard signed.body.chain == anchors.chain else { throw SecureAggregationError.mismatch(field: "chain") }
        register = signed.body
        coordinatorKey = anchors.coordinatorKey
    }

    /// Whom the evidence convicts.
    /// - Throws: `WireFormatError` or `SecureAggregationError` naming what is not proved.
    public func verify(bytes: [UInt8]) throws -> Judgement {
        let evidence = try FaultEvidence(decoding: bytes)
        let accused = try evidence.verify(register: register, coordinatorKey: coordinatorKey)
        return Judgement(accused: accused.description, kind: evidence.fault.kind)
    }
}
