// Chain-wide numbers about the eligible set. They are about consent alone, known before any coin is drawn; nothing here
// depends on who was sampled. Small numbers are for the presenter to suppress.

/// How many subjects may train in a round, and why the others may not.
public struct EligibilityReport: Hashable, Sendable {
    /// Subjects each node may include, by register index; nodes without any are absent.
    public let eligibleByNode: [UInt32: Int]
    /// Subjects that nobody includes, by reason; reasons without any are absent.
    public let excluded: [ConsentStatus: Int]

    /// All subjects that may train.
    public var eligible: Int { eligibleByNode.values.reduce(0, +) }
    /// All subjects the ledger knows.
    public var subjects: Int { eligible + excluded.values.reduce(0, +) }
}
