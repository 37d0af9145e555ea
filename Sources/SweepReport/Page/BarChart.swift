import SweepCore

/// ASR and CACC as bars, for a sweep of a single number of epochs: there is nothing to join.
struct BarChart {
    let lines: [ChartLine]
    let epoch: Int

    private static let left = 270.0
    private static let length = 250.0
    private static let rowHeight = 26.0

    /// The drawing, without its outer element, and its height.
    func draw() -> (content: Markup, height: Double) {
        let hasASR = lines.contains { $0.values.contains { $0.asr != nil } }
        let second = BarChart.left + BarChart.length + 70
        var content: [Markup] = []
        if hasASR {
            content.append(title("ASR, %; tick: without the trigger (p)", x: BarChart.left))
        }
        content.append(title("CACC, %", x: hasASR ? second : BarChart.left))
        var top = 34.0
        for line in lines {
            guard let value = line.values.first else { continue }
            content.append(
                .element(
                    "text",
                    [
                        "x": px(BarChart.left - 12), "y": px(top + 9), "dy": "0.35em",
                        "class": "end",
                    ], line.label.count > 38 ? line.label.prefix(37) + "…" : line.label))
            if let asr = value.asr {
                content.append(bar(line, asr, x: BarChart.left, top: top, isASR: true))
                if let plain = value.plainError { content.append(tick(line, plain, top: top)) }
            }
            content.append(
                bar(line, value.cacc, x: hasASR ? second : BarChart.left, top: top, isASR: false))
            top += BarChart.rowHeight
        }
        content.append(
            .element(
                "text", ["x": px(BarChart.left), "y": px(top + 14), "class": "small faint"],
                "after \(counted(epoch, "epoch")) of training"))
        return (Markup(content), top + 26)
    }

    private func title(_ text: String, x: Double) -> Markup {
        .element("text", ["x": px(x), "y": "20", "class": "title"], text)
    }

    private func tick(_ line: ChartLine, _ plain: Statistic, top: Double) -> Markup {
        let share = plain.mean.isFinite ? min(max(plain.mean, 0), 1) : 0
        return .element(
            "path",
            [
                "class": "tick",
                "d": "M\(px(BarChart.left + share * BarChart.length)),\(px(top)) v18",
            ],
            .element("title", [:], "\(line.label): p \(percentage(plain))"))
    }

    private func bar(
        _ line: ChartLine, _ value: Statistic, x: Double, top: Double, isASR: Bool
    ) -> Markup {
        let share = value.mean.isFinite ? min(max(value.mean, 0), 1) : 0
        let tooltip = "\(line.label): \(isASR ? "ASR" : "CACC") \(percentage(value))"
        return [
            .element(
                "g", ["class": isASR ? ChartStyle.name(of: line.index) : ""],
                .element(
                    "rect",
                    [
                        "class": "bar", "x": px(x), "y": px(top), "rx": "2",
                        "width": px(max(share * BarChart.length, 1)), "height": "18",
                    ], .element("title", [:], tooltip))),
            .element(
                "text",
                ["x": px(x + share * BarChart.length + 6), "y": px(top + 9), "dy": "0.35em"],
                percent(value.mean)),
        ]
    }
}
