import SweepCore

/// How well one setting fits clean and poisoned samples after each epoch, with the epochs of
/// moderate fitting shaded.
struct StageChart {
    /// What a line shows; poisoned ones have the colour of the undefended, tests are dashed.
    enum Series: CaseIterable {
        case cleanFit, poisonedFit, cacc, asr, plainError

        var label: String {
            switch self {
            case .cleanFit: "clean training samples"
            case .poisonedFit: "poisoned training samples"
            case .cacc: "clean test samples (CACC)"
            case .asr: "triggered test samples (ASR)"
            case .plainError: "without trigger (p)"
            }
        }

        var isPoisoned: Bool { [.poisonedFit, .asr, .plainError].contains(self) }

        func value(_ metrics: EpochMetrics, of spec: TrainingSpec) -> Double? {
            let value =
                switch self {
                case .cleanFit: metrics.cleanFit?.accuracy
                case .poisonedFit: metrics.poisonedFit?.accuracy
                case .cacc: metrics.cacc
                case .asr: metrics.asr
                case .plainError: Judge.plainError(metrics, of: spec)
                }
            return value.flatMap { $0.isFinite ? $0 : nil }
        }

        var style: String { ChartStyle.name(of: isPoisoned ? 0 : 1) }
        var dash: String {
            switch self {
            case .cleanFit, .poisonedFit: ""
            case .cacc, .asr: "4 3"
            case .plainError: "1 3"
            }
        }
    }

    let title: String
    let subtitle: String
    let runs: [StagedRun]
    let window: Stages.Window

    private static let size = (width: 426.0, height: 226.0)
    private static let plot = (left: 36.0, top: 46.0, right: 418.0, bottom: 192.0)

    private var epochs: [Int] { distinct(runs.flatMap { $0.curve.map(\.epoch) }).sorted() }

    func svg() -> Markup {
        var content: [Markup] = [
            .element("text", ["x": "4", "y": "14", "class": "strong"], title),
            .element("text", ["x": "4", "y": "32", "class": "small faint"], subtitle),
            shade, grid,
        ]
        for series in Series.allCases { content.append(curve(series)) }
        content.append(
            .element(
                "text",
                [
                    "x": px((StageChart.plot.left + StageChart.plot.right) / 2),
                    "y": px(StageChart.size.height - 5), "class": "middle small faint",
                ], "epochs of training"))
        return .element(
            "svg",
            [
                "xmlns": "http://www.w3.org/2000/svg",
                "viewBox": "0 0 \(px(StageChart.size.width)) \(px(StageChart.size.height))",
                "width": px(StageChart.size.width), "height": px(StageChart.size.height),
                "role": "img", "aria-label": "Fit of \(title): \(subtitle)",
            ], Markup(content))
    }

    /// What the lines and the shade mean, once for all charts.
    static func legend(_ shown: [Series]) -> Markup {
        var content: [Markup] = []
        var x = 0.0
        for series in shown {
            content.append(
                .element(
                    "g", ["class": series.style],
                    .element(
                        "polyline",
                        [
                            "class": "curve", "points": "\(px(x)),10 \(px(x + 26)),10",
                            "stroke-dasharray": series.dash,
                        ])))
            content.append(.element("text", ["x": px(x + 32), "y": "14"], series.label))
            x += 48 + Double(series.label.count) * 6.6
        }
        content.append(
            .element(
                "rect", ["class": "window", "x": "0", "y": "24", "width": "26", "height": "14"]))
        content.append(
            .element("text", ["x": "32", "y": "35"], "moderate fitting: the epochs to stop in"))
        return .element(
            "svg",
            [
                "xmlns": "http://www.w3.org/2000/svg", "viewBox": "0 0 \(px(max(x, 320))) 42",
                "width": px(max(x, 320)), "height": "42", "role": "img", "aria-label": "Legend",
            ], Markup(content))
    }

    // MARK: Parts

    private func x(_ epoch: Double) -> Double {
        let (left, right) = (StageChart.plot.left + 10, StageChart.plot.right - 10)
        guard let first = epochs.first, let last = epochs.last, first < last else {
            return (left + right) / 2
        }
        let share = (epoch - Double(first)) / Double(last - first)
        return min(max(left + share * (right - left), left - 10), right + 10)
    }

    private func y(_ share: Double) -> Double {
        let (top, bottom) = (StageChart.plot.top, StageChart.plot.bottom)
        return bottom - min(max(share, 0), 1) * (bottom - top)
    }

    private var shade: Markup {
        let range: (Double, Double)
        switch window {
        case .none: return []
        case .closed(let epochs):
            range = (Double(epochs.lowerBound) - 0.5, Double(epochs.upperBound) + 0.5)
        case .open(let from): range = (Double(from) - 0.5, .infinity)
        }
        let left = x(range.0)
        return .element(
            "rect",
            [
                "class": "window", "x": px(left), "y": px(StageChart.plot.top),
                "width": px(x(range.1) - left),
                "height": px(StageChart.plot.bottom - StageChart.plot.top),
            ])
    }

    private var grid: Markup {
        var content: [Markup] = []
        for share in [0, 0.5, 1] {
            content.append(
                .element(
                    "line",
                    [
                        "x1": px(StageChart.plot.left), "x2": px(StageChart.plot.right),
                        "y1": px(y(share)), "y2": px(y(share)),
                        "class": share == 0 ? "base" : "grid",
                    ]))
            content.append(
                .element(
                    "text",
                    [
                        "x": px(StageChart.plot.left - 6), "y": px(y(share)), "dy": "0.35em",
                        "class": "end small faint",
                    ], "\(Int(share * 100))"))
        }
        var last = -Double.infinity
        for epoch in epochs where x(Double(epoch)) - last >= 22 {
            last = x(Double(epoch))
            content.append(
                .element(
                    "text",
                    [
                        "x": px(last), "y": px(StageChart.plot.bottom + 14),
                        "class": "middle small faint",
                    ], "\(epoch)"))
        }
        return .element("g", [:], Markup(content))
    }

    private func curve(_ series: Series) -> Markup {
        var places: [String] = []
        var marks: [Markup] = []
        for epoch in epochs {
            let values = runs.compactMap { run in
                run.curve.first { $0.epoch == epoch }.flatMap { series.value($0, of: run.spec) }
            }
            guard let statistic = Statistic(values) else { continue }
            let place = (x: x(Double(epoch)), y: y(statistic.mean))
            places.append("\(px(place.x)),\(px(place.y))")
            let text = "\(series.label), epoch \(epoch): \(percentage(statistic))"
            marks.append(
                .element(
                    "circle", ["cx": px(place.x), "cy": px(place.y), "r": "2.6"],
                    .element("title", [:], text)))
        }
        guard !places.isEmpty else { return [] }
        let line: Markup = .element(
            "polyline",
            [
                "class": "curve", "points": places.joined(separator: " "),
                "stroke-dasharray": series.dash,
            ])
        return .element(
            "g", ["class": series.style],
            [line, .element("g", ["class": "marks"], Markup(marks))])
    }
}
