// What a view needs to know of one subject, kept ready for the head of the log so that a view of 50,000 customers is one
// pass and not 50,000 folds.

/// A subject's state in the units of a view row. Exact from ``settledMilliseconds`` on, whatever time is asked for.
struct SubjectSummary: Sendable {
    /// From this time on only expiries depend on the time.
    let settledMilliseconds: Int64
    /// Why federated training is denied; given if a grant is live that may have run out.
    let trainStatus: ConsentStatus
    /// When the live grant for federated training ends, in seconds since 1970 UTC; 0: no end.
    let trainExpiresSeconds: UInt32
    /// For each level of `personalise`, highest first: the day since 1970 UTC on which it ends, 0: no end, −1: denied.
    private let personaliseDays: (Int32, Int32, Int32, Int32)

    /// A subject without decisions.
    static let nothing = SubjectSummary(SubjectState(events: []), at: nil)

    /// Summarises a state.
    /// - Parameters:
    ///   - time: permissions that start later do not count; nil: all started.
    init(_ state: SubjectState, at time: Int64?) {
        settledMilliseconds = state.settledMilliseconds
        let moment = time ?? settledMilliseconds
        switch state.evaluate(.trainFederated, level: 1, at: moment, denialsUpTo: .max) {
        case .live(let expires, _):
            trainStatus = .given
            trainExpiresSeconds = ViewRow.seconds(expires)
        case .none(let status):
            trainStatus = status
            trainExpiresSeconds = 0
        }
        func day(_ level: Int) -> Int32 {
            switch state.evaluate(.personalise, level: level, at: moment, denialsUpTo: .max) {
            case .live(let expires, _): Int32(ViewRow.day(expires))
            case .none: -1
            }
        }
        personaliseDays = (day(4), day(3), day(2), day(1))
    }

    /// The row of the subject in a view as of a time, before homes are looked at.
    func row(of handle: SubjectHandle, at time: Int64) -> ViewRow {
        let status = trainStatus(at: time)
        let (level, day) = personalise(at: time)
        return ViewRow(
            handle: handle, trainStatus: status, trainExpiresSeconds: status == .given ? trainExpiresSeconds : 0,
            personaliseLevel: level, personaliseExpiresDay: day)
    }

    /// The status of federated training at a time.
    @inline(__always)
    func trainStatus(at time: Int64) -> ConsentStatus {
        guard trainStatus == .given else { return trainStatus }
        return ViewRow.isOver(seconds: trainExpiresSeconds, at: time) ? .expired : .given
    }

    private func personalise(at time: Int64) -> (level: UInt8, day: UInt16) {
        let days = [personaliseDays.0, personaliseDays.1, personaliseDays.2, personaliseDays.3]
        for (position, day) in days.enumerated() where day >= 0 && !ViewRow.isOver(day: UInt16(day), at: time) {
            return (UInt8(4 - position), UInt16(day))
        }
        return (0, 0)
    }
}
