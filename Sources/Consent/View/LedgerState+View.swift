// From the state to what a node gets.

extension LedgerState {
    /// The view of a node as of a checkpoint: a function of the log up to it and of `previousPinned`, nothing else.
    ///
    /// - Parameters:
    ///   - origin: the log's name.
    ///   - pinned: a checkpoint of this log, at most at ``size``; the caller vouches for its root.
    ///   - previousPinned: the size that the previous round pinned; 0 for a first round.
    ///   - asOfMilliseconds: the checkpoint's time; expiries are judged at it.
    /// - Throws: ``ConsentError/beyondHead(size:)``, ``ConsentError/invalid(field:expected:)``.
    public func view(
        node: UInt32, origin: String, pinned: PinnedCheckpoint, previousPinned: Int, asOfMilliseconds: Int64
    ) throws(ConsentError) -> ConsentView {
        try ConsentView(
            origin: origin, node: node, pinned: pinned, previousPinned: previousPinned,
            asOfMilliseconds: asOfMilliseconds,
            rows: rows(
                node: node, pinned: pinned.size, previousPinned: previousPinned, asOfMilliseconds: asOfMilliseconds))
    }
}
