// Every rule of a plan: each bad field is refused and names itself; and what follows from a good plan.

import Consent
import Cryptography
import DifferentialPrivacy
import Learning
import Rounds
import SecureAggregation
import Testing
import Vectors
import WireFormat

@Suite struct ValidatedPlanTests {
    private func error(_ change: (inout PlanFixture) -> Void) throws -> PlanError? {
        var fixture = PlanFixture()
        change(&fixture)
        let signed = try fixture.signed()
        let owner = try PlanFixture.owner().publicKey
        do throws(PlanError) {
            _ = try ValidatedPlan(verifying: signed, owner: owner)
            return nil
        } catch {
            return error
        }
    }

    @Test("Row 11: a plan that its owner did not sign") func signature() throws {
        let signed = try PlanFixture().signed()
        let stranger = try Ed25519PrivateKey(SecretBytes(copying: [UInt8](repeating: 8, count: 32)))
        #expect(throws: PlanError(field: "signature", expected: "the plan owner's")) {
            try ValidatedPlan(verifying: signed, owner: stranger.publicKey)
        }
    }

    @Test(arguments: Purpose.allCases.filter { $0 != .trainFederated })
    func purpose(_ purpose: Purpose) throws {
        #expect(try error { $0.purpose = purpose }?.field == "purpose")
    }

    @Test(arguments: [[], [410], [410, 410, 410]])
    func rideAlongWeights(_ weights: [Int64]) throws {
        #expect(try error { $0.rideAlongWeights = weights }?.field == "rideAlongWeights")
    }

    @Test func mechanism() throws {
        for change: (inout PlanFixture) -> Void in [
            { $0.clipRadius = 0 }, { $0.clipRadius = -1 }, { $0.rideAlongWeights = [-1, 410] },
            { $0.noiseMultiplierThousandths = 0 }, { $0.minAlive = 2 }, { $0.minAlive = 0 }, { $0.corruptMax = 18 },
            { $0.samplingMillionths = 0 }, { $0.samplingMillionths = 1_000_001 },
        ] {
            #expect(try error(change)?.field == "mechanism")
        }
    }

    @Test func epsilonCap() throws {
        let refused = try error { $0.epsilonCapMillionths = 2_000_000 }
        #expect(refused?.field == "epsilonCap")
        #expect(refused?.expected.contains("12 rounds") == true)
        // The smallest cap that holds is the accountant's own figure, and one millionth less does not.
        let plan = try PlanFixture().validated()
        let needed = UInt64((plan.accountant.epsilon(rounds: 12, delta: 1e-6) * 1e6).rounded(.up))
        #expect(try error { $0.epsilonCapMillionths = needed } == nil)
        #expect(try error { $0.epsilonCapMillionths = needed - 1 }?.field == "epsilonCap")
        #expect(
            try error {
                $0.epsilonCapMillionths = needed; $0.rounds = 13
            }?.field == "epsilonCap")
    }

    @Test func lanes() throws {
        let roomy = try PlanFixture().validated()
        try roomy.requireRange(registered: 24)
        var narrow = PlanFixture()
        narrow.layout = try LaneLayout(lanes: 4, bits: 16)
        let plan = try narrow.validated()
        do {
            try plan.requireRange(registered: 24)
            Issue.record("100,000 customers of radius 4096 cannot fit 16 bits")
        } catch {
            #expect(error.field == "lanes")
        }
    }

    @Test func whatFollows() throws {
        let plan = try PlanFixture().validated()
        #expect(plan.delta == 1e-6)
        #expect(plan.epsilonCap == 4)
        #expect(plan.clipNorm == 0.5)
        // K categories, 3K + 5 features each, and two ride-alongs.
        #expect(plan.modelLayout.parameterCount == 4 * 17)
        #expect(plan.dimension == 4 * 17 + 2)
        #expect(plan.facts.dimension == plan.dimension)
        #expect(plan.facts.planDigest == plan.digest)
        #expect(plan.facts.minAlive == 18)
        #expect(plan.facts.roundCount == 12)
        // The coordinator opens no groups, so no plan may ask nodes to accept them.
        #expect(plan.facts.groupSize == nil)
        #expect(plan.jobID == JobID(planDigest: plan.digest))
        let signed = try PlanFixture().signed()
        #expect(plan.digest == SHA256.tagged("plan", signed.bodyBytes))
        var other = PlanFixture()
        other.name = "another plan"
        #expect(try other.validated().jobID != plan.jobID)
    }

    /// sum / radius × clip norm / (customers × sampling probability): worked by hand.
    @Test func averages() throws {
        var fixture = PlanFixture()
        let plan = try fixture.validated()
        var sum = [Int64](repeating: 0, count: plan.dimension)
        sum[0] = 4096 * 10
        sum[1] = -4096
        sum[68] = 410 * 5
        sum[69] = -410 * 2
        let means = plan.mean(ofSum: sum, customers: 10)
        let average = plan.averageUpdate(means: means)
        #expect(average.count == 68)
        #expect(average[0] == 0.5)
        #expect(average[1] == -0.05)
        #expect(plan.rideAlongAverages(means: means) == [0.5, -0.2])
        // The divisor is public: no customers is as good as one, and half of them is half the divisor.
        #expect(plan.averageUpdate(means: plan.mean(ofSum: sum, customers: 0))[0] == 5)
        fixture.samplingMillionths = 500_000
        let sampled = try fixture.validated()
        #expect(sampled.averageUpdate(means: sampled.mean(ofSum: sum, customers: 10))[0] == 1)
    }

    // MARK: Codec

    @Test func codec() throws {
        let plan = try PlanFixture().plan()
        let decoded = try TrainingPlan(decoding: plan.encoded())
        #expect(decoded == plan)
        #expect(decoded.encoded() == plan.encoded())
    }

    /// Fields by number: a value outside its range is refused, and the error names the field.
    @Test(arguments: [
        (1, CBORValue.text(String(repeating: "a", count: 129)), "name"), (2, .text("sell"), "purpose"),
        (3, .null, "job"), (4, .unsigned(0), "clipRadius"), (4, .negative(0), "clipRadius"),
        (5, .array([.text("1")]), "rideAlongWeights"), (5, .array([.negative(3)]), "rideAlongWeights"),
        (5, .array([CBORValue](repeating: .unsigned(1), count: 17)), "rideAlongWeights"),
        (6, .unsigned(0), "noiseMultiplier"), (6, .unsigned(.max), "noiseMultiplier"), (7, .unsigned(0), "sampling"),
        (7, .unsigned(1_000_001), "sampling"), (8, .unsigned(5), "lanes"), (8, .unsigned(3), "lanes"),
        (9, .unsigned(33), "bits"), (10, .unsigned(0), "minAlive"), (11, .unsigned(0), "corruptMax"),
        (11, .unsigned(.max), "corruptMax"), (12, .unsigned(0), "epsilonCap"),
        (12, .unsigned(1_000_000_001), "epsilonCap"), (13, .unsigned(1), "deltaReciprocal"),
        (14, .unsigned(0), "maximumCustomers"), (15, .bytes([1]), "initialModelDigest"),
    ])
    func badField(key: UInt64, value: CBORValue, name: String) throws {
        guard case .map(let entries) = try PlanFixture().plan().cborValue else {
            Issue.record("a plan is a map")
            return
        }
        let broken = CBORValue.map(entries.map { $0.key == key ? CBORValue.MapEntry(key, value) : $0 })
        do {
            _ = try TrainingPlan(decoding: broken.encoded())
            Issue.record("\(name) was accepted")
        } catch {
            #expect(error.description.contains(name), "\(error)")
        }
        let without = CBORValue.map(entries.filter { $0.key != key })
        do {
            _ = try TrainingPlan(decoding: without.encoded())
            Issue.record("\(name) may not be missing")
        } catch {
            #expect(error.description.contains(name), "\(error)")
        }
    }

    /// The field is there only for what is not the default, so that a plan has one encoding.
    @Test func theGeneratorIsThePlans() throws {
        var fixture = PlanFixture()
        #expect(try fixture.validated().facts.generator == .aes256Counter)
        let plain = try fixture.plan()
        fixture.generator = .chaCha20
        let other = try fixture.plan()
        #expect(try fixture.validated().facts.generator == .chaCha20)
        #expect(
            try TrainingPlan(decoding: other.encoded()) == other && TrainingPlan(decoding: plain.encoded()) == plain)
        guard case .map(let entries) = plain.cborValue else {
            Issue.record("a plan is a map")
            return
        }
        for value in [CBORValue.unsigned(1), .unsigned(3), .null, .text("2")] {
            let broken = CBORValue.map(entries + [CBORValue.MapEntry(17, value)])
            let error = #expect(throws: WireFormatError.self) { try TrainingPlan(decoding: broken.encoded()) }
            #expect(error?.description.contains("generator") == true)
        }
    }

    @Test func unknownFields() throws {
        guard case .map(let entries) = try PlanFixture().plan().cborValue else { return }
        let more = CBORValue.map(entries + [CBORValue.MapEntry(18, .null)])
        #expect(throws: WireFormatError.unknownField(18, message: "training-plan")) {
            try TrainingPlan(decoding: more.encoded())
        }
    }
}
