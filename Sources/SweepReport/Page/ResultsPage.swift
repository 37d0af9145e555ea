import SweepCore

/// The results of a sweep as one HTML file: nothing to fetch, no scripts, light and dark.
public struct ResultsPage {
    private let results: SweepResults
    private let settings: [SettingResult]
    private let axes: Axes
    private let findings: [Findings]

    public init(_ results: SweepResults) {
        self.results = results
        settings = results.settings
        axes = Axes(results)
        findings = results.findings(settings)
    }

    /// The whole page; also well-formed XML.
    public var html: String {
        let head: Markup = .element(
            "head", [:],
            [
                .element("meta", ["charset": "utf-8"]),
                .element(
                    "meta",
                    ["name": "viewport", "content": "width=device-width, initial-scale=1"]),
                .element("title", [:], mark + results.name),
                .style(PageStyle.sheet + ChartStyle.sheet),
            ])
        var sections: [Markup] = [banner, header]
        if !results.points.isEmpty {
            sections += findings.map(knobs)
            let stages = StageSection(
                summary: StageSummary(results, settings: settings, axes: axes), axes: axes,
                findings: findings)
            let classes = ClassSummary(settings: settings, axes: axes)
            sections += [
                charts, stages.markup, heatMaps, table, classes.markup, fixed,
                Origin(results).markup,
            ]
            sections.append(
                .element(
                    "footer", ["class": "faint"],
                    Markup(results.explanations.map { .element("p", [:], $0) })))
        }
        let page: Markup = .element(
            "html", ["lang": "en"],
            [head, .element("body", [:], .element("main", [:], Markup(sections)))])
        return "<!DOCTYPE html>\n" + page.source
    }

    /// The line chart of one attack as an SVG file of its own; `nil` if nothing is finished there.
    ///
    /// - Parameter group: which attack and poison ratio, counted from 0 in the order of the points.
    public static func chartSVG(_ results: SweepResults, group: Int = 0) -> String? {
        let page = ResultsPage(results)
        guard page.findings.indices.contains(group) else { return nil }
        return page.chart(of: page.findings[group].group, isFile: true)?.source
    }

    // MARK: Header and findings

    private var mark: String { results.isFake ? Origin.warning + ": " : "" }

    private var banner: Markup {
        results.isFake ? .element("p", ["class": "fake"], Origin.warning) : []
    }

    private var header: Markup {
        let lead = findings.first { $0.group.attack != .none } ?? findings.first
        let headline = lead.map { findings.count > 1 ? titled($0) : $0.headline }
        return .element(
            "header", [:],
            [
                .element("p", ["class": "kicker"], "Sweep \(results.name)"),
                .element("h1", [:], unbroken(headline ?? "This sweep has no points.")),
                .element("p", ["class": "faint"], results.progress),
            ])
    }

    /// A card for each knob.
    private func knobs(_ finding: Findings) -> Markup {
        guard let undefended = finding.undefended, !finding.knobs.isEmpty else {
            return findings.count > 1 ? named(finding, .element("p", [:], finding.headline)) : []
        }
        let start = card(
            "Undefended", title(of: undefended.setting), undefended, verdict: "learns the backdoor")
        let cards = finding.knobs.map { knob in
            let verdict =
                switch knob.best.verdict {
                case .keptOut: "keeps it out at \(percent(knob.best.cost)) points of CACC"
                case .backdoorLearnt: "is not enough"
                case .unclear, .notLearnt: knob.best.verdict.label
                }
            return card(
                knob.kind.title,
                "\(knob.kind.value(in: knob.best.setting)) instead of "
                    + knob.kind.value(in: undefended.setting), knob.best, verdict: verdict)
        }
        return named(finding, .element("div", ["class": "cards"], Markup([start] + cards)))
    }

    private func titled(_ finding: Findings) -> String {
        "\(sentenceCase(axes.label(of: finding.group))): \(finding.headline)"
    }

