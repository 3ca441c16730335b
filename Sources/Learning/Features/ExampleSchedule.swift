// Which stretches of time become examples. Public and the same for every customer: a cut-off is a date of the job, never
// a date of the customer.

import WireFormat

/// Cut-off times. Each example uses the past of its cut-off as features and the period after it as labels.
///
/// The last period is held out for evaluation; the `trainingWindows` periods before it are for training, so no label that
/// is evaluated on has been trained on.
public struct ExampleSchedule: WireMessage, Sendable {
    /// End of the last period, exclusive; seconds since 1970 UTC.
    public let endSeconds: Int64
    /// Length of a period, in weeks, 1 ... 52.
    public let periodWeeks: Int
    /// Training examples a customer, 1 ... 12.
    public let trainingWindows: Int

    /// Seconds of a week.
    public static let secondsPerWeek: Int64 = 7 * 86_400

    /// Fixes the dates.
    /// - Throws: ``LearningError/invalid(field:expected:)``.
    public init(endSeconds: Int64, periodWeeks: Int = 4, trainingWindows: Int = 3) throws(LearningError) {
        guard (0...253_402_300_799).contains(endSeconds) else {
            throw .invalid(field: "schedule end", expected: "seconds since 1970, at most the year 9999")
        }
        guard (1...52).contains(periodWeeks) else {
            throw .invalid(field: "schedule period", expected: "1 to 52 weeks")
        }
        guard (1...12).contains(trainingWindows) else {
            throw .invalid(field: "schedule training windows", expected: "1 to 12")
        }
        self.endSeconds = endSeconds
        self.periodWeeks = periodWeeks
        self.trainingWindows = trainingWindows
    }

    /// Length of a period in seconds.
    public var periodSeconds: Int64 { Int64(periodWeeks) * Self.secondsPerWeek }
    /// The cut-off whose following period is held out.
    public var evaluationCutoff: Int64 { endSeconds - periodSeconds }
    /// The cut-offs of the training examples, oldest first.
    public var trainingCutoffs: [Int64] {
        (1...trainingWindows).reversed().map { evaluationCutoff - Int64($0) * periodSeconds }
    }

    /// The message's name in the CDDL.
    public static let messageName = "example-schedule"

    /// Fields 1 to 3.
    public var cborValue: CBORValue {
        .message(
            (1, CBORValue(endSeconds)), (2, .unsigned(UInt64(periodWeeks))), (3, .unsigned(UInt64(trainingWindows))))
    }

    /// Reads the dates.
    /// - Throws: `WireFormatError`.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        let end = try fields.unsigned(1, "end-seconds", in: 0...253_402_300_799)
        let weeks = try fields.integer(2, "period-weeks", in: 1...52)
        let windows = try fields.integer(3, "training-windows", in: 1...12)
        endSeconds = Int64(end)
        periodWeeks = weeks
        trainingWindows = windows
    }
}
