// 24 bytes that tell a node everything it may decide about one customer: specification, section 7.

/// One subject in a view.
public struct ViewRow: Hashable, Sendable {
    /// Length of every row, in bytes.
    public static let byteCount = 24
    /// Highest level a row can hold.
    static let maximumLevel = UInt8(Purpose.personalise.maximumLevel)

    /// The subject.
    public let handle: SubjectHandle
    /// The status of federated training as of the view; only given permits.
    public let trainStatus: ConsentStatus
    /// When the grant ends, in seconds since 1970 UTC, rounded down; 0: it has no end.
    public let trainExpiresSeconds: UInt32
    /// The highest level of personalisation granted, 0...4.
    public let personaliseLevel: UInt8
    /// The day since 1970 UTC on which that level ends, rounded down: it counts before that day only; 0: it has no end.
    public let personaliseExpiresDay: UInt16

    init(
        handle: SubjectHandle, trainStatus: ConsentStatus, trainExpiresSeconds: UInt32, personaliseLevel: UInt8,
        personaliseExpiresDay: UInt16
    ) {
        self.handle = handle
        self.trainStatus = trainStatus
        self.trainExpiresSeconds = trainExpiresSeconds
        self.personaliseLevel = personaliseLevel
        self.personaliseExpiresDay = personaliseExpiresDay
    }

    /// The row of a subject whose home changed since the previous round: what keeps her out otherwise stays the reason.
    var whileMoving: ViewRow {
        guard trainStatus == .given else { return self }
        return ViewRow(
            handle: handle, trainStatus: .moving, trainExpiresSeconds: 0, personaliseLevel: personaliseLevel,
            personaliseExpiresDay: personaliseExpiresDay)
    }

    /// The 24 bytes: handle, end of training, status, level, end of personalisation; all big-endian.
    public func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.byteCount)
        append(to: &bytes)
        return bytes
    }

    func append(to bytes: inout [UInt8]) {
        bytes.appendBigEndian(handle.high, width: 8)
        bytes.appendBigEndian(handle.low, width: 8)
        bytes.appendBigEndian(UInt64(trainExpiresSeconds), width: 4)
        bytes.append(trainStatus.rawValue)
        bytes.append(personaliseLevel)
        bytes.appendBigEndian(UInt64(personaliseExpiresDay), width: 2)
    }

    /// Decodes 24 bytes.
    /// - Throws: ``ConsentError/invalid(field:expected:)`` for another length, an unknown status or level, or an end
    ///   where nothing is granted.
    public init(decoding bytes: some RandomAccessCollection<UInt8>) throws(ConsentError) {
        guard bytes.count == Self.byteCount else { throw .invalid(field: "row", expected: "24 bytes") }
        let bytes = [UInt8](bytes)
        guard let status = ConsentStatus(rawValue: bytes[20]), status != .unassigned else {
            throw .invalid(field: "row.trainStatus", expected: "a status of views")
        }
        handle = SubjectHandle(checked: bytes[..<16])
        trainStatus = status
        trainExpiresSeconds = UInt32(bytes.bigEndian(at: 16, width: 4))
        personaliseLevel = bytes[21]
        personaliseExpiresDay = UInt16(bytes.bigEndian(at: 22, width: 2))
        guard personaliseLevel <= Self.maximumLevel else {
            throw .invalid(field: "row.personaliseLevel", expected: "0 to 4")
        }
        guard status == .given || trainExpiresSeconds == 0 else {
            throw .invalid(field: "row.trainExpires", expected: "0 unless training is given")
        }
        guard personaliseLevel > 0 || personaliseExpiresDay == 0 else {
            throw .invalid(field: "row.personaliseExpires", expected: "0 unless a level is granted")
        }
    }

    /// Whether federated training is permitted at a time.
    public func permitsTraining(atMilliseconds time: Int64) -> Bool {
        trainStatus == .given && !Self.isOver(seconds: trainExpiresSeconds, at: time)
    }

    // MARK: Rounding: always towards an earlier end.

    static func seconds(_ expires: Int64) -> UInt32 {
        expires == .max ? 0 : UInt32(min(max(expires / 1000, 1), Int64(UInt32.max)))
    }

    static func day(_ expires: Int64) -> UInt16 {
        expires == .max ? 0 : UInt16(min(max(expires / 86_400_000, 1), Int64(UInt16.max)))
    }

    @inline(__always)
    static func isOver(seconds: UInt32, at time: Int64) -> Bool { seconds != 0 && time >= Int64(seconds) * 1000 }

    @inline(__always)
    static func isOver(day: UInt16, at time: Int64) -> Bool { day != 0 && time >= Int64(day) * 86_400_000 }
}
