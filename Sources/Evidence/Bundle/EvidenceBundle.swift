// One file that shows how a model came about: who took part, under which plan, at which state of the consent ledger, at
// what cost in privacy. Checked offline, with the chain's public keys and nothing else (Protocols/evidence-bundle.md).

import Cryptography
import WireFormat

/// The evidence about one job, sealed by the coordinator that collected it. Unverified until ``EvidenceVerifier`` has
/// read its bytes: the seal says who collected the evidence, not that it is right.
public struct EvidenceBundle: WireMessage {
    /// The message's name in the CDDL.
    public static let messageName = "evidence-bundle"
    /// The version of the format.
    public static let version: UInt64 = 1

    /// What the bundle says.
    public let parts: EvidenceParts
    /// 64 bytes: the coordinator's signature, see ``EvidenceBundle/sealed(parts:key:)``.
    public let seal: [UInt8]

    private static let sealDomain = [UInt8]("concord-evidence/1".utf8) + [0]
    private static let sealByteCount = 64

    /// Seals the parts: Ed25519 over `"concord-evidence/1" ‖ 0x00 ‖ SHA-256(every byte of the file before the signature)`.
    /// The signature is the last 64 bytes of the file.
    /// - Throws: `CryptographyError` if OpenSSL refuses to sign.
    public static func sealed(
        parts: EvidenceParts, key: Ed25519PrivateKey
    ) throws(CryptographyError) -> EvidenceBundle {
        let unsealed = parts.cborValue(seal: [UInt8](repeating: 0, count: sealByteCount)).encoded()
        return EvidenceBundle(parts: parts, seal: try key.signature(for: signedBytes(of: unsealed)))
    }

    private init(parts: EvidenceParts, seal: [UInt8]) {
        self.parts = parts
        self.seal = seal
    }

    /// Decodes a bundle and says in which part decoding failed.
    /// - Throws: ``EvidenceError`` with ``EvidenceFailure/malformed(_:)``.
    init(locating bytes: [UInt8]) throws(EvidenceError) {
        var fields = try EvidenceError.reading(.file) { () throws(WireFormatError) in
            try MessageReader(CBORDecoder.decode(bytes), message: Self.messageName)
        }
        try self.init(locating: &fields)
        try EvidenceError.reading(.file) { () throws(WireFormatError) in try fields.finish() }
    }

    private init(locating fields: inout MessageReader) throws(EvidenceError) {
        parts = try EvidenceParts(locating: &fields)
        seal = try EvidenceError.reading(.seal) { () throws(WireFormatError) in
            try fields.bytes(9, "seal", count: Self.sealByteCount)
        }
    }

    /// The message as a CBOR map with numbered fields.
    public var cborValue: CBORValue { parts.cborValue(seal: seal) }

    /// Reads a bundle, unverified.
    /// - Throws: `WireFormatError`.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        do { try self.init(locating: &fields) } catch {
            // Reading has no other failure than malformed; the place is lost, as this interface has no room for it.
            if case .malformed(let reason) = error.failure { throw reason }
            throw .unexpected(field: Self.messageName, expected: error.description)
        }
    }

    /// Whether `bytes` end in `key`'s seal of all bytes before it.
    static func isSealed(_ bytes: [UInt8], by key: Ed25519PublicKey) -> Bool {
        guard bytes.count > sealByteCount else { return false }
        return key.isValid(signature: [UInt8](bytes.suffix(sealByteCount)), for: signedBytes(of: bytes))
    }

    private static func signedBytes(of file: [UInt8]) -> [UInt8] {
        sealDomain + SHA256.hash([UInt8](file.dropLast(sealByteCount))).bytes
    }
}
