// The versions of a database's schema, oldest first. Each migration runs once, in a transaction of its own, and its text
// is remembered by digest: an applied migration that was edited later is an error, not two databases that differ silently.

import Cryptography

/// One step of a schema: statements without parameters.
public struct Migration: Sendable {
    /// Position in the history, from 1.
    public let version: Int
    /// The statements, separated by semicolons.
    public let statements: StaticString
    /// Whether tables that others refer to are made anew: foreign keys then hold at the end of the step, not within it.
    public let rebuildsTables: Bool

    /// Describes a step.
    /// - Parameters:
    ///   - version: 1 for the first, then one more each.
    ///   - rebuildsTables: SQLite cannot drop a constraint, so a table without it takes its place ("Making Other Kinds Of
    ///     Table Schema Changes", sqlite.org/lang_altertable.html). Every foreign key is checked before the commit.
    ///   - statements: Run in one transaction. Never edit them once released: append a migration.
    public init(version: Int, rebuildsTables: Bool = false, _ statements: StaticString) {
        self.version = version
        self.rebuildsTables = rebuildsTables
        self.statements = statements
    }

    var digest: Digest {
        SHA256.tagged("concord/migration/v1", statements.withUTF8Buffer { [UInt8]($0) })
    }
}

/// All migrations this version of the program knows.
public struct Schema: Sendable {
    /// Oldest first; versions 1, 2, 3…
    public let migrations: [Migration]

    /// The version a database has when all migrations are applied.
    public var version: Int { migrations.count }

    /// Collects migrations. Their versions must count from 1: anything else is a mistake in the program.
    public init(_ migrations: [Migration]) {
        precondition(
            migrations.map(\.version) == Array(1..<(migrations.count + 1)), "migrations are numbered 1, 2, 3…")
        self.migrations = migrations
    }

    /// Brings a database to ``version``.
    /// - Throws: ``StorageError/schemaTooNew(found:supported:)``, ``StorageError/schemaAltered(version:)``, or what a
    ///   statement throws; then the database keeps the version before the failing migration.
    func migrate(_ connection: borrowing SQLConnection) throws(StorageError) {
        let handle = connection.handle
        try handle.script(
            """
            CREATE TABLE IF NOT EXISTS schema_history(
                version INTEGER PRIMARY KEY, statements_digest BLOB NOT NULL CHECK(length(statements_digest) = 32)
            ) STRICT
            """)
        let applied = try appliedDigests(connection)
        if let newest = applied.last?.version, newest > version {
            throw .schemaTooNew(found: newest, supported: version)
        }
        for (position, entry) in applied.enumerated() {
            guard entry.version == position + 1, entry.digest == migrations[position].digest else {
                throw .schemaAltered(version: position + 1)
            }
        }
        for migration in migrations.dropFirst(applied.count) {
            // Enforcement can only be switched outside of a transaction. Opening the connection switched it on.
            if migration.rebuildsTables { try handle.script("PRAGMA foreign_keys = OFF") }
            try handle.control("BEGIN IMMEDIATE")
            do {
                try handle.script(migration.statements)
                if migration.rebuildsTables { try requireForeignKeys(connection) }
                try connection.execute(
                    "INSERT INTO schema_history(version, statements_digest) VALUES(?, ?)", migration.version,
                    migration.digest)
                try handle.control("COMMIT")
            } catch {
                try? handle.control("ROLLBACK")  // fails if SQLite has rolled back by itself
                throw error
            }
            if migration.rebuildsTables { try handle.script("PRAGMA foreign_keys = ON") }
        }
    }

    private func requireForeignKeys(_ connection: borrowing SQLConnection) throws(StorageError) {
        let violated: Bool?
        do { violated = try connection.queryOne("PRAGMA foreign_key_check", map: { _ in true }) } catch {
            throw .corrupt("foreign key check")
        }
        if violated != nil { throw .corrupt("foreign key check") }
    }

    private func appliedDigests(
        _ connection: borrowing SQLConnection
    ) throws(StorageError) -> [(version: Int, digest: Digest)] {
        do {
            return try connection.query("SELECT version, statements_digest FROM schema_history ORDER BY version") {
                (version: try $0.integer("version"), digest: try $0.digest("statements_digest"))
            }
        } catch let error as StorageError {
            throw error
        } catch {
            throw .corrupt("schema history")
        }
    }
}
