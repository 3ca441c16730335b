// Contrast of every pair of colours that meet, in both schemes, computed from the style sheet of the page itself.
// Relative luminance and contrast ratio: WCAG 2.2, "relative luminance" and "contrast ratio" in its glossary.

import Foundation
import Testing

@testable import Demonstration

@Suite struct ContrastTests {
    /// Custom properties of the light and of the dark scheme.
    private static let schemes: [[String: String]] = {
        let html = DemonstrationReport.html(Samples.typical())
        let expression = /--([a-z-]+):(#[0-9a-f]{6});/
        let dark = html.range(of: "prefers-color-scheme:dark")?.lowerBound ?? html.endIndex
        return [html[..<dark], html[dark...]].map { part in
            Dictionary(
                part.matches(of: expression).map { (String($0.1), String($0.2)) }, uniquingKeysWith: { $1 })
        }
    }()

    private static let textPairs = [
        ("ink", "paper"), ("ink", "panel"), ("ink", "bad-tint"), ("muted", "paper"), ("muted", "panel"),
        ("accent", "paper"), ("central", "paper"), ("popularity", "paper"), ("good", "paper"), ("bad", "paper"),
    ]

    private static let graphicPairs = [
        ("axis", "paper"), ("accent", "paper"), ("accent", "accent-tint"), ("central", "panel"),
        ("popularity", "panel"), ("bad", "paper"), ("bad", "bad-tint"), ("ink", "accent-tint"), ("good", "paper"),
    ]

    @Test(arguments: [0, 1], textPairs)
    func textIsReadable(_ scheme: Int, _ pair: (String, String)) throws {
        #expect(try contrast(pair, in: Self.schemes[scheme]) >= 4.5)
    }

    @Test(arguments: [0, 1], graphicPairs)
    func drawingsAreVisible(_ scheme: Int, _ pair: (String, String)) throws {
        #expect(try contrast(pair, in: Self.schemes[scheme]) >= 3)
    }

    @Test func formulaGivesTheKnownExtremes() throws {
        let scheme = ["black": "#000000", "white": "#ffffff", "grey": "#767676"]
        #expect(abs(try contrast(("black", "white"), in: scheme) - 21) < 1e-9)
        #expect(abs(try contrast(("grey", "white"), in: scheme) - 4.54) < 0.01)
    }

    /// Otherwise the pairs above would not be the whole truth.
    @Test func coloursComeFromThePaletteOnly() {
        let html = DemonstrationReport.html(Samples.typical())
        let literals = html.matches(of: /#[0-9a-fA-F]{3,8}\b/).map { String($0.0) }
        let known = Set(Self.schemes.flatMap(\.values))
        #expect(known.count > 20)
        #expect(Set(literals).subtracting(["#rounds"]).isSubset(of: known))
        let used = Set(html.matches(of: /var\(--([a-z-]+)\)/).map { String($0.1) })
        let paired = Set((Self.textPairs + Self.graphicPairs).flatMap { [$0.0, $0.1] })
        // Hairlines carry no meaning; everything else that is used is checked.
        #expect(used.subtracting(["rule"]) == paired)
        for scheme in Self.schemes { #expect(used.isSubset(of: Set(scheme.keys))) }
    }

    private func contrast(_ pair: (String, String), in scheme: [String: String]) throws -> Double {
        let lights = try [pair.0, pair.1].map { luminance(try #require(scheme[$0])) }.sorted()
        return (lights[1] + 0.05) / (lights[0] + 0.05)
    }

    private func luminance(_ colour: String) -> Double {
        let value = Int(colour.dropFirst(), radix: 16) ?? 0
        let channels = [16, 8, 0].map { shift -> Double in
            let share = Double((value >> shift) & 0xFF) / 255
            return share <= 0.04045 ? share / 12.92 : pow((share + 0.055) / 1.055, 2.4)
        }
        return 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2]
    }
}
