// What a node commits to before its update can be accepted.

import Cryptography
import MerkleLog
import WireFormat

/// A node's commitment to its eligible set in one attempt of a round.
public struct CohortCommitment: WireMessage, Hashable {
    /// Register index of the node.
    public let node: UInt32
    /// The attempt.
    public let attempt: AttemptReference
    /// The log size that the round pinned.
    public let pinnedSize: Int
    /// Root of the node's view of that checkpoint.
    public let viewRoot: Digest
    /// Root over the salted leaves, ascending.
    public let cohortRoot: Digest
    /// ``CohortSalt/commitment``.
    public let saltCommitment: Digest

    init(
        node: UInt32, attempt: AttemptReference, pinnedSize: Int, viewRoot: Digest, cohortRoot: Digest,
        saltCommitment: Digest
    ) {
        self.node = node
        self.attempt = attempt
        self.pinnedSize = pinnedSize
        self.viewRoot = viewRoot
        self.cohortRoot = cohortRoot
        self.saltCommitment = saltCommitment
    }

    private static let signatureDomain = [UInt8]("concord-consent/1/cohort\0".utf8)

    /// Signs with the node's protocol key: Ed25519 over `"concord-consent/1/cohort" 0 ‖ CBOR`.
    /// - Throws: ``ConsentError/cryptography(_:)``.
    public func signature(by key: Ed25519PrivateKey) throws(ConsentError) -> [UInt8] {
        try ConsentError.cryptographic { () throws(CryptographyError) in
            try key.signature(for: Self.signatureDomain + encoded())
        }
    }

    /// Checks a signature of the node's protocol key.
    /// - Throws: ``ConsentError/signatureInvalid(_:)``.
    public func verify(signature: [UInt8], by key: Ed25519PublicKey) throws(ConsentError) {
        guard key.isValid(signature: signature, for: Self.signatureDomain + encoded()) else {
            throw .signatureInvalid("the cohort commitment")
        }
    }

    /// Checks that a subject is in the committed set.
    /// - Throws: ``ConsentError``.
    public func verify(_ opening: CohortOpening, shows handle: SubjectHandle) throws(ConsentError) {
        try check(opening.salt)
        guard opening.leaf.leaf == opening.salt.leaf(of: handle).bytes else {
            throw .notProven("the leaf is the subject's")
        }
        try opening.leaf.verify(root: cohortRoot)
    }

    /// Checks that a subject is not in the committed set. It rests on the leaves being in order, which recomputing the
    /// root from the view and the salt confirms.
    /// - Throws: ``ConsentError``.
    public func verify(_ absence: CohortAbsence, showsAbsenceOf handle: SubjectHandle) throws(ConsentError) {
        try check(absence.salt)
        try absence.proof.verify(
            key: absence.salt.leaf(of: handle).bytes, width: Digest.byteCount, root: cohortRoot)
    }

    /// Recomputes the commitment from a view and the opened salt: the whole set was exactly the eligible one.
    /// - Throws: ``ConsentError/notProven(_:)``.
    public func verify(isEligibleSetOf view: VerifiedView, salt: CohortSalt) throws(ConsentError) {
        guard Cohort(view, salt: salt).commitment(for: attempt) == self else {
            throw .notProven("the cohort is the view's eligible set")
        }
    }

    private func check(_ salt: CohortSalt) throws(ConsentError) {
        guard salt.commitment == saltCommitment else { throw .notProven("the salt is the committed one") }
    }

    /// The message's name in the CDDL.
    public static let messageName = "cohort-commitment"

    /// The message as a CBOR map with numbered fields.
    public var cborValue: CBORValue {
        .message(
            about: attempt.round, session: attempt.session,
            [
                .unsigned(UInt64(node)), CBORValue(Int64(pinnedSize)), .digest(viewRoot), .digest(cohortRoot),
                .digest(saltCommitment),
            ])
    }

    /// Reads the message from its fields.
    /// - Throws: `WireFormatError`.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        attempt = try fields.attempt()
        node = UInt32(try fields.unsigned(4, "node", in: 0...UInt64(UInt32.max)))
        pinnedSize = try fields.integer(5, "pinnedSize")
        viewRoot = try fields.digest(6, "viewRoot")
        cohortRoot = try fields.digest(7, "cohortRoot")
        saltCommitment = try fields.digest(8, "saltCommitment")
    }
}
