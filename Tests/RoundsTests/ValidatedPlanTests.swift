// Every rule of a plan: each bad field is refused and names itself.

import Cryptography
import Rounds
import Testing

@Suite struct ValidatedPlanTests {
    @Test func aPlanThatHolds() throws {
        let plan = try PlanFixture().validated()
        #expect(plan.plan.roundCount == 12)
    }
}
