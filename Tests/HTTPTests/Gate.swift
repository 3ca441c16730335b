// Holds a handler until the test says so.

import Testing

actor Gate {
    private var isOpen = false
    private(set) var arrived = 0
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func wait() async {
        arrived += 1
        if isOpen { return }
        await withCheckedContinuation { waiting.append($0) }
    }

    func open() {
        isOpen = true
        waiting.forEach { $0.resume() }
        waiting = []
    }

    /// Returns once somebody waits; fails the test after 5 s.
    func arrival(of count: Int = 1) async throws {
        for _ in 0..<500 where arrived < count { try await Task.sleep(for: .milliseconds(10)) }
        try #require(arrived >= count)
    }
}
