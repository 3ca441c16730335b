import Foundation
import Storage
import Testing

@Suite struct GroupCommitTests {
    let folder: TemporaryFolder
    let database: Database

    init() throws {
        folder = try TemporaryFolder()
        database = try Database(path: folder("test.db"), schema: testSchema)
    }

    private struct Refusal: Error, Equatable { let id: Int }

    private func ids() async throws -> [Int] {
        try await database.read { try $0.query("SELECT id FROM item ORDER BY id") { try $0.integer(0) } }
    }

    /// Runs `bodies` as one group: they queue up while the writer is held in a closure.
    private func inOneGroup(
        _ bodies: [@Sendable (borrowing SQLConnection) throws -> Void]
    ) async throws -> [(any Error)?] {
        let release = DispatchSemaphore(value: 0)
        let holding = DispatchSemaphore(value: 0)
        let database = database
        async let holder: Void = database.write { _ in
            holding.signal()
            release.wait()
        }
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                holding.wait()
                continuation.resume()
            }
        }
        let results = await withTaskGroup(of: (Int, (any Error)?).self) { tasks in
            for (index, body) in bodies.enumerated() {
                tasks.addTask {
                    do {
                        try await database.write(body)
                        return (index, nil)
                    } catch {
                        return (index, error)
                    }
                }
            }
            tasks.addTask {
                try? await Task.sleep(for: .milliseconds(50))  // let them line up
                release.signal()
                return (-1, nil)
            }
            var results = [(any Error)?](repeating: nil, count: bodies.count)
            for await (index, error) in tasks where index >= 0 { results[index] = error }
            return results
        }
        try await holder
        return results
    }

    @Test func oneRefusalDoesNotTouchItsNeighbours() async throws {
        let errors = try await inOneGroup(
            (0..<20).map { index in
                { connection in
                    try connection.execute("INSERT INTO item(id) VALUES(?)", index)
                    if index % 3 == 0 { throw Refusal(id: index) }
                }
            })
        for (index, error) in errors.enumerated() {
            #expect(error as? Refusal == (index % 3 == 0 ? Refusal(id: index) : nil))
        }
        #expect(try await ids() == (0..<20).filter { $0 % 3 != 0 })
        let statistics = await database.statistics()
        #expect(statistics.groups == 2 && statistics.failed == 7 && statistics.committed == 14)
    }

    @Test func aDeferredForeignKeyFailsOnlyItsOwner() async throws {
        let errors = try await inOneGroup([
            { try $0.execute("INSERT INTO item(id) VALUES(1)") },
            { try $0.execute("INSERT INTO child VALUES(1, 999, 1)") },
            { connection in  // deferred: the parent may come second
                try connection.execute("INSERT INTO child VALUES(2, 2, 1)")
                try connection.execute("INSERT INTO item(id) VALUES(2)")
            },
        ])
        #expect(errors[0] == nil && errors[2] == nil)
        #expect(errors[1] as? StorageError == .constraint(.foreignKey, detail: "FOREIGN KEY constraint failed"))
        #expect(try await ids() == [1, 2])
    }

    @Test func aLostTransactionIsAcknowledgedToNobody() async throws {
        try await database.write { try $0.execute("INSERT INTO item(id) VALUES(100)") }
        // OR ROLLBACK ends the whole transaction, neighbours included; the last closure swallows the evidence.
        let errors = try await inOneGroup([
            { try $0.execute("INSERT INTO item(id) VALUES(1)") },
            { connection in _ = try? connection.execute("INSERT OR ROLLBACK INTO item(id) VALUES(100)") },
            { try $0.execute("INSERT INTO item(id) VALUES(2)") },
        ])
        #expect(errors.allSatisfy { $0 is StorageError })
        #expect(try await ids() == [100])
        try await database.write { try $0.execute("INSERT INTO item(id) VALUES(3)") }
        #expect(try await ids() == [3, 100])
    }

    @Test func writesOfOneTaskKeepTheirOrder() async throws {
        let database = database
        try await withThrowingTaskGroup { tasks in
            for task in 0..<64 {
                tasks.addTask {
                    for step in 0..<200 {
                        let row = try await database.write { connection in
                            try connection.execute("INSERT INTO item(weight) VALUES(?)", Double(task * 200 + step))
                            return connection.lastInsertedRowID
                        }
                        #expect(row > 0)
                    }
                }
            }
            try await tasks.waitForAll()
        }
        let weights = try await database.read { try $0.query("SELECT weight FROM item ORDER BY id") { try $0.real(0) } }
        #expect(Set(weights).count == 64 * 200)
        for task in 0..<64 {
            let own = weights.filter { Int($0) / 200 == task }
            #expect(own == own.sorted() && own.count == 200)
        }
        let statistics = await database.statistics()
        #expect(statistics.committed == 64 * 200)
        #expect(statistics.groups < 64 * 200 / 4, "\(statistics.groups) commits: waiting writers were not grouped")
        try await database.verifyIntegrity()
    }

    @Test func diskFullIsAnAnswerAndTheDatabaseGoesOn() async throws {
        try await database.write { connection in
            try connection.execute("INSERT INTO item(id) VALUES(1)")
            try connection.execute("PRAGMA max_page_count = 64")  // 64 pages of 4 KiB
        }
        var accepted = [1]
        var isFull = false
        for id in 2..<200 {
            do {
                try await database.write {
                    try $0.execute("INSERT INTO item(id, body) VALUES(?, zeroblob(8000))", id)
                }
                accepted.append(id)
            } catch {
                #expect(error as? StorageError == .diskFull)
                isFull = true
            }
        }
        #expect(isFull)
        #expect(try await ids() == accepted)
        // Room again: writing goes on without reopening.
        try await database.write { try $0.execute("PRAGMA max_page_count = 100000") }
        try await database.write { try $0.execute("INSERT INTO item(id, body) VALUES(1000, zeroblob(100000))") }
        #expect(try await ids() == accepted + [1000])
        try await database.verifyIntegrity()
    }

    @Test func diskFullInAGroupLosesNothingAcknowledged() async throws {
        try await database.write { try $0.execute("PRAGMA max_page_count = 64") }
        let errors = try await inOneGroup(
            (0..<10).map { id in
                { try $0.execute("INSERT INTO item(id, body) VALUES(?, zeroblob(50000))", id) }
            })
        let acknowledged = errors.indices.filter { errors[$0] == nil }
        #expect(acknowledged.count < 10)
        #expect(errors.compactMap { $0 }.allSatisfy { $0 as? StorageError == .diskFull })
        #expect(try await ids() == acknowledged)
    }

    @Test func theLogIsFoldedInWhenItIsLong() async throws {
        for id in 0..<40 {
            try await database.write {
                try $0.execute("INSERT INTO item(id, body) VALUES(?, zeroblob(200000))", id)  // 49 pages each
            }
        }
        #expect(await database.statistics().pagesInLog < 1_100)
    }
}
