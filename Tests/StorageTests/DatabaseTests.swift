import Cryptography
import Foundation
import Storage
import Testing

/// A table of each storage class, and one with constraints.
let testSchema = Schema([
    Migration(
        version: 1,
        """
        CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT UNIQUE, weight REAL, body BLOB) STRICT;
        CREATE TABLE child(
            id INTEGER PRIMARY KEY,
            item INTEGER NOT NULL REFERENCES item(id) DEFERRABLE INITIALLY DEFERRED,
            share INTEGER CHECK(share <= 10)
        ) STRICT;
        CREATE TRIGGER no_update BEFORE UPDATE ON child BEGIN SELECT RAISE(ABORT, 'append only'); END
        """)
])

@Sendable private func itemCount(_ connection: borrowing SQLConnection) throws -> Int? {
    try connection.queryOne("SELECT count(*) FROM item") { try $0.integer(0) }
}

@Suite struct DatabaseTests {
    let folder: TemporaryFolder
    let database: Database

    init() throws {
        folder = try TemporaryFolder()
        database = try Database(path: folder("test.db"), schema: testSchema)
    }

    @Test func everyStorageClassRoundTrips() async throws {
        let digest = SHA256.hash([1, 2, 3])
        let noName: String? = nil
        try await database.write { connection in
            try connection.execute(
                "INSERT INTO item VALUES(?, ?, ?, ?)", Int64.min, "caf\u{e9} \0 \u{1F6D2}", 0.5, digest)
            try connection.execute("INSERT INTO item VALUES(?, ?, ?, ?)", 2, "", -0.0, [UInt8]())
            try connection.execute("INSERT INTO item VALUES(?, ?, ?, ?)", true, noName, nil, nil)
        }
        try await database.read { connection in
            let rows = try connection.query("SELECT * FROM item ORDER BY id") { row in
                [try row.value(0), try row.value(1), try row.value("weight"), try row.value("body")]
            }
            #expect(
                rows == [
                    [.integer(.min), .text("caf\u{e9} \0 \u{1F6D2}"), .real(0.5), .blob(digest.bytes)],
                    [.integer(1), .null, .null, .null],
                    [.integer(2), .text(""), .real(0), .blob([])],
                ])
            let stored = try connection.queryOne("SELECT body FROM item WHERE id = ?", Int64.min) {
                try $0.digest("body")
            }
            #expect(stored == digest)
            #expect(try connection.queryOne("SELECT 1 WHERE 0") { _ in 1 } == nil)
        }
    }

    /// Reads the one row of a fixed statement with a column of each kind.
    private func readSample(_ read: @escaping @Sendable (borrowing Row) throws -> Void) async throws {
        _ = try await database.read { connection in
            try connection.query(
                """
                SELECT 300 AS n, 'x' AS t, 0.5 AS r, x'01' AS b, NULL AS z, CAST(x'ff' AS TEXT) AS bad
                """, map: read)
        }
    }

    @Test func accessorsRefuseTheWrongTypeByName() async throws {
        func check(_ expected: StorageError, _ read: @escaping @Sendable (borrowing Row) throws -> Void) async {
            await #expect(throws: expected) { try await readSample(read) }
        }
        await check(.columnType(column: "t", expected: "integer", actual: "text")) {
            let _: Int64 = try $0.integer("t")
        }
        await check(.columnType(column: "n", expected: "text", actual: "integer")) { _ = try $0.text(0) }
        await check(.columnType(column: "b", expected: "real", actual: "blob")) { _ = try $0.real("b") }
        await check(.columnType(column: "r", expected: "blob", actual: "real")) { _ = try $0.blob("r") }
        await check(.columnType(column: "z", expected: "integer", actual: "NULL")) { _ = try $0.integer("z") }
        await check(.columnValue(column: "n", expected: "UInt8")) { _ = try $0.integer("n", as: UInt8.self) }
        await check(.columnValue(column: "n", expected: "0 or 1")) { _ = try $0.boolean("n") }
        await check(.columnValue(column: "b", expected: "32 bytes")) { _ = try $0.digest("b") }
        await check(.columnValue(column: "bad", expected: "UTF-8")) { _ = try $0.text("bad") }
        await check(.missingColumn("absent")) { _ = try $0.text("absent") }
        await check(.missingColumn("6")) { _ = try $0.text(6) }
        await check(.missingColumn("-1")) { _ = try $0.text(-1) }
        try await readSample { row in
            let (text, blob) = (try row.optionalText("z"), try row.optionalBlob("z"))
            let (real, digest) = (try row.optionalReal("z"), try row.optionalDigest("z"))
            #expect(text == nil && blob == nil && real == nil && digest == nil)
            let integer = try row.optionalInteger("n")
            #expect(integer == 300)
        }
    }

    @Test func constraintsHaveKinds() async throws {
        func check(
            _ kind: StorageError.Constraint, _ body: @escaping @Sendable (borrowing SQLConnection) throws -> Void
        )
            async
        {
            do {
                try await database.write(body)
                Issue.record("\(kind) was not enforced")
            } catch StorageError.constraint(let found, _) {
                #expect(found == kind)
            } catch {
                Issue.record(error)
            }
        }
        try await database.write { connection in
            try connection.execute("INSERT INTO item(id, name) VALUES(1, 'a')")
            try connection.execute("INSERT INTO child VALUES(1, 1, 1)")
        }
        await check(.unique) { try $0.execute("INSERT INTO item(id) VALUES(1)") }
        await check(.unique) { try $0.execute("INSERT INTO item(id, name) VALUES(2, 'a')") }
        await check(.check) { try $0.execute("INSERT INTO child VALUES(2, 1, 11)") }
        await check(.notNull) { try $0.execute("INSERT INTO child VALUES(2, NULL, 1)") }
        await check(.dataType) { try $0.execute("INSERT INTO item(id, weight) VALUES(3, ?)", "heavy") }
        await check(.trigger) { try $0.execute("UPDATE child SET share = 2") }
        await check(.foreignKey) { try $0.execute("INSERT INTO child VALUES(2, 99, 1)") }
    }

    @Test func misuseIsAnErrorNotACrash() async throws {
        func check(
            _ matches: @escaping (StorageError) -> Bool,
            _ body: @escaping @Sendable (borrowing SQLConnection) throws -> Void
        )
            async throws
        {
            let error = await #expect(throws: StorageError.self) { try await self.database.write(body) }
            #expect(error.map(matches) == true, "\(String(describing: error))")
        }
        let isInvalid = { (error: StorageError) in
            if case .invalidStatement = error { true } else { false }
        }
        try await check(isInvalid) { try $0.execute("SELEC 1") }
        try await check(isInvalid) { try $0.execute("SELECT 1; SELECT 2") }
        try await check(isInvalid) { try $0.execute("SELECT * FROM nowhere") }
        // Double quotes are for names: text in them is not silently a string.
        try await check(isInvalid) { try $0.execute("INSERT INTO item(name) VALUES(\"a\")") }
        for _ in 0..<2 {  // a refused text is not let through the second time
            try await check(isInvalid) { try $0.execute("COMMIT") }
            try await check(isInvalid) { try $0.execute(" /* */ rollback") }
            try await check(isInvalid) { try $0.execute("ATTACH 'x' AS y") }
        }
        try await check({ $0 == .wrongParameterCount(expected: 1, actual: 0) }) { try $0.execute("SELECT ?") }
        try await check({ $0 == .unrepresentableValue(parameter: 2) }) { try $0.execute("SELECT ?, ?", 1, Double.nan) }
        let error = await #expect(throws: StorageError.self) {
            try await self.database.read { try $0.execute("INSERT INTO item(id) VALUES(1)") }
        }
        #expect(error != nil)
        #expect(try await database.write { try $0.execute("INSERT INTO item(id) VALUES(1)") } == 1)
    }

    @Test func theWriterIsSetUpForDurability() async throws {
        let settings = try await database.write { connection in
            [
                try connection.queryOne("PRAGMA journal_mode") { try $0.value(0) },
                try connection.queryOne("PRAGMA synchronous") { try $0.value(0) },
                try connection.queryOne("PRAGMA foreign_keys") { try $0.value(0) },
                try connection.queryOne("PRAGMA trusted_schema") { try $0.value(0) },
                try connection.queryOne("PRAGMA secure_delete") { try $0.value(0) },
            ]
        }
        // FULL is 2: the log is flushed at every commit. At 1 (NORMAL) a power cut undoes acknowledged writes.
        #expect(settings == [.text("wal"), .integer(2), .integer(1), .integer(0), .integer(1)])
    }

    @Test func nestedUseOfOneStatementIsIndependent() async throws {
        try await database.write { connection in
            for id in 1...3 { try connection.execute("INSERT INTO item(id) VALUES(?)", id) }
            let pairs = try connection.query("SELECT id FROM item ORDER BY id") { outer in
                let first: Int = try outer.integer(0)
                return try connection.query("SELECT id FROM item ORDER BY id") { first * 10 + (try $0.integer(0)) }
            }
            #expect(pairs == [[11, 12, 13], [21, 22, 23], [31, 32, 33]])
        }
    }

    @Test func aReadSeesOneStateAndThenTheNext() async throws {
        let database = database
        try await database.read { connection in
            let before = try itemCount(connection)
            // A write commits while this snapshot is open.
            let done = DispatchSemaphore(value: 0)
            Task {
                try await database.write { try $0.execute("INSERT INTO item(id) VALUES(1)") }
                done.signal()
            }
            done.wait()
            let after = try itemCount(connection)
            #expect(before == 0 && after == 0)
        }
        #expect(try await database.read(itemCount) == 1)
    }

    @Test func filesAreForTheOwnerOnly() async throws {
        try await database.write { try $0.execute("INSERT INTO item(id) VALUES(1)") }
        #expect(folder.files == ["test.db", "test.db-shm", "test.db-wal"])
        for name in folder.files {
            let mode = try FileManager.default.attributesOfItem(atPath: folder(name))[.posixPermissions] as? Int
            #expect(mode == 0o600, "\(name)")
        }
    }

    @Test func erasedBytesLeaveTheDiskAfterACheckpoint() async throws {
        let marker = "subject-7f3a-marker"
        try await database.write { try $0.execute("INSERT INTO item(id, name) VALUES(1, ?)", marker) }
        func isOnDisk() throws -> Bool {
            try folder.files.contains { name in
                try Data(contentsOf: URL(filePath: folder(name))).range(of: Data(marker.utf8)) != nil
            }
        }
        #expect(try isOnDisk())
        try await database.write { try $0.execute("DELETE FROM item") }
        try await database.checkpoint()
        #expect(try !isOnDisk())
    }

    @Test func aBackupIsADatabase() async throws {
        try await database.write { try $0.execute("INSERT INTO item(id, name) VALUES(1, 'kept')") }
        try await database.backUp(to: folder("copy.db"))
        let copy = try Database(path: folder("copy.db"), schema: testSchema)
        try await copy.verifyIntegrity()
        #expect(try await copy.read { try $0.queryOne("SELECT name FROM item") { try $0.text(0) } } == "kept")
        await copy.close()
    }

    @Test func closingIsFinal() async throws {
        try await database.write { try $0.execute("INSERT INTO item(id) VALUES(1)") }
        await database.close()
        await #expect(throws: StorageError.closed) {
            try await database.write { try $0.execute("INSERT INTO item(id) VALUES(2)") }
        }
        await #expect(throws: StorageError.closed) { try await database.read { try $0.execute("SELECT 1") } }
        #expect(folder.files == ["test.db"])  // the log is folded in and gone
        let again = try Database(path: folder("test.db"), schema: testSchema)
        #expect(try await again.read(itemCount) == 1)
    }
}
