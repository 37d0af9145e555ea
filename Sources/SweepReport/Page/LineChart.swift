import SweepCore

/// One line of a chart: a capacity and a learning rate over the epochs, under one attack.
struct ChartLine {
    struct Value {
        var epoch: Int
        var cacc: Statistic
        var asr: Statistic?
        /// The plain error rate; `nil` without an attack.
        var plainError: Statistic?
    }

    var label: String
    /// In order of epochs; never empty.
    var values: [Value]
    /// Its place in the sweep's order, which gives it its colour; 0 is the undefended one.
    var index: Int
}

/// ASR and CACC over epochs, one above the other, with each line's label at its end.
struct LineChart {
    let lines: [ChartLine]
    let epochs: [Int]

    static let width = 900.0
    private static let left = 52.0
    private static let labelGap = 16.5

    /// The end of the plot: the longest label decides, and the plot keeps half of the width.
    private var right: Double {
        let longest = lines.map { label(of: $0).count }.max() ?? 0
        return min(max(LineChart.width - 34 - Double(longest + 6) * 7.3, 440), 640)
    }

    private var hasASR: Bool { lines.contains { $0.values.contains { $0.asr != nil } } }

    /// What a panel shows of a line.
    private struct Panel {
        var title: String
        var value: (ChartLine.Value) -> Statistic?
        /// What a dotted line shows beside it.
        var beside: (ChartLine.Value) -> Statistic? = { _ in nil }
        /// Shares at the bottom and the top.
        var range: ClosedRange<Double>
        var height: Double
    }

    /// The drawing, without its outer element, and its height.
    func draw() -> (content: Markup, height: Double) {
        let least = Double(lines.count) * LineChart.labelGap + 8
        var panels: [Panel] = []
        if hasASR {
            panels.append(
                Panel(
                    title: "ASR: triggered samples classified as the attacker wants, %; "
                        + "dotted: without the trigger (p)",
                    value: \.asr, beside: \.plainError, range: 0...1, height: max(250, least)))
        }
        panels.append(
            Panel(
                title: "CACC: accuracy on clean samples, %", value: \.cacc, range: caccRange,
                height: max(hasASR ? 180 : 250, least)))
        var content: [Markup] = []
        var top = 8.0
        for panel in panels {
            content.append(draw(panel, top: top + 34))
            top += 34 + panel.height + 42
        }
        content.append(
            .element(
                "text",
                [
                    "x": px((LineChart.left + right) / 2), "y": px(top - 6),
                    "class": "middle faint",
                ], "epochs of training"))
        return (Markup(content), top + 6)
    }

    /// Whole tenths around all values, at least three of them.
    private var caccRange: ClosedRange<Double> {
        let means = lines.flatMap(\.values).flatMap { value in
            let interval = value.cacc.interval
            return [interval?.lowerBound, interval?.upperBound].map { $0 ?? value.cacc.mean }
        }.filter(\.isFinite)
        let high = min(1, (((means.max() ?? 1) + 0.005) * 10).rounded(.up) / 10)
        let low = max(0, (((means.min() ?? 0) - 0.005) * 10).rounded(.down) / 10)
        return max(0, min(low, high - 0.3))...high
    }

    private func draw(_ panel: Panel, top: Double) -> Markup {
        var content: [Markup] = [
            .element("text", ["x": px(4), "y": px(top - 18), "class": "title"], panel.title)
        ]
        content.append(grid(panel, top: top))
        // The undefended line lies on top.
        for line in lines.sorted(by: { $0.index > $1.index }) {
            content.append(curve(line, panel, top: top))
        }
        content.append(labels(panel, top: top))
        return .element("g", [:], Markup(content))
    }

    // MARK: Scales

    private func x(_ epoch: Int) -> Double {
        guard let first = epochs.first, let last = epochs.last, first < last else {
            return right - 14
        }
        let share = Double(epoch - first) / Double(last - first)
        return LineChart.left + 14 + share * (right - LineChart.left - 28)
    }

    private func y(_ share: Double, _ panel: Panel, top: Double) -> Double {
        let part =
            (share - panel.range.lowerBound) / (panel.range.upperBound - panel.range.lowerBound)
        return top + panel.height * (1 - min(max(part, 0), 1))
    }

    private func grid(_ panel: Panel, top: Double) -> Markup {
        var content: [Markup] = []
        let span = panel.range.upperBound - panel.range.lowerBound
        let step = span > 0.6 ? 0.2 : 0.1
        var share = panel.range.lowerBound
        while share <= panel.range.upperBound + 1e-9 {
            let height = px(y(share, panel, top: top))
            let isBase = share == panel.range.lowerBound
            content.append(
                .element(
                    "line",
                    [
                        "x1": px(LineChart.left), "x2": px(right), "y1": height,
                        "y2": height, "class": isBase ? "base" : "grid",
                    ]))
            content.append(
                .element(
                    "text",
                    [
                        "x": px(LineChart.left - 8), "y": height, "dy": "0.35em",
                        "class": "end small faint",
                    ], "\(Int((share * 100).rounded()))"))
            share += step
        }
        var lastTick = -Double.infinity
        for epoch in epochs where x(epoch) - lastTick >= 26 {
            lastTick = x(epoch)
            content.append(
                .element(
                    "text",
                    [
                        "x": px(lastTick), "y": px(top + panel.height + 18),
                        "class": "middle small faint",
                    ], "\(epoch)"))
        }
        return .element("g", [:], Markup(content))
    }

