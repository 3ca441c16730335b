// Evidence of a fault, for anyone who has the register. Every case rests on what the accused signed (or, for a dealer that
// members complain about, on more signed complaints than there are corrupt nodes), and shows that this was signed under the
// register it is judged by, so a coordinator cannot make any up.

import Cryptography
import WireFormat

/// Who is to blame.
public enum Accused: Equatable, Hashable, Sendable, CustomStringConvertible {
    /// A registered node, as a dealer or as a committee member.
    case node(NodeIndex)
    /// The coordinator.
    case coordinator

    /// Safe to log.
    public var description: String {
        switch self {
        case .node(let index): "node \(index)"
        case .coordinator: "the coordinator"
        }
    }
}

/// One fault and its proof.
public enum Fault: Equatable, Sendable {
    /// A dealer's shares, each the one it committed to, join to another secret than it signed, or to none. Exactly l shares
    /// under one root of the dealer's.
    case inconsistentDeal(Deal, shares: [ShareExhibit])
    /// More than C committee members call one deal invalid, so at least one honest member does.
    case rejectedDeal(Deal, reports: [SignedMessage<ShareReport>])
    /// A member revealed a share that is not the one its dealer committed to.
    case falseShare(SignedMessage<Reveal>, FalseShareExhibit)
    /// A member voted for two survivor sets of one session.
    case doubleVote(SignedMessage<LabelVote>, SignedMessage<LabelVote>)
    /// The coordinator signed two sessions as one attempt at one round.
    case equivocation(SignedMessage<SessionParameters>, SignedMessage<SessionParameters>)

    /// The kind as logs and lists name it.
    public var kind: String {
        switch self {
        case .inconsistentDeal: "inconsistent-deal"
        case .rejectedDeal: "rejected-deal"
        case .falseShare: "false-share"
        case .doubleVote: "double-vote"
        case .equivocation: "equivocation"
        }
    }

    /// The deal that a fault of shares is about.
    var deal: Deal? {
        switch self {
        case .inconsistentDeal(let deal, _), .rejectedDeal(let deal, _): deal
        case .falseShare(_, let exhibit): exhibit.item.deal
        case .doubleVote, .equivocation: nil
        }
    }

    /// The reveal that holds a false share.
    var reveal: Reveal? {
        if case .falseShare(let reveal, _) = self { reveal.body } else { nil }
    }

    /// Whether what is shown names a session, whose parameters then bind it to the register.
    var namesSession: Bool { deal?.upload != nil || reveal != nil }
    /// Whether what is shown names an epoch by its root, whose head then binds it to the register.
    var namesEpoch: Bool { deal?.prekey != nil }
}

/// A share with the leaf it belongs to. Whoever sees l of them can join the secret: they are shown only of a secret that a
/// quorum has opened already.
public struct ShareExhibit: WireMessage {
    /// The message's name in the CDDL.
    public static let messageName = "share-exhibit"

    /// Committee position.
    public let holder: Int
    /// The holder's leaf.
    public let opening: SharePackage.Opening
    /// 40 bytes.
    public let share: [UInt8]

    /// Describes an exhibit.
    public init(holder: Int, opening: SharePackage.Opening, share: [UInt8]) {
        self.holder = holder
        self.opening = opening
        self.share = share
    }

    /// The message as CBOR.
    public var cborValue: CBORValue {
        .message((1, .unsigned(UInt64(holder))), (2, opening.cborValue), (3, .bytes(share)))
    }

    /// Reads an exhibit, unverified.
    /// - Throws: ``WireFormatError``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        holder = try fields.integer(1, "holder", in: 0...10_000)
        opening = try fields.message(2, "opening")
        share = try fields.bytes(3, "share", count: SecretShare.byteCount)
    }
}

/// The item of a reveal request that a member answered with a false share, and what ties it to that answer.
public struct FalseShareExhibit: WireMessage {
    /// The message's name in the CDDL.
    public static let messageName = "false-share-exhibit"

    /// Roster position: the index of the share in the reveal.
    public let position: Int
    /// What the member was shown.
    public let item: ShownShare
    /// Root of the request's items.
    public let itemRoot: Digest
    /// Inclusion path of the item under that root.
    public let path: [Digest]
    /// SHA-256 of the request's bitmap.
    public let bitmapDigest: Digest

    /// Describes an exhibit.
    public init(position: Int, item: ShownShare, itemRoot: Digest, path: [Digest], bitmapDigest: Digest) {
        self.position = position
        self.item = item
        self.itemRoot = itemRoot
        self.path = path
        self.bitmapDigest = bitmapDigest
    }