    private func named(_ finding: Findings, _ content: Markup) -> Markup {
        let title: Markup =
            findings.count > 1
            ? .element("h2", [:], sentenceCase(axes.label(of: finding.group))) : []
        return .element("section", [:], [title, content])
    }

    private func title(of setting: Setting) -> String {
        "\(setting.capacity.label), \(counted(setting.epochs, "epoch")), "
            + "lr \(scientific(setting.learningRate))"
    }

    private func card(
        _ title: String, _ value: String, _ figures: Findings.Measured, verdict: String
    ) -> Markup {
        .element(
            "div", ["class": "card \(figures.verdict.word)"],
            [
                .element("p", ["class": "kicker"], title),
                .element("p", ["class": "value"], unbroken(value)),
                .element(
                    "p", ["class": "figures"],
                    [
                        .element("span", [:], "ASR \(percentage(figures.asr))"),
                        .element("span", [:], "CACC \(percentage(figures.cacc))"),
                    ]),
                .element("p", ["class": "verdict"], verdict),
            ])
    }

    // MARK: Charts

    private var charts: Markup {
        let figures = findings.compactMap { finding in
            chart(of: finding.group, isFile: false).map { figure(finding, $0) }
        }
        guard !figures.isEmpty else { return [] }
        let hasCurves = findings.contains { finding in
            chartLines(of: finding.group).contains { $0.values.count > 1 }
        }
        return .element(
            "section", [:],
            Markup(
                [
                    .element("h2", [:], hasCurves ? "Epoch by epoch" : "Setting by setting"),
                    .element(
                        "p", ["class": "faint"],
                        "ASR should stay low, CACC should be high. A model that ignores the "
                            + "trigger still shows some ASR: its plain errors on those samples, p."
                    ),
                ] + figures))
    }

    private func figure(_ finding: Findings, _ drawing: Markup) -> Markup {
        let caption: Markup =
            findings.count > 1
            ? .element("figcaption", [:], sentenceCase(axes.label(of: finding.group))) : []
        return .element("figure", [:], [caption, drawing])
    }

    private func chart(of group: Group, isFile: Bool) -> Markup? {
        let lines = chartLines(of: group)
        guard !lines.isEmpty else { return nil }
        let epochs = distinct(lines.flatMap { $0.values.map(\.epoch) }).sorted()
        let (content, height) =
            epochs.count == 1
            ? BarChart(lines: lines, epoch: epochs[0]).draw()
            : LineChart(lines: lines, epochs: epochs).draw()
        let size = (width: px(LineChart.width), height: px(height))
        let ground: Markup = .element(
            "rect", ["class": "ground", "width": size.width, "height": size.height])
        return .element(
            "svg",
            [
                "xmlns": "http://www.w3.org/2000/svg",
                "viewBox": "0 0 \(size.width) \(size.height)", "width": size.width,
                "height": size.height, "role": "img",
                "aria-label":
                    "\(mark)ASR and CACC of sweep \(results.name), \(axes.label(of: group))",
            ],
            isFile
                ? [.style(ChartStyle.sheet), ground, content, stamp(height: height)]
                : [content, stamp(height: height)])
    }

    /// In the corner of a chart, also where that is a file of its own.
    private func stamp(height: Double) -> Markup {
        results.isFake
            ? .element(
                "text",
                ["x": px(LineChart.width - 4), "y": px(height - 6), "class": "end strong"],
                Origin.warning) : []
    }

    private func chartLines(of group: Group) -> [ChartLine] {
        // The undefended line comes first, which gives it its colour and its name.
        let strong = findings.first { $0.group == group }?.undefended?.setting
        var pairs = results.capacities.flatMap { capacity in
            results.learningRates.map { (capacity, $0) }
        }
        if let strong,
            let place = pairs.firstIndex(where: { $0 == (strong.capacity, strong.learningRate) })
        {
            pairs.insert(pairs.remove(at: place), at: 0)
        }
        var lines: [ChartLine] = []
        var index = strong == nil ? 1 : 0
        for (capacity, rate) in pairs {
            let own = settings.filter {
                $0.setting.group == group && $0.setting.capacity == capacity
                    && $0.setting.learningRate == rate
            }
            let values = own.count == 1 ? curve(of: own[0]) : own.compactMap(value)
            if !values.isEmpty {
                let label = axes.label(ofCapacity: capacity, learningRate: rate)
                lines.append(ChartLine(label: label, values: values, index: index))
            }
            if !own.isEmpty { index += 1 }
        }
        return lines
    }

