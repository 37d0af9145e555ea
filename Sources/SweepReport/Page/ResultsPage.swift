import SweepCore

/// The results of a sweep as one HTML file: nothing to fetch, no scripts, light and dark.
public struct ResultsPage {
    private let results: SweepResults
    private let settings: [SettingResult]
    private let axes: Axes
    private let findings: [Findings]
    /// Those that have cards and charts.
    private let shown: [Findings]

    public init(_ results: SweepResults) {
        self.results = results
        settings = results.settings
        axes = Axes(results)
        findings = results.findings(settings)
        shown = Array(findings.prefix(PageLimits.groups))
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
            sections += shown.map(knobs)
            sections.append(
                PageLimits.note(shown.count, of: findings.count, "attacks and poison ratios"))
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
        let own = page.findings[group].group
        return page.chart(page.chartLines(of: own), of: own, isFile: true)?.source
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
        let drawn = shown.map { ($0, chartLines(of: $0.group)) }
        let figures = drawn.compactMap { finding, lines in
            chart(lines, of: finding.group, isFile: false).map { figure(finding, $0) }
        }
        guard !figures.isEmpty else { return [] }
        let hasCurves = drawn.contains { $1.shown.contains { $0.values.count > 1 } }
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

    private typealias ChartLines = (shown: [ChartLine], count: Int)

    private func chart(_ all: ChartLines, of group: Group, isFile: Bool) -> Markup? {
        let lines = all.shown
        guard !lines.isEmpty else { return nil }
        let epochs = distinct(lines.flatMap { $0.values.map(\.epoch) }).sorted()
        var (content, height) =
            epochs.count == 1
            ? BarChart(lines: lines, epoch: epochs[0]).draw()
            : LineChart(lines: lines, epochs: epochs).draw()
        if all.count > lines.count {
            height += 22
            let rest = PageLimits.sentence(lines.count, of: all.count, "lines")
            let place = ["x": "4", "y": px(height - 8), "class": "small faint"] as KeyValuePairs
            content = [content, .element("text", place, rest)]
        }
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

    private func chartLines(of group: Group) -> ChartLines {
        // The undefended line comes first, which gives it its colour and its name.
        let strong = findings.first { $0.group == group }?.undefended?.setting
        let all = settings[...].groups.first { $0.first?.setting.group == group } ?? []
        var lines = all.lines
        let place = lines.firstIndex { line in
            line.first.flatMap { own in strong?.isInLine(with: own.setting) } == true
        }
        if let place {
            lines.insert(lines.remove(at: place), at: 0)
        }
        var drawn: [ChartLine] = []
        var count = 0
        let start = strong == nil ? 1 : 0
        for (index, own) in lines.enumerated() {
            guard drawn.count < PageLimits.lines else {
                if own.contains(where: { $0.finished > 0 }) { count += 1 }
                continue
            }
            guard let first = own.first else { continue }
            let values = own.count == 1 ? curve(of: first) : own.compactMap(value)
            guard !values.isEmpty else { continue }
            let label = axes.label(
                ofCapacity: first.setting.capacity, learningRate: first.setting.learningRate)
            drawn.append(ChartLine(label: label, values: values, index: start + index))
            count += 1
        }
        return (drawn, count)
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
        let (capacities, rates) = (results.capacities, results.learningRates)
        guard capacities.count * rates.count > 1, let last = results.epochs.last
        else { return [] }
        let figures = shown.map { finding in
            let own = settings.filter {
                $0.setting.epochs == last && $0.setting.group == finding.group
            }
            let map = HeatMap(
                capacities: Array(capacities.prefix(PageLimits.capacities)),
                learningRates: Array(rates.prefix(PageLimits.rates)), settings: own)
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
                PageLimits.note(PageLimits.capacities, of: capacities.count, "capacities"),
                PageLimits.note(PageLimits.rates, of: rates.count, "learning rates"),
            ])
    }

    // MARK: Tables

    private var table: Markup {
        let titles =
            axes.varying.map { ($0.title, $0.isNumber) } + findings.figureTitles.map { ($0, true) }
        let header = titles.map { title, isNumber in
            Markup.element("th", ["class": isNumber ? "number" : "", "scope": "col"], title)
        }
        let rows = settings.prefix(PageLimits.rows).map(row)
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
                PageLimits.note(rows.count, of: settings.count, "settings"),
            ])
    }

    private func row(_ result: SettingResult) -> Markup {
        var cells = axes.varying.map { axis in
            Markup.element(
                "td", ["class": axis.isNumber ? "number" : ""], axis.label(result.setting))
        }
        cells += findings.figures(of: result).map { .element("td", ["class": "number"], $0) }
        let kind = result.verdict?.word ?? ""
        var notes = (findings.of(result)?.notes(on: result) ?? []).map {
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
