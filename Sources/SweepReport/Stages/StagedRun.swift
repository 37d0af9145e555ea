import SweepCore

/// One run of a sweep with its stages, put together from the points it serves.
struct StagedRun {
    /// For the most epochs that any of its points asks for.
    let spec: TrainingSpec
    /// Every measured epoch, ascending.
    let curve: [EpochMetrics]
    let stages: Stages
    let judge: Judge

    var isComplete: Bool { curve.last?.epoch == spec.epochs }

    /// Whether a model taken after this epoch keeps the attack out at little cost.
    func isModerate(at epoch: Int) -> Bool {
        guard let metrics = curve.first(where: { $0.epoch == epoch }),
            let best = curve.map(\.cacc).filter(\.isFinite).max()
        else { return false }
        return judge.verdict(metrics, of: spec) == .keptOut
            && metrics.cacc >= best - Stages.margin - Judge.hair
    }
}

extension [EpochMetrics] {
    /// In its place by ascending epochs, instead of another of the same epoch.
    fileprivate mutating func set(_ metrics: EpochMetrics) {
        // Epochs are seldom missing.
        var place = Swift.min(count, Swift.max(0, metrics.epoch - 1))
        while place > 0, self[place - 1].epoch >= metrics.epoch { place -= 1 }
        while place < count, self[place].epoch < metrics.epoch { place += 1 }
        if place < count, self[place].epoch == metrics.epoch {
            self[place] = metrics
        } else {
            insert(metrics, at: place)
        }
    }
}

extension SweepResults {
    /// In the order of settings and then of points; runs without a measured epoch are there too.
    var runs: [StagedRun] { runs(of: settings) }

    /// - Parameter settings: those of `self`.
    func runs(of settings: [SettingResult]) -> [StagedRun] {
        var places: [TrainingSpec: Int] = [:]
        // The point with the most epochs of each run, and what all of them have measured.
        var longest: [PointOutcome] = []
        var curves: [[EpochMetrics]] = []
        for point in settings.lazy.flatMap(\.points) {
            let spec = point.spec
            let place = places[spec.trajectory] ?? longest.count
            if place == longest.count {
                places[spec.trajectory] = place
                longest.append(point)
                curves.append([])
            } else if spec.epochs > longest[place].spec.epochs {
                longest[place] = point
            }
            for metrics in point.curve { curves[place].set(metrics) }
            if let metrics = point.metrics { curves[place].set(metrics) }
        }
        let pairs = zip(longest, curves).map { ($0.spec, $1) }
        let judge = Judge(self)
        let pairsUnder = Dictionary(grouping: pairs) { Setting($0.0).group }
        return groups.flatMap { group in
            (pairsUnder[group] ?? []).map { spec, curve in
                StagedRun(
                    spec: spec, curve: curve,
                    stages: Stages(
                        of: curve, labels: spec.data.labels, target: spec.attack.target,
                        judge: judge),
                    judge: judge)
            }
        }
    }
}
