// The verdict for people: what was shown, and what was not.

import CommandLineKit
import Evidence

enum ReportText {
    /// The attempt, and of how many groups' sums the other numbers are.
    private static func attempt(_ charge: EvidenceReport.Charge?) -> String {
        guard let charge else { return text(Int?.none) }
        return charge.groups.map { "\(charge.attempt), \($0) groups" } ?? "\(charge.attempt)"
    }

    static func render(_ report: EvidenceReport, console: Console) -> String {
        var table = TextTable([
            .number("round"), .number("ledger size"), .number("attempt"), .number("offered"), .number("in the sum"),
            .number("votes"), .number("ε after"), .number("charged at"), .number("released at"), .text("model"),
        ])
        for round in report.rounds {
            table.addRow([
                String(round.round), String(round.pinnedSize), attempt(round.charge),
                text(round.charge?.offeredNodes), text(round.charge?.survivingNodes), text(round.charge?.votes),
                decimal(micro: round.epsilonAfterMicro), text(round.charge?.index), text(round.release?.index),
                round.release.map { String("\($0.modelDigest)".prefix(16)) } ?? "none",
            ])
        }
        let checks = report.checks
        var lines = [
            "chain    \(TerminalText.printable(report.chain)), register version \(report.registerVersion)",
            "job      \(report.jobID), plan \(report.planDigest)",
            "ledger   \(TerminalText.printable(report.logOrigin)), \(report.logSize) entries, root \(report.logRoot)",
            "budget   ε \(decimal(micro: report.epsilonMicro)) of \(decimal(micro: report.epsilonCapMicro)) spent",
            "model    \(report.modelDigest)"
                + (report.isModelFileVerified ? ", the file given" : "; no file was given to compare"),
            "",
        ]
        lines.append(contentsOf: table.rendered().split(separator: "\n").map(String.init))
        lines += [
            "",
            "checked  \(checks.signatures) signatures, \(checks.inclusionProofs) entries in the ledger,"
                + " \(checks.consistencyProofs) extensions of it,",
            "         \(checks.survivorCommitments) consent commitments of nodes in a sum,"
                + " \(checks.certificates) committee certificates, \(checks.modelSteps) model steps",
        ]
        for withdrawal in report.withdrawals {
            lines.append(
                "         withdrawal at entry \(withdrawal.index): left out of round \(withdrawal.round)"
                    + " by node \(withdrawal.node)")
        }
        lines += ["", console.styled("VERIFIED", .green), ""]
        return lines.joined(separator: "\n")
    }

    private static func text(_ number: (some BinaryInteger)?) -> String { number.map { "\($0)" } ?? "-" }

    /// Millionths as a decimal number; ε is recorded rounded up and printed exactly.
    static func decimal(micro: UInt64) -> String {
        let digits = String(micro % 1_000_000)
        var fraction = String(repeating: "0", count: 6 - digits.count) + digits
        while fraction.count > 2, fraction.last == "0" { fraction.removeLast() }
        return "\(micro / 1_000_000).\(fraction)"
    }
}
