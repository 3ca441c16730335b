// What a set of decision events means: rules 1, 2, 3, 5 and 6 of the specification's section 5. Rule 4, that it is a set,
// is ConsentFold's.

/// The consent of one subject as of one log size: answers for any purpose, level and time.
public struct SubjectState: Hashable, Sendable {
    private let events: [FoldEvent]
    private let order: CausalOrder
    /// More events than ``ConsentFold/maximumEvents``.
    private let isVoid: Bool

    /// What one question about a purpose and level comes to, before its expiry is looked at.
    enum Evaluation: Equatable {
        /// A grant is live until the time given (`Int64.max`: no end); the event that lasts longest.
        case live(expires: Int64, grant: EventIdentifier)
        /// Nothing is live, and why.
        case none(ConsentStatus)
    }

    init(events: [FoldEvent]) {
        self.events = events
        isVoid = events.count > ConsentFold.maximumEvents
        order = CausalOrder(isVoid ? [] : events)
    }

    /// The status of a purpose at a time: what was in force at `atMilliseconds`, according to all events held.
    ///
    /// - Parameters:
    ///   - level: 1...``Purpose/maximumLevel``; any other level is ``ConsentStatus/unknown``.
    ///   - atMilliseconds: milliseconds since 1970 UTC.
    public func status(of purpose: Purpose, level: Int = 1, atMilliseconds time: Int64) -> ConsentStatus {
        switch evaluate(purpose, level: level, at: time, denialsUpTo: time) {
        case .live(let expires, _): expires > time ? .given : .expired
        case .none(let status): status
        }
    }

    /// The event that grants a purpose at a time, and when the grant ends; nil unless the status is given.
    /// - Parameters:
    ///   - level: 1...``Purpose/maximumLevel``.
    ///   - atMilliseconds: milliseconds since 1970 UTC.
    public func grant(
        of purpose: Purpose, level: Int = 1, atMilliseconds time: Int64
    ) -> (identifier: EventIdentifier, expiresAtMilliseconds: Int64?)? {
        guard case .live(let expires, let grant) = evaluate(purpose, level: level, at: time, denialsUpTo: time),
            expires > time
        else { return nil }
        return (grant, expires == .max ? nil : expires)
    }

    /// What a form posts back as `seen`: the events that no other event has in its causal past.
    public var heads: [EventIdentifier] {
        if isVoid { return [] }
        let heads = events.indices.filter { event in !events.indices.contains { order.isPast(event, of: $0) } }
        return heads.map { events[$0].identifier }
    }

    /// Whether no decision is held.
    public var isEmpty: Bool { events.isEmpty }

    /// From this time on the passing of time changes nothing but expiries.
    var settledMilliseconds: Int64 {
        events.reduce(0) { latest, event in max(latest, event.permissionStart) }
    }

    /// Evaluates one purpose and level.
    /// - Parameters:
    ///   - time: permissions that start later do not count.
    ///   - horizon: denials that start later do not count. `Int64.max`: every denial held counts, as in views.
    func evaluate(_ purpose: Purpose, level: Int, at time: Int64, denialsUpTo horizon: Int64) -> Evaluation {
        guard (1...purpose.maximumLevel).contains(level) else { return .none(.unknown) }
        if isVoid { return .none(.unconfirmed) }
        let denials = events.indices.filter {
            events[$0].denies(purpose, level: level) && events[$0].denialStart <= horizon
        }
        var best: (expires: Int64, grant: EventIdentifier)?
        var isPending = false
        var isUnconfirmed = false
        for grant in events.indices where events[grant].grantedLevel(purpose) >= level {
            if events[grant].earliest > time { continue }
            guard order.isReliable[grant], denials.allSatisfy({ isAnswered($0, by: grant) }) else {
                isUnconfirmed = true
                continue
            }
            if events[grant].permissionStart > time {
                isPending = true
            } else if best.map({ events[grant].expires > $0.expires }) ?? true {
                best = (events[grant].expires, events[grant].identifier)
            }
        }
        let isRestricted = isRestricted(at: time, denialsUpTo: horizon)
        if let best { return isRestricted ? .none(.restricted) : .live(expires: best.expires, grant: best.grant) }
        let reason = reason(among: denials)
        if reason == .erased { return .none(.erased) }
        if isRestricted { return .none(.restricted) }
        if isPending { return .none(.pending) }
        return .none(reason ?? (isUnconfirmed ? .unconfirmed : .unknown))
    }

    /// Rule 1: a denial leaves a grant alone only if whoever recorded the grant had seen it. An objection must also be
    /// answered by name: by the grant, or by a lift that the grant's recorder had seen.
    private func isAnswered(_ denial: Int, by grant: Int) -> Bool {
        guard order.isPast(denial, of: grant) else { return false }
        if events[denial].kind != .objection { return true }
        let name = events[denial].identifier
        if events[grant].supersedes.contains(name) { return true }
        return events.indices.contains { lift in
            events[lift].kind == .objectionLifted && order.isPast(lift, of: grant) && order.isReliable[lift]
                && events[lift].supersedes.contains(name) && order.isPast(denial, of: lift)
        }
    }

    private func isRestricted(at time: Int64, denialsUpTo horizon: Int64) -> Bool {
        events.indices.contains { restriction in
            guard events[restriction].kind == .restricted, events[restriction].denialStart <= horizon else {
                return false
            }
            return !events.indices.contains { lift in
                events[lift].kind == .unrestricted && events[lift].permissionStart <= time && order.isReliable[lift]
                    && events[lift].supersedes.contains(events[restriction].identifier)
                    && order.isPast(restriction, of: lift)
            }
        }
    }

    /// The reason to name among denials: the strongest of those that no other of them had seen; nil without denials.
    private func reason(among denials: [Int]) -> ConsentStatus? {
        let heads = denials.filter { denial in !denials.contains { order.isPast(denial, of: $0) } }
        let kinds = (heads.isEmpty ? denials : heads).map { events[$0].kind }
        if kinds.isEmpty { return nil }
        if kinds.contains(.erased) { return .erased }
        if kinds.contains(.objection) { return .objected }
        if kinds.contains(.withdrawn) { return .withdrawn }
        return .refused
    }
}
