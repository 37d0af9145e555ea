import SweepCore

/// One training of a sweep with its stages: a run, with those that went on from it, or that tried
/// it again.
struct StagedRun {
    /// The point of it that asks for the most epochs.
    private let point: PointOutcome
    /// Every measured epoch, ascending.
    let curve: ArraySlice<EpochMetrics>
    /// Where `SweepResults.points` has its points.
    let places: [Int]
    let stages: Stages
    let judge: Judge

    init(_ point: PointOutcome, curve: ArraySlice<EpochMetrics>, places: [Int], judge: Judge) {
        self.point = point
        self.curve = curve
        self.places = places
        self.judge = judge
        stages = Stages(
            of: curve, labels: point.labels, target: point.attack.target, judge: judge)
    }

    /// For the most epochs that any of its points asks for.
    var spec: TrainingSpec { point.spec }
    var setting: Setting { Setting(point) }
    var isAttacked: Bool { point.attack != .none }

    var isComplete: Bool { curve.last?.epoch == point.epochs }

    /// Whether a model taken after this epoch keeps the attack out at little cost.
    func isModerate(at epoch: Int) -> Bool {
        guard let metrics = curve.first(where: { $0.epoch == epoch }),
            let best = curve.map(\.cacc).filter(\.isFinite).max()
        else { return false }
        return judge.verdict(metrics, labels: point.labels, target: point.attack.target)
            == .keptOut
            && metrics.cacc >= best - Stages.margin - Judge.hair
    }
}

extension ArraySlice<EpochMetrics> {
    /// In its place by ascending epochs, instead of another of the same epoch.
    fileprivate mutating func set(_ metrics: EpochMetrics) {
        // Epochs are seldom missing.
        var place = startIndex + Swift.min(count, Swift.max(0, metrics.epoch - 1))
        while place > startIndex, self[place - 1].epoch >= metrics.epoch { place -= 1 }
        while place < endIndex, self[place].epoch < metrics.epoch { place += 1 }
        guard place < endIndex, self[place].epoch == metrics.epoch else {
            return insert(metrics, at: place)
        }
        // What is the same already stays shared with the run.
        if self[place] != metrics { self[place] = metrics }
    }

    fileprivate mutating func set(_ run: RunOutcome) {
        if isEmpty || run.curve.starts(with: self) {
            self = run.curve[...]
        } else {
            for metrics in run.curve { set(metrics) }
        }
        for metrics in run.differing { set(metrics) }
    }
}

extension RunOutcome {
    /// Figures of milestones that are not those of the curve.
    var differing: some Sequence<EpochMetrics> {
        milestones.lazy.compactMap(\.differing)
    }
}

extension SweepResults {
    /// In the order of settings and then of points; runs without a measured epoch are there too.
    ///
    /// - Parameter settings: those of `self`.
    func runs(of settings: [SettingResult]) -> [StagedRun] {
        let judge = Judge(self)
        return settings[...].lines.flatMap { line in
            trainings(ofLine: line).map {
                StagedRun($0.longest, curve: $0.curve, places: $0.places, judge: judge)
            }
        }
    }

    private struct Training {
        var longest: PointOutcome
        var curve: ArraySlice<EpochMetrics> = []
        var places: [Int] = []
        var runs: [Int] = []
    }

    /// The runs of settings that differ in epochs alone; those that continue each other together.
    private func trainings(ofLine line: ArraySlice<SettingResult>) -> [Training] {
        var known: [Trajectory: Int] = [:]
        var trainings: [Training] = []
        for (point, place) in line.lazy.flatMap({ zip($0.points, $0.places) }) {
            let trajectory = Trajectory(point)
            let index = known[trajectory] ?? trainings.count
            if index == trainings.count {
                known[trajectory] = index
                trainings.append(Training(longest: point))
            } else if point.epochs > trainings[index].longest.epochs {
                trainings[index].longest = point
            }
            trainings[index].places.append(place)
            let run = runOfPoint[place]
            guard !trainings[index].runs.contains(run) else { continue }
            trainings[index].runs.append(run)
            trainings[index].curve.set(runs[run])
        }
        return trainings
    }
}

/// What tells the trainings of a line apart: `TrainingSpec.trajectory` without what a sweep's
/// points have in common.
private struct Trajectory: Hashable {
    let seed: UInt64
    let horizon: Int?

    init(_ point: PointOutcome) {
        seed = point.seed
        horizon = point.horizon
    }
}
