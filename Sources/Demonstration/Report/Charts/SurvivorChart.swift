// Nodes in the sum and nodes that dropped out, one bar a round: the first filled, the second an empty box on top with the
// number written above it.

/// The stacked bars of nodes.
struct SurvivorChart {
    private let result: DemonstrationResult

    init(_ result: DemonstrationResult) { self.result = result }

    /// Both drawings.
    func markup(description: String) -> [Markup] {
        ChartWidth.both { draw($0, description: description) }
    }

    /// What the fillings mean.
    var legend: Markup {
        """
        <ul class="legend">
        <li><svg class="swatch" viewBox="0 0 16 16" aria-hidden="true"><rect class="bar" x="1" y="1" width="14" height="14"/>\
        </svg>In the sum (filled)</li>
        <li><svg class="swatch" viewBox="0 0 16 16" aria-hidden="true">\
        <rect class="bar-dropped" x="1" y="1" width="14" height="14"/></svg>Dropped out (dashed outline)</li>
        </ul>
        """
    }

    private func draw(_ width: ChartWidth, description: String) -> Markup {
        let totals = result.rounds.map { Double(max(0, $0.survivors)) + Double(max(0, $0.dropped)) }
        let frame = ChartFrame(width, rounds: result.rounds.map(\.round), values: totals, leastStep: 1)
        let bars = result.rounds.enumerated().map { index, round in bar(index, round, frame) }
        return frame.element(
            id: "survivors", title: "Nodes in the sum and nodes that dropped out, each round",
            description: description, [frame.axes(unit: "Nodes")] + bars)
    }

    private func bar(_ index: Int, _ round: DemonstrationResult.Round, _ frame: ChartFrame) -> Markup {
        let survivors = Double(max(0, round.survivors))
        let dropped = Double(max(0, round.dropped))
        guard let split = frame.y(survivors), let top = frame.y(survivors + dropped) else {
            return frame.missing(index)
        }
        let x = frame.middle(index) - frame.bar / 2
        let filled: Markup = """
            <rect class="bar" x="\(x)" y="\(split)" width="\(frame.bar)" height="\(frame.bottom - split)"/>
            """
        guard dropped > 0 else { return filled }
        let name: Markup =
            frame.band < 17
            ? ""
            : """
            <text x="\(frame.middle(index))" y="\(top - 6)" text-anchor="middle">\u{2212}\(ReportNumber.count(round.dropped))</text>
            """
        // The outline lies inside its box, so that it neither covers the filled bar nor adds to the height.
        return filled
            + """
            <rect class="bar-dropped" x="\(x + 0.75)" y="\(top + 0.75)" width="\(max(0.5, frame.bar - 1.5))" \
            height="\(max(0.5, split - top - 2.5))"/>
            """ + name
    }
}
