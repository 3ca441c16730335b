// The ledger's meaning: what the log says about everybody, at its head and at any earlier size. A value fed entry by
// entry, so a replica, an auditor and a simulation that read the same log hold the same state.

/// Everything a log of consent events says about its subjects.
///
/// Not thread-safe; a value, so whoever needs to read while another writes takes a copy.
public struct LedgerState: Sendable {
    /// Entries taken in: the next index.
    public private(set) var size = 0

    // One position a subject in four arrays: what a pass over everybody reads is apart from what it does not.
    private(set) var handles: [SubjectHandle] = []
    private(set) var folds: [ConsentFold] = []
    private(set) var homes: [HomeHistory] = []
    private(set) var heads: [HeadSummary] = []
    private var positions: [SubjectHandle: Int] = [:]
    /// Positions of the subjects that a node has ever been assigned.
    private(set) var everAssigned: [UInt32: [Int]] = [:]
    private(set) var forgotten: Set<Int> = []

    /// A subject at the head of the log, ready for a view.
    struct HeadSummary: Sendable {
        var consent: SubjectSummary
        /// The home at the head; meaningless without ``hasHome``.
        var node: UInt32 = 0
        var hasHome = false
        var isForgotten = false
        /// Since when the present home has been the home; −1 if it is the first.
        var movedAt = -1
        /// Index of the latest tombstone; −1 without one.
        var erasedAt = -1
        /// Index of the first event: for any size up to it, the subject is not known.
        var firstIndex: Int
        /// Index of the latest event: for any size above it, the head's summary is the summary.
        var lastIndex: Int
    }

    /// The state of the empty log.
    public init() {}

    /// How many subjects the state knows.
    public var subjectCount: Int { handles.count - forgotten.count }

    /// Takes in the entry at ``size``, a consent event.
    ///
    /// - Parameters:
    ///   - recordedMilliseconds: the leaf's time, milliseconds since 1970 UTC.
    /// - Throws: ``ConsentError/outOfOrder(expected:actual:)`` for any other index.
    public mutating func ingest(
        _ event: ConsentEvent, index: Int, recordedMilliseconds: Int64
    ) throws(ConsentError) {
        try skip(index: index)
        let position = position(creating: event.handle, index: index)
        if event.kind == .homeAssigned, let node = event.homeNode {
            assign(node, to: position, index: index, identifier: event.identifier)
        } else if event.kind.isDecision, folds[position].events.count <= ConsentFold.maximumEvents {
            // Above the bound nothing is permitted any more, so nothing more needs to be held.
            folds[position].insert(event, index: index, recordedMilliseconds: recordedMilliseconds)
            heads[position].consent = SubjectSummary(folds[position].state(), at: nil)
        }
        if event.kind == .erased { heads[position].erasedAt = index }
        heads[position].lastIndex = index
    }

    /// Passes over the entry at ``size``, which says nothing about a subject: another category, or a payload that is
    /// unreadable because its subject was erased.
    /// - Throws: ``ConsentError/outOfOrder(expected:actual:)`` for any other index.
    public mutating func skip(index: Int) throws(ConsentError) {
        guard index == size else { throw .outOfOrder(expected: size, actual: index) }
        size += 1
    }

    /// Drops all that is held about an erased subject, tombstone included, once its key and vault rows are destroyed.
    ///
    /// A subject who registers again starts from nothing. Two conditions keep that safe. Here: the tombstone lies before
    /// the previous round's checkpoint, so the gap round that a move needs has passed. The caller's: every device's own
    /// log is known beyond the erasure, so no event captured before it can still arrive.
    /// - Parameters:
    ///   - previousPinned: the log size that the latest round pinned.
    /// - Throws: ``ConsentError/invalid(field:expected:)`` unless the subject is erased at that size.
    public mutating func forget(_ handle: SubjectHandle, previousPinned: Int) throws(ConsentError) {
        try check(previousPinned)
        guard let position = positions[handle] else { return }
        let head = heads[position]
        // A subject with too many events has no status of its own, but a tombstone still ends it.
        let isVoid = folds[position].events.count > ConsentFold.maximumEvents
        guard (0..<previousPinned).contains(head.erasedAt), head.consent.trainStatus == .erased || isVoid else {
            throw .invalid(field: "subject", expected: "erased before the previous round was pinned")
        }
        positions[handle] = nil
        forgotten.insert(position)
        handles[position] = SubjectHandle(high: UInt64(0), low: UInt64(0))
        folds[position] = ConsentFold()
        homes[position] = HomeHistory()
        heads[position] = HeadSummary(consent: .nothing, isForgotten: true, firstIndex: 0, lastIndex: 0)
    }

    /// Position of a subject the state knows.
    func position(of handle: SubjectHandle) -> Int? { positions[handle] }

    private mutating func position(creating handle: SubjectHandle, index: Int) -> Int {
        if let position = positions[handle] { return position }
        let position = handles.count
        positions[handle] = position
        handles.append(handle)
        folds.append(ConsentFold())
        homes.append(HomeHistory())
        heads.append(HeadSummary(consent: .nothing, firstIndex: index, lastIndex: index))
        return position
    }

    private mutating func assign(_ node: UInt32, to position: Int, index: Int, identifier: EventIdentifier) {
        let isReturn = homes[position].contains(node)
        guard homes[position].append(node: node, index: index, identifier: identifier),
            let home = homes[position].home(known: .max)
        else { return }
        if !isReturn { everAssigned[node, default: []].append(position) }
        heads[position].node = home.node
        heads[position].hasHome = true
        heads[position].movedAt = home.movedAt ?? -1
    }
}
