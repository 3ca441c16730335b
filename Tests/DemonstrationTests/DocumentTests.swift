// The page as a document: well formed, complete in itself, and safe whatever the texts in it say.

import Foundation
import Testing

@testable import Demonstration

#if canImport(FoundationXML)
    import FoundationXML
#endif

@Suite struct DocumentTests {
    private static let results: [(name: String, result: DemonstrationResult)] = [
        ("typical", Samples.typical()), ("one round", Samples.typical(rounds: 1)),
        ("forty rounds", Samples.typical(rounds: 40)), ("broken", Samples.broken),
        ("hostile", Samples.hostile(hostileText)), ("zero", Samples.uniform(0)),
        ("not a number", Samples.uniform(.nan)),
        ("largest counts", Samples.counts(.max)), ("least counts", Samples.counts(.min)), ("no round", noRound),
    ]

    private static let hostileText =
        "</title></style></desc><script>alert(1)</script><img onerror=x>\"' & &amp; ]]> \u{0}\u{1B}\u{202E}\u{FFFE}\n\t'; rm"

    private static var noRound: DemonstrationResult {
        var result = Samples.typical(rounds: 1)
        result.rounds = []
        return result
    }

    @Test(arguments: results.indices)
    func isWellFormedAndReferencesHold(_ index: Int) {
        let page = ParsedPage(DemonstrationReport.html(Self.results[index].result))
        #expect(page.error == nil, "\(Self.results[index].name)")
        #expect(Set(page.identifiers).count == page.identifiers.count)
        #expect(page.references.isSubset(of: Set(page.identifiers)))
    }

    @Test(arguments: results.indices)
    func loadsAndRunsNothing(_ index: Int) {
        var html = DemonstrationReport.html(Self.results[index].result)
        let policy = "content=\"default-src 'none'; style-src 'unsafe-inline'\""
        #expect(html.contains("<meta http-equiv=\"Content-Security-Policy\" \(policy)/>"))
        html = html.replacing("http-equiv", with: "")
        for forbidden in ["http", "src=", "url(", "@import", "<script", "<link", "<img", "<object", "javascript:"] {
            #expect(!html.lowercased().contains(forbidden), "\(forbidden) in \(Self.results[index].name)")
        }
        let page = ParsedPage(html)
        #expect(
            page.elements.isDisjoint(with: [
                "script", "link", "img", "iframe", "object", "image", "use", "foreignObject",
            ]))
        #expect(!page.attributes.contains { $0.hasPrefix("on") || $0 == "style" })
    }

    @Test func textsArriveUnchangedButHarmless() {
        let text = "<b title=\"x\" class='y'>Ω & co</b>"
        let page = ParsedPage(DemonstrationReport.html(Samples.hostile(text)))
        #expect(page.elements.isDisjoint(with: ["b"]))
        // Data, metric, breach, exclusion reason and ride-along all reach the reader as they are.
        #expect(page.text.components(separatedBy: text).count > 5)
        #expect(Markup.escaped("a\u{202E}b\u{7}\nc") == "a\\u{202e}b\\u{7} c")
    }

    @Test(arguments: results.indices)
    func hasTheOutlineAssistiveTechnologyNeeds(_ index: Int) {
        let html = DemonstrationReport.html(Self.results[index].result)
        let page = ParsedPage(html)
        #expect(html.contains("<html lang=\"en\">"))
        #expect(page.headings.first == 1)
        #expect(page.headings.filter { $0 == 1 }.count == 1)
        for (earlier, later) in zip(page.headings, page.headings.dropFirst()) { #expect(later <= earlier + 1) }
        #expect(page.count("caption") == page.count("table"))
        #expect(page.unscopedHeaderCells == 0)
        // Every drawing says what it is, or that it is decoration.
        #expect(page.count("svg") == page.count("desc") + page.decorativeDrawings)
        #expect(page.count("main") == 1)
    }

    @Test func verdictComesFirst() {
        let held = ParsedPage(DemonstrationReport.html(Samples.typical()))
        #expect(held.text.contains("Every promise held"))
        #expect(!held.text.contains("What broke"))
        let broken = ParsedPage(DemonstrationReport.html(Samples.broken)).text
        #expect(broken.contains("Not every promise held"))
        #expect(broken.contains("Round 4 was released with 3 nodes, below the minimum of 5."))
        let verdict = broken.range(of: "What broke")?.lowerBound
        let data = broken.range(of: "What was run")?.lowerBound
        #expect(verdict != nil && data != nil)
        if let verdict, let data { #expect(verdict < data) }
    }

    @Test func commandIsOneAShellUnderstands() {
        let typical = ParsedPage(DemonstrationReport.html(Samples.typical())).text
        #expect(typical.contains("concord-verify evidence.cbor --trust trust.cbor --model model.safetensors"))
        var result = Samples.typical()
        result.evidence = "/else where/it's $(x).cbor"
        result.model = "demo-output/-m.safetensors"
        let quoted = ParsedPage(DemonstrationReport.html(result)).text
        #expect(
            quoted.contains(
                "concord-verify '/else where/it'\\''s $(x).cbor' --trust trust.cbor --model ./-m.safetensors"))
    }

    @Test func utilityIsSaidToLieOutsideTheGuarantee() {
        let text = ParsedPage(DemonstrationReport.html(Samples.typical())).text
        #expect(text.contains("outside the privacy guarantee"))
        #expect(text.contains("held-out data that it holds itself"))
    }
}
