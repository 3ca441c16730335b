// C0: committee members check what was dealt to them before a round depends on it. A member says of each deal only whether
// its own share is good; it opens nothing. Its word is about a dealer, so the dealer's signature comes first: what does not
// open under the root that the dealer signed was made up on the way, and is refused instead of complained about.

import Cryptography
import WireFormat

/// Coordinator to member: deals to check, each with the member's own leaf.
public struct ShareChecks: WireMessage {
    /// The message's name in the CDDL.
    public static let messageName = "share-checks"

    /// The epoch whose agreement keys the shares were dealt under.
    public let epochRoot: Digest
    /// The parameters of every session that an upload among the items is of. An upload names its session by a hash of them,
    /// and they name the epoch: that is how a member knows an upload of an earlier epoch, which it could not open.
    public let sessions: [SessionParameters]
    /// What to check.
    public let items: [ShownShare]

    /// Items in one message.
    public static let maximumItems = 4_096

    /// Collects checks.
    public init(epochRoot: Digest, sessions: [SessionParameters], items: [ShownShare]) {
        self.epochRoot = epochRoot
        self.sessions = sessions
        self.items = items
    }

    /// The message as CBOR.
    public var cborValue: CBORValue {
        .message(
            (1, .bytes(epochRoot.bytes)), (2, .array(sessions.map(\.cborValue))), (3, .array(items.map(\.cborValue))))
    }

    /// Reads checks, unverified.
    /// - Throws: ``WireFormatError``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        epochRoot = try fields.digest(1, "epochRoot")
        sessions = try fields.array(2, "sessions", maximum: Self.maximumItems) { (value) throws(WireFormatError) in
            try SessionParameters(cborValue: value)
        }
        items = try fields.array(3, "items", maximum: Self.maximumItems) { (value) throws(WireFormatError) in
            try ShownShare(cborValue: value)
        }
    }
}

/// Member to coordinator: which of the deals it was shown hold a good share for it.
public struct ShareReport: SignedBody {
    /// The message's name in the CDDL.
    public static let messageName = "share-report"
    /// Separates this message's signatures from all others.
    public static let signatureType = "share-report"

    /// The verdict about one deal.
    public struct Result: Equatable, Sendable {
        /// ``Deal/digest``.
        public let deal: Digest
        /// Whether the member's share opens and is the one the dealer committed to.
        public let isValid: Bool

        /// Describes a verdict.
        public init(deal: Digest, isValid: Bool) {
            self.deal = deal
            self.isValid = isValid
        }
    }

    /// The epoch.
    public let epochRoot: Digest
    /// The member.
    public let node: NodeIndex
    /// One a deal, by strictly increasing digest.
    public let results: [Result]

    /// Collects verdicts.
    public init(epochRoot: Digest, node: NodeIndex, results: [Result]) {
        self.epochRoot = epochRoot
        self.node = node
        self.results = results
    }

    /// The verdict about one deal, if it is among the results.
    public func isValid(_ deal: Digest) -> Bool? { results.first { $0.deal == deal }?.isValid }

    /// The message as CBOR.
    public var cborValue: CBORValue {
        .message(
            (1, .bytes(epochRoot.bytes)), (2, .unsigned(UInt64(node))),
            (
                3,
                .array(results.map { .message((1, .bytes($0.deal.bytes)), (2, .boolean($0.isValid))) })
            ))
    }

    /// Reads a report, unverified; two verdicts about one deal are refused.
    /// - Throws: ``WireFormatError``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        epochRoot = try fields.digest(1, "epochRoot")
        node = try fields.nodeIndex(2, "node")
        results = try fields.array(3, "results", maximum: ShareChecks.maximumItems) {
            (value) throws(WireFormatError) -> Result in
            var result = try MessageReader(value, message: "share-report.result")
            let deal = try result.digest(1, "deal")
            let isValid = try result.boolean(2, "isValid")
            try result.finish()
            return Result(deal: deal, isValid: isValid)
        }
        guard zip(results, results.dropFirst()).allSatisfy({ $0.deal < $1.deal }) else {
            throw .unexpected(field: "share-report.results", expected: "strictly increasing digests")
        }
    }
}

extension CommitteeMember {
    /// C0: judge the shares that were dealt to this member.
    ///
    /// Signature and opening are checked before anything is decrypted. If either fails the whole message is refused, because
    /// then it is not the dealer's work, and a verdict about it would be held against the dealer.
    /// - Parameter agreementKey: the member's private key of the epoch.
    /// - Throws: ``SecureAggregationError`` naming the reason to refuse; ``SecureAggregationError/notUnderSignedRoot(_:)`` for
    ///   a leaf that is not under its dealer's root.
    public func decideReport(
        _ checks: ShareChecks, register: Register, epoch: Epoch, agreementKey: X25519PrivateKey
    ) throws(SecureAggregationError) -> ShareReport {
        guard register.committeePosition(of: node) == position else { throw .unknown("own committee seat") }
        guard checks.epochRoot == epoch.root else { throw .mismatch(field: "epochRoot") }
        guard epoch.agreementKeys[node] == agreementKey.publicKey else { throw .mismatch(field: "own agreement key") }
        var sessions: Set<Digest> = []
        for parameters in checks.sessions {
            guard parameters.registerDigest == register.digest, parameters.epochRoot == epoch.root else {
                throw .mismatch(field: "epochRoot of a session")
            }
            sessions.insert(parameters.sessionID)
        }
        var verdicts: [Digest: Bool] = [:]
        for item in checks.items {
            try item.deal.verify(register: register, epoch: epoch)
            if let upload = item.deal.upload?.body {
                guard sessions.contains(upload.sessionID) else { throw .unknown("session of an upload") }
            }
            guard let root = item.deal.shareRoot else { throw .malformed("deal") }
            try item.opening.verify(root: root, position: position, count: register.committee.count)
            let share = item.deal.share(
                opening: item.opening, holder: position, register: register, epoch: epoch, agreementKey: agreementKey)
            verdicts[item.deal.digest] = share != nil
        }
        return ShareReport(
            epochRoot: epoch.root, node: node,
            results: verdicts.sorted { $0.key < $1.key }.map { ShareReport.Result(deal: $0.key, isValid: $0.value) })
    }
}
