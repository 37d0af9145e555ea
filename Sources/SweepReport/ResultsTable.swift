import Foundation
import SweepCore

/// CACC and ASR of every setting of a sweep, as a table for a terminal.
public struct ResultsTable {
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

    /// The table with what is the same for all points above it and what it says below.
    ///
    /// - Parameter isTerminal: whether to use colours (ANSI escape sequences).
    public func text(isTerminal: Bool = false) -> String {
        var lines = [summary, ""]
        if results.points.isEmpty { return summary + "\n" }
        let width = axes.fixed.map(\.title.count).max() ?? 0
        lines += axes.fixed.map { title, value in
            "  " + title.padding(toLength: width + 2, withPad: " ", startingAt: 0) + value
        }
        lines.append("")
        lines += table(isTerminal: isTerminal)
        for finding in findings {
            lines.append("")
            lines.append(
                findings.count > 1 ? label(of: finding) + finding.headline : finding.headline)
            lines += finding.sentences.map { "  - " + $0 }
        }
        lines += stages(isTerminal: isTerminal)
        for explanation in results.explanations { lines += ["", explanation] }
        let classes = ClassSummary(settings: settings, axes: axes)
        if !classes.rows.isEmpty {
            lines += ["", ClassSummary.explanation, ""]
            lines += classes.table.head(isTerminal: isTerminal) + classes.table.lines
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

    private func table(isTerminal: Bool) -> [String] {
        let header = axes.varying.map(\.title) + findings.figureTitles + [""]
        let isRight =
            axes.varying.map(\.isNumber) + findings.figureTitles.map { _ in true } + [false]
        let rows = settings.map { result in
            axes.varying.map { $0.label(result.setting) } + findings.figures(of: result)
                + [note(on: result)]
        }
        let table = DataTable(header: header, isRight: isRight, rows: rows)
        let lines = zip(settings, table.lines).map { result, line in
            isTerminal ? coloured(line, result) : line
        }
        return table.head(isTerminal: isTerminal) + lines
    }

    /// When each run learnt the task and the trigger, and what a defender could have known.
    private func stages(isTerminal: Bool) -> [String] {
        let summary = StageSummary(results, settings: settings, axes: axes)
        guard !summary.rows.isEmpty else { return [] }
        let table = summary.table
        var lines = ["", StageSummary.explanation, ""]
        lines += table.head(isTerminal: isTerminal) + table.lines
        for finding in findings {
            guard let advice = summary.advice[finding.group] else { continue }
            lines.append("")
            lines.append(
                findings.count > 1
                    ? label(of: finding) + StageSummary.adviceTitle : StageSummary.adviceTitle)
            lines += advice.map { "  - " + $0.sentence }
        }
        return lines
    }

    private func note(on result: SettingResult) -> String {
        let known = findings.of(result.setting)?.notes(on: result.setting) ?? []
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
            switch findings.of(result.setting)?.verdicts[result.setting] {
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
        let words = text.split { $0.isWhitespace || $0.isNewline }.joined(separator: " ")
        return String(
            String.UnicodeScalarView(
                words.unicodeScalars.filter { $0.properties.generalCategory != .control }))
    }
}

extension [Findings] {
    /// Those of a setting's attack and ratio.
    func of(_ setting: Setting) -> Findings? { first { $0.group == setting.group } }

    private var hasAttack: Bool { contains { $0.group.attack != .none } }

    /// Titles of the columns with figures, which are numbers.
    var figureTitles: [String] {
        ["CACC %", "ASR %"] + (hasAttack ? ["p %", "Cost"] : [])
    }

    func figures(of result: SettingResult) -> [String] {
        let known = [result.cacc.map(percent) ?? "–", result.asr.map(percent) ?? "–"]
        guard hasAttack else { return known }
        return known + [
            result.plainError.map { percent($0.mean) } ?? "–",
            of(result.setting)?.cost(of: result) ?? "–",
        ]
    }

}

extension SweepResults {
    /// What a reader has to know of the figures: the rule of verdicts, on which samples epochs and
    /// knobs are chosen, and what intervals are.
    var explanations: [String] {
        guard points.contains(where: { $0.spec.attack != .none }) else {
            return [Statistic.explanation]
        }
        let isValidated = points.allSatisfy { $0.spec.data.validation != nil }
        return [
            Judge.rule,
            isValidated
                ? "Epochs and knobs are chosen by accuracy on the validation set; CACC, ASR and "
                    + "verdicts are of the test set."
                : "There is no validation set, so the test set was used for choosing: the figures "
                    + "of what was chosen look better than those of new samples will be.",
            Statistic.explanation,
        ]
    }

    /// `16 points, 14 finished, 1 failed, 1 waiting, in 3 min 12 s`.
    var progress: String {
        let finished = points.count { $0.metrics != nil }
        let failed = points.count { if case .failed = $0.state { true } else { false } }
        let waiting = points.count - finished - failed
        var parts = [counted(points.count, "point"), "\(finished) finished"]
        if failed > 0 { parts.append("\(failed) failed") }
        if waiting > 0 { parts.append("\(waiting) waiting") }
        if let elapsed { parts.append("in \(duration(elapsed))") }
        return parts.joined(separator: ", ")
    }
}
