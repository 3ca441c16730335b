// Privacy budget spent, as steps: it only ever rises, and it rises at a round. The cap is a line across, with its value.

/// The step chart of ε.
struct BudgetChart {
    private let result: DemonstrationResult

    init(_ result: DemonstrationResult) { self.result = result }

    /// Both drawings.
    func markup(description: String) -> [Markup] {
        ChartWidth.both { draw($0, description: description) }
    }

    private func draw(_ width: ChartWidth, description: String) -> Markup {
        let values = result.rounds.map(\.epsilon)
        let frame = ChartFrame(
            width, rounds: result.rounds.map(\.round), values: values + [result.epsilonCap],
            labelRoom: (108, 56))
        return frame.element(
            id: "budget", title: "Privacy budget spent after each round", description: description,
            [frame.axes(unit: "ε spent"), steps(values, frame), cap(frame), names(values, frame)])
    }

    /// The steps and the ground under them, interrupted where a round has no value.
    private func steps(_ values: [Double], _ frame: ChartFrame) -> Markup {
        var ground = ""
        var edge = ""
        var marks: [Markup] = []
        var isDrawing = false
        let bottom = ReportNumber.coordinate(frame.bottom)
        for (index, value) in values.enumerated() {
            guard let y = frame.y(value) else {
                marks.append(frame.missing(index))
                if isDrawing { ground += "V\(bottom)Z" }
                isDrawing = false
                continue
            }
            let start = frame.left + Double(index) * frame.band
            let step = "V\(ReportNumber.coordinate(y))H\(ReportNumber.coordinate(start + frame.band))"
            if !isDrawing {
                ground += "M\(ReportNumber.coordinate(start)) \(bottom)"
                edge += "M\(ReportNumber.coordinate(start)) \(bottom)"
            }
            ground += step
            edge += step
            isDrawing = true
        }
        if isDrawing { ground += "V\(bottom)Z" }
        return """
            <path class="area" d="\(ground)"/>
            <path class="line concord" d="\(edge)"/>
            \(marks)
            """
    }

    private func cap(_ frame: ChartFrame) -> Markup {
        guard let y = frame.y(result.epsilonCap) else { return "" }
        return """
            <line class="cap" x1="\(frame.left)" y1="\(y)" x2="\(frame.right)" y2="\(y)"/>
            """
    }

    /// The cap's value and the last step's, at their right ends.
    private func names(_ values: [Double], _ frame: ChartFrame) -> Markup {
        var ends: [(kind: String, text: String, y: Double)] = []
        if let y = frame.y(result.epsilonCap) {
            ends.append(("strong", "Cap \(ReportNumber.setting(result.epsilonCap))", y))
        }
        if let value = values.last, let y = frame.y(value) {
            let spent = ReportNumber.epsilon(value)
            ends.append(("label-concord", frame.width == .wide ? "Spent \(spent)" : spent, y))
        }
        let places = ChartFrame.apart(ends.map(\.y), by: 18, in: frame.top...frame.bottom)
        return Markup(
            zip(ends, places).map { end, place in
                """
                <text class="\(end.kind)" x="\(frame.right + 8)" y="\(place + 4.5)">\(end.text)</text>
                """
            })
    }
}
