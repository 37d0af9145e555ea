import SweepCore

/// What someone would do who does not know the trigger and sees accuracy on clean samples alone,
/// and how often that would have been right in this sweep: the attack kept out, and CACC within
/// `Stages.margin` of the best.
struct Advice {
    enum Kind: Hashable {
        /// Stop each run at the first epoch at which the task is learnt.
        case stop
        /// For comparison: train on to the last epoch.
        case goOn
        /// Turn one knob as far as accuracy allows.
        case turn(Findings.Knob.Kind, value: String)
        /// No weaker value of the knob keeps accuracy.
        case leave(Findings.Knob.Kind)
    }

    let kind: Kind
    let right: Int
    /// Runs that the advice says something about.
    let total: Int
    /// Runs in which no epoch looks as if the task were learnt: nobody would take them.
    var unlearnt = 0

    var sentence: String {
        let count = "right in \(right) of \(counted(total, "run"))"
        switch kind {
        case .stop:
            let rest =
                unlearnt == 0 ? "" : "; \(unlearnt) more never \(unlearnt == 1 ? "has" : "have")"
            return "Stop at the first epoch that has learnt the task: \(count)\(rest)."
        case .goOn: return "Train on to the last epoch: \(count)."
        case .turn(let knob, let value): return "\(knob.title) (\(value)): \(count)."
        case .leave(let knob):
            return "\(knob.title): no, it costs more than 5 points of accuracy."
        }
    }
}

extension SweepResults {
    /// For a group under attack, as far as it has results; otherwise empty.
    ///
    /// - Parameters:
    ///   - runs: those of the group.
    ///   - settings: those of the group, in the order of `SweepResults.settings`.
    func advice(
        for group: Group, runs: [StagedRun], settings: ArraySlice<SettingResult>
    ) -> [Advice] {
        let own = runs.filter { $0.curve.contains { $0.asr != nil } }
        guard group.attack != .none, !own.isEmpty else { return [] }
        let stopped = own.compactMap { run in
            run.stages.taskLearnt.map { run.isModerate(at: $0) }
        }
        let ended = own.filter { $0.stages.taskLearnt != nil }
            .compactMap { run in run.curve.last.map { run.isModerate(at: $0.epoch) } }
        guard !stopped.isEmpty else { return [] }
        return [
            Advice(
                kind: .stop, right: stopped.count(where: \.self), total: stopped.count,
                unlearnt: own.count - stopped.count),
            Advice(kind: .goOn, right: ended.count(where: \.self), total: ended.count),
        ] + turns(settings, judge: own[0].judge)
    }

    /// The weakest value of each knob, the others at their strongest, whose mean accuracy is within
    /// the margin of the best.
    private func turns(_ settings: ArraySlice<SettingResult>, judge: Judge) -> [Advice] {
        let extreme = Findings.fromStrongest(settings).lazy.map { settings[$0] }.first {
            ($0.visibleAccuracy ?? 0) >= judge.visibleFloor - Judge.hair
        }
        guard let extreme else { return [] }
        return Findings.Knob.Kind.allCases.compactMap { kind in
            // From the strongest to the weakest.
            var candidates = kind.turned(from: extreme.setting, in: settings)
                .filter { $0.cacc != nil }
            if kind == .epochs { candidates.reverse() }
            guard !candidates.isEmpty else { return nil }
            candidates.insert(extreme, at: 0)
            let best = candidates.compactMap(\.visibleAccuracy).max() ?? 1
            let advised = candidates.last {
                ($0.visibleAccuracy ?? 0) >= best - Stages.margin - Judge.hair
            }
            guard let advised, advised.setting != extreme.setting else {
                return Advice(kind: .leave(kind), right: 0, total: 0)
            }
            let bestCACC = candidates.compactMap(\.cacc?.mean).max() ?? 1
            let measured = advised.points.compactMap { point in point.metrics.map { (point, $0) } }
            let right = measured.count { point, metrics in
                judge.verdict(of: point) == .keptOut
                    && metrics.cacc >= bestCACC - Stages.margin - Judge.hair
            }
            return Advice(
                kind: .turn(kind, value: kind.value(in: advised.setting)), right: right,
                total: measured.count)
        }
    }
}
