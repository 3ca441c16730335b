// When an upload starts. How long a computation took depends on the data, so it must not show: answers leave at the end of a
// slot of fixed length, counted from the acceptance of the offer.

/// One answer's slot. Made when the offer is accepted.
struct ReplySlot: Sendable {
    private let sleep: @Sendable () async throws -> Int

    /// Starts a slot of `length`, which is positive, now.
    init(_ length: Duration, on clock: some Clock<Duration>) {
        let start = clock.now
        sleep = {
            // A slot that was missed shows as one whole slot more, not as the time it took.
            let slots = max(1, Int((start.duration(to: clock.now) / length).rounded(.up)))
            try await clock.sleep(until: start.advanced(by: length * slots), tolerance: nil)
            return slots
        }
    }

    /// Waits for the slot's end.
    /// - Returns: how many slots went by; 1 unless the computation took longer than one.
    /// - Throws: `CancellationError`.
    func wait() async throws -> Int { try await sleep() }
}
