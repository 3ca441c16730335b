// The two steps after uploads close: the committee certifies one survivor set, then opens exactly one kind of share a node.

import Cryptography
import WireFormat

/// The survivor set of a session: one flag a roster position.
public struct SurvivorSet: Equatable, Sendable {
    /// The session.
    public let sessionID: Digest
    /// Whether the node at each roster position is labelled alive.
    public let alive: [Bool]

    /// Describes a survivor set.
    public init(sessionID: Digest, alive: [Bool]) {
        self.sessionID = sessionID
        self.alive = alive
    }

    /// Number of survivors.
    public var survivorCount: Int { alive.count { $0 } }

    /// One bit a position, most significant first, padded with zeros.
    public var bitmap: [UInt8] {
        var bytes = [UInt8](repeating: 0, count: (alive.count + 7) / 8)
        for (position, flag) in alive.enumerated() where flag { bytes[position / 8] |= 0x80 >> UInt8(position % 8) }
        return bytes
    }

    /// Reads a bitmap for `count` positions.
    /// - Throws: ``SecureAggregationError/malformed(_:)`` for another length or a set padding bit.
    public init(sessionID: Digest, bitmap: [UInt8], count: Int) throws(SecureAggregationError) {
        guard bitmap.count == (count + 7) / 8 else { throw .malformed("survivor bitmap") }
        let alive = (0..<count).map { bitmap[$0 / 8] & (0x80 >> UInt8($0 % 8)) != 0 }
        self.init(sessionID: sessionID, alive: alive)
        guard self.bitmap == bitmap else { throw .malformed("survivor bitmap") }
    }

    /// The label digest: H("label", sid, count, bitmap).
    public var digest: Digest {
        SHA256.tagged("label", sessionID.bytes, bigEndian(UInt32(alive.count)), bitmap)
    }
}

/// C1, coordinator to member: the survivor set to vote on.
public struct LabelProposal: WireMessage {
    /// The message's name in the CDDL.
    public static let messageName = "label-proposal"

    /// As in the offer.
    public let parameters: SignedMessage<SessionParameters>
    /// As in the offer.
    public let roster: Roster
    /// The proposed survivor set.
    public let survivors: SurvivorSet

    /// Collects a proposal.
    public init(parameters: SignedMessage<SessionParameters>, roster: Roster, survivors: SurvivorSet) {
        self.parameters = parameters
        self.roster = roster
        self.survivors = survivors
    }

    /// The message as CBOR.
    public var cborValue: CBORValue {
        .message((1, parameters.cborValue), (2, .bytes(roster.bytes)), (3, .bytes(survivors.bitmap)))
    }

    /// Reads a proposal, unverified.
    /// - Throws: ``WireFormatError``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        parameters = try fields.message(1, "parameters")
        let rosterBytes = try fields.bytes(2, "roster", maximum: 64 << 20)
        let bitmap = try fields.bytes(3, "survivors")
        do {
            roster = try Roster(bytes: rosterBytes)
            survivors = try SurvivorSet(
                sessionID: parameters.body.sessionID, bitmap: bitmap, count: roster.entries.count)
        } catch {
            throw .unexpected(field: "label-proposal", expected: error.description)
        }
    }
}

/// C1, member to coordinator.
public struct LabelVote: SignedBody {
    /// The message's name in the CDDL.
    public static let messageName = "label-vote"
    /// Separates this message's signatures from all others.
    public static let signatureType = "label-vote"

    /// The session.
    public let sessionID: Digest
    /// The voter.
    public let node: NodeIndex
    /// The survivor set it certifies.
    public let labelDigest: Digest

    /// Describes a vote.
    public init(sessionID: Digest, node: NodeIndex, labelDigest: Digest) {
        self.sessionID = sessionID
        self.node = node
        self.labelDigest = labelDigest
    }

    /// The message as CBOR.
    public var cborValue: CBORValue {
        .message((1, .bytes(sessionID.bytes)), (2, .unsigned(UInt64(node))), (3, .bytes(labelDigest.bytes)))
    }

    /// Reads a vote.
    /// - Throws: ``WireFormatError``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        sessionID = try fields.digest(1, "sessionId")
        node = try fields.nodeIndex(2, "node")
        labelDigest = try fields.digest(3, "labelDigest")
    }
}

/// At least l votes of distinct committee members for one survivor set.
public struct LabelCertificate: WireMessage {
    /// The message's name in the CDDL.
    public static let messageName = "label-certificate"

    /// By strictly increasing node index.
    public let votes: [SignedMessage<LabelVote>]

    /// Collects votes.
    public init(votes: [SignedMessage<LabelVote>]) { self.votes = votes }

    /// What the budget charge names.
    public var digest: Digest { SHA256.tagged("label-certificate", encoded()) }

    /// The message as CBOR.
    public var cborValue: CBORValue { .message((1, .array(votes.map(\.cborValue)))) }

    /// Reads a certificate, unverified.
    /// - Throws: ``WireFormatError``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        votes = try fields.array(1, "votes", maximum: 10_000) { (value) throws(WireFormatError) in
            try SignedMessage<LabelVote>(cborValue: value)
        }
    }

    /// Throws unless a quorum of the register's committee voted for `survivors`.
    /// - Throws: ``SecureAggregationError`` naming what fails.
    public func verify(survivors: SurvivorSet, register: Register) throws(SecureAggregationError) {
        guard votes.count >= register.quorum else { throw .tooFew("votes", have: votes.count, need: register.quorum) }
        guard zip(votes, votes.dropFirst()).allSatisfy({ $0.body.node < $1.body.node }) else {
            throw .mismatch(field: "order of votes")
        }
        let label = survivors.digest
        for vote in votes {
            guard vote.body.sessionID == survivors.sessionID, vote.body.labelDigest == label else {
                throw .mismatch(field: "label of a vote")
            }
            guard register.committeePosition(of: vote.body.node) != nil, let member = register.node(vote.body.node)
            else { throw .unknown("committee member") }
            try vote.verify(by: member.protocolKey)
        }
    }
}
