// Evidence of a fault, for anyone who has the register. Every case rests on what the accused signed (or, for a dealer that
// members complain about, on more signed complaints than there are corrupt nodes), so a coordinator cannot make any up.

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

    /// The register version that names keys, committee and C.
    public let registerDigest: Digest
    /// What happened.
    public let fault: Fault

    /// Collects evidence.
    public init(registerDigest: Digest, fault: Fault) {
        self.registerDigest = registerDigest
        self.fault = fault
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
        return .message((1, .bytes(registerDigest.bytes)), (2, .unsigned(number)), (3, first), (4, second))
    }

    /// Reads evidence, unverified.
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
    }
}