    // MARK: Lines

    private func curve(_ line: ChartLine, _ panel: Panel, top: Double) -> Markup {
        var places: [(x: Double, y: Double)] = []
        var spreads: [Markup] = []
        var marks: [Markup] = []
        for value in line.values {
            guard let statistic = panel.value(value), statistic.mean.isFinite else { continue }
            let place = (x: x(value.epoch), y: y(statistic.mean, panel, top: top))
            places.append(place)
            if let interval = statistic.interval {
                let low = y(interval.lowerBound, panel, top: top)
                let high = y(interval.upperBound, panel, top: top)
                spreads.append(
                    .element(
                        "path",
                        [
                            "class": "spread",
                            "d": "M\(px(place.x)),\(px(low)) V\(px(high)) "
                                + "M\(px(place.x - 3)),\(px(low)) h6 "
                                + "M\(px(place.x - 3)),\(px(high)) h6",
                        ]))
            }
            marks.append(
                ChartStyle.marker(
                    line.index, x: place.x, y: place.y, tooltip: tooltip(line, value)))
        }
        let path = places.map { "\(px($0.x)),\(px($0.y))" }.joined(separator: " ")
        let beside = line.values.compactMap { value in
            panel.beside(value).flatMap { $0.mean.isFinite ? $0.mean : nil }.map {
                "\(px(x(value.epoch))),\(px(y($0, panel, top: top)))"
            }
        }
        var content = spreads
        if beside.count > 1 {
            content.append(
                .element(
                    "polyline",
                    ["class": "curve plain", "points": beside.joined(separator: " ")]))
        }
        if places.count > 1 {
            content.append(
                .element(
                    "polyline",
                    [
                        "class": "curve", "points": path,
                        "stroke-dasharray": ChartStyle.dash(of: line.index),
                    ]))
        }
        content.append(.element("g", ["class": "marks"], Markup(marks)))
        return .element("g", ["class": names(line)], Markup(content))
    }

    private func names(_ line: ChartLine) -> String {
        ChartStyle.name(of: line.index) + (line.index == 0 ? " thick" : "")
    }

    private func tooltip(_ line: ChartLine, _ value: ChartLine.Value) -> String {
        let asr = value.asr.map { "ASR \(percentage($0)), " } ?? ""
        let plain = value.plainError.map { ", p \(percentage($0))" } ?? ""
        let cacc = "CACC \(percentage(value.cacc))"
        return "\(line.label), \(counted(value.epoch, "epoch")): \(asr)\(cacc)\(plain)"
    }

    /// At the right of the panel, each as near to its line's end as the others let it be.
    private func labels(_ panel: Panel, top: Double) -> Markup {
        var ends: [(line: ChartLine, share: Double, x: Double, y: Double)] = []
        for line in lines {
            let shown = line.values.last { panel.value($0)?.mean.isFinite ?? false }
            guard let shown, let share = panel.value(shown)?.mean else { continue }
            ends.append((line, share, x(shown.epoch), y(share, panel, top: top)))
        }
        ends.sort { ($0.y, $0.line.index) < ($1.y, $1.line.index) }
        let heights = spread(
            ends.map(\.y), gap: LineChart.labelGap, range: (top + 4)...(top + panel.height - 2))
        let content = zip(ends, heights).map { end, height in
            let start = right + 26
            let leader =
                "M\(px(end.x + 8)),\(px(end.y)) H\(px(right + 4)) "
                + "L\(px(start - 5)),\(px(height))"
            let value: Markup = .element("tspan", ["class": "strong"], percent(end.share))
            return Markup.element(
                "g", ["class": names(end.line)],
                [
                    .element("path", ["class": "leader", "d": leader]),
                    .element(
                        "text", ["x": px(start), "y": px(height), "dy": "0.35em"],
                        [value, .text("\u{2002}" + label(of: end.line))]),
                ])
        }
        return Markup(content)
    }

    private func label(of line: ChartLine) -> String {
        let label = line.label.count > 54 ? line.label.prefix(53) + "…" : line.label
        return line.index == 0 && hasASR ? label + " (undefended)" : label
    }
}

/// Heights at least `gap` apart and within `range`, in the order of `wanted`, which is sorted.
func spread(_ wanted: [Double], gap: Double, range: ClosedRange<Double>) -> [Double] {
    var heights = wanted
    for index in heights.indices {
        let least = index == 0 ? range.lowerBound : heights[index - 1] + gap
        heights[index] = max(heights[index], least)
    }
    for index in heights.indices.reversed() {
        let most = index == heights.count - 1 ? range.upperBound : heights[index + 1] - gap
        heights[index] = min(heights[index], most)
    }
    return heights
}
