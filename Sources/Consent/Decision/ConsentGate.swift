// The gate a node asks before it reads a customer's data. One cache miss, no allocation. Handles are the output of a
// keyed hash, so the handle itself is the hash: rows go in ascending order to slot ⌊handle·slots/2^64⌋ or the next free
// one, which keeps the table sorted and ends a search for an absent subject early (linear probing in an ordered table:
// Amble and Knuth, "Ordered hash tables", 1974).

/// Decides from one verified view. Fail-closed: whatever is not known to be allowed is denied.
///
/// Not thread-safe: its owner asks and changes it from one isolation domain.
public struct ConsentGate: Sendable {
    /// One slot: 24 bytes, the row's own layout. A packed word of zero is a free slot: no row packs to zero, because
    /// every status has a code above it.
    struct Slot {
        var high: UInt64
        var low: UInt64
        var packed: UInt64
    }

    /// Farthest a row may lie from its own slot. Uniform handles stay within a few hundred at any size; farther means
    /// someone made up handles to slow the node down.
    static let maximumDisplacement = 4096

    private var slots: [Slot]
    /// Slots that a handle can point to; rows may run over into those behind.
    private let directSlots: UInt64
    /// Number of rows taken in.
    public let subjectCount: Int
    /// The node whose view this is.
    public let node: UInt32
    /// The log's name.
    public let origin: String
    /// The log size that the gate's permissions come from.
    public let pinnedSize: Int
    /// Size of the newest view that the gate has taken removals from.
    public private(set) var restrictedSize: Int
    private let maximumStalenessMilliseconds: Int64
    private var asOfMilliseconds: Int64
    private var latestMilliseconds: Int64

    /// Builds the table of a view.
    ///
    /// - Parameters:
    ///   - maximumStalenessMilliseconds: how far the clock may be past the newest view applied.
    /// - Throws: ``ConsentError/viewMismatch(field:)`` if the handles cannot be what a keyed hash gives.
    public init(_ verified: VerifiedView, maximumStalenessMilliseconds: Int64) throws(ConsentError) {
        let rows = verified.rows
        // Two thirds full: about one slot read for a hit or a miss, 36 bytes a subject.
        let direct = UInt64(rows.count + rows.count / 2 + 1)
        var places: [Int] = []
        places.reserveCapacity(rows.count)
        var next = 0
        for row in rows {
            let own = Int(row.handle.high.multipliedFullWidth(by: direct).high)
            let place = max(own, next)
            if place - own > Self.maximumDisplacement { throw .viewMismatch(field: "handles") }
            places.append(place)
            next = place + 1
        }
        // One free slot at the end stops every search.
        var slots = [Slot](repeating: Slot(high: 0, low: 0, packed: 0), count: max(Int(direct), next) + 1)
        for (place, row) in zip(places, rows) {
            slots[place] = Slot(high: row.handle.high, low: row.handle.low, packed: Self.pack(row))
        }
        self.slots = slots
        directSlots = direct
        subjectCount = rows.count
        node = verified.view.node
        origin = verified.view.origin
        pinnedSize = verified.view.pinned.size
        restrictedSize = verified.view.pinned.size
        self.maximumStalenessMilliseconds = maximumStalenessMilliseconds
        asOfMilliseconds = verified.view.asOfMilliseconds
        latestMilliseconds = verified.view.asOfMilliseconds
    }

