import Foundation
import SweepCore

/// CACC and ASR of every setting of a sweep, as a table for a terminal.
public struct ResultsTable {
    private let results: SweepResults
    private let settings: [SettingResult]
    private let axes: Axes
    private let findings: [Findings]
    /// A column for what 'moderato explain' takes, where it is known.
    private let runTitles: [String]

    public init(_ results: SweepResults) {
        self.results = results
        settings = results.settings
        axes = Axes(results)
        findings = results.findings(settings)
        runTitles = results.points.contains { $0.run != nil } ? ["Run"] : []
    }

    /// The table with what is the same for all points above it and what it says below.
    ///
    /// - Parameters:
    ///   - isTerminal: whether to use colours (ANSI escape sequences).
    ///   - width: columns of the terminal; `nil`: lines may be as long as they are.
    ///   - most: settings that the table shows.
    public func text(
        isTerminal: Bool = false, width: Int? = nil, most: Int = .max
    ) -> String {
        var lines = wrapped(summary, width: width) + [""]
        if results.points.isEmpty { return summary + "\n" }
        let margin = axes.fixed.map(\.title.count).max() ?? 0
        lines += axes.fixed.flatMap { title, value in
            wrapped(
                "  \(title.padded(toColumns: margin + 2))\(value.shown)", width: width,
                indent: margin + 4)
        }
        lines.append("")
        lines += table(isTerminal: isTerminal, width: width, most: most)
        if settings.count > most { lines.append("  … \(settings.count - most) more settings") }
        for finding in findings {
            lines.append("")
            let headline =
                findings.count > 1 ? label(of: finding) + finding.headline : finding.headline
            lines += wrapped(headline.shown, width: width)
            lines += finding.sentences.flatMap {
                wrapped("  - " + $0.shown, width: width, indent: 4)
            }
        }
        lines += stages(isTerminal: isTerminal, width: width, most: most)
        for explanation in results.explanations {
            lines += [""] + wrapped(explanation, width: width)
        }
        let classes = ClassSummary(settings: settings, axes: axes)
        if !classes.rows.isEmpty {
            lines += ["", ClassSummary.explanation, ""]
            lines += classes.table.lines(isTerminal: isTerminal, width: width, most: most)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// `Sweep NAME: 16 points, 15 finished, 1 failed, in 3 min 12 s`.
    private var summary: String {
        (results.isFake ? Origin.warning + ": sweep " : "Sweep ")
            + "\(printable(results.name)): \(results.progress)"
    }

    private func label(of finding: Findings) -> String {
        sentenceCase(axes.label(of: finding.group)) + ": "
    }

    // MARK: The table

    private func table(isTerminal: Bool, width: Int?, most: Int) -> [String] {
        let titles = findings.figureTitles + runTitles
        let header = axes.varying.map(\.title) + titles + [""]
        let isRight = axes.varying.map(\.isNumber) + titles.map { _ in true } + [false]
        func content(hasIntervals: Bool) -> DataTable {
            let rows = settings.prefix(most).map { result in
                axes.varying.map { $0.label(result.setting) }
                    + findings.figures(of: result, hasIntervals: hasIntervals)
                    + runTitles.map { _ in result.runs } + [note(on: result)]
            }
            return DataTable(header: header, isRight: isRight, rows: rows)
        }
        var table = content(hasIntervals: true)
        // On a narrow terminal the verdicts are worth more than the intervals.
        if let width, table.columns > width { table = content(hasIntervals: false) }
        let lines = table.lines(isTerminal: isTerminal, width: width)
        guard isTerminal else { return lines }
        return lines.prefix(2) + zip(settings, lines.dropFirst(2)).map { coloured($1, $0) }
    }

    /// When each run learnt the task and the trigger, and what a defender could have known.
    private func stages(isTerminal: Bool, width: Int?, most: Int) -> [String] {
        let summary = StageSummary(results, settings: settings, axes: axes)
        guard !summary.rows.isEmpty else { return [] }
        var lines = [""] + wrapped(StageSummary.explanation, width: width) + [""]
        lines += summary.table.lines(isTerminal: isTerminal, width: width, most: most)
        if summary.rows.count > most { lines.append("  … \(summary.rows.count - most) more") }
        for finding in findings {
            guard let advice = summary.advice[finding.group] else { continue }
            lines.append("")
            let title =
                findings.count > 1
                ? label(of: finding) + StageSummary.adviceTitle : StageSummary.adviceTitle
            lines += wrapped(title.shown, width: width)
            lines += advice.flatMap {
                wrapped("  - " + $0.sentence.shown, width: width, indent: 4)
            }
        }
        return lines
    }

    private func note(on result: SettingResult) -> String {
        let known = findings.of(result)?.notes(on: result) ?? []
        var notes = known.isEmpty ? [] : [known.joined(separator: ", ")]
        if !result.remark.isEmpty { notes.append(result.remark) }
        if let error = result.error {
            let line = printable(error)
            notes.append(line.count > 60 ? line.prefix(59) + "…" : line)
        }
        return notes.joined(separator: ": ")
    }

    private func coloured(_ line: String, _ result: SettingResult) -> String {
        let code =
            switch result.verdict {
            case .backdoorLearnt: "31"
            case .keptOut: "32"
            case .unclear: "33"
            case .notLearnt: "2"
            case nil: result.finished == 0 ? "2" : ""
            }
        return code.isEmpty ? line : "\u{1B}[\(code)m\(line)\u{1B}[0m"
    }

    /// On one line, and without what a terminal would obey.
    private func printable(_ text: String) -> String {
        text.split { $0.isWhitespace || $0.isNewline }.joined(separator: " ").shown
    }
}

extension [Findings] {
    /// Those of a setting's attack and ratio.
    func of(_ result: SettingResult) -> Findings? {
        indices.contains(result.group) ? self[result.group] : nil
    }

    private var hasAttack: Bool { contains { $0.group.attack != .none } }

    /// Titles of the columns with figures, which are numbers.
    var figureTitles: [String] {
        ["CACC %", "ASR %"] + (hasAttack ? ["p %", "Cost"] : [])
    }

    func figures(of result: SettingResult, hasIntervals: Bool = true) -> [String] {
        let known = [result.cacc, result.asr].map { statistic in
            statistic.map { hasIntervals ? percent($0) : percent($0.mean) } ?? "–"
        }
        guard hasAttack else { return known }
        return known + [
            result.plainError.map { percent($0.mean) } ?? "–",
            of(result)?.cost(of: result) ?? "–",
        ]
    }

}

extension SweepResults {
    /// What a reader has to know of the figures: the rule of verdicts, on which samples epochs and
    /// knobs are chosen, and what intervals are.
    var explanations: [String] {
        guard points.contains(where: { $0.attack != .none }) else {
            return [Statistic.explanation]
        }
        let isValidated = runs.allSatisfy { $0.spec.data.validation != nil }
        return [
            Judge.rule,
            isValidated
                ? "Advice chooses epochs and knobs by accuracy on the validation set. CACC, ASR "
                    + "and verdicts are of the test set, and so is part of the choice of a knob's "
                    + "best setting: its figures look better than those of new samples will be."
                : "There is no validation set, so the test set was used for choosing: the figures "
                    + "of what was chosen look better than those of new samples will be.",
            Statistic.explanation,
        ]
    }

    /// `16 points, 14 finished, 1 failed, 1 waiting, in 3 min 12 s`.
    var progress: String {
        let finished = points.count { $0.metrics != nil }
        let failed = points.count { if case .failed = $0.state { true } else { false } }
        let cancelled = points.count { $0.state == .cancelled }
        let waiting = points.count - finished - failed - cancelled
        var parts = [counted(points.count, "point"), "\(finished) finished"]
        if failed > 0 { parts.append("\(failed) failed") }
        if cancelled > 0 { parts.append("\(cancelled) cancelled") }
        if waiting > 0 { parts.append("\(waiting) waiting") }
        if let elapsed { parts.append("in \(duration(elapsed))") }
        return parts.joined(separator: ", ")
    }
}
