// Refusals of a budget. They name tasks, jobs, rounds and caps, which are public, and nothing of a customer.

/// Why a round may not be opened or charged.
public enum BudgetError: Error, Equatable, CustomStringConvertible {
    /// A parameter or a stored record is outside its range.
    case invalid(field: String)
    /// The round would take ε above the cap. All ε in millionths, at the task's δ; `spent` counts charges and
    /// reservations, `asked` is what one more round would make of it.
    case capExceeded(task: String, cap: UInt64, spent: UInt64, asked: UInt64)
    /// The round holds a reservation already.
    case alreadyReserved(task: String, round: UInt64)
    /// The round holds no reservation.
    case notReserved(task: String, round: UInt64)
    /// The round was charged; a charge is never undone.
    case alreadyCharged(task: String, round: UInt64)
    /// A job has used all of its planned rounds at this node.
    case roundsExhausted(job: String, planned: UInt64)
    /// A round at or beyond the number the plan allows, or before one that was charged.
    case roundOutOfOrder(job: String, round: UInt64)
    /// The job's plan says something else than when it was first charged.
    case planChanged(job: String)

    /// Safe to log: carries no customer data.
    public var description: String {
        switch self {
        case .invalid(let field): "budget.invalid: \(field)"
        case .capExceeded(let task, let cap, let spent, let asked):
            "budget.capExceeded: task \(task) has cap ε \(decimal(cap, places: 6)), spent \(decimal(spent, places: 6)); "
                + "one more round would make it \(asked == .max ? "unbounded" : decimal(asked, places: 6))"
        case .alreadyReserved(let task, let round): "budget.alreadyReserved: task \(task), round \(round)"
        case .notReserved(let task, let round): "budget.notReserved: task \(task), round \(round)"
        case .alreadyCharged(let task, let round): "budget.alreadyCharged: task \(task), round \(round)"
        case .roundsExhausted(let job, let planned): "budget.roundsExhausted: job \(job), planned rounds \(planned)"
        case .roundOutOfOrder(let job, let round): "budget.roundOutOfOrder: job \(job), round \(round)"
        case .planChanged(let job): "budget.planChanged: job \(job)"
        }
    }
}
