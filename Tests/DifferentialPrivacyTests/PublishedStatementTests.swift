import DifferentialPrivacy
import Glibc
import Testing

@Suite struct PublishedStatementTests {
    private func statement(
        q: UInt64 = 1_000_000, failure: Double = 0, alive: Int = 30, corrupt: Int = 4
    ) throws -> PublishedStatement {
        let bound = try ContributionBound(dimension: 7200, radius: 400, rideAlongWeights: [40])
        let mechanism = try DistributedGaussian(
            noiseMultiplier: NoiseMultiplier(thousandths: 12_500), squaredSensitivity: bound.squaredSensitivity,
            minimumAlive: alive, maximumCorrupt: corrupt)
        let facts = PublishedStatement.Facts(
            job: "basket", customerIdentifier: "loyalty number", plannedRounds: 40, delta: 1e-7,
            corruptCommitteeMembers: 3, committeeMembers: 11, aggregationFailure: failure, capMicroZCDP: 2_500_000,
            planDigest: "ab12", proofDocument: "Protocols/differential-privacy.md")
        return try PublishedStatement(
            facts: facts, mechanism: mechanism, bound: bound, sampling: CustomerSampling(millionths: q))
    }

    @Test func everyNumberComesFromTheAccountant() throws {
        let statement = try statement()
        let text = statement.text
        let accountant = try RenyiAccountant(
            mechanism: statement.mechanism, sampling: .everyone, dimension: statement.bound.vectorCount)
        let epsilon = accountant.epsilon(rounds: 40, delta: 1e-7)
        #expect(statement.epsilon == epsilon && statement.delta == 1e-7)
        let printed = try #require(text.split(separator: "eps = ").dropFirst().first?.prefix(while: { $0 != " " }))
        let value = try #require(Double(printed))
        #expect(value >= epsilon && value < epsilon + 0.001)
        for fragment in [
            "zero-out", "both directions", "delta = 1e-7", "computational differential privacy", "loyalty number",
            "job \"basket\" of at most 40 rounds", "at most 4 of the nodes", "at most 3 of 11 committee members",
            "at least 30 nodes are counted of which at least 26 are honest", "z = 12.500", "R = 400",
            "D^2 = \(statement.bound.squaredSensitivity)", "q = 1,", "s^2 = \(statement.mechanism.shareVariance)",
            "t = 30", "x = 4", "T = 40", "cap 2.500000 zCDP", "plan digest ab12", "An audit is a check",
            "0 in the aggregation protocol in use", "If x doubles: ", "Without collusion: ", "K=2: ", "K=5: ",
        ] {
            #expect(text.contains(fragment), "\(fragment)")
        }
        #expect(!text.contains("secret coins;"))
    }

    @Test func sampledJobsSayWhatKnownCoinsWouldMean() throws {
        let statement = try statement(q: 50_000)
        let known = statement.accountant.withKnownCoins.epsilon(rounds: 40, delta: 1e-7)
        #expect(known > 2 * statement.epsilon)
        #expect(statement.text.contains("with coins known eps would be \(Int(known))."))
        #expect(statement.text.contains("/2^64"))
    }

    @Test func doubledCollusionThatLeavesNoNoiseHasNoGuarantee() throws {
        #expect(try statement(alive: 8, corrupt: 4).text.contains("If x doubles: no guarantee."))
        #expect(try !statement().text.contains("no guarantee"))
    }

    @Test func aggregationFailureIsWeightedByOnePlusExpEpsilon() throws {
        let statement = try statement(failure: 1e-9)
        let expected = 1e-7 + (1 + exp(statement.epsilon)) * 1e-9
        #expect(statement.delta >= expected && statement.delta <= expected * (1 + 1e-9))
        #expect(!statement.text.contains("0 in the aggregation protocol"))
    }

    @Test func refusesMismatchedParts() throws {
        let good = try statement()
        let other = try ContributionBound(dimension: 7200, radius: 400)
        #expect(throws: MechanismError.outOfRange(field: "squaredSensitivity")) {
            try PublishedStatement(facts: good.facts, mechanism: good.mechanism, bound: other, sampling: .everyone)
        }
        var facts = good.facts
        facts.delta = 0
        #expect(throws: MechanismError.outOfRange(field: "delta")) {
            try PublishedStatement(facts: facts, mechanism: good.mechanism, bound: good.bound, sampling: .everyone)
        }
        facts = good.facts
        facts.plannedRounds = 0
        #expect(throws: MechanismError.outOfRange(field: "plannedRounds")) {
            try PublishedStatement(facts: facts, mechanism: good.mechanism, bound: good.bound, sampling: .everyone)
        }
        facts = good.facts
        facts.aggregationFailure = .nan
        #expect(throws: MechanismError.outOfRange(field: "aggregationFailure")) {
            try PublishedStatement(facts: facts, mechanism: good.mechanism, bound: good.bound, sampling: .everyone)
        }
    }
}
