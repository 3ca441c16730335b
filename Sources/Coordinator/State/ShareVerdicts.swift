// What committee members said about deals that may still be used: unused prekeys of the epoch, and uploads of live sessions.
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
        if !result.isValid { standings[result.deal]?.complaints.insert(member) }
        return true
    }

    /// Complaints about what is stored at `source`.
    func complaints(at source: Source) -> Int {
        deals[source].flatMap { standings[$0]?.complaints.count } ?? 0
    }

    /// A session is over: its uploads need no verdict any more.
    mutating func forget(_ session: Digest) {
        for source in deals.keys {
            if case .upload(session, _) = source { forget(source) }
        }
    }

    /// A prekey is offered: from here on its node's upload is what counts.
    mutating func forget(prekey sequence: UInt64, of node: NodeIndex) {
        forget(.prekey(node: node, sequence: sequence))
    }

    private mutating func forget(_ source: Source) {
        if let deal = deals.removeValue(forKey: source) { standings[deal] = nil }
    }

    /// Whether `member` has not looked at every deal.
    func hasOpen(for member: NodeIndex) -> Bool {
        standings.values.contains { !$0.answered.contains(member) }
    }

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
