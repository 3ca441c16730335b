// The pseudonym under which the ledger knows a data subject: consent-ledger specification, section 2.

import Cryptography

/// 16 bytes that stand for one data subject of one tenant. Uniform to whoever lacks the ``HandleKey``.
///
/// A handle is personal data (it singles a person out), so it never prints.
public struct SubjectHandle: Hashable, Comparable, Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// Length of every handle, in bytes: at 10 million subjects two collide with probability below 10^-24.
    public static let byteCount = 16

    /// Bytes 0..<8 as a big-endian number, so that numeric order is bytewise order.
    let high: UInt64
    /// Bytes 8..<16, likewise.
    let low: UInt64

    /// Wraps 16 bytes.
    /// - Throws: ``ConsentError/cryptography(_:)`` for any other length.
    public init(_ bytes: some Collection<UInt8>) throws(ConsentError) {
        guard bytes.count == Self.byteCount else {
            throw .cryptography(
                .wrongLength(of: "subject handle", expected: Self.byteCount, actual: bytes.count))
        }
        self.init(checked: [UInt8](bytes)[...])
    }

    /// Takes 16 bytes whose number the caller has checked.
    init(checked bytes: ArraySlice<UInt8>) {
        self.init(high: bytes.bigEndian(at: 0, width: 8), low: bytes.bigEndian(at: 8, width: 8))
    }

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The 16 bytes.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.byteCount)
        bytes.appendBigEndian(high, width: 8)
        bytes.appendBigEndian(low, width: 8)
        return bytes
    }

    /// Bytewise order.
    @inline(__always)
    public static func < (left: SubjectHandle, right: SubjectHandle) -> Bool {
        left.high < right.high || (left.high == right.high && left.low < right.low)
    }

    /// Safe to log: says only that there is a subject.
    public var description: String { "<subject>" }
    /// The same as ``description``.
    public var debugDescription: String { "<subject>" }
    /// Empty: reflection finds nothing to print.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
