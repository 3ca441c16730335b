import Foundation
import Storage
import Testing

@Suite struct SchemaTests {
    let folder: TemporaryFolder
    var path: String { folder("schema.db") }

    init() throws { folder = try TemporaryFolder() }

    static let first = Migration(version: 1, "CREATE TABLE a(id INTEGER PRIMARY KEY) STRICT; INSERT INTO a VALUES(1)")
    static let second = Migration(version: 2, "ALTER TABLE a ADD COLUMN name TEXT; UPDATE a SET name = 'one'")
    static let third = Migration(version: 3, "CREATE TABLE b(id INTEGER) STRICT; INSERT INTO nowhere VALUES(1)")

    private func names() async throws -> [String] {
        let database = try Database(path: path, schema: Schema([Self.first, Self.second]))
        defer { Task { await database.close() } }
        return try await database.read { try $0.query("SELECT name FROM a") { try $0.text(0) } }
    }

    @Test func migrationsRunOnceInOrder() async throws {
        await (try Database(path: path, schema: Schema([Self.first]))).close()
        #expect(try await names() == ["one"])
        #expect(try await names() == ["one"])
    }

    @Test func aNewerSchemaIsRefused() async throws {
        _ = try await names()
        #expect(throws: StorageError.schemaTooNew(found: 2, supported: 1)) {
            try Database(path: path, schema: Schema([Self.first]))
        }
        #expect(try await names() == ["one"])  // and untouched
    }

    @Test func anEditedMigrationIsRefused() async throws {
        _ = try await names()
        let edited = Migration(version: 2, "ALTER TABLE a ADD COLUMN name TEXT; UPDATE a SET name = 'uno'")
        #expect(throws: StorageError.schemaAltered(version: 2)) {
            try Database(path: path, schema: Schema([Self.first, edited]))
        }
    }

    @Test func aFailingMigrationLeavesTheVersionBefore() async throws {
        #expect(throws: StorageError.self) {
            try Database(path: path, schema: Schema([Self.first, Self.second, Self.third]))
        }
        let database = try Database(path: path, schema: Schema([Self.first, Self.second]))
        let tables = try await database.read {
            try $0.query("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name") { try $0.text(0) }
        }
        #expect(tables == ["a", "schema_history"])
        await database.close()
    }

    @Test func aFileThatIsNoDatabaseIsRefused() throws {
        try Data(repeating: 0x5A, count: 8_192).write(to: URL(filePath: path))
        #expect(throws: StorageError.corrupt("database file")) { try Database(path: path, schema: Schema([])) }
    }

    @Test func aMissingFolderIsAnError() throws {
        #expect(throws: StorageError.notFound("x.db")) {
            try Database(path: folder("absent/x.db"), schema: Schema([]))
        }
    }
}
