// The point of the log that a round, a view or an answer is about. Whoever uses one has verified the signed checkpoint it
// comes from; that is the log's business (MerkleLog), not consent's.

import Cryptography
import WireFormat

/// A log size and the root of the log at that size.
public struct PinnedCheckpoint: WireMessage, Hashable {
    /// Number of leaves.
    public let size: Int
    /// RFC 6962 root of these leaves.
    public let root: Digest

    /// Pins a checkpoint.
    /// - Throws: ``ConsentError/invalid(field:expected:)`` for a negative size.
    public init(size: Int, root: Digest) throws(ConsentError) {
        guard size >= 0 else { throw .invalid(field: "size", expected: "0 or more") }
        self.size = size
        self.root = root
    }

    /// The message's name in the CDDL.
    public static let messageName = "pinned-checkpoint"

    /// The message as a CBOR map with numbered fields.
    public var cborValue: CBORValue { .message((1, CBORValue(Int64(size))), (2, .digest(root))) }

    /// Reads the message from its fields.
    /// - Throws: `WireFormatError`.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        size = try fields.integer(1, "size")
        root = try fields.digest(2, "root")
    }
}
