// The last eight bytes of a row as one word: end of training (32 bits), status (8), level (8), end of personalisation (16).

extension ConsentGate {
    @inline(__always)
    static func pack(_ status: ConsentStatus, seconds: UInt64, level: Int, day: UInt64) -> UInt64 {
        seconds << 32 | UInt64(status.rawValue) << 24 | UInt64(UInt8(level)) << 16 | day & 0xffff
    }

    static func pack(_ row: ViewRow) -> UInt64 {
        pack(
            row.trainStatus, seconds: UInt64(row.trainExpiresSeconds), level: Int(row.personaliseLevel),
            day: UInt64(row.personaliseExpiresDay))
    }

    /// A code that is none reads as unknown, which denies.
    @inline(__always)
    static func status(_ packed: UInt64) -> ConsentStatus {
        ConsentStatus(rawValue: UInt8(truncatingIfNeeded: packed >> 24)) ?? .unknown
    }

    @inline(__always)
    static func isGiven(_ packed: UInt64) -> Bool {
        UInt8(truncatingIfNeeded: packed >> 24) == ConsentStatus.given.rawValue
    }

    @inline(__always)
    static func level(_ packed: UInt64) -> Int { Int(UInt8(truncatingIfNeeded: packed >> 16)) }

    /// What a row still permits when a newer one (nil: none, the subject is no longer at home here) is known.
    static func intersect(_ packed: UInt64, _ newer: ViewRow?) -> UInt64 {
        guard let newer else {
            let status = status(packed)
            return pack(status == .given ? .moving : status, seconds: 0, level: 0, day: 0)
        }
        var status = status(packed)
        var seconds: UInt64 = 0
        if status == .given {
            status = newer.trainStatus
            if status == .given { seconds = earlier(packed >> 32, UInt64(newer.trainExpiresSeconds)) }
        } else if newer.trainStatus == .erased || newer.trainStatus == .restricted {
            status = newer.trainStatus
        }
        let level = min(level(packed), Int(newer.personaliseLevel))
        let day = level == 0 ? 0 : earlier(packed & 0xffff, UInt64(newer.personaliseExpiresDay))
        return pack(status, seconds: seconds, level: level, day: day)
    }

    /// The earlier of two ends, where 0 is no end.
    private static func earlier(_ left: UInt64, _ right: UInt64) -> UInt64 {
        left == 0 ? right : right == 0 ? left : min(left, right)
    }
}
