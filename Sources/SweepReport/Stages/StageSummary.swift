import SweepCore

/// The stages of a sweep's runs for people: a row for each setting that was trained to its end, its
/// seeds together.
struct StageSummary {
    struct Row {
        let setting: Setting
        let runs: [StagedRun]
        let cells: [String]
        /// The epochs in which the runs of all seeds fit moderately.
        let window: Stages.Window
    }

    static let explanation =
        "Stages: the epoch after which a run has learnt the task (accuracy within 5 points of its "
        + "best), and the one after which it has learnt the backdoor. Between is where to stop."
    static let adviceTitle =
        "A defender who does not know the trigger sees accuracy on clean samples alone. Advice "
        + "from that, right where it keeps the attack out at 5 points of CACC or less:"

    static let titles = ["Task learnt", "Backdoor learnt", "Moderate fitting"]

    /// Columns that tell the rows apart.
    let axes: [Axis]
    /// Whether all runs are trained for the same number of epochs.
    let hasOneEnd: Bool
    /// Empty where there are no stages to see: without an attack, or with single epochs.
    let rows: [Row]
    /// For each group under attack that has results.
    let advice: [Group: [Advice]]

    init(_ results: SweepResults, settings: [SettingResult], axes: Axes) {
        let runs = results.runs(of: settings)
        let keys = distinct(runs.lazy.map(\.setting))
        let hasOneEnd = Set(keys.map(\.epochs)).count == 1
        self.hasOneEnd = hasOneEnd
        self.axes = axes.varying.filter { !(hasOneEnd && $0.isEpochs) }
        guard runs.contains(where: { $0.curve.count > 1 && $0.isAttacked }) else {
            rows = []
            advice = [:]
            return
        }
        let runsOf = Dictionary(grouping: runs, by: \.setting)
        rows = keys.map { key in StageSummary.row(key, runsOf[key] ?? []) }
        var advice: [Group: [Advice]] = [:]
        let runsUnder = Dictionary(grouping: runs, by: \.setting.group)
        for (group, own) in zip(results.groups, settings[...].groups) {
            let said = results.advice(for: group, runs: runsUnder[group] ?? [], settings: own)
            if !said.isEmpty { advice[group] = said }
        }
        self.advice = advice
    }

    var table: DataTable {
        DataTable(
            header: axes.map(\.title) + StageSummary.titles,
            isRight: axes.map(\.isNumber) + StageSummary.titles.map { _ in false },
            rows: rows.map { row in axes.map { $0.label(row.setting) } + row.cells })
    }

    private static func row(_ setting: Setting, _ runs: [StagedRun]) -> Row {
        let measured = runs.filter { !$0.curve.isEmpty }
        let window = common(measured)
        guard !measured.isEmpty else {
            return Row(setting: setting, runs: runs, cells: ["–", "–", "–"], window: window)
        }
        let learnt = measured.filter { $0.stages.taskLearnt != nil }
        let isAttacked = setting.group.attack != .none
        return Row(
            setting: setting, runs: runs,
            cells: [
                epochs(of: measured, \.taskLearnt),
                isAttacked && !learnt.isEmpty ? epochs(of: learnt, \.triggerLearnt) : "–",
                !isAttacked || learnt.isEmpty ? "–" : label(of: window, seeds: measured.count),
            ],
            window: window)
    }

    /// `3`; over seeds `1–2`; `never`; `1–2, never in 1 of 3`.
    private static func epochs(of runs: [StagedRun], _ epoch: (Stages) -> Int?) -> String {
        let known = runs.compactMap { epoch($0.stages) }
        let never = runs.filter { epoch($0.stages) == nil }
        let word = never.allSatisfy(\.isComplete) ? "never" : "not yet"
        guard let first = known.min(), let last = known.max() else { return word }
        let range = first == last ? "\(first)" : "\(first)–\(last)"
        return never.isEmpty ? range : "\(range), \(word) in \(never.count) of \(runs.count)"
    }

    /// The epochs that are in the window of every run.
    private static func common(_ runs: [StagedRun]) -> Stages.Window {
        var first = 0
        var last = Int.max
        for run in runs {
            switch run.stages.window {
            case .none: return .none
            case .open(let from): first = max(first, from)
            case .closed(let range):
                first = max(first, range.lowerBound)
                last = min(last, range.upperBound)
            }
        }
        guard first > 0, first <= last else { return .none }
        return last == .max ? .open(from: first) : .closed(first...last)
    }

    private static func label(of window: Stages.Window, seeds: Int) -> String {
        switch window {
        case .none: seeds > 1 ? "none for all seeds" : "none"
        case .closed(let range) where range.count == 1: "\(range.lowerBound)"
        case .closed(let range): "\(range.lowerBound)–\(range.upperBound)"
        case .open(let from): "from \(from) on"
        }
    }
}
