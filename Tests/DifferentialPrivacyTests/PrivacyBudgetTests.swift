import Cryptography
import DifferentialPrivacy
import Testing

@Suite struct PrivacyBudgetTests {
    private let delta = 1e-6

    private func accountant() throws -> RenyiAccountant {
        try RenyiAccountant(noiseMultiplier: 20, sampling: .everyone)
    }

    /// A budget that holds exactly `rounds` rounds.
    private func budget(holding rounds: Int, charges: [PrivacyBudget.Charge] = []) throws -> PrivacyBudget {
        let cap = UInt64((try accountant().epsilon(rounds: rounds, delta: delta) * 1e6).rounded(.up)) + 1
        return try PrivacyBudget(
            task: "basket", capMicroEpsilon: cap, delta: delta, accountant: accountant(), charges: charges)
    }

    @Test func chargesUpToTheCapAndNotOneMore() throws {
        var budget = try budget(holding: 5)
        #expect(budget.remainingRounds == 5)
        var last: UInt64 = 0
        for round in 0..<5 as Range<UInt64> {
            try budget.reserve(round: round)
            let charge = try budget.charge(round: round)
            #expect(charge.microEpsilonAfter > last)
            let epsilon = try accountant().epsilon(rounds: Int(round) + 1, delta: delta)
            #expect(Double(charge.microEpsilonAfter) >= epsilon * 1e6)
            #expect(Double(charge.microEpsilonAfter) <= epsilon * 1e6 + 2)
            #expect(charge.microZCDP == (try accountant().microZCDPPerRound))
            last = charge.microEpsilonAfter
        }
        #expect(budget.spentMicroEpsilon == last && last <= budget.capMicroEpsilon)
        let refusal = #expect(throws: BudgetError.self) { try budget.canOpen(round: 5) }
        guard case .capExceeded("basket", budget.capMicroEpsilon, last, let asked) = refusal else {
            Issue.record("unexpected \(String(describing: refusal))")
            return
        }
        #expect(asked > budget.capMicroEpsilon)
        #expect(refusal?.description.contains("task basket has cap") == true)
        #expect(throws: BudgetError.self) { try budget.reserve(round: 5) }
    }

    @Test func reservationsCountAsSpent() throws {
        var budget = try budget(holding: 2)
        try budget.reserve(round: 0)
        try budget.reserve(round: 1)
        #expect(budget.spentMicroEpsilon == 0 && budget.remainingRounds == 0)
        #expect(throws: BudgetError.self) { try budget.canOpen(round: 2) }
        #expect(throws: BudgetError.alreadyReserved(task: "basket", round: 1)) { try budget.reserve(round: 1) }
        try budget.release(round: 0)
        try budget.canOpen(round: 2)
        #expect(budget.reservedRounds == [1])
        #expect(throws: BudgetError.notReserved(task: "basket", round: 0)) { try budget.release(round: 0) }
    }

    @Test func aChargeIsOnceAndForGood() throws {
        var budget = try budget(holding: 3)
        #expect(throws: BudgetError.notReserved(task: "basket", round: 7)) { try budget.charge(round: 7) }
        try budget.reserve(round: 7)
        let first = try budget.charge(round: 7)
        #expect(try budget.charge(round: 7) == first)
        #expect(budget.charges.count == 1)
        try budget.canOpen(round: 7)
        #expect(throws: BudgetError.alreadyCharged(task: "basket", round: 7)) { try budget.release(round: 7) }
        #expect(throws: BudgetError.alreadyCharged(task: "basket", round: 7)) { try budget.reserve(round: 7) }
        #expect(budget.remainingRounds == 2)
    }

    @Test func restoresWhatWasStoredAndRefusesWhatWasTamperedWith() throws {
        var original = try budget(holding: 4)
        for round in [3, 1] as [UInt64] {
            try original.reserve(round: round)
            try original.charge(round: round)
        }
        var restored = try budget(holding: 4, charges: original.charges)
        #expect(restored == original)
        #expect(restored.remainingRounds == 2)
        try restored.reserve(round: 0)

        let good = original.charges
        let cheap = PrivacyBudget.Charge(round: 3, microZCDP: 0, microEpsilonAfter: good[0].microEpsilonAfter)
        let low = PrivacyBudget.Charge(
            round: 1, microZCDP: good[1].microZCDP, microEpsilonAfter: good[0].microEpsilonAfter)
        for charges in [[good[0], good[0]], [cheap], [good[0], low]] {
            #expect(throws: BudgetError.invalid(field: "charges")) { try self.budget(holding: 4, charges: charges) }
        }
    }

    /// Any order of operations: what is charged never shrinks, and never passes the cap.
    @Test func randomOperationsNeverPassTheCap() throws {
        var random = try testGenerator(21)
        var budget = try budget(holding: 6)
        var charged: Set<UInt64> = []
        for _ in 0..<400 {
            let round = random.uniform(below: 12)
            let before = budget.spentMicroEpsilon
            switch random.uniform(below: 3) {
            case 0: try? budget.reserve(round: round)
            case 1: if (try? budget.charge(round: round)) != nil { charged.insert(round) }
            default: try? budget.release(round: round)
            }
            #expect(budget.spentMicroEpsilon >= before)
            #expect(budget.spentMicroEpsilon <= budget.capMicroEpsilon)
            #expect(budget.charges.count == charged.count)
            #expect(budget.charges.count + budget.reservedRounds.count <= 6)
        }
        #expect(charged.count == 6)
    }

