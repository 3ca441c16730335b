// What committee members said about deals that may still be opened: unused prekeys of the epoch, and prekeys and uploads of live
// sessions.
// Kept in memory only; it is the fold of the stored reports.

import Cryptography
import SecureAggregation

/// Verdicts by deal.
struct ShareVerdicts: Sendable {
    /// Where a deal is stored.
    enum Source: Hashable, Sendable {
        case prekey(node: NodeIndex, sequence: UInt64)
        case upload(session: Digest, position: Int)
    }

    /// One deal.
    struct Standing: Sendable {
        let source: Source
        /// Members that gave a verdict.
        var answered: Set<NodeIndex> = []
        /// Those that called it invalid.
        var complaints: Set<NodeIndex> = []
    }

    private(set) var standings: [Digest: Standing] = [:]
    private var deals: [Source: Digest] = [:]
    /// Standings that each member answered: whether it has any left is asked with every request for work.
    private var answeredCounts: [NodeIndex: Int] = [:]

    /// A deal may be used from now on, and members should look at it.
    mutating func await(_ deal: Digest, _ source: Source) {
        guard standings[deal] == nil else { return }
        standings[deal] = Standing(source: source)
        deals[source] = deal
    }

    /// Notes a member's verdict.
    /// - Returns: whether it is news: the first of this member about a deal that is awaited.
    mutating func note(_ result: ShareReport.Result, by member: NodeIndex) -> Bool {
        guard standings[result.deal]?.answered.insert(member).inserted == true else { return false }
        answeredCounts[member, default: 0] += 1
        if !result.isValid { standings[result.deal]?.complaints.insert(member) }
        return true
    }

    /// Complaints about what is stored at `source`.
    func complaints(at source: Source) -> Int {
        deals[source].flatMap { standings[$0]?.complaints.count } ?? 0
    }

    /// A session is over: neither its uploads nor the prekeys that it used need a verdict any more. Until then a prekey of a
    /// node that did not upload may have to be opened.
    mutating func forget(_ session: Digest, roster: Roster) {
        for (position, entry) in roster.entries.enumerated() {
            forget(.upload(session: session, position: position))
            forget(.prekey(node: entry.node, sequence: entry.sequence))
        }
    }

    private mutating func forget(_ source: Source) {
        guard let deal = deals.removeValue(forKey: source), let standing = standings.removeValue(forKey: deal) else {
            return
        }
        for member in standing.answered { answeredCounts[member, default: 0] -= 1 }
    }

    /// Whether `member` has not looked at every deal.
    func hasOpen(for member: NodeIndex) -> Bool { answeredCounts[member, default: 0] < standings.count }

    /// Deals that `member` has not looked at, uploads first: a round may be waiting for those.
    func open(for member: NodeIndex, maximum: Int) -> [Source] {
        var uploads: [Source] = []
        var prekeys: [Source] = []
        for standing in standings.values where !standing.answered.contains(member) {
            switch standing.source {
            case .upload: uploads.append(standing.source)
            case .prekey: prekeys.append(standing.source)
            }
        }
        return Array((uploads + prekeys).prefix(maximum))
    }
}
