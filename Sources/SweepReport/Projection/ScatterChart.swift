/// A projection as points: clean ones of other labels, clean ones of the target, triggered ones.
struct ScatterChart {
    /// What points have in common, with a colour and a shape of its own.
    private enum Group: Int, CaseIterable {
        case clean, target, poisoned, triggered

        init(_ kind: HiddenStates.Kind, label: Int, target: Int?) {
            switch kind {
            case .clean: self = label == target ? .target : .clean
            case .triggered: self = .triggered
            case .poisoned: self = .poisoned
            }
        }

        func name(target: Int?) -> String {
            switch self {
            case .clean: target == nil ? "clean" : "clean, other labels"
            case .target: "clean, target label \(target ?? 0)"
            case .poisoned: "poisoned, training"
            case .triggered: "triggered"
            }
        }

        /// Which of the chart's lines has this colour and this marker; the attacker's is red.
        var style: (colour: Int, marker: Int) {
            switch self {
            case .clean: (1, 0)
            case .target: (2, 1)
            case .poisoned: (3, 3)
            case .triggered: (0, 2)
            }
        }
    }

    private let projection: Projection
    private static let side = 560.0
    private static let top = 64.0
    private static let left = 40.0
    private static let width = 860.0

    init(_ projection: Projection) { self.projection = projection }

    var svg: Markup {
        let height = ScatterChart.top + ScatterChart.side + 44
        let states = projection.states
        let title = "Run \(states.run), epoch \(states.epoch): \(projection.method.title)"
        let size = (width: px(ScatterChart.width), height: px(height))
        return .element(
            "svg",
            [
                "xmlns": "http://www.w3.org/2000/svg",
                "viewBox": "0 0 \(size.width) \(size.height)", "width": size.width,
                "height": size.height, "role": "img", "aria-label": title,
            ],
            [
                .style(ChartStyle.sheet + "svg .dots { opacity: 0.72; }\n"),
                .element(
                    "rect", ["class": "ground", "width": size.width, "height": size.height]),
                .element("text", ["x": "16", "y": "26", "class": "title"], title),
                .element("text", ["x": "16", "y": "46", "class": "faint"], subtitle),
                frame, dots, legend,
            ])
    }

    private var subtitle: String {
        switch projection.method {
        case .pca: "What the classifier sees, on the two directions of most variance"
        case .tsne:
            "What the classifier sees; near stays near, distances between groups mean little"
        }
    }

    // MARK: Parts

    private var frame: Markup {
        let (left, top, side) = (ScatterChart.left, ScatterChart.top, ScatterChart.side)
        var content: [Markup] = [
            .element(
                "path",
                [
                    "class": "grid", "style": "fill: none",
                    "d": "M\(px(left)),\(px(top)) h\(px(side)) v\(px(side)) h-\(px(side)) Z",
                ])
        ]
        let bottom = top + side + 22
        switch projection.figures {
        case .shares(let first, let second):
            content.append(
                text(
                    "component 1: \(percent(first)) % of the variance", x: left + side / 2,
                    y: bottom))
            let (x, y) = (px(left - 14), px(top + side / 2))
            content.append(
                .element(
                    "text",
                    [
                        "x": x, "y": y, "class": "middle faint",
                        "transform": "rotate(-90 \(x) \(y))",
                    ], "component 2: \(percent(second)) %"))
        case .divergence:
            content.append(text(projection.summary, x: left + side / 2, y: bottom))
        }
        return .element("g", [:], Markup(content))
    }

    private func text(_ text: String, x: Double, y: Double) -> Markup {
        .element("text", ["x": px(x), "y": px(y), "class": "middle faint"], text)
    }

    private var dots: Markup {
        let points = projection.points
        let rows = 0..<points.rows
        let xs = rows.map { points[$0, 0] }
        let ys = rows.map { points[$0, 1] }
        let middle = (x: center(xs), y: center(ys))
        // Both axes have one scale.
        let span = max(extent(xs), extent(ys), 1e-300)
        let scale = (ScatterChart.side - 36) / span
        var groups: [Group: [Markup]] = [:]
        for row in rows {
            let group = group(of: row)
            groups[group, default: []].append(
                ChartStyle.marker(
                    group.style.marker,
                    x: ScatterChart.left + ScatterChart.side / 2 + (xs[row] - middle.x) * scale,
                    y: ScatterChart.top + ScatterChart.side / 2 - (ys[row] - middle.y) * scale,
                    size: 2.6))
        }
        return Markup(
            Group.allCases.compactMap { group in
                groups[group].map { marks in
                    .element(
                        "g", ["class": ChartStyle.name(of: group.style.colour)],
                        .element("g", ["class": "marks dots"], Markup(marks)))
                }
            })
    }

    private var legend: Markup {
        let states = projection.states
        let counts = Dictionary(grouping: 0..<states.rows, by: group(of:)).mapValues(\.count)
        let left = ScatterChart.left + ScatterChart.side + 24
        var content: [Markup] = []
        var y = ScatterChart.top + 12
        for group in Group.allCases {
            guard let count = counts[group] else { continue }
            content.append(
                .element(
                    "g", ["class": ChartStyle.name(of: group.style.colour)],
                    .element(
                        "g", ["class": "marks"],
                        ChartStyle.marker(group.style.marker, x: left, y: y, size: 4.5))))
            content.append(
                .element(
                    "text", ["x": px(left + 14), "y": px(y), "dy": "0.35em"],
                    [
                        .text(group.name(target: states.target) + " "),
                        .element("tspan", ["class": "strong"], "\(count)"),
                    ]))
            y += 22
        }
        return .element("g", [:], Markup(content))
    }

    private func group(of row: Int) -> Group {
        let states = projection.states
        return Group(states.kinds[row], label: states.labels[row], target: states.target)
    }

    private func center(_ values: [Double]) -> Double {
        ((values.min() ?? 0) + (values.max() ?? 0)) / 2
    }

    private func extent(_ values: [Double]) -> Double {
        (values.max() ?? 0) - (values.min() ?? 0)
    }
}
