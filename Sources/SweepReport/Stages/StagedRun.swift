import SweepCore

/// One run of a sweep with its stages, put together from the points it serves.
struct StagedRun {
    /// For the most epochs that any of its points asks for.
    let spec: TrainingSpec
    /// Every measured epoch, ascending.
    let curve: [EpochMetrics]
    let stages: Stages
    /// Where someone would stop who sees the validation set alone (or, where there is none, the
    /// clean test set); `nil` if the task is never learnt there.
    let advisedEpoch: Int?

    var isComplete: Bool { curve.last?.epoch == spec.epochs }

    func hasLearntTrigger(_ metrics: EpochMetrics) -> Bool {
        Stages.hasLearntTrigger(
            metrics, labels: spec.data.labels, target: spec.attack.target)
    }

    /// Whether a model taken after this epoch has the task and not the trigger.
    func isModerate(at epoch: Int) -> Bool {
        guard let metrics = curve.first(where: { $0.epoch == epoch }), stages.taskLearnt != nil,
            let best = curve.map(\.cacc).filter(\.isFinite).max(), metrics.asr != nil
        else { return false }
        return metrics.cacc >= best - Stages.margin - Stages.hair && !hasLearntTrigger(metrics)
    }
}

extension EpochMetrics {
    /// What a defender can see: accuracy on the validation set, or else on the clean test set.
    var visibleAccuracy: Double { validation?.accuracy ?? cacc }
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
        return groups.flatMap { group in
            SweepResults.staged(pairs.filter { Setting($0.0).group == group })
        }
    }

    /// Runs under the same attack, which are measured by the best of them.
    private static func staged(_ runs: [(TrainingSpec, [EpochMetrics])]) -> [StagedRun] {
        let all = runs.flatMap(\.1)
        let best = all.map(\.cacc).filter(\.isFinite).max()
        let bestVisible = all.map(\.visibleAccuracy).filter(\.isFinite).max()
        return runs.map { spec, curve in
            let chance = Stages.chance(curve, labels: spec.data.labels)
            return StagedRun(
                spec: spec, curve: curve,
                stages: Stages(
                    of: curve, labels: spec.data.labels, target: spec.attack.target,
                    bestCACC: best),
                advisedEpoch: Stages.taskLearnt(
                    curve.map { ($0.epoch, $0.visibleAccuracy) }, chance: chance,
                    best: bestVisible))
        }
    }
}
