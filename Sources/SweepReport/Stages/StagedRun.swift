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
        let judge = Judge(self)
        return groups.flatMap { group in
            pairs.filter { Setting($0.0).group == group }.map { spec, curve in
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
