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

/// C2, coordinator to one member: the certificate and this member's ciphertexts, one a roster position.
public struct RevealRequest: WireMessage {
    /// The message's name in the CDDL.
    public static let messageName = "reveal-request"

    /// What the member needs to open its share for one roster position.
    public struct Item: Equatable, Sendable {
        /// The ciphertext addressed to the member.
        public let ciphertext: [UInt8]
        /// For a survivor: the charge number its upload was signed with.
        public let chargeSequence: UInt64
        /// For a dropped node: the encoding of its ``Prekey``, which the roster names by digest. Empty for a survivor.
        public let prekey: [UInt8]

        /// Describes an item.
        public init(ciphertext: [UInt8], chargeSequence: UInt64, prekey: [UInt8]) {
            self.ciphertext = ciphertext
            self.chargeSequence = chargeSequence
            self.prekey = prekey
        }
    }

    /// The session.
    public let sessionID: Digest
    /// The certified survivor set's votes.
    public let certificate: LabelCertificate
    /// The certified survivor set.
    public let bitmap: [UInt8]
    /// One a roster position.
    public let items: [Item]

    /// Collects a request.
    public init(sessionID: Digest, certificate: LabelCertificate, bitmap: [UInt8], items: [Item]) {
        self.sessionID = sessionID
        self.certificate = certificate
        self.bitmap = bitmap
        self.items = items
    }

    /// The message as CBOR.
    public var cborValue: CBORValue {
        .message(
            (1, .bytes(sessionID.bytes)), (2, certificate.cborValue), (3, .bytes(bitmap)), (4, itemsValue))
    }

    private var itemsValue: CBORValue {
        .array(
            items.map {
                .message((1, .bytes($0.ciphertext)), (2, .unsigned($0.chargeSequence)), (3, .bytes($0.prekey)))
            })
    }

    /// H("opening", sid, SHA-256 of bitmap, SHA-256 of items): what answering this request opens. The votes are left out:
    /// another quorum for the same survivors is the same request.
    public var openingDigest: Digest {
        SHA256.tagged(
            "opening", sessionID.bytes, SHA256.hash(bitmap).bytes, SHA256.hash(itemsValue.encoded()).bytes)
    }

    /// Reads a request, unverified.
    /// - Throws: ``WireFormatError``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        sessionID = try fields.digest(1, "sessionId")
        certificate = try fields.message(2, "certificate")
        bitmap = try fields.bytes(3, "bitmap")
        items = try fields.array(4, "items", maximum: 1_000_000) { (value) throws(WireFormatError) -> Item in
            var item = try MessageReader(value, message: "reveal-request.item")
            let ciphertext = try item.bytes(1, "ciphertext", maximum: SharePackage.ciphertextByteCount)
            let charge = try item.unsigned(2, "chargeSequence")
            let prekey = try item.bytes(3, "prekey", maximum: Prekey.maximumByteCount)
            try item.finish()
            return Item(ciphertext: ciphertext, chargeSequence: charge, prekey: prekey)
        }
    }
}

/// C2, member to coordinator: one share a roster position, of the kind that the label names; empty where the member's
/// ciphertext did not open.
public struct Reveal: SignedBody {
    /// The message's name in the CDDL.
    public static let messageName = "reveal"
    /// Separates this message's signatures from all others.
    public static let signatureType = "reveal"

    /// The session.
    public let sessionID: Digest
    /// The member.
    public let node: NodeIndex
    /// The certified survivor set.
    public let labelDigest: Digest
    /// 40 bytes or none, one a roster position.
    public let shares: [[UInt8]]

    /// Describes a reveal.
    public init(sessionID: Digest, node: NodeIndex, labelDigest: Digest, shares: [[UInt8]]) {
        self.sessionID = sessionID
        self.node = node
        self.labelDigest = labelDigest
        self.shares = shares
    }

    /// The message as CBOR.
    public var cborValue: CBORValue {
        .message(
            (1, .bytes(sessionID.bytes)), (2, .unsigned(UInt64(node))), (3, .bytes(labelDigest.bytes)),
            (4, .array(shares.map { .bytes($0) })))
    }

    /// Reads a reveal.
    /// - Throws: ``WireFormatError``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        sessionID = try fields.digest(1, "sessionId")
        node = try fields.nodeIndex(2, "node")
        labelDigest = try fields.digest(3, "labelDigest")
        shares = try fields.array(4, "shares", maximum: 1_000_000) { (value) throws(WireFormatError) -> [UInt8] in
            guard case .bytes(let bytes) = value, bytes.isEmpty || bytes.count == SecretShare.byteCount else {
                throw .unexpected(field: "reveal.shares", expected: "\(SecretShare.byteCount) bytes or none")
            }
            return bytes
        }
    }
}
