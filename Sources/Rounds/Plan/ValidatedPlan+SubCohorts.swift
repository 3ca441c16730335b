// What a plan with groups means for the register it runs under, and what its group sums become: one average, and for every
// group whether honest nodes could have made its sum.

import DifferentialPrivacy
import Glibc
import SecureAggregation

/// The opened sum of one group of a round.
public struct OpenedGroup: Sendable {
    /// The group's index in the round.
    public let index: Int
    /// Nodes in the sum.
    public let survivors: Int
    /// Customers eligible at the pinned checkpoint in the stores of the group, a public number.
    public let customers: Int
    /// The decoded sum, one value a coordinate.
    public let sum: [Int64]

    /// Describes an opened group.
    public init(index: Int, survivors: Int, customers: Int, sum: [Int64]) {
        self.index = index
        self.survivors = survivors
        self.customers = customers
        self.sum = sum
    }
}

/// What the sums of a round in groups say together.
public struct GroupedMean: Sendable {
    /// The trimmed mean of every coordinate, ride-alongs included, in integer units per customer.
    public let means: [Double]
    /// The verdict on each group, in the order they were given.
    public let verdicts: [GroupAlarm.Verdict]
}

extension ValidatedPlan {
    /// Largest accepted probability that a group without a poisoner alarms in a round.
    public static let falseAlarmRate = 0.01
    /// How often the group of a poisoner may fail to alarm before the search takes longer.
    public static let missRate = 0.05
    /// Largest accepted probability that any honest node is ever named as a suspect.
    public static let falseNamingRate = 0.01

    /// Groups of a round when all of `registered` nodes are on the epoch's list; 1 without groups.
    public func groupCount(registered: Int) -> Int {
        plan.subCohorts.map { registered / $0.groupSize } ?? 1
    }

    /// Throws unless the register's nodes can form the groups that the plan asks for, if it asks for any.
    /// - Throws: ``PlanError`` naming the bound and what would do.
    public func requireGroups(_ register: Register) throws(PlanError) {
        guard let settings = plan.subCohorts else { return }
        let fewest = register.smallestMinAlive
        guard settings.groupSize >= fewest else {
            throw PlanError(
                field: "subCohorts.groupSize",
                expected: "at least \(fewest): all \(register.corruptMax) corrupt nodes may meet in one group")
        }
        let needed = max(SubCohortAssignment.minimumGroups, settings.fewestSums)
        let groups = groupCount(registered: register.nodes.count)
        guard groups >= needed else {
            throw PlanError(
                field: "subCohorts",
                expected:
                    "\(needed) groups at least for a trim of \(settings.trim); \(register.nodes.count) nodes make "
                    + "\(groups) of \(settings.groupSize), and groups of \(register.nodes.count / needed) would do if "
                    + "minAlive allows them")
        }
    }

    /// The robust average over group sums, with a verdict on every group. Post-processing of released sums.
    ///
    /// Memory: 8 bytes a coordinate and group, which the sums have already, and 8 more a coordinate.
    /// - Parameter groups: those whose sum was opened; at least 2t + 1.
    /// - Throws: ``PlanError`` for a plan without groups, too few sums, or sums of another length.
    public func robustMean(of groups: [OpenedGroup]) throws(PlanError) -> GroupedMean {
        guard let settings = plan.subCohorts else {
            throw PlanError(field: "subCohorts", expected: "a plan that asks for groups")
        }
        guard groups.count >= settings.fewestSums else {
            throw PlanError(
                field: "subCohorts.trim", expected: "\(settings.fewestSums) group sums; \(groups.count) were opened")
        }
        do throws(SecureAggregationError) {
            let alarm = try alarm(falseAlarmRate: Self.falseAlarmRate)
            var sums: [GroupSum] = []
            for group in groups {
                sums.append(try groupSum(group.sum, customers: group.customers, survivors: group.survivors))
            }
            var verdicts: [GroupAlarm.Verdict] = []
            for sum in sums { verdicts.append(try alarm.verdict(on: sum)) }
            return GroupedMean(
                means: try GroupStatistics(sums).trimmedMean(trim: settings.trim), verdicts: verdicts)
        } catch {
            throw PlanError(field: "group sums", expected: error.description)
        }
    }

    /// Whether honest nodes could have made the one sum of a round without groups: with the clip and the noise of this plan they
    /// make one that alarms with probability 2^−40 at most. An alarm voids nothing.
    /// - Parameters:
    ///   - customers: eligible at the pinned checkpoint, a public number.
    ///   - survivors: nodes in the sum.
    /// - Throws: ``PlanError`` for a sum of another length.
    public func verdict(onSum sum: [Int64], customers: Int, survivors: Int) throws(PlanError) -> GroupAlarm.Verdict {
        do throws(SecureAggregationError) {
            return try alarm(falseAlarmRate: 0x1p-40)
                .verdict(on: groupSum(sum, customers: customers, survivors: survivors))
        } catch {
            throw PlanError(field: "sum", expected: error.description)
        }
    }

    private func alarm(falseAlarmRate: Double) throws(SecureAggregationError) -> GroupAlarm {
        try GroupAlarm(
            customerNorm: Double(bound.squaredSensitivity).squareRoot(),
            coordinateBound: Double(bound.coordinateBound), dimension: dimension, falseAlarmRate: falseAlarmRate)
    }

    private func groupSum(
        _ values: [Int64], customers: Int, survivors: Int
    ) throws(SecureAggregationError) -> GroupSum {
        try GroupSum(
            values: values, customers: customers, divisor: divisor(customers: customers),
            noiseDeviation: mechanism.noiseStandardDeviation(aliveNodes: survivors))
    }

    /// An empty search for whoever keeps poisoning groups, under the plan's rates.
    /// - Parameter registered: nodes of the register.
    /// - Throws: ``PlanError`` for a plan without groups.
    public func makeLocaliser(registered: Int) throws(PlanError) -> PoisonerLocaliser {
        guard let settings = plan.subCohorts else {
            throw PlanError(field: "subCohorts", expected: "a plan that asks for groups")
        }
        do throws(SecureAggregationError) {
            return try PoisonerLocaliser(
                rates: try AlarmRates(
                    falseAlarm: Self.falseAlarmRate, miss: Self.missRate, poisoners: max(1, settings.trim),
                    falseNaming: Self.falseNamingRate),
                nodeCount: registered)
        } catch {
            throw PlanError(field: "subCohorts", expected: error.description)
        }
    }
}
