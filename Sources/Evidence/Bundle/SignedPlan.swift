// The job's plan as its owner signed it. Its content is opaque here: what the plan means needs the code that trains, and an
// auditor's tool must not contain that. Signature and digest are enough to say that every round carried out this plan.

import Cryptography
import SecureAggregation
import WireFormat

/// The exact bytes of a signed training plan.
public struct SignedPlan: WireMessage {
    /// The message's name in the CDDL.
    public static let messageName = "signed-plan"

    /// The plan's deterministic CBOR.
    public let bodyBytes: [UInt8]
    /// 64 bytes: Ed25519 over `"concord-secagg/1/training-plan" ‖ 0x00 ‖ body`.
    public let signature: [UInt8]

    /// Longest plan, in bytes.
    public static let maximumByteCount = 16 << 20
    private static let signatureDomain = [UInt8]("concord-secagg/1/training-plan".utf8) + [0]

    /// Collects a plan's bytes and signature, unverified.
    public init(bodyBytes: [UInt8], signature: [UInt8]) {
        self.bodyBytes = bodyBytes
        self.signature = signature
    }

    /// H("plan", body): what rounds and sessions name.
    public var digest: Digest { SHA256.tagged("plan", bodyBytes) }

    /// The job that this plan describes.
    public var jobID: JobID { JobID(planDigest: digest) }

    /// Whether `key` signed these bytes as a plan.
    public func isSigned(by key: Ed25519PublicKey) -> Bool {
        key.isValid(signature: signature, for: Self.signatureDomain + bodyBytes)
    }

    /// The message as a CBOR map with numbered fields.
    public var cborValue: CBORValue { .message((1, .bytes(bodyBytes)), (2, .bytes(signature))) }

    /// Reads a plan, unverified.
    /// - Throws: `WireFormatError`.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        bodyBytes = try fields.bytes(1, "body", maximum: Self.maximumByteCount)
        signature = try fields.bytes(2, "signature", count: 64)
    }
}
