// What can go wrong between an acknowledgement and the disk. Cases carry codes and the names of columns, constraints and
// files, never a stored value: every description is safe to log.

import Cryptography

/// Why a storage operation did not happen.
///
/// Three reactions: ``diskFull`` may be retried once there is room; an error with ``isFatal`` means that this process must
/// stop writing and restart; everything else is an answer to one caller.
public enum StorageError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kind of constraint that refused a statement.
    public enum Constraint: String, Sendable {
        /// A row with this primary key or unique value exists: the idempotent retry, or a conflict.
        case unique
        /// The row referred to does not exist, or is still referred to.
        case foreignKey
        /// A CHECK expression is false.
        case check
        /// NULL in a NOT NULL column.
        case notNull
        /// A trigger raised an error.
        case trigger
        /// A value of the wrong type in a STRICT table.
        case dataType
        /// Any other constraint.
        case other
    }

    /// No room on the file system, or a configured size limit is reached. Nothing of the operation remains.
    case diskFull
    /// The operating system failed to read, write or flush. What reached the disk is unknown; writing stops.
    case ioFailure(operation: String, code: Int32)
    /// The operating system refused a file operation before anything was written: permissions, too many open files.
    case fileSystem(operation: String, code: Int32)
    /// Stored bytes are damaged. The text names the file kind or the check that failed.
    case corrupt(String)
    /// An earlier failure left the state of the disk unknown: nothing is written until the process restarts.
    case refusedAfterFailure
    /// The database, or the connection, is closed.
    case closed
    /// Another connection holds a lock for longer than the busy timeout.
    case busy
    /// A constraint of the schema refused the statement. `detail` names the constraint as SQLite does.
    case constraint(Constraint, detail: String)
    /// The statement text is wrong, or is one that only the transaction machinery may run.
    case invalidStatement(String)
    /// A statement was given another number of values than it has parameters.
    case wrongParameterCount(expected: Int, actual: Int)
    /// A value SQLite cannot hold: a NaN, or more than its limit of bytes. Parameters count from 1.
    case unrepresentableValue(parameter: Int)
    /// SQLite refused for another reason; `code` is its extended result code.
    case database(operation: String, code: Int32)

    /// The result has no such column.
    case missingColumn(String)
    /// The column holds a value of another type.
    case columnType(column: String, expected: String, actual: String)
    /// The column's number does not fit the type asked for, its text is not UTF-8, or its bytes have the wrong length.
    case columnValue(column: String, expected: String)

    /// The file was written by a newer version of Concord.
    case schemaTooNew(found: Int, supported: Int)
    /// A migration that is already applied is missing from, or differs in, this version of Concord.
    case schemaAltered(version: Int)

    /// Another process uses the data directory; the number is its process id if it could be read.
    case directoryLocked(path: String, holder: Int32?)
    /// The data directory belongs to another user, is no directory, or grants access to group or others.
    case unsafeDirectory(path: String, reason: String)
    /// No such file.
    case notFound(String)
    /// The file's bytes are not those its name or its digest promises.
    case digestMismatch(String)
    /// Other bytes are stored under this name.
    case conflict(String)
    /// The sealed file does not open under this key: altered, or sealed under another key.
    case authenticationFailed(String)
    /// The key that sealed these files was destroyed, or never existed.
    case keyDestroyed(String)
    /// Sealing needs randomness or a well-formed key, and did not get it.
    case sealingFailed(CryptographyError)
    /// The name contains a character, or has a length, that file names here may not have.
    case invalidName
    /// The file is longer than the caller's limit.
    case tooLarge(name: String, limit: Int)

    /// Whether the process must stop acknowledging and restart.
    public var isFatal: Bool {
        switch self {
        case .ioFailure, .corrupt, .refusedAfterFailure: true
        default: false
        }
    }

    /// Safe to log: carries codes and names, no stored value.
    public var description: String {
        switch self {
        case .diskFull: "the disk is full"
        case .ioFailure(let operation, let code): "\(operation) failed with code \(code)"
        case .fileSystem(let operation, let code): "the system refused to \(operation): code \(code)"
        case .corrupt(let what): "stored data is damaged: \(what)"
        case .refusedAfterFailure: "writing stopped after an earlier failure; restart the process"
        case .closed: "the database is closed"
        case .busy: "the database is locked by another connection"
        case .constraint(let kind, let detail): "\(kind.rawValue) constraint refused the statement: \(detail)"
        case .invalidStatement(let reason): "invalid statement: \(reason)"
        case .wrongParameterCount(let expected, let actual):
            "the statement has \(expected) parameters, got \(actual) values"
        case .unrepresentableValue(let parameter): "the value of parameter \(parameter) cannot be stored"
        case .database(let operation, let code): "\(operation) failed with SQLite code \(code)"
        case .missingColumn(let column): "the result has no column \(column)"
        case .columnType(let column, let expected, let actual): "column \(column) holds \(actual), not \(expected)"
        case .columnValue(let column, let expected): "the value of column \(column) is not \(expected)"
        case .schemaTooNew(let found, let supported):
            "the database has schema version \(found), this program supports up to \(supported)"
        case .schemaAltered(let version): "schema version \(version) was applied with another text"
        case .directoryLocked(let path, let holder):
            "the data directory \(path) is in use by \(holder.map { "process \($0)" } ?? "another process")"
        case .unsafeDirectory(let path, let reason): "the data directory \(path) is refused: \(reason)"
        case .notFound(let name): "no file \(name)"
        case .digestMismatch(let name): "the bytes of \(name) do not have the promised digest"
        case .conflict(let name): "\(name) exists with other bytes"
        case .authenticationFailed(let name): "\(name) does not open under this key"
        case .keyDestroyed(let name): "there is no key \(name)"
        case .sealingFailed(let reason): "sealing failed: \(reason)"
        case .invalidName: "the name is not acceptable as a file name"
        case .tooLarge(let name, let limit): "\(name) is longer than \(limit) bytes"
        }
    }
}
