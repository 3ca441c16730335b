// Row 19 of the attack table: a node that crashes between any two steps loses the session, never the order. That no step can be
// taken out of order is in NodeAttackTests; the stores are tested with the assembled agent.

import Cryptography
import TestSupport
import Testing
import Vectors
import WireFormat

@testable import SecureAggregation

struct CrashTests {
    /// A shell that does what it is told and notes what is durable before each step: whatever the step at which it
    /// crashes, what was done before is on disk.
    @Test("Row 19: a shell that obeys has charged and burned before it computes, and stored before it sends")
    func whatIsDurableBeforeEachStep() throws {
        let scenario = try AggregationScenario.standard()
        let offer = try #require(scenario.session().offer(for: 4))
        var session = NodeSession(offer: try scenario.accept(offer, node: 4), node: 4)
        var durable: [String] = []
        var action = try session.start()
        for _ in 0..<10 {
            do {
                switch action {
                case .chargeBudget:
                    durable.append("charge")
                    action = try session.budgetCharged(1)
                    continue
                case .burnSequence:
                    durable.append("burn")
                    action = try session.sequenceBurned()
                    continue
                case .computeVector:
                    #expect(durable == ["charge", "burn"], "before data is touched")
                    action = try session.vectorReady(
                        scenario.plan.layout.pack([Int64](repeating: 4, count: 100)), keys: scenario.keys(of: 4),
                        prekey: scenario.prekey(of: 4).privateKey, context: scenario.context, random: scenario.random)
                    continue
                case .storeUpload:
                    durable.append("upload")
                    action = try session.uploadStored()
                    continue
                case .sendUpload:
                    #expect(durable == ["charge", "burn", "upload"], "before anything leaves")
                    durable.append("receipt")
                    action = try session.acknowledged()
                    continue
                case .shred:
                    durable.append("shred")
                }
            } catch { Issue.record("\(error) after \(durable)") }
            break
        }
        #expect(durable == ["charge", "burn", "upload", "receipt", "shred"])
    }
}
