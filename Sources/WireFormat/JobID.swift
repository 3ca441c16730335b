// How every message names a job.

/// Names a job: the first 16 bytes of H("job", plan digest). It cannot be chosen freely, so one plan has one budget.
public struct JobID: Hashable, Sendable, CustomStringConvertible {
    /// Length of every id, in bytes.
    public static let byteCount = 16

    private let high: UInt64
    private let low: UInt64

    /// The id of 16 big-endian bytes.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Reads an id.
    /// - Throws: ``WireFormatError/unexpected(field:expected:)`` unless it is 16 bytes.
    public init(_ bytes: [UInt8]) throws(WireFormatError) {
        guard bytes.count == Self.byteCount else { throw .unexpected(field: "jobId", expected: "16 bytes") }
        self.init(
            high: bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) },
            low: bytes.suffix(8).reduce(0) { $0 << 8 | UInt64($1) })
    }

    /// 16 bytes.
    public var bytes: [UInt8] {
        [high, low].flatMap { word in
            stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> UInt64($0)) }
        }
    }

    /// 32 lower-case hexadecimal digits; public.
    public var description: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
