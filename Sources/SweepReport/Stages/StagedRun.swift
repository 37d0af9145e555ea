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

extension SweepResults {
    /// In the order of settings and then of points; runs without a measured epoch are there too.
    var runs: [StagedRun] {
        var curves: [TrainingSpec: [Int: EpochMetrics]] = [:]
        var specs: [TrainingSpec: TrainingSpec] = [:]
        var order: [TrainingSpec] = []
        for point in settings.flatMap(\.points) {
            let trajectory = point.spec.trajectory
            if specs[trajectory] == nil { order.append(trajectory) }
            if point.spec.epochs > specs[trajectory]?.epochs ?? 0 {
                specs[trajectory] = point.spec
            }
            for metrics in point.curve + [point.metrics].compactMap(\.self) {
                curves[trajectory, default: [:]][metrics.epoch] = metrics
            }
        }
        let pairs = order.compactMap { trajectory in
            specs[trajectory].map { spec in
                (spec, (curves[trajectory] ?? [:]).values.sorted { $0.epoch < $1.epoch })
            }
        }
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
