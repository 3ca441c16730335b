// The exit codes every Concord tool shares, so that a script can tell "checked and wrong" from "could not check".

/// A process's exit status.
public struct ExitCode: Sendable, Hashable {
    /// The number the shell sees, 0 to 255.
    public let rawValue: UInt8

    /// A code of a tool's own.
    public init(_ rawValue: UInt8) { self.rawValue = rawValue }

    /// Everything asked for was done, every check held.
    public static let success = ExitCode(0)
    /// A check was made and failed: a violation was found.
    public static let violation = ExitCode(1)
    /// The tool could not do its work, or could not verify: nothing is known about what was asked.
    public static let failure = ExitCode(2)
    /// The command line is wrong (EX_USAGE of sysexits.h).
    public static let usage = ExitCode(64)

    /// The shared codes with their meaning, as help prints them.
    public static let shared: [(code: ExitCode, meaning: String)] = [
        (.success, "done, and every check held"),
        (.violation, "a check failed"),
        (.failure, "the work could not be done, or the check could not be made"),
        (.usage, "the command line is wrong"),
    ]
}
