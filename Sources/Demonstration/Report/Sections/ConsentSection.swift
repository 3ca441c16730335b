// Whom a round left out, and why: the ledger's own reasons, explained.

import Consent

/// Exclusions by reason.
struct ConsentSection {
    private let result: DemonstrationResult

    init(_ result: DemonstrationResult) { self.result = result }

    var markup: Markup {
        DemonstrationReport.section("consent", "Customers left out", content)
    }

    private var content: [Markup] {
        guard let last = result.rounds.last else { return [DemonstrationReport.nothingReleased] }
        let reasons = self.reasons
        let left = ReportNumber.sum(last.excluded.values)
        let finding: Markup = """
            <p class="finding">In the last round \(ReportNumber.count(last.eligibleCustomers, "customer")) could train, \
            and \(left == 0 ? "nobody was left out" : "\(ReportNumber.count(left)) \(left == 1 ? "was" : "were") left out").</p>
            """
        guard !reasons.isEmpty else { return [finding] }
        return [finding, table(reasons), glossary(reasons), ConsentSection.note]
    }

    /// Reasons that occur, the most frequent first.
    private var reasons: [String] {
        var totals: [String: Int] = [:]
        for round in result.rounds {
            for (reason, count) in round.excluded where count != 0 {
                totals[reason] = ReportNumber.sum([totals[reason] ?? 0, count])
            }
        }
        return totals.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
    }

    private func table(_ reasons: [String]) -> Markup {
        let heads = reasons.map { "<th scope=\"col\">\(ConsentSection.title($0))</th>" as Markup }
        let rows = result.rounds.map { round -> Markup in
            let cells = reasons.map { "<td>\(ReportNumber.count(round.excluded[$0] ?? 0))</td>" as Markup }
            return """
                <tr><th scope="row" class="text">\(ReportNumber.count(round.round))</th>\
                <td>\(ReportNumber.count(round.eligibleCustomers))</td>\(cells)\
                <td>\(ReportNumber.count(ReportNumber.sum(round.excluded.values)))</td></tr>
                """
        }
        return """
            <div class="scroll" role="region" aria-labelledby="consent-caption" tabindex="0">
            <table>
            <caption id="consent-caption">Customers who could train, and customers left out by reason, each round</caption>
            <thead><tr><th scope="col" class="text">Round</th><th scope="col">Could train</th>\(heads)\
            <th scope="col">Left out</th></tr></thead>
            <tbody>
            \(rows)
            </tbody>
            </table>
            </div>
            """
    }

    private func glossary(_ reasons: [String]) -> Markup {
        let entries = reasons.compactMap { reason in
            ConsentSection.meaning(reason).map {
                "<dt>\(ConsentSection.title(reason))</dt><dd>\($0)</dd>" as Markup
            }
        }
        return entries.isEmpty ? "" : "<dl class=\"facts\">\(entries)</dl>"
    }

    private static let note: Markup = """
        <p class="note">These counts are exact. They come from the consent ledger as it stood when the round was opened, \
        before chance chose anybody, and say nothing about what anyone bought.</p>
        """

    /// The reason as a heading.
    private static func title(_ reason: String) -> String { reason.prefix(1).uppercased() + reason.dropFirst() }

    /// What a status of the ledger means to the customer; nothing for a reason that is not one.
    private static func meaning(_ reason: String) -> String? {
        guard let status = ConsentStatus.allCases.first(where: { $0.description == reason }) else { return nil }
        return switch status {
        case .given: "agreed"
        case .unknown: "never decided"
        case .refused: "was asked and said no"
        case .withdrawn: "agreed once and took it back"
        case .expired: "agreed for a time that has run out"
        case .objected: "objected to the processing (GDPR, Article 21)"
        case .restricted: "has the processing restricted (GDPR, Article 18)"
        case .erased: "was erased and has not registered again"
        case .moving: "agreed, but changed her home store since the round before; nobody counts her this time"
        case .pending: "agreed from a later moment on"
        case .unconfirmed: "agreed in a way that cannot be relied on, and must be asked again"
        case .unassigned: "agreed, but has no home store"
        }
    }
}
