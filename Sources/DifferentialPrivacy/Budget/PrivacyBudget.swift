// The coordinator's account of one task: a cap on ε at a fixed δ, and the rounds charged against it. A round is reserved
// before it opens, charged when the first node may have sent something, and never refunded after that: what has been
// released cannot be taken back (the pay-before-use odometer of Rogers et al. 2016, "Privacy Odometers and Filters",
// with Rényi divergences that add under adaptive choice: Feldman and Zrnic 2021, "Individual Privacy Accounting via a
// Rényi Filter").

/// A task's privacy budget.
///
/// A value: whoever stores it decides when a change is durable, and a charge must be durable before its round's first
/// message. Not synchronised; keep it inside an actor.
public struct PrivacyBudget: Equatable, Sendable {
    /// One charged round.
    public struct Charge: Equatable, Sendable {
        /// The round.
        public let round: UInt64
        /// Cost in millionths of zCDP, rounded up; see ``RenyiAccountant/microZCDPPerRound``.
        public let microZCDP: UInt64
        /// ε of all charges up to and including this one, in millionths, rounded up.
        public let microEpsilonAfter: UInt64

        /// A charge as it was stored.
        public init(round: UInt64, microZCDP: UInt64, microEpsilonAfter: UInt64) {
            self.round = round
            self.microZCDP = microZCDP
            self.microEpsilonAfter = microEpsilonAfter
        }
    }

    /// Name of the task, for errors.
    public let task: String
    /// Cap on ε, in millionths.
    public let capMicroEpsilon: UInt64
    /// δ at which ε is stated.
    public let delta: Double
    /// What a round costs.
    public let accountant: RenyiAccountant
    /// Charges in the order they were made.
    public private(set) var charges: [Charge] = []
    private var chargedRounds: [UInt64: Int] = [:]
    private var reserved: Set<UInt64> = []

    /// Opens an account.
    /// - Parameters:
    ///   - task: a public name.
    ///   - capMicroEpsilon: at least 1.
    ///   - delta: in (0, 1); at most 1/(10 · customers) is customary.
    ///   - accountant: the task's mechanism, fixed for its life.
    ///   - charges: what was charged before, as stored and in order.
    /// - Throws: ``BudgetError/invalid(field:)``, also if a stored charge names a round twice or is smaller than what
    ///   this accountant computes for it.
    public init(
        task: String, capMicroEpsilon: UInt64, delta: Double, accountant: RenyiAccountant, charges: [Charge] = []
    ) throws(BudgetError) {
        if capMicroEpsilon < 1 { throw .invalid(field: "capMicroEpsilon") }
        guard delta > 0, delta < 1 else { throw .invalid(field: "delta") }
        self.task = task
        self.capMicroEpsilon = capMicroEpsilon
        self.delta = delta
        self.accountant = accountant
        for charge in charges {
            let isHonest =
                charge.microZCDP >= accountant.microZCDPPerRound
                && charge.microEpsilonAfter >= microEpsilon(rounds: self.charges.count + 1)
            guard isHonest, chargedRounds[charge.round] == nil else { throw .invalid(field: "charges") }
            record(charge)
        }
    }

    /// ε of the charged rounds, in millionths, rounded up.
    public var spentMicroEpsilon: UInt64 { charges.last?.microEpsilonAfter ?? 0 }

    /// Rounds that are reserved and not charged.
    public var reservedRounds: [UInt64] { reserved.sorted() }

    /// Rounds that can still be opened under the cap, reservations counted as spent.
    public var remainingRounds: Int {
        let total = accountant.maximumRounds(cap: Double(capMicroEpsilon) / 1e6, delta: delta)
        return max(0, total - charges.count - reserved.count)
    }

    /// Whether `round` may be opened: nothing is thrown if it may.
    ///
    /// A round that was charged may be attempted again at no further cost: at most one sum per round is ever revealed,
    /// which the aggregation protocol enforces.
    /// - Throws: ``BudgetError/alreadyReserved(task:round:)`` or ``BudgetError/capExceeded(task:cap:spent:asked:)``.
    public func canOpen(round: UInt64) throws(BudgetError) {
        if chargedRounds[round] != nil { return }
        if reserved.contains(round) { throw .alreadyReserved(task: task, round: round) }
        let committed = charges.count + reserved.count
        let asked = microEpsilon(rounds: committed + 1)
        if asked > capMicroEpsilon {
            throw .capExceeded(
                task: task, cap: capMicroEpsilon, spent: microEpsilon(rounds: committed), asked: asked)
        }
    }

    /// Sets the cost of a round aside.
    /// - Throws: what ``canOpen(round:)`` throws; ``BudgetError/alreadyCharged(task:round:)`` for a charged round, which
    ///   needs no reservation.
    public mutating func reserve(round: UInt64) throws(BudgetError) {
        if chargedRounds[round] != nil { throw .alreadyCharged(task: task, round: round) }
        try canOpen(round: round)
        reserved.insert(round)
    }

    /// Turns a reservation into a charge, for good. Charging a charged round again returns the first charge and costs
    /// nothing.
    /// - Throws: ``BudgetError/notReserved(task:round:)``.
    @discardableResult
    public mutating func charge(round: UInt64) throws(BudgetError) -> Charge {
        if let index = chargedRounds[round] { return charges[index] }
        guard reserved.remove(round) != nil else { throw .notReserved(task: task, round: round) }
        let charge = Charge(
            round: round, microZCDP: accountant.microZCDPPerRound,
            microEpsilonAfter: max(spentMicroEpsilon, microEpsilon(rounds: charges.count + 1)))
        record(charge)
        return charge
    }

    /// Gives a reservation back: the round was never opened.
    /// - Throws: ``BudgetError/alreadyCharged(task:round:)`` or ``BudgetError/notReserved(task:round:)``.
    public mutating func release(round: UInt64) throws(BudgetError) {
        if chargedRounds[round] != nil { throw .alreadyCharged(task: task, round: round) }
        guard reserved.remove(round) != nil else { throw .notReserved(task: task, round: round) }
    }

    private mutating func record(_ charge: Charge) {
        chargedRounds[charge.round] = charges.count
        charges.append(charge)
    }

    /// ε of `rounds` rounds in millionths, rounded up; the largest integer where there is no bound.
    private func microEpsilon(rounds: Int) -> UInt64 {
        let micro = (accountant.epsilon(rounds: rounds, delta: delta) * 1e6).nextUp.rounded(.up)
        return rounds == 0 ? 0 : (micro < 0x1p63 ? UInt64(micro) : .max)
    }
}
