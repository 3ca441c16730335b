// Three bars: popularity, Concord, non-private central training. From zero, because bars are compared by length.

/// The bars of the comparison.
struct ComparisonChart {
    private let utility: DemonstrationResult.Utility

    init(_ utility: DemonstrationResult.Utility) { self.utility = utility }

    /// Both drawings.
    func markup(description: String) -> [Markup] {
        ChartWidth.both { draw($0, description: description) }
    }

    private func draw(_ width: ChartWidth, description: String) -> Markup {
        let bars = [
            ("bar-popularity", "Popularity", utility.popularity), ("bar", "Concord", utility.concord),
            ("bar-central", "Central, not private", utility.central),
        ]
        let values = bars.map(\.2)
        let scale = ChartScale(values: values, includesZero: true, tickCount: 5)
        let size = (width: width == .wide ? 760.0 : 320, height: 164.0)
        let end = size.width - 84
        let zero = scale.place(0, from: 0, to: end) ?? 0
        let decimals = ReportNumber.decimals(for: values, significant: 3)
        let rows = bars.enumerated().map { index, bar -> Markup in
            let y = Double(index) * 58
            let tip = scale.place(bar.2, from: 0, to: end)
            return """
                <text class="strong" x="0" y="\(y + 13)">\(bar.1)</text>
                <rect class="\(bar.0)" x="\(min(zero, tip ?? zero))" y="\(y + 21)" width="\(abs((tip ?? zero) - zero))" height="22"/>
                <line class="base" x1="\(zero)" y1="\(y + 17)" x2="\(zero)" y2="\(y + 47)"/>
                <text class="strong" x="\(max(zero, tip ?? zero) + 8)" y="\(y + 37)">\(ReportNumber.decimal(bar.2, decimals))</text>
                """
        }
        return ChartFrame.element(
            width, size: size, id: "comparison", title: "Utility of the three models on the held-out period",
            description: description, rows)
    }
}
