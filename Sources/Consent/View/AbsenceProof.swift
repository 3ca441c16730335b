// Proof that a sorted tree has no leaf with a key: the two leaves between which it would have to be, side by side.
//
// A proof states its tree's size, and a root does not bind a size. It need not: whether a path turns left or right at each
// step is bound by the hashes, and "first", "last" and "side by side" are properties of the turns alone (all siblings to
// the right; all to the left; one divergence, then right edge and left edge). Specification, section 8.

import Cryptography
import MerkleLog
import WireFormat

/// The neighbours of a key that is not in a sorted tree. Holds whatever came from outside; verification judges it.
public struct AbsenceProof: WireMessage {
    /// The last leaf below the key; nil if the key would come first.
    public let lower: ProvenLeaf?
    /// The first leaf above the key; nil if the key would come last.
    public let upper: ProvenLeaf?

    init(lower: ProvenLeaf?, upper: ProvenLeaf?) {
        self.lower = lower
        self.upper = upper
    }

    /// Checks that no leaf of the tree starts with `key`.
    /// - Parameters:
    ///   - width: length of every leaf, in bytes.
    ///   - root: a root that is known to be of a tree whose leaves ascend strictly by key.
    func verify(key: [UInt8], width: Int, root: Digest) throws(ConsentError) {
        for leaf in [lower, upper] {
            guard let leaf else { continue }
            guard leaf.leaf.count == width else { throw .notProven("leaf of \(width) bytes") }
            try leaf.verify(root: root)
        }
        if let lower {
            guard lower.leaf.prefix(key.count).lexicographicallyPrecedes(key) else {
                throw .notProven("lower neighbour is below the key")
            }
        }
        if let upper {
            guard key.lexicographicallyPrecedes(upper.leaf.prefix(key.count)) else {
                throw .notProven("upper neighbour is above the key")
            }
        }
        switch (lower?.proof, upper?.proof) {
        case (nil, nil):
            guard root == MerkleTreeHash.emptyRoot else { throw .notProven("the tree is empty") }
        case (nil, let upper?):
            guard upper.index == 0 else { throw .notProven("upper neighbour is the first leaf") }
        case (let lower?, nil):
            guard lower.index == lower.treeSize - 1 else { throw .notProven("lower neighbour is the last leaf") }
        case (let lower?, let upper?):
            guard lower.treeSize == upper.treeSize, lower.index == upper.index - 1 else {
                throw .notProven("neighbours are side by side")
            }
        }
    }

    /// The message's name in the CDDL.
    public static let messageName = "absence-proof"

    /// The message as a CBOR map with numbered fields.
    public var cborValue: CBORValue { .message((1, lower?.cborValue), (2, upper?.cborValue)) }

    /// Reads the message from its fields.
    /// - Throws: `WireFormatError`.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        lower = try fields.optional(1, message: Self.messageName) { (field) throws(WireFormatError) in
            try field.message(1, "lower")
        }
        upper = try fields.optional(2, message: Self.messageName) { (field) throws(WireFormatError) in
            try field.message(2, "upper")
        }
    }
}
