import SweepCore

/// Capacity down, learning rate across, the verdict as colour, both figures in each cell.
struct HeatMap {
    let capacities: [Capacity]
    let learningRates: [Double]
    private let results: [Place: SettingResult]

    private struct Place: Hashable {
        let capacity: Capacity
        let rate: Double
    }

    /// - Parameter settings: those of one attack at the last epoch.
    init(capacities: [Capacity], learningRates: [Double], settings: [SettingResult]) {
        self.capacities = capacities
        self.learningRates = learningRates
        results = Dictionary(
            settings.map {
                (Place(capacity: $0.setting.capacity, rate: $0.setting.learningRate), $0)
            }, uniquingKeysWith: { first, _ in first })
    }

    private static let cell = (width: 132.0, height: 52.0)
    private static let gap = 3.0

    /// Room for the longest label.
    private var left: Double {
        let longest = capacities.map(\.label.count).max() ?? 0
        return min(30 + Double(longest) * 7.3, 320)
    }

    func svg(label: String) -> Markup {
        let top = 46.0
        let width = left + Double(learningRates.count) * (HeatMap.cell.width + HeatMap.gap)
        let height = top + Double(capacities.count) * (HeatMap.cell.height + HeatMap.gap) + 4
        var content: [Markup] = [
            .element(
                "text",
                ["x": px((left + width) / 2), "y": "14", "class": "middle faint small"],
                "learning rate")
        ]
        for (column, rate) in learningRates.enumerated() {
            let middle = left + (Double(column) + 0.5) * (HeatMap.cell.width + HeatMap.gap)
            content.append(
                .element(
                    "text", ["x": px(middle), "y": "36", "class": "middle"], scientific(rate)))
        }
        for (row, capacity) in capacities.enumerated() {
            let y = top + Double(row) * (HeatMap.cell.height + HeatMap.gap)
            let name = capacity.label
            content.append(
                .element(
                    "text",
                    [
                        "x": px(left - 12), "y": px(y + HeatMap.cell.height / 2),
                        "dy": "0.35em", "class": "end",
                    ], name.count > 39 ? name.prefix(38) + "…" : name))
            for (column, rate) in learningRates.enumerated() {
                let x = left + Double(column) * (HeatMap.cell.width + HeatMap.gap)
                content.append(cell(capacity, rate, x: x, y: y))
            }
        }
        return .element(
            "svg",
            [
                "xmlns": "http://www.w3.org/2000/svg", "viewBox": "0 0 \(px(width)) \(px(height))",
                "width": px(width), "height": px(height), "role": "img", "aria-label": label,
            ], Markup(content))
    }

    private func cell(_ capacity: Capacity, _ rate: Double, x: Double, y: Double) -> Markup {
        let result = results[Place(capacity: capacity, rate: rate)]
        let verdict = result.flatMap(\.verdict)
        let ground = HeatMap.colour(verdict)
        var tooltip = "\(capacity.label), learning rate \(scientific(rate))"
        var content: [Markup] = []
        func line(_ text: String, _ dy: Double, _ name: String) {
            var fill = ""
            if let ground { fill = "fill: \(ground.isDark ? "#ffffff" : "#1c2024")" }
            content.append(
                .element(
                    "text",
                    [
                        "x": px(x + HeatMap.cell.width / 2), "y": px(y + dy),
                        "class": "middle \(name)", "style": fill,
                    ], text))
        }
        if let result, let cacc = result.cacc {
            if let asr = result.asr {
                line(
                    "ASR \(percent(asr.mean))", 22,
                    verdict == .notLearnt ? "faint small" : "strong")
                tooltip += ": ASR \(percentage(asr))"
            }
            line("CACC \(percent(cacc.mean))", result.asr == nil ? 31 : 40, "small")
            tooltip += ", CACC \(percentage(cacc))"
            if let verdict { tooltip += ", \(verdict.label)" }
        } else {
            line(result?.remark ?? "not in the grid", 31, "small")
        }
        let box: Markup = .element(
            "rect",
            [
                "x": px(x), "y": px(y), "width": px(HeatMap.cell.width),
                "height": px(HeatMap.cell.height), "rx": "4", "class": "none",
                "style": ground.map { "fill: \($0.colour)" } ?? "",
            ], .element("title", [:], tooltip))
        return .element("g", [:], Markup([box] + content))
    }

    /// `nil`: the grey of what says nothing.
    private static func colour(_ verdict: Verdict?) -> (colour: String, isDark: Bool)? {
        switch verdict {
        case .keptOut: ("#bedbf0", false)
        case .unclear: ("#efd9a7", false)
        case .backdoorLearnt: ("#a50f28", true)
        case .notLearnt, nil: nil
        }
    }
}
