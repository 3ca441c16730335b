// The colours of the report, once for a light page and once for a dark one. One hue carries the message; the others are
// neutral, or kept for success and failure. Text on its ground has a contrast of 4.5 : 1 or more, and what a drawing needs to
// be understood 3 : 1 or more (WCAG 2.2, success criteria 1.4.3 and 1.4.11); the tests compute both from these constants.

/// Colours by role, as `#rrggbb`.
struct ReportPalette {
    /// Ground of the page.
    let paper: String
    /// Ground of what stands out a little: notes, commands.
    let panel: String
    /// Text.
    let ink: String
    /// Text of less weight.
    let muted: String
    /// Hairlines that carry no meaning.
    let rule: String
    /// Axes of charts.
    let axis: String
    /// Concord itself: its line, its bars, links.
    let accent: String
    /// What lies under the line of the budget.
    let accentTint: String
    /// The non-private yardstick.
    let central: String
    /// The popularity yardstick.
    let popularity: String
    /// A promise that held.
    let good: String
    /// A promise that did not hold.
    let bad: String
    /// Ground of what broke.
    let badTint: String

    static let light = ReportPalette(
        paper: "#ffffff", panel: "#f4f6f6", ink: "#182024", muted: "#535f66", rule: "#d9dfe1", axis: "#7b868c",
        accent: "#0b5f73", accentTint: "#d7e8eb", central: "#8f4d0a", popularity: "#5c6168", good: "#1c6a40",
        bad: "#a3242b", badTint: "#fcefee")

    static let dark = ReportPalette(
        paper: "#12171a", panel: "#1b2226", ink: "#e8ecec", muted: "#a5b0b5", rule: "#303a3f", axis: "#7f8b91",
        accent: "#6fc5d8", accentTint: "#1c3c45", central: "#e3a65c", popularity: "#b3b9bf", good: "#82d3a4",
        bad: "#ff948b", badTint: "#341c1c")

    /// The colours as custom properties of CSS.
    var customProperties: String {
        [
            ("paper", paper), ("panel", panel), ("ink", ink), ("muted", muted), ("rule", rule), ("axis", axis),
            ("accent", accent), ("accent-tint", accentTint), ("central", central), ("popularity", popularity),
            ("good", good), ("bad", bad), ("bad-tint", badTint),
        ].map { "--\($0.0):\($0.1);" }.joined()
    }
}
