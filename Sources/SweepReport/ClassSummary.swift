import SweepCore

/// The accuracy of each class, where a task has more than two: means hide a class that is lost.
struct ClassSummary {
    struct Row {
        let setting: Setting
        /// Means over seeds, in percent; `–` for a label without test samples.
        let cells: [String]
    }

    /// With more labels than this, only the extremes are shown.
    private static let mostColumns = 12
    static let explanation = "Accuracy of each class on clean test samples, in percent:"

    let axes: [Axis]
    let titles: [String]
    /// Settings whose classes are known; empty for two labels.
    let rows: [Row]

    init(settings: [SettingResult], axes: Axes) {
        self.axes = axes.varying
        let data = settings.first?.points.first?.spec.data
        let labels = data?.labels ?? 2
        func name(_ label: Int) -> String {
            data.map { $0.name(ofLabel: label) } ?? "\(label)"
        }
        let isWide = labels <= ClassSummary.mostColumns
        titles =
            isWide
            ? (0..<labels).map { "Class \(name($0))" } : ["Lowest", "Median", "Highest"]
        guard labels > 2 else {
            rows = []
            return
        }
        rows = settings.compactMap { result in
            let known = result.points.compactMap { point in
                point.metrics?.classes.count == labels ? point.metrics?.classes : nil
            }
            guard !known.isEmpty else { return nil }
            let means = (0..<labels).map { label in
                Statistic(known.compactMap { $0[label].accuracy })?.mean
            }
            return Row(
                setting: result.setting,
                cells: isWide
                    ? means.map { $0.map(percent) ?? "–" }
                    : ClassSummary.extremes(means, name))
        }
    }

    var table: DataTable {
        DataTable(
            header: axes.map(\.title) + titles,
            isRight: axes.map(\.isNumber) + titles.map { _ in true },
            rows: rows.map { row in axes.map { $0.label(row.setting) } + row.cells })
    }

    var markup: Markup {
        guard !rows.isEmpty else { return [] }
        return .element(
            "section", [:],
            [
                .element("h2", [:], "Class by class"),
                .element("p", ["class": "faint"], ClassSummary.explanation), table.markup,
            ])
    }

    private static func extremes(
        _ means: [Double?], _ name: (Int) -> String
    ) -> [String] {
        let sorted = means.enumerated().compactMap { label, mean in mean.map { (label, $0) } }
            .sorted { ($0.1, $0.0) < ($1.1, $1.0) }
        guard let first = sorted.first, let last = sorted.last else { return ["–", "–", "–"] }
        return [first, sorted[sorted.count / 2], last].map {
            "\(percent($0.1)) (class \(name($0.0)))"
        }
    }
}