    /// Decides whether data of a subject may be used for a purpose, now.
    ///
    /// Total: any input gives an answer. A clock that goes backwards denies until it has caught up.
    /// - Parameters:
    ///   - level: 1...``Purpose/maximumLevel``.
    ///   - nowMilliseconds: trusted time, milliseconds since 1970 UTC: the later of the node's monotonic clock and the
    ///     time of its latest verified checkpoint.
    @inline(__always)
    public mutating func decide(
        _ handle: SubjectHandle, purpose: Purpose, level: Int = 1, nowMilliseconds: Int64
    ) -> Decision {
        guard nowMilliseconds >= latestMilliseconds else { return .deny(.clockWentBackwards) }
        latestMilliseconds = nowMilliseconds
        // Cannot overflow: the clock is not behind the view, and a view's time is not negative.
        guard nowMilliseconds - asOfMilliseconds <= maximumStalenessMilliseconds else { return .deny(.staleView) }
        guard let position = position(of: handle) else { return .deny(.unknownSubject) }
        let packed = slots[position].packed
        switch purpose {
        case .trainFederated:
            guard level == 1 else { return .deny(.unknownLevel) }
            guard Self.isGiven(packed) else { return .deny(.status(Self.status(packed))) }
            if ViewRow.isOver(seconds: UInt32(packed >> 32), at: nowMilliseconds) { return .deny(.status(.expired)) }
            return .allow
        case .personalise:
            guard (1...Purpose.personalise.maximumLevel).contains(level) else { return .deny(.unknownLevel) }
            guard level <= Self.level(packed) else {
                let status = Self.status(packed)
                return .deny(status == .erased || status == .restricted ? .status(status) : .levelNotGranted)
            }
            if ViewRow.isOver(day: UInt16(truncatingIfNeeded: packed), at: nowMilliseconds) {
                return .deny(.status(.expired))
            }
            return .allow
        default: return .deny(.unknownPurpose)
        }
    }

    /// Applies a withdrawal made at this node, before any network is asked. Only removes.
    ///
    /// - Parameters:
    ///   - level: the lowest level removed; levels below 1 count as 1.
    public mutating func withdraw(_ handle: SubjectHandle, purpose: Purpose, level: Int = 1) {
        guard let position = position(of: handle) else { return }
        let packed = slots[position].packed
        switch purpose {
        case .trainFederated:
            if level <= 1, Self.isGiven(packed) {
                slots[position].packed = Self.pack(.withdrawn, seconds: 0, level: Self.level(packed), day: packed)
            }
        case .personalise:
            let level = min(Self.level(packed), max(level, 1) - 1)
            slots[position].packed = Self.pack(
                Self.status(packed), seconds: packed >> 32, level: level, day: level == 0 ? 0 : packed)
        default: break
        }
    }

    /// Takes over what a newer view removes, and nothing that it adds: permissions stay those of the pinned checkpoint.
    ///
    /// Afterwards the gate is as fresh as the newer view: what staleness guards against is a withdrawal not heard of.
    /// - Throws: ``ConsentError/viewMismatch(field:)`` for a view of another node or log, or an older one.
    public mutating func restrict(by newer: VerifiedView) throws(ConsentError) {
        guard newer.view.origin == origin else { throw .viewMismatch(field: "origin") }
        guard newer.view.node == node else { throw .viewMismatch(field: "node") }
        guard newer.view.pinned.size >= restrictedSize, newer.view.asOfMilliseconds >= asOfMilliseconds else {
            throw .viewMismatch(field: "age")
        }
        var next = 0
        for position in slots.indices where slots[position].packed != 0 {
            let handle = SubjectHandle(high: slots[position].high, low: slots[position].low)
            while next < newer.rows.count, newer.rows[next].handle < handle { next += 1 }
            let row = next < newer.rows.count && newer.rows[next].handle == handle ? newer.rows[next] : nil
            slots[position].packed = Self.intersect(slots[position].packed, row)
        }
        restrictedSize = newer.view.pinned.size
        asOfMilliseconds = newer.view.asOfMilliseconds
        latestMilliseconds = max(latestMilliseconds, newer.view.asOfMilliseconds)
    }

    @inline(__always)
    private func position(of handle: SubjectHandle) -> Int? {
        var position = Int(handle.high.multipliedFullWidth(by: directSlots).high)
        while slots[position].packed != 0 {
            if slots[position].high == handle.high, slots[position].low == handle.low { return position }
            if slots[position].high > handle.high { return nil }
            position += 1
        }
        return nil
    }
}
