// A message with its signature. The signed bytes are the sent bytes: a receiver verifies what arrived and decodes that,
// never a re-encoding.

import Cryptography
import WireFormat

/// A message body that one party signs.
public protocol SignedBody: WireMessage {
    /// Separates signatures of one type from all others: the signature covers
    /// `"concord-secagg/1/" ‖ signatureType ‖ 0x00 ‖ body`.
    static var signatureType: String { get }
}

extension SignedBody {
    /// The bytes a signature covers.
    static func signedBytes(_ body: [UInt8]) -> [UInt8] {
        [UInt8]("concord-secagg/1/".utf8) + [UInt8](signatureType.utf8) + [0] + body
    }
}

/// A body and the 64-byte Ed25519 signature over its exact bytes.
public struct SignedMessage<Body: SignedBody>: WireMessage {
    /// The message's name in the CDDL.
    public static var messageName: String { Body.messageName }

    /// The decoded body. Not verified until ``verify(by:)`` returned.
    public let body: Body
    /// The bytes that were signed.
    public let bodyBytes: [UInt8]
    /// 64 bytes.
    public let signature: [UInt8]

    /// Signs `body`.
    /// - Throws: ``CryptographyError``.
    public init(signing body: Body, key: Ed25519PrivateKey) throws(CryptographyError) {
        self.body = body
        bodyBytes = body.encoded()
        signature = try key.signature(for: Body.signedBytes(bodyBytes))
    }

    /// Throws unless the signature is `key`'s.
    /// - Throws: ``SecureAggregationError/badSignature(of:)``.
    public func verify(by key: Ed25519PublicKey) throws(SecureAggregationError) {
        guard key.isValid(signature: signature, for: Body.signedBytes(bodyBytes)) else {
            throw .badSignature(of: Body.messageName)
        }
    }

    /// Identifies body and signature together.
    public var digest: Digest { SHA256.tagged("signed", encoded()) }

    /// The message as CBOR: the body as a byte string, so its bytes survive as they were signed.
    public var cborValue: CBORValue { .message((1, .bytes(bodyBytes)), (2, .bytes(signature))) }

    /// Reads body and signature.
    /// - Throws: ``WireFormatError``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        bodyBytes = try fields.bytes(1, "body", maximum: 64 << 20)
        signature = try fields.bytes(2, "signature", count: 64)
        body = try Body(decoding: bodyBytes)
    }
}

extension Register: SignedBody {
    /// Signed by the chain's authority.
    public static var signatureType: String { "register" }
}
