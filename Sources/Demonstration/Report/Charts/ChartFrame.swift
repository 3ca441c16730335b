// What charts over rounds have in common: the plot, a value axis with hairlines, one band a round, and the element around
// it. Every chart is drawn twice, for a wide page and for a narrow one, because text in a drawing shrinks with it; the style
// sheet shows one of the two.

/// Which page a drawing is made for.
enum ChartWidth: String, CaseIterable {
    case wide
    case narrow

    /// The two drawings of one chart.
    static func both(_ draw: (ChartWidth) -> Markup) -> [Markup] { allCases.map(draw) }
}

/// The plot of a chart over rounds, in CSS pixels from the upper left corner.
struct ChartFrame {
    let width: ChartWidth
    let size: (width: Double, height: Double)
    let left: Double
    let right: Double
    let top: Double
    let bottom: Double
    let scale: ChartScale
    /// Numbers of the rounds, in the order of the bands.
    let rounds: [Int]

    /// - Parameter labelRoom: what names of lines take at their right end, on either page.
    init(
        _ width: ChartWidth, rounds: [Int], values: [Double], includesZero: Bool = true, leastStep: Double = 0,
        labelRoom: (wide: Double, narrow: Double) = (4, 4)
    ) {
        self.width = width
        let isWide = width == .wide
        size = isWide ? (760, 320) : (320, 260)
        left = isWide ? 48 : 44
        right = size.width - (isWide ? labelRoom.wide : labelRoom.narrow)
        top = 28
        bottom = size.height - 48
        scale = ChartScale(
            values: values, includesZero: includesZero, tickCount: isWide ? 5 : 4,
            leastStep: leastStep)
        self.rounds = rounds
    }

    /// Width of one round's band.
    var band: Double { (right - left) / Double(max(1, rounds.count)) }
    /// Width of one round's bar.
    var bar: Double { min(40, band * 0.64) }
    /// Middle of a band.
    func middle(_ index: Int) -> Double { left + (Double(index) + 0.5) * band }
    /// Height of a value above the axis, as a coordinate; `nil` if it cannot be drawn.
    func y(_ value: Double) -> Double? { scale.place(value, from: bottom, to: top) }

    /// Hairlines, values, the line at the bottom, and the rounds below it.
    func axes(unit: String) -> Markup {
        let hairlines = scale.ticks.compactMap { tick -> Markup? in
            guard let y = y(tick) else { return nil }
            return """
                <line class="grid" x1="\(left)" y1="\(y)" x2="\(right)" y2="\(y)"/>
                <text x="\(left - 8)" y="\(y + 4.5)" text-anchor="end">\(ReportNumber.decimal(tick, scale.decimals))</text>
                """
        }
        let longest = rounds.map { ReportNumber.count($0).count }.max() ?? 1
        let capacity = max(1, Int((right - left) / (Double(longest) * 8 + 14)))
        let stride = [1, 2, 5, 10, 20, 25, 50, 100, 200, 500].first { rounds.count <= capacity * $0 } ?? rounds.count
        let names = rounds.enumerated().compactMap { index, round -> Markup? in
            let isNamed = index == 0 ? stride == 1 || stride > 2 : (index + 1).isMultiple(of: stride)
            guard isNamed || rounds.count == 1 else { return nil }
            return """
                <text x="\(middle(index))" y="\(bottom + 20)" text-anchor="middle">\(ReportNumber.count(round))</text>
                """
        }
        return """
            \(hairlines)
            <line class="base" x1="\(left)" y1="\(bottom)" x2="\(right)" y2="\(bottom)"/>
            \(names)
            <text x="\((left + right) / 2)" y="\(bottom + 42)" text-anchor="middle">Round</text>
            <text x="0" y="12">\(unit)</text>
            """
    }

    /// A question mark where a round has no value that can be drawn.
    func missing(_ index: Int) -> Markup {
        """
        <text class="strong" x="\(middle(index))" y="\(bottom - 6)" text-anchor="middle">?</text>
        """
    }

    /// The element around the drawing, with a name and a description for those who do not see it.
    func element(id: String, title: String, description: String, _ drawing: [Markup]) -> Markup {
        ChartFrame.element(width, size: size, id: id, title: title, description: description, drawing)
    }

    /// The element around any drawing.
    static func element(
        _ width: ChartWidth, size: (width: Double, height: Double), id: String, title: String, description: String,
        _ drawing: [Markup]
    ) -> Markup {
        let name = "\(id)-\(width.rawValue)"
        return """
            <svg class="chart \(width.rawValue)" viewBox="0 0 \(size.width) \(size.height)" role="img" \
            aria-labelledby="\(name)-title" aria-describedby="\(name)-desc">
            <title id="\(name)-title">\(title)</title>
            <desc id="\(name)-desc">\(description)</desc>
            \(drawing)
            </svg>
            """
    }

    /// Places as close to the wanted ones as a least distance between neighbours allows.
    static func apart(_ wanted: [Double], by distance: Double, in range: ClosedRange<Double>) -> [Double] {
        let order = wanted.indices.sorted { wanted[$0] < wanted[$1] }
        var places = wanted
        for (earlier, later) in zip(order, order.dropFirst()) {
            places[later] = max(places[later], places[earlier] + distance)
        }
        guard let lowest = order.last, places[lowest] > range.upperBound else { return places }
        places[lowest] = range.upperBound
        for (later, earlier) in zip(order.reversed(), order.reversed().dropFirst()) {
            places[earlier] = min(places[earlier], places[later] - distance)
        }
        return places
    }
}