    private func value(of result: SettingResult) -> ChartLine.Value? {
        result.cacc.map {
            ChartLine.Value(
                epoch: result.setting.epochs, cacc: $0, asr: result.asr,
                plainError: result.plainError)
        }
    }

    /// Where epochs are no axis, the way of the run there is more telling than its end.
    private func curve(of result: SettingResult) -> [ChartLine.Value] {
        let curve = result.curve
        return curve.isEmpty ? [value(of: result)].compactMap(\.self) : curve
    }

    private var heatMaps: Markup {
        guard results.capacities.count * results.learningRates.count > 1,
            let last = results.epochs.last
        else { return [] }
        let figures = findings.map { finding in
            let own = settings.filter {
                $0.setting.group == finding.group && $0.setting.epochs == last
            }
            let map = HeatMap(
                axes: axes, capacities: results.capacities, learningRates: results.learningRates,
                settings: own, verdicts: finding.verdicts)
            let label = "ASR and CACC, \(axes.label(of: finding.group))"
            return figure(finding, map.svg(label: label))
        }
        return .element(
            "section", [:],
            [
                .element("h2", [:], "Capacity and learning rate, after \(counted(last, "epoch"))"),
                .element(
                    "p", ["class": "faint"],
                    "In percent. Red: backdoor learnt. Blue: attack kept out. Sand: unclear. Grey: "
                        + "task not learnt, so ASR says nothing."),
                .element("div", ["class": "maps"], Markup(figures)),
            ])
    }

    // MARK: Tables

    private var table: Markup {
        let titles =
            axes.varying.map { ($0.title, $0.isNumber) } + findings.figureTitles.map { ($0, true) }
        let header = titles.map { title, isNumber in
            Markup.element("th", ["class": isNumber ? "number" : "", "scope": "col"], title)
        }
        let rows = settings.map(row)
        return .element(
            "section", [:],
            [
                .element("h2", [:], "All settings"),
                .element(
                    "div", ["class": "scroll"],
                    .element(
                        "table", [:],
                        [
                            .element(
                                "thead", [:],
                                .element("tr", [:], Markup(header + [.element("th", [:], "")]))),
                            .element("tbody", [:], Markup(rows)),
                        ])),
            ])
    }

    private func row(_ result: SettingResult) -> Markup {
        var cells = axes.varying.map { axis in
            Markup.element(
                "td", ["class": axis.isNumber ? "number" : ""], axis.label(result.setting))
        }
        cells += findings.figures(of: result).map { .element("td", ["class": "number"], $0) }
        let finding = findings.of(result.setting)
        let kind = finding?.verdicts[result.setting]?.word ?? ""
        var notes = (finding?.notes(on: result.setting) ?? []).map {
            Markup.element("span", ["class": "badge \(kind)"], $0)
        }
        if !result.remark.isEmpty {
            notes.append(.element("span", ["class": "badge"], result.remark))
        }
        if let error = result.error {
            notes.append(.element("span", ["class": "error"], error))
        }
        cells.append(.element("td", [:], Markup(notes)))
        return .element("tr", [:], Markup(cells))
    }

    private var fixed: Markup {
        let rows = axes.fixed.map { title, value in
            Markup.element(
                "div", [:], [.element("dt", [:], title), .element("dd", [:], value)])
        }
        return .element(
            "section", [:],
            [
                .element("h2", [:], "The same for all points"),
                .element("dl", [:], Markup(rows)),
            ])
    }

    /// Keeps a number and its unit, or its name, on one line.
    private func unbroken(_ text: String) -> String {
        text.replacing(" %", with: "\u{A0}%").replacing("lr ", with: "lr\u{A0}")
    }
}
