// Plans whose rounds are summed in groups: what is refused, what the sums become, and that one sum stays what it was.

import Cryptography
import DifferentialPrivacy
import Rounds
import SecureAggregation
import Testing
import WireFormat

@Suite struct PlanInGroupsTests {
    private static func plan(_ settings: SubCohortSettings?, minAlive: Int = 18) throws -> ValidatedPlan {
        var fixture = PlanFixture()
        fixture.minAlive = minAlive
        fixture.subCohorts = settings
        return try fixture.validated()
    }

    private static func register(nodes: Int, corruptMax: Int = 2) throws -> Register {
        try Register(
            chain: "test.example", version: 1,
            nodes: try (0..<nodes).map { index in
                var seed = [UInt8](repeating: 0, count: 32)
                seed[0] = UInt8(index)
                return RegisteredNode(
                    index: NodeIndex(index), name: "store-\(index)", operatorName: "chain",
                    protocolKey: try Ed25519PrivateKey(SecretBytes(copying: seed)).publicKey)
            }, corruptMax: corruptMax, committee: (0..<16).map { NodeIndex($0) }, dropoutPermille: 100)
    }

    @Test func theSignedPlanSaysIt() throws {
        var fixture = PlanFixture()
        let without = try fixture.plan()
        fixture.subCohorts = SubCohortSettings(groupSize: 20, trim: 1)
        let with = try fixture.plan()
        #expect(try TrainingPlan(decoding: with.encoded()).subCohorts == fixture.subCohorts)
        #expect(try TrainingPlan(decoding: without.encoded()).subCohorts == nil)
        #expect(with.encoded().starts(with: without.encoded()) == false)
        #expect(try fixture.validated().facts.groupSize == 20)
        #expect(try PlanFixture().validated().facts.groupSize == nil)
        // Another job: nobody who agreed to one sum is asked for groups.
        #expect(try fixture.validated().jobID != PlanFixture().validated().jobID)
        let zero = CBORValue.message((1, .unsigned(0)), (2, .unsigned(0)))
        #expect(throws: WireFormatError.self) { try SubCohortSettings(cborValue: zero) }
    }

    @Test func groupsThatCannotBeFormed() throws {
        #expect(
            throws: PlanError(
                field: "subCohorts.groupSize", expected: "at least minAlive, 18, or no group has a sum")
        ) { try Self.plan(SubCohortSettings(groupSize: 17, trim: 0)) }
        let plan = try Self.plan(SubCohortSettings(groupSize: 20, trim: 1))
        try plan.requireGroups(Self.register(nodes: 60))
        let tooFew = try #require(throws: PlanError.self) { try plan.requireGroups(Self.register(nodes: 59)) }
        #expect(tooFew.field == "subCohorts")
        #expect(tooFew.expected.contains("groups of 19 would do"))
        let tooSmall = try #require(throws: PlanError.self) {
            try plan.requireGroups(Self.register(nodes: 60, corruptMax: 5))
        }
        #expect(tooSmall.expected.hasPrefix("at least 21"))
        // Even without a trim, one group is no groups.
        let untrimmed = try Self.plan(SubCohortSettings(groupSize: 20, trim: 0))
        #expect(throws: PlanError.self) { try untrimmed.requireGroups(Self.register(nodes: 39)) }
        try Self.plan(nil).requireGroups(Self.register(nodes: 24))
    }

    /// Noise and price are those of one group: minAlive sizes the share, and no sum has fewer.
    @Test func everyGroupCarriesTheFullNoise() throws {
        let whole = try Self.plan(nil)
        let grouped = try Self.plan(SubCohortSettings(groupSize: 20, trim: 1))
        #expect(whole.mechanism.shareVariance == grouped.mechanism.shareVariance)
        #expect(whole.accountant.microZCDPPerRound == grouped.accountant.microZCDPPerRound)
        #expect(grouped.groupCount(registered: 60) == 3)
        #expect(whole.groupCount(registered: 60) == 1)
    }

    private static func group(_ index: Int, _ value: Int64, _ plan: ValidatedPlan, customers: Int = 10) -> OpenedGroup {
        OpenedGroup(
            index: index, survivors: 20, customers: customers,
            sum: [Int64](repeating: value, count: plan.dimension))
    }

    @Test func theMeanIsTheTrimmedOne() throws {
        let plan = try Self.plan(SubCohortSettings(groupSize: 20, trim: 1))
        let groups = [Self.group(0, 1 << 40, plan), Self.group(1, 30, plan), Self.group(2, 10, plan)]
        let mean = try plan.robustMean(of: groups)
        #expect(mean.means == [Double](repeating: 3, count: plan.dimension))
        #expect(mean.verdicts.map(\.isAlarmed) == [true, false, false])
        // Two sums are too few for one dropped at each end.
        let error = try #require(throws: PlanError.self) { try plan.robustMean(of: Array(groups.dropLast())) }
        #expect(error.field == "subCohorts.trim")
        #expect(throws: PlanError.self) { try Self.plan(nil).robustMean(of: groups) }
        let short = OpenedGroup(index: 3, survivors: 20, customers: 1, sum: [1])
        #expect(throws: PlanError.self) { try plan.robustMean(of: groups + [short]) }
    }

    /// Without a trim the groups say what one sum over everybody would have said.
    @Test func untrimmedGroupsAreOneSum() throws {
        let plan = try Self.plan(SubCohortSettings(groupSize: 20, trim: 0))
        let mean = try plan.robustMean(of: [
            Self.group(0, 100, plan, customers: 30), Self.group(1, 20, plan, customers: 10),
        ])
        #expect(mean.means == plan.mean(ofSum: [Int64](repeating: 120, count: plan.dimension), customers: 40))
    }

    @Test func theSearchNeedsGroups() throws {
        let plan = try Self.plan(SubCohortSettings(groupSize: 20, trim: 0))
        let search = try plan.makeLocaliser(registered: 60)
        #expect(search.rates.poisoners == 1)
        #expect(search.rates.falseAlarm == ValidatedPlan.falseAlarmRate)
        #expect(search.nodeCount == 60)
        #expect(throws: PlanError.self) { try Self.plan(nil).makeLocaliser(registered: 60) }
    }

    /// The range holds for every group sum of every round: more sums leave each a smaller chance to wrap, so a plan that just fits
    /// as one sum does not fit as three.
    @Test func rangeOfEveryGroup() throws {
        func fits(_ customers: Int, _ settings: SubCohortSettings?) throws -> Bool {
            var fixture = PlanFixture()
            fixture.maximumCustomers = customers
            fixture.subCohorts = settings
            let plan = try fixture.validated()
            do throws(PlanError) { try plan.requireRange(registered: 60) } catch { return false }
            return true
        }
        var (most, beyond) = (100_000, 1_000_000)
        while beyond - most > 1 {
            let middle = (most + beyond) / 2
            if try fits(middle, nil) { most = middle } else { beyond = middle }
        }
        #expect(try fits(most, nil))
        #expect(try !fits(most, SubCohortSettings(groupSize: 20, trim: 1)))
    }
}
