import Cryptography
import TestSupport
import Testing
import WireFormat

@testable import SecureAggregation

/// Who belongs to which group.
struct SubCohortAssignmentTests {
    private let register: Register

    init() throws { register = try AggregationScenario.standard().register }

    private func assignment(
        _ count: Int, groupSize: Int = 17, minAlive: Int = 17, seed: Digest = SHA256.hash([1])
    ) throws -> SubCohortAssignment {
        try SubCohortAssignment(
            nodes: (0..<NodeIndex(count)).map { 3 * $0 }, groupSize: groupSize, minAlive: minAlive, register: register,
            seed: seed)
    }

    /// Computed by a program that shares no code with this one (SHA-256 and AES-256-CTR of other libraries).
    @Test func knownAnswer() throws {
        let seed = SubCohortAssignment.seed(
            epochRoot: try Digest([UInt8](repeating: 0x11, count: 32)),
            jobID: try JobID([UInt8](repeating: 0x22, count: 16)), round: 7)
        #expect(seed.hex == "fd2dff85e5440e1041048425c067cec2cf24b25bd9931adb3f7ac8a0bbaf9b66")
        #expect(
            try assignment(53, seed: seed).groups == [
                [0, 18, 21, 39, 42, 48, 51, 57, 60, 63, 66, 78, 90, 96, 105, 114, 138, 141],
                [3, 9, 15, 24, 27, 45, 69, 72, 81, 84, 93, 99, 108, 120, 129, 144, 147, 153],
                [6, 12, 30, 33, 36, 54, 75, 87, 102, 111, 117, 123, 126, 132, 135, 150, 156],
            ])
    }

    @Test(arguments: [34, 35, 50, 51, 67, 68, 1000])
    func groupsAreNearlyEqualAndHoldEverybodyOnce(count: Int) throws {
        let groups = try assignment(count).groups
        #expect(groups.count == count / 17)
        let sizes = groups.map(\.count)
        #expect(try #require(sizes.min()) >= 17)
        #expect(try #require(sizes.max()) - #require(sizes.min()) <= 1)
        #expect(groups.allSatisfy { $0 == $0.sorted() })
        #expect(groups.flatMap(\.self).sorted() == (0..<NodeIndex(count)).map { 3 * $0 })
    }

    @Test func everyNodeFindsItsGroup() throws {
        let assignment = try assignment(53)
        for (index, group) in assignment.groups.enumerated() {
            for node in group { #expect(assignment.group(of: node) == index) }
        }
        #expect(assignment.group(of: 1) == nil && assignment.group(of: 159) == nil)
    }

    /// Everything that names the round is in the seed, and rounds regroup as if at random: two nodes share a group as often
    /// as chance says.
    @Test func roundsRegroupAtRandom() throws {
        let other = try JobID([UInt8](repeating: 1, count: 16))
        let job = try JobID([UInt8](repeating: 2, count: 16))
        let root = SHA256.hash([1])
        let seeds = [
            SubCohortAssignment.seed(epochRoot: root, jobID: job, round: 1),
            SubCohortAssignment.seed(epochRoot: SHA256.hash([2]), jobID: job, round: 1),
            SubCohortAssignment.seed(epochRoot: root, jobID: other, round: 1),
            SubCohortAssignment.seed(epochRoot: root, jobID: job, round: 2),
        ]
        #expect(Set(seeds).count == 4)
        #expect(Set(try seeds.map { try assignment(53, seed: $0).groups }).count == 4)
        let rounds = 400
        var together = [Int](repeating: 0, count: 102)
        for round in 0..<UInt64(rounds) {
            let seed = SubCohortAssignment.seed(epochRoot: root, jobID: job, round: round)
            let assignment = try assignment(102, seed: seed)
            for node in try #require(assignment.groups.first { $0.contains(0) }) { together[Int(node) / 3] += 1 }
        }
        // Mean 400 · 16/101 = 63.4, standard deviation 7.3; six of them on each side.
        #expect(together.dropFirst().allSatisfy { (20...107).contains($0) })
        #expect(together.dropFirst().reduce(0, +) == rounds * 16)
    }

    @Test func boundsAreNamedWithWhatWouldDo() throws {
        func refusal(_ count: Int, _ groupSize: Int, _ minAlive: Int) -> SecureAggregationError? {
            do {
                _ = try assignment(count, groupSize: groupSize, minAlive: minAlive)
                return nil
            } catch { return error as? SecureAggregationError }
        }
        #expect(refusal(34, 17, 17) == nil)
        #expect(
            refusal(64, 16, 16)
                == .infeasible(
                    "groupSize: 16 is below C + 16 = 17, since all corrupt nodes may meet in one group; 17 would do, or "
                        + "corruptMax at most 0 in the register"))
        #expect(
            refusal(64, 17, 18)
                == .infeasible("groupSize: 17 is below minAlive 18, so no group could be summed; 18 would do"))
        #expect(
            refusal(39, 20, 17)
                == .infeasible(
                    "groupSize: 39 nodes make fewer than 2 groups of 20; groups of 19 would do, or 40 nodes would do"))
        #expect(
            refusal(33, 17, 17)
                == .infeasible("groupSize: 33 nodes make fewer than 2 groups of 17; 34 nodes would do"))
        #expect(refusal(0, 17, 17) != nil)
        #expect(throws: SecureAggregationError.mismatch(field: "order of nodes")) {
            try SubCohortAssignment(
                nodes: [NodeIndex](repeating: 4, count: 40), groupSize: 17, minAlive: 17, register: register,
                seed: SHA256.hash([1]))
        }
    }

    @Test func placesThatCannotBeAreNotRead() throws {
        let good = SubCohortPlace(index: 1, count: 2)
        #expect(try SubCohortPlace(decoding: good.encoded()) == good)
        for (index, count) in [(2, 2), (0, 1), (0, 0), (1_000_000, 1_000_001), (0, 1_000_001)] {
            #expect(throws: WireFormatError.self) {
                try SubCohortPlace(decoding: SubCohortPlace(index: index, count: count).encoded())
            }
        }
    }
}
