// How to check all this without believing it.

/// The command that verifies the evidence.
struct VerificationSection {
    private let result: DemonstrationResult

    init(_ result: DemonstrationResult) { self.result = result }

    var markup: Markup {
        DemonstrationReport.section(
            "verify", "Verify it yourself",
            [
                """
                <p class="finding">Do not take this page’s word for it. The evidence bundle can be checked offline, by anybody \
                who has the chain’s public keys.</p>
                """,
                "<pre><code>\(command)</code></pre>",
                """
                <ol>
                <li>Run it in the folder that holds this report.</li>
                <li>Take <code>trust.cbor</code> from the chain’s key ceremony, not from whoever gave you the bundle.</li>
                <li>It prints VERIFIED and exits with 0 if every signature, proof and digest holds. It names the check that \
                failed and exits with 1 otherwise; 2 means that it could not check.</li>
                </ol>
                <p>The bundle shows which nodes trained the model, under which signed plan, at which state of the consent ledger, \
                and what it cost in privacy. It holds nothing about what anybody bought.</p>
                """,
            ])
    }

    private var command: String {
        "concord-verify \(path(result.evidence)) --trust trust.cbor --model \(path(result.model))"
    }

    /// A path as one word of a shell: relative to the report's folder if it is in it, quoted if need be.
    private func path(_ path: String) -> String {
        let folder = result.report.lastIndex(of: "/").map { result.report[...$0] } ?? ""
        let isBeside = path.hasPrefix(folder) && !path.dropFirst(folder.count).contains("/")
        var word = isBeside ? String(path.dropFirst(folder.count)) : path
        if word.hasPrefix("-") { word = "./" + word }
        let isPlain = word.unicodeScalars.allSatisfy {
            switch $0 {
            case "a"..."z", "A"..."Z", "0"..."9", "/", ".", "_", "-": true
            default: false
            }
        }
        if isPlain, !word.isEmpty { return word }
        return "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
