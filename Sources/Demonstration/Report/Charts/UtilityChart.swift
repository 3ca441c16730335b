// Utility round by round, between the two yardsticks. Each line is named at its end and drawn in a pattern of its own, so
// that no colour has to be told from another.

/// The line chart of utility.
struct UtilityChart {
    private let result: DemonstrationResult

    init(_ result: DemonstrationResult) { self.result = result }

    /// Both drawings.
    func markup(description: String) -> [Markup] {
        ChartWidth.both { draw($0, description: description) }
    }

    private func draw(_ width: ChartWidth, description: String) -> Markup {
        let values = result.rounds.map(\.utility)
        let yardsticks = [result.utility.central, result.utility.popularity]
        let frame = ChartFrame(
            width, rounds: result.rounds.map(\.round), values: values + yardsticks, includesZero: false,
            labelRoom: (192, 84))
        let lines: [Markup] = [
            yardstick("central", result.utility.central, frame),
            yardstick("popularity", result.utility.popularity, frame),
            progress(values, frame),
        ]
        return frame.element(
            id: "utility", title: "Utility of the released model after each round", description: description,
            [frame.axes(unit: width == .wide ? result.utility.metric : "Utility")] + lines + [names(frame)])
    }

    private func yardstick(_ kind: String, _ value: Double, _ frame: ChartFrame) -> Markup {
        guard let y = frame.y(value) else { return "" }
        return """
            <line class="line \(kind)" x1="\(frame.left)" y1="\(y)" x2="\(frame.right)" y2="\(y)"/>
            """
    }

    /// The line, interrupted where a round has no value, and a dot for each round.
    private func progress(_ values: [Double], _ frame: ChartFrame) -> Markup {
        var path = ""
        var marks: [Markup] = []
        var isDrawing = false
        for (index, value) in values.enumerated() {
            guard let y = frame.y(value) else {
                marks.append(frame.missing(index))
                isDrawing = false
                continue
            }
            let x = frame.middle(index)
            path += "\(isDrawing ? "L" : "M")\(ReportNumber.coordinate(x)) \(ReportNumber.coordinate(y))"
            isDrawing = true
            let radius = values.count > 24 ? 2.5 : 4
            marks.append("<circle class=\"dot\" cx=\"\(x)\" cy=\"\(y)\" r=\"\(radius)\"/>")
        }
        return "<path class=\"line concord\" d=\"\(path)\"/>" + Markup(marks)
    }

    /// The names at the right, moved apart where lines end close together; on a narrow page the value stands below.
    private func names(_ frame: ChartFrame) -> Markup {
        let isWide = frame.width == .wide
        var ends: [(kind: String, name: String, value: Double, x: Double, y: Double)] = []
        let last = result.rounds.enumerated().last { frame.y($0.element.utility) != nil }
        if let last, let y = frame.y(last.element.utility) {
            ends.append(("concord", "Concord", last.element.utility, frame.middle(last.offset) + 6, y))
        }
        for (kind, name, value) in [
            ("central", isWide ? "Central, not private" : "Central", result.utility.central),
            ("popularity", "Popularity", result.utility.popularity),
        ] {
            if let y = frame.y(value) { ends.append((kind, name, value, frame.right, y)) }
        }
        let decimals = ReportNumber.decimals(for: ends.map(\.value), significant: 3)
        let places = ChartFrame.apart(ends.map(\.y), by: isWide ? 18 : 36, in: frame.top...frame.bottom)
        let x = frame.right + 12
        return Markup(
            zip(ends, places).map { end, place in
                let value = ReportNumber.decimal(end.value, decimals)
                let name: Markup =
                    isWide
                    ? """
                    <text class="label-\(end.kind)" x="\(x)" y="\(place + 4.5)">\(end.name) \(value)</text>
                    """
                    : """
                    <text class="label-\(end.kind)"><tspan x="\(x)" y="\(place + 4.5)">\(end.name)</tspan>
                    <tspan x="\(x)" y="\(place + 20)">\(value)</tspan></text>
                    """
                return """
                    <path class="leader" fill="none" \
                    d="M\(end.x) \(end.y)L\(frame.right) \(end.y)L\(frame.right + 8) \(place)"/>
                    \(name)
                    """
            })
    }
}
