// What a node makes of the capture files it finds: all of a file or nothing, and never nothing without saying so.

import Consent
import Cryptography
import Foundation
import Storage
import Testing

@testable import EdgeAgent

@Suite struct ConsentInboxTests {
    private func row(_ customer: String, _ act: String, at time: Int) -> String {
        AgentState.row(customer, act, at: time)
    }

    @Test func filesAreTakenOnceInOrder() async throws {
        let state = try AgentState()
        try state.write("b.csv", row("two", "granted", at: 20))
        try state.write("a.csv", row("one", "granted", at: 10))
        try Data("not a capture".utf8).write(to: URL(filePath: "\(state.path)/captures/readme.txt"))
        for _ in 0..<2 {
            #expect(try await state.inbox.takeIn().isEmpty)
            #expect(
                try await state.storedHandles() == [state.inbox.handle(of: "one"), state.inbox.handle(of: "two")])
        }
    }

    /// A file between two good ones that cannot be used is named, stores nothing, and hides neither.
    @Test(arguments: [
        "two,granted,train.federated,zero,,kiosk,DE,", "two,sold,train.federated,20,,kiosk,DE,",
        "two,granted,no.such.purpose,20,,kiosk,DE,", "two,granted,train.federated,20,,fax,DE,", "two,granted",
    ])
    func oneBadFileHidesNoOther(bad: String) async throws {
        let state = try AgentState()
        try state.write("a.csv", row("one", "granted", at: 10))
        try state.write("b.csv", row("two", "granted", at: 20), bad)
        try state.write("c.csv", row("three", "withdrawn", at: 30))
        for _ in 0..<2 {
            let refused = try await state.inbox.takeIn()
            #expect(refused.map(\.line) == [3])
            #expect(
                try await state.storedHandles() == [state.inbox.handle(of: "one"), state.inbox.handle(of: "three")])
        }
        #expect(try await state.inbox.localRemovals() == [state.inbox.handle(of: "three")])
        // Once it is corrected it is taken in, and nothing is in the way any more.
        try state.write("b.csv", row("two", "granted", at: 20))
        #expect(try await state.inbox.takeIn().isEmpty)
        #expect(try await state.storedHandles().count == 3)
    }

    /// A copy of the store from before captures were taken in may number them in another order: at its start the counter shows it.
    /// And a counter that cannot be written keeps no withdrawal out.
    @Test func capturesRaiseTheCounterIfItCanBe() async throws {
        let state = try AgentState()
        #expect(try await !state.store.start(state.store.counter))
        let before = try #require(try state.store.counter.read())
        try state.write("a.csv", row("one", "granted", at: 10))
        #expect(try await state.inbox.takeIn().isEmpty)
        let after = try #require(try state.store.counter.read())
        #expect(after == before + 1)
        #expect(try await state.inbox.takeIn().isEmpty)
        #expect(try state.store.counter.read() == after)
        try FileManager.default.removeItem(atPath: "\(state.path)/boot-counter")
        try FileManager.default.createDirectory(
            atPath: "\(state.path)/boot-counter/kept", withIntermediateDirectories: true)
        try state.write("b.csv", row("one", "withdrawn", at: 20))
        await #expect(throws: (any Error).self) { try await state.inbox.takeIn() }
        try state.write("c.csv", row("two", "withdrawn", at: 30))
        #expect(try await state.inbox.takeIn().isEmpty)
        #expect(
            try await Set(state.inbox.localRemovals()) == [
                state.inbox.handle(of: "one"), state.inbox.handle(of: "two"),
            ])
    }

    /// A row that only the event's own rules refuse takes its file's other rows with it.
    @Test func aFileIsTakenWholeOrNotAtAll() async throws {
        let state = try AgentState()
        // A grant must name the notice that was shown.
        try state.write("a.csv", row("one", "granted", at: 10), "two,granted,train.federated,20,,kiosk,DE,")
        let refused = try await state.inbox.takeIn()
        #expect(refused.map(\.line) == [3])
        #expect(refused.map(\.field) == ["row"])
        #expect(try await state.storedHandles().isEmpty)
    }

    @Test func anotherHeaderIsRefused() async throws {
        let state = try AgentState()
        try Data("customer,act\n".utf8).write(to: URL(filePath: "\(state.path)/captures/a.csv"))
        #expect(try await state.inbox.takeIn().map(\.field) == ["header"])
    }

    /// Rows that were added to a file after it was taken in would never be read: they may be withdrawals.
    @Test func aSeenFileMustNotChange() async throws {
        let state = try AgentState()
        try state.write("a.csv", row("one", "granted", at: 10))
        #expect(try await state.inbox.takeIn().isEmpty)
        try state.write("a.csv", row("one", "granted", at: 10), row("one", "withdrawn", at: 20))
        for _ in 0..<2 {
            let refused = try await state.inbox.takeIn()
            #expect(refused.map(\.field) == ["file"])
            #expect(try await state.storedHandles().count == 1)
        }
        try state.write("a.csv", row("one", "granted", at: 10))
        #expect(try await state.inbox.takeIn().isEmpty)
    }

    @Test func anUnreadableFolderIsNoEmptyFolder() async throws {
        let state = try AgentState()
        try FileManager.default.removeItem(atPath: "\(state.path)/captures")
        await #expect(throws: (any Error).self) { try await state.inbox.takeIn() }
        try Data().write(to: URL(filePath: "\(state.path)/captures"))
        await #expect(throws: (any Error).self) { try await state.inbox.takeIn() }
    }

    @Test func anUnreadableFileIsAnError() async throws {
        let state = try AgentState()
        try state.write("a.csv", row("one", "granted", at: 10))
        try FileManager.default.createSymbolicLink(
            atPath: "\(state.path)/captures/b.csv", withDestinationPath: "\(state.path)/nothing")
        await #expect(throws: (any Error).self) { try await state.inbox.takeIn() }
    }

    // MARK: Renaming

    /// Names are in doubt once after each restoration. Then every event without a log index gets a new one, and says so where a
    /// later event has seen it; nothing else about it changes, and acknowledged events keep theirs.
    @Test func whatIsNotDeliveredIsRenamedOnce() async throws {
        let state = try AgentState()
        try state.write("a.csv", row("one", "granted", at: 10), row("two", "granted", at: 10))
        #expect(try await state.inbox.takeIn().isEmpty)
        try await state.store.database.write { connection in
            _ = try connection.execute("UPDATE consent_event SET position = 5 WHERE number = 1")
        }
        try state.write("b.csv", row("one", "withdrawn", at: 20), row("two", "withdrawn", at: 20))
        #expect(try await state.inbox.takeIn().isEmpty)
        let before = try await state.storedEvents()
        #expect(try await state.inbox.renameUndelivered() == false)
        #expect(try await state.storedEvents() == before)
        try await state.store.database.write { try ConsentInbox.doubtIdentifiers($0) }
        #expect(try await state.inbox.renameUndelivered())
        #expect(try await state.inbox.renameUndelivered() == false, "once")
        try state.write("c.csv", row("two", "granted", at: 30))
        #expect(try await state.inbox.takeIn().isEmpty)
        let after = try await state.storedEvents()
        let names = after.map(\.identifier)
        #expect(Set(names).count == 5)
        #expect(after[0] == before[0])
        #expect(names[1...3].allSatisfy { !before.map(\.identifier).contains($0) })
        #expect(after.map(\.seen) == [[], [], [names[0]], [names[1]], [names[3]]])
        func facts(_ event: ConsentEvent) -> [String] {
            [
                "\(event.kind)", "\(event.handle)", "\(event.purposes)", "\(event.channel)",
                "\(String(describing: event.notice))", "\(String(describing: event.legalBasis))",
                "\(event.capturedAtMilliseconds)", "\(event.effectiveAtMilliseconds)",
            ]
        }
        #expect(after.prefix(4).map(facts) == before.map(facts))
    }

    // MARK: Removals

    /// The latest local decision about training counts, whatever the ledger acknowledged and in whatever order.
    @Test(arguments: [nil, 0, 7] as [Int?])
    func theLatestLocalDecisionCounts(position: Int?) async throws {
        let state = try AgentState()
        try state.write(
            "a.csv", row("stays", "granted", at: 10), row("leaves", "granted", at: 10), row("never", "refused", at: 10),
            row("returns", "withdrawn", at: 10), AgentState.row("other", "granted", at: 10, purposes: "personalise"))
        try state.write(
            "b.csv", row("leaves", "withdrawn", at: 20), row("returns", "granted", at: 20),
            // Says nothing about training, so it does not lift the refusal.
            AgentState.row("never", "granted", at: 20, purposes: "personalise"), row("objects", "objected", at: 20))
        #expect(try await state.inbox.takeIn().isEmpty)
        if let position {
            try await state.store.database.write { connection in
                _ = try connection.execute("UPDATE consent_event SET position = number + ?", position)
            }
        }
        let removals = try await state.inbox.localRemovals()
        #expect(removals.count == 3)
        #expect(try Set(removals) == Set(["leaves", "never", "objects"].map { try state.inbox.handle(of: $0) }))
    }
}
