// What a plan says when its rounds are to be summed in groups (Protocols/secure-aggregation.md, section 13).

import WireFormat

/// Rounds in groups: how large a group is, and how many poisoned ones the average withstands.
///
/// **For an honest-but-curious coordinator only**: it could choose the groups. A node hides among the survivors of its group
/// instead of the whole cohort, and every group carries the full noise, so the average over k groups is about √k times noisier
/// than one sum. In exchange t groups may be poisoned without carrying the average out of what honest groups say.
public struct SubCohortSettings: WireMessage, Hashable {
    /// The message's name in the CDDL.
    public static let messageName = "sub-cohort-settings"

    /// g: no group has fewer nodes of the epoch's list; at least the plan's minAlive.
    public let groupSize: Int
    /// t: group means dropped at each end of every coordinate, 0 or more. 2t + 1 sums are needed.
    public let trim: Int

    /// Asks for groups; ``ValidatedPlan`` checks them against the plan and the register.
    public init(groupSize: Int, trim: Int) {
        self.groupSize = groupSize
        self.trim = trim
    }

    /// Group sums without which a round has no average.
    public var fewestSums: Int { 2 * trim + 1 }

    /// The message as CBOR.
    public var cborValue: CBORValue { .message((1, .unsigned(UInt64(groupSize))), (2, .unsigned(UInt64(trim)))) }

    /// Reads settings.
    /// - Throws: `WireFormatError`.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        groupSize = try fields.integer(1, "groupSize", in: 1...1_000_000)
        trim = try fields.integer(2, "trim", in: 0...500_000)
    }
}
