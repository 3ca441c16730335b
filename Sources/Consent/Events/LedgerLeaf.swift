// The 52 bytes of the log that stay for ever: specification, section 4. With RFC 6962's prefix a leaf is 53 bytes, one
// block of SHA-256. It says that something was recorded, by which device and when; what it was is only committed to.

import Cryptography
import MerkleLog

/// One leaf of the consent ledger. Holds no personal data, so it survives every erasure and proofs stay valid.
public struct LedgerLeaf: Hashable, Sendable {
    /// What a payload is about, and with it whether it is public.
    public enum Category: UInt8, CaseIterable, Hashable, Sendable {
        /// An event about a data subject: sealed in the vault.
        case consent = 1
        /// Notices, policies, registers: public.
        case governance = 2
        /// Training rounds: public.
        case round = 3
        /// A data subject's request: sealed in the vault.
        case dataSubjectRequest = 4
        /// The ledger's own records: public.
        case system = 5

        /// Whether the payload is published; its commitment then has the zero nonce.
        public var isPublic: Bool {
            switch self {
            case .governance, .round, .system: true
            case .consent, .dataSubjectRequest: false
            }
        }
    }

    /// Length of every leaf, in bytes.
    public static let byteCount = 52
    /// Length of a commitment's nonce, in bytes.
    public static let nonceByteCount = 32
    /// The nonce of public payloads.
    public static let publicNonce = [UInt8](repeating: 0, count: nonceByteCount)
    /// The latest time that fits 48 bits, in milliseconds since 1970 UTC: the year 10889.
    public static let maximumMilliseconds: Int64 = (1 << 48) - 1
    private static let version: UInt8 = 1
    private static let commitmentLabel = [UInt8]("consent-ledger/v1/payload\n".utf8)

    /// What the payload is about.
    public let category: Category
    /// Register index of the device that recorded the entry.
    public let source: UInt32
    /// Number of the entry in that device's own log, below 2^48.
    public let sourceSequence: UInt64
    /// When the ledger recorded it, milliseconds since 1970 UTC, below 2^48.
    public let recordedMilliseconds: Int64
    /// ``commitment(nonce:payload:)`` of the payload.
    public let commitment: Digest

    /// Creates a leaf.
    /// - Throws: ``ConsentError/invalid(field:expected:)`` if a number does not fit 48 bits.
    public init(
        category: Category, source: UInt32, sourceSequence: UInt64, recordedMilliseconds: Int64, commitment: Digest
    ) throws(ConsentError) {
        guard sourceSequence < 1 << 48 else { throw .invalid(field: "sourceSequence", expected: "48 bits") }
        guard (0...Self.maximumMilliseconds).contains(recordedMilliseconds) else {
            throw .invalid(field: "recordedMilliseconds", expected: "a time of 48 bits")
        }
        self.category = category
        self.source = source
        self.sourceSequence = sourceSequence
        self.recordedMilliseconds = recordedMilliseconds
        self.commitment = commitment
    }

    /// Commits to a payload: `SHA-256("consent-ledger/v1/payload\n" ‖ nonce ‖ payload)`. The nonce hides a payload that
    /// could be guessed; it is sealed with the payload and destroyed with it.
    /// - Throws: ``ConsentError/invalid(field:expected:)`` unless the nonce has 32 bytes.
    public static func commitment(nonce: [UInt8], payload: [UInt8]) throws(ConsentError) -> Digest {
        guard nonce.count == nonceByteCount else { throw .invalid(field: "nonce", expected: "32 bytes") }
        return SHA256.hash(concatenating: [commitmentLabel, nonce, payload])
    }

    /// The 52 bytes: version, category, flags (zero), source, sequence, time, commitment; all big-endian.
    public func encoded() -> [UInt8] {
        var bytes: [UInt8] = [Self.version, category.rawValue, 0, 0]
        bytes.reserveCapacity(Self.byteCount)
        bytes.appendBigEndian(UInt64(source), width: 4)
        bytes.appendBigEndian(sourceSequence, width: 6)
        bytes.appendBigEndian(UInt64(recordedMilliseconds), width: 6)
        bytes.append(contentsOf: commitment.bytes)
        return bytes
    }

    /// Decodes 52 bytes.
    /// - Throws: ``ConsentError/invalid(field:expected:)`` for another length, version or category, or for any flag.
    public init(decoding bytes: [UInt8]) throws(ConsentError) {
        guard bytes.count == Self.byteCount else { throw .invalid(field: "leaf", expected: "52 bytes") }
        guard bytes[0] == Self.version else { throw .invalid(field: "leaf.version", expected: "1") }
        guard let category = Category(rawValue: bytes[1]) else {
            throw .invalid(field: "leaf.class", expected: "a registered code")
        }
        guard bytes[2] == 0, bytes[3] == 0 else { throw .invalid(field: "leaf.flags", expected: "0") }
        self.category = category
        source = UInt32(bytes.bigEndian(at: 4, width: 4))
        sourceSequence = bytes.bigEndian(at: 8, width: 6)
        recordedMilliseconds = Int64(bytes.bigEndian(at: 14, width: 6))
        commitment = try ConsentError.cryptographic { () throws(CryptographyError) in try Digest(bytes[20...]) }
    }

    /// The RFC 6962 hash under which the log holds this leaf.
    public var hash: Digest { MerkleTreeHash.leaf(encoded()) }
}