    /// The message as CBOR.
    public var cborValue: CBORValue {
        .message(
            (1, .unsigned(UInt64(position))), (2, item.cborValue), (3, .bytes(itemRoot.bytes)),
            (4, .array(path.map { .bytes($0.bytes) })), (5, .bytes(bitmapDigest.bytes)))
    }

    /// Reads an exhibit, unverified.
    /// - Throws: ``WireFormatError``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        position = try fields.integer(1, "position", in: 0...1_000_000)
        item = try fields.message(2, "item")
        itemRoot = try fields.digest(3, "itemRoot")
        path = try fields.digests(4, "false-share-exhibit.path", maximum: 20)
        bitmapDigest = try fields.digest(5, "bitmapDigest")
    }
}

/// A fault as it is stored, published and checked.
public struct FaultEvidence: WireMessage {
    /// The message's name in the CDDL.
    public static let messageName = "fault-evidence"

    /// The register version that names keys, committee, quorum and C.
    public let registerDigest: Digest
    /// What happened.
    public let fault: Fault
    /// The session that the shown upload or reveal names by a hash: its parameters name the register. Nil without either.
    public let session: SessionParameters?
    /// The head of the epoch that the shown prekey names by its root: with it and the register the root is computed again.
    /// Nil without a prekey.
    public let epoch: EpochHead?

    /// Collects evidence. Without the session or the epoch that the fault names, it proves nothing.
    /// - Parameters:
    ///   - session: the parameters of the session that the fault is of; kept only if an upload or a reveal is shown.
    ///   - epoch: the head of the epoch that the fault is of; kept only if a prekey is shown.
    public init(
        registerDigest: Digest, fault: Fault, session: SessionParameters? = nil, epoch: EpochHead? = nil
    ) {
        self.registerDigest = registerDigest
        self.fault = fault
        self.session = fault.namesSession ? session : nil
        self.epoch = fault.namesEpoch ? epoch : nil
    }

    /// H("fault", encoding): names the evidence.
    public var digest: Digest { SHA256.tagged("fault", encoded()) }

    /// The message as CBOR.
    public var cborValue: CBORValue {
        let (number, first, second): (UInt64, CBORValue, CBORValue) =
            switch fault {
            case .inconsistentDeal(let deal, let shares): (1, deal.cborValue, .array(shares.map(\.cborValue)))
            case .rejectedDeal(let deal, let reports): (2, deal.cborValue, .array(reports.map(\.cborValue)))
            case .falseShare(let reveal, let exhibit): (3, reveal.cborValue, exhibit.cborValue)
            case .doubleVote(let one, let other): (4, one.cborValue, other.cborValue)
            case .equivocation(let one, let other): (5, one.cborValue, other.cborValue)
            }
        return .message(
            (1, .bytes(registerDigest.bytes)), (2, .unsigned(number)), (3, first), (4, second),
            (5, session?.cborValue), (6, epoch?.cborValue))
    }

    /// Reads evidence, unverified. Session and epoch must be there exactly if the fault names them: one fault has one encoding.
    /// - Throws: ``WireFormatError``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        registerDigest = try fields.digest(1, "registerDigest")
        switch try fields.unsigned(2, "kind", in: 1...5) {
        case 1:
            fault = .inconsistentDeal(
                try fields.message(3, "deal"),
                shares: try fields.array(4, "shares", maximum: 10_000) { (value) throws(WireFormatError) in
                    try ShareExhibit(cborValue: value)
                })
        case 2:
            fault = .rejectedDeal(
                try fields.message(3, "deal"),
                reports: try fields.array(4, "reports", maximum: 10_000) { (value) throws(WireFormatError) in
                    try SignedMessage<ShareReport>(cborValue: value)
                })
        case 3: fault = .falseShare(try fields.message(3, "reveal"), try fields.message(4, "exhibit"))
        case 4: fault = .doubleVote(try fields.message(3, "vote"), try fields.message(4, "otherVote"))
        default: fault = .equivocation(try fields.message(3, "parameters"), try fields.message(4, "otherParameters"))
        }
        session = try fields.optionalField(5).map { (value) throws(WireFormatError) in
            try SessionParameters(cborValue: value)
        }
        epoch = try fields.optionalField(6).map { (value) throws(WireFormatError) in try EpochHead(cborValue: value) }
        guard (session != nil) == fault.namesSession else {
            throw .unexpected(field: "fault-evidence.session", expected: "there exactly with an upload or a reveal")
        }
        guard (epoch != nil) == fault.namesEpoch else {
            throw .unexpected(field: "fault-evidence.epoch", expected: "there exactly with a prekey")
        }
    }
}
