// How the ledger names rounds.

import Cryptography
import WireFormat

/// One round of one job.
public struct RoundReference: Hashable, Sendable {
    /// The job.
    public let job: JobID
    /// The round's number in the job.
    public let round: UInt32

    /// Names a round.
    public init(job: JobID, round: UInt32) {
        self.job = job
        self.round = round
    }
}

/// One attempt of a round. Attempts have different session identifiers; at most one of them reveals a sum.
public struct AttemptReference: Hashable, Sendable {
    /// The round.
    public let round: RoundReference
    /// 32 bytes: the aggregation session's identifier.
    public let session: Digest

    /// Names an attempt.
    public init(round: RoundReference, session: Digest) {
        self.round = round
        self.session = session
    }
}

extension MessageReader {
    mutating func round() throws(WireFormatError) -> RoundReference {
        let job = try JobID(try bytes(1, "jobId", count: JobID.byteCount))
        return RoundReference(job: job, round: UInt32(try unsigned(2, "round", in: 0...UInt64(UInt32.max))))
    }

    mutating func attempt() throws(WireFormatError) -> AttemptReference {
        AttemptReference(round: try round(), session: try digest(3, "sessionId"))
    }

    /// An amount of privacy budget in millionths of ε.
    mutating func microEpsilon(_ key: UInt64, _ name: String) throws(WireFormatError) -> UInt64 {
        try unsigned(key, name)
    }
}

extension CBORValue {
    /// A message that starts with fields 1 and 2, the round, and 3, the session if the message is about an attempt.
    static func message(about round: RoundReference, session: Digest? = nil, _ fields: [CBORValue]) -> CBORValue {
        var entries = [
            MapEntry(1, .bytes(round.job.bytes)), MapEntry(2, .unsigned(UInt64(round.round))),
        ]
        if let session { entries.append(MapEntry(3, .digest(session))) }
        for field in fields { entries.append(MapEntry(UInt64(entries.count + 1), field)) }
        return .map(entries)
    }
}
