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
    /// - Parameters:
    ///   - isTerminal: whether to use colours (ANSI escape sequences).
    ///   - width: columns of the terminal; `nil`: lines may be as long as they are.
    ///   - most: settings that the table shows.
    public func text(
        isTerminal: Bool = false, width: Int? = nil, most: Int = .max
    ) -> String {
        var lines = [summary, ""]
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
        let classes = ClassSummary(settings: settings, axes: axes)
        if !classes.rows.isEmpty {
            lines += ["", ClassSummary.explanation, ""]
            lines += classes.table.lines(isTerminal: isTerminal, width: width, most: most)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// `Sweep NAME: 16 points, 15 finished, 1 failed, in 3 min 12 s`.
    private var summary: String { "Sweep \(printable(results.name)): \(results.progress)" }

    private func label(of finding: Findings) -> String {
        sentenceCase(axes.label(of: finding.group)) + ": "
    }

    // MARK: The table

    private func table(isTerminal: Bool, width: Int?, most: Int) -> [String] {
        let header = axes.varying.map(\.title) + ["CACC %", "ASR %"] + runTitles + [""]
        let isRight =
            axes.varying.map(\.isNumber) + [true, true] + runTitles.map { _ in true } + [false]
        let rows = settings.prefix(most).map { result in
            axes.varying.map { $0.label(result.setting) }
                + [result.cacc.map(percent) ?? "–", result.asr.map(percent) ?? "–"]
                + runTitles.map { _ in result.runs } + [note(on: result)]
        }
        let table = DataTable(header: header, isRight: isRight, rows: rows)
        let lines = table.lines(isTerminal: isTerminal, width: width)
        guard isTerminal else { return lines }
        return lines.prefix(2) + zip(settings, lines.dropFirst(2)).map { coloured($1, $0) }
    }

    /// A column for what 'moderato explain' takes, where it is known.
    private var runTitles: [String] { results.points.contains { $0.run != nil } ? ["Run"] : [] }

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
        var notes: [String] = []
        switch results.role(of: result.setting, findings) {
        case .undefended: notes.append("undefended")
        case .defended: notes.append("defended")
        case .unlearnt: notes.append("task not learnt")
        case .other: break
        }
        if !result.remark.isEmpty { notes.append(result.remark) }
        if let error = result.error {
            let line = printable(error)
            notes.append(line.count > 60 ? line.prefix(59) + "…" : line)
        }
        return notes.joined(separator: ": ")
    }

    private func coloured(_ line: String, _ result: SettingResult) -> String {
        let code: String
        switch results.role(of: result.setting, findings) {
        case .undefended: code = "31"
        case .defended: code = "32"
        case .unlearnt: code = "2"
        case .other: code = result.finished == 0 ? "2" : ""
        }
        return code.isEmpty ? line : "\u{1B}[\(code)m\(line)\u{1B}[0m"
    }

    /// On one line, and without what a terminal would obey.
    private func printable(_ text: String) -> String {
        text.split { $0.isWhitespace || $0.isNewline }.joined(separator: " ").shown
    }
}

/// What a setting is in the light of the findings.
enum Role {
    case undefended
    case defended
    /// Its ASR says nothing.
    case unlearnt
    case other
}

extension SweepResults {
    func role(of setting: Setting, _ findings: [Findings]) -> Role {
        for finding in findings where finding.group == setting.group {
            if finding.undefended?.setting == setting { return .undefended }
            if finding.defended.contains(setting) { return .defended }
            if finding.unlearnt.contains(setting) { return .unlearnt }
        }
        return .other
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
