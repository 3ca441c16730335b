// The five storage classes of SQLite and the Swift types that map onto them without loss.

import Cryptography

/// One value as SQLite stores it (sqlite.org/datatype3.html).
public enum SQLValue: Sendable, Equatable {
    /// A signed 64-bit integer.
    case integer(Int64)
    /// An IEEE 754 double. NaN cannot be stored: SQLite would turn it into NULL.
    case real(Double)
    /// UTF-8 text.
    case text(String)
    /// Bytes.
    case blob([UInt8])
    /// Absent.
    case null
}

/// A type whose every value is a SQLite value. `UInt64` is not one: convert it with `Int64(exactly:)` and decide what
/// overflow means.
public protocol SQLConvertible: Sendable {
    /// The value to store.
    var sqlValue: SQLValue { get }
}

extension SQLValue: SQLConvertible {
    /// Itself.
    public var sqlValue: SQLValue { self }
}

extension Int: SQLConvertible {
    /// An integer.
    public var sqlValue: SQLValue { .integer(Int64(self)) }
}

extension Int64: SQLConvertible {
    /// An integer.
    public var sqlValue: SQLValue { .integer(self) }
}

extension Int32: SQLConvertible {
    /// An integer.
    public var sqlValue: SQLValue { .integer(Int64(self)) }
}

extension UInt32: SQLConvertible {
    /// An integer.
    public var sqlValue: SQLValue { .integer(Int64(self)) }
}

extension UInt16: SQLConvertible {
    /// An integer.
    public var sqlValue: SQLValue { .integer(Int64(self)) }
}

extension UInt8: SQLConvertible {
    /// An integer.
    public var sqlValue: SQLValue { .integer(Int64(self)) }
}

extension Bool: SQLConvertible {
    /// 1 or 0.
    public var sqlValue: SQLValue { .integer(self ? 1 : 0) }
}

extension Double: SQLConvertible {
    /// A real.
    public var sqlValue: SQLValue { .real(self) }
}

extension String: SQLConvertible {
    /// Text.
    public var sqlValue: SQLValue { .text(self) }
}

extension [UInt8]: SQLConvertible {
    /// A blob.
    public var sqlValue: SQLValue { .blob(self) }
}

extension Digest: SQLConvertible {
    /// A blob of 32 bytes.
    public var sqlValue: SQLValue { .blob(bytes) }
}
