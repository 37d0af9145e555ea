import SweepCore

/// The part of the page that tells when each run learnt the task and when the trigger.
struct StageSection {
    let summary: StageSummary
    let axes: Axes
    let findings: [Findings]

    /// More charts than this are no overview any more; the table has all rows.
    private static let mostCharts = 12

    var markup: Markup {
        guard !summary.rows.isEmpty else { return [] }
        return .element(
            "section", [:],
            [
                .element("h2", [:], "First the task, then the trigger"),
                .element("p", ["class": "faint"], rule),
                charts,
                summary.table.markup,
                Markup(findings.prefix(PageLimits.groups).map(advice)),
            ])
    }

    private var rule: String {
        summary.rows.contains { $0.runs.count > 1 }
            ? StageSummary.explanation
                + " Lines are means over seeds; shaded epochs are right for all."
            : StageSummary.explanation
    }

    // MARK: Charts

    private var charts: Markup {
        let rows = summary.rows.filter { row in
            row.setting.group.attack != .none && row.runs.contains { $0.curve.count > 1 }
        }
        guard !rows.isEmpty else { return [] }
        let shown = StageChart.Series.allCases.filter { series in
            rows.flatMap(\.runs).contains { run in
                run.curve.contains { series.value($0, of: run.spec) != nil }
            }
        }
        let first = rows.prefix(StageSection.mostCharts)
        let groups = distinct(first.map(\.setting.group)).map { group in
            let figures = first.filter { $0.setting.group == group }.map(figure)
            let label = findings.count > 1 ? sentenceCase(axes.label(of: group)) : ""
            return Markup([
                label.isEmpty ? [] : .element("p", ["class": "after"], label),
                .element("div", ["class": "maps"], Markup(figures)),
            ])
        }
        let rest =
            rows.count > first.count
            ? "The first \(first.count) of \(rows.count); the table has all." : ""
        return [
            .element("div", ["class": "legend"], StageChart.legend(shown)), Markup(groups),
            rest.isEmpty ? [] : .element("p", ["class": "faint"], rest),
        ]
    }

    private func figure(_ row: StageSummary.Row) -> Markup {
        let name = axes.label(
            ofCapacity: row.setting.capacity, learningRate: row.setting.learningRate)
        let epochs = summary.hasOneEnd ? "" : " · " + counted(row.setting.epochs, "epoch")
        let title = name + epochs
        return .element(
            "figure", [:],
            StageChart(
                title: title.count > 54 ? title.prefix(53) + "…" : title,
                subtitle: subtitle(of: row), runs: row.runs, window: row.window
            ).svg())
    }

    private func subtitle(of row: StageSummary.Row) -> String {
        let (task, trigger, stop) = (row.cells[0], row.cells[1], row.cells[2])
        if task == "never" { return "the task is never learnt" }
        return "task learnt: \(task) · backdoor learnt: \(trigger) · stop: \(stop)"
    }

    private func advice(_ finding: Findings) -> Markup {
        guard let advice = summary.advice[finding.group] else { return [] }
        let start =
            findings.count > 1 ? sentenceCase(axes.label(of: finding.group)) + ": " : ""
        return [
            .element("p", ["class": "after"], start + StageSummary.adviceTitle),
            .element("ul", [:], Markup(advice.map { .element("li", [:], $0.sentence) })),
        ]
    }
}