    @Test func refusesMeaninglessParameters() throws {
        #expect(throws: BudgetError.invalid(field: "capMicroEpsilon")) {
            try PrivacyBudget(task: "t", capMicroEpsilon: 0, delta: 1e-6, accountant: self.accountant())
        }
        for delta in [0, 1, Double.nan] {
            #expect(throws: BudgetError.invalid(field: "delta")) {
                try PrivacyBudget(task: "t", capMicroEpsilon: 1, delta: delta, accountant: self.accountant())
            }
        }
    }
}

@Suite struct NodeBudgetTests {
    private let job: [UInt8] = [1, 2, 3]

    @discardableResult
    private func charge(_ budget: inout NodeBudget, _ round: UInt64, planned: UInt64 = 3, cost: UInt64 = 100) throws
        -> Bool
    {
        try budget.charge(job: job, round: round, plannedRounds: planned, microZCDPPerRound: cost)
    }

    @Test func chargesEachRoundOnceAndForwardOnly() throws {
        var budget = try NodeBudget()
        #expect(try charge(&budget, 1))
        #expect(try !charge(&budget, 1))
        #expect(budget.totalMicroZCDP == 100)
        #expect(try charge(&budget, 3))
        #expect(throws: BudgetError.roundOutOfOrder(job: "010203", round: 2)) { try charge(&budget, 2) }
        #expect(throws: BudgetError.roundOutOfOrder(job: "010203", round: 1)) { try charge(&budget, 1) }
        #expect(throws: BudgetError.roundOutOfOrder(job: "010203", round: 4)) { try charge(&budget, 4) }
        #expect(throws: BudgetError.planChanged(job: "010203")) { try charge(&budget, 3, planned: 4) }
        #expect(throws: BudgetError.planChanged(job: "010203")) { try charge(&budget, 3, cost: 99) }
        #expect(budget.totalMicroZCDP == 200)
    }

    @Test func neverAnswersMoreThanThePlannedRounds() throws {
        var budget = try NodeBudget()
        for round in 1...3 as ClosedRange<UInt64> { try charge(&budget, round) }
        #expect(throws: BudgetError.roundsExhausted(job: "010203", planned: 3)) { try charge(&budget, 4) }
        #expect(throws: BudgetError.roundsExhausted(job: "010203", planned: 0)) {
            var other = try NodeBudget()
            try charge(&other, 1, planned: 0)
        }
    }

    @Test func capHoldsAcrossJobs() throws {
        var budget = try NodeBudget(capMicroZCDP: 250)
        try charge(&budget, 1)
        try budget.charge(job: [9], round: 1, plannedRounds: 10, microZCDPPerRound: 150)
        #expect(throws: BudgetError.self) { try charge(&budget, 2, cost: 100) }
        #expect(throws: BudgetError.self) {
            try budget.charge(job: [8], round: 1, plannedRounds: 1, microZCDPPerRound: .max)
        }
        #expect(budget.totalMicroZCDP == 250)
    }

    /// Moving home, erasing, registering again, restoring: totals only grow.
    @Test func mergingNeverLowersATotal() throws {
        var random = try testGenerator(31)
        var home = try NodeBudget()
        for _ in 0..<60 {
            var other = try NodeBudget()
            for _ in 0..<random.uniform(below: 8) {
                let job = [UInt8(random.uniform(below: 3))]
                _ = try? other.charge(
                    job: job, round: 1 + random.uniform(below: 20), plannedRounds: 20, microZCDPPerRound: 7)
            }
            let before = home.totalMicroZCDP
            let incoming = other.totalMicroZCDP
            try home.merge(other)
            #expect(home.totalMicroZCDP >= max(before, incoming))
            #expect(home.totalMicroZCDP <= before + incoming)
        }
        let full = home
        try home.merge(full)
        #expect(home == full)
        try home.assumeFullyCharged(job: [0], plannedRounds: 20, microZCDPPerRound: 7)
        #expect(home.jobs[[0]]?.chargedRounds.count == 20)
        #expect(throws: BudgetError.planChanged(job: "00")) {
            try home.assumeFullyCharged(job: [0], plannedRounds: 21, microZCDPPerRound: 7)
        }
        #expect(throws: BudgetError.invalid(field: "plannedRounds")) {
            try home.assumeFullyCharged(job: [5], plannedRounds: .max, microZCDPPerRound: 7)
        }
    }

    @Test func refusesStoredRoundsBeyondThePlan() {
        #expect(throws: BudgetError.invalid(field: "chargedRounds")) {
            try NodeBudget(jobs: [[1]: .init(plannedRounds: 2, microZCDPPerRound: 1, chargedRounds: [3])])
        }
    }
}
