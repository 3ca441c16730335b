// Names an event before the log has given it an index, so that a store that is offline can refer to what it has seen.

import Cryptography

/// 16 bytes that name one event: the idempotency key of its upload and what later events list as seen.
public struct EventIdentifier: Hashable, Comparable, Sendable {
    /// Length of every identifier, in bytes.
    public static let byteCount = 16

    private let high: UInt64
    private let low: UInt64

    /// Wraps 16 bytes.
    /// - Throws: ``ConsentError/cryptography(_:)`` for any other length.
    public init(_ bytes: some Collection<UInt8>) throws(ConsentError) {
        guard bytes.count == Self.byteCount else {
            throw .cryptography(
                .wrongLength(of: "event identifier", expected: Self.byteCount, actual: bytes.count))
        }
        self.init(checked: [UInt8](bytes)[...])
    }

    init(checked bytes: ArraySlice<UInt8>) {
        high = bytes.bigEndian(at: 0, width: 8)
        low = bytes.bigEndian(at: 8, width: 8)
    }

    /// The identifier of a capturing device's `sequence`-th event since its log was started as `boot`.
    ///
    /// The same event uploaded again has the same identifier; a device restored from a backup starts a new `boot`.
    /// - Parameters:
    ///   - source: the device's number in the register.
    ///   - boot: 16 random bytes drawn when the device's log was created.
    ///   - sequence: the event's number in that log.
    /// - Throws: ``ConsentError/invalid(field:expected:)`` unless `boot` has 16 bytes.
    public static func make(source: UInt32, boot: [UInt8], sequence: UInt64) throws(ConsentError) -> EventIdentifier {
        guard boot.count == 16 else { throw .invalid(field: "boot", expected: "16 bytes") }
        var message: [UInt8] = []
        message.appendBigEndian(UInt64(source), width: 4)
        message.append(contentsOf: boot)
        message.appendBigEndian(sequence, width: 8)
        return EventIdentifier(checked: SHA256.tagged("concord-consent/1/event", message).bytes.prefix(byteCount))
    }

    /// The 16 bytes.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendBigEndian(high, width: 8)
        bytes.appendBigEndian(low, width: 8)
        return bytes
    }

    /// Bytewise order.
    public static func < (left: EventIdentifier, right: EventIdentifier) -> Bool {
        left.high < right.high || (left.high == right.high && left.low < right.low)
    }
}
