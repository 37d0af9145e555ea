/// A point of a sweep: one cell of the grid.
public struct PlannedPoint: Hashable, Sendable {
    public let key: PointKey
    public let spec: TrainingSpec
}

/// The epoch of a run after which a point's result is known.
public struct Milestone: Hashable, Sendable, Codable {
    public let epoch: Int
    public let key: PointKey

    public init(epoch: Int, key: PointKey) {
        self.epoch = epoch
        self.key = key
    }
}

/// A training trajectory that serves one or more points.
public struct PlannedRun: Hashable, Sendable {
    /// Trained for the largest epoch that a point asks for.
    public let spec: TrainingSpec
    /// Ascending by epoch, never empty.
    public let milestones: [Milestone]
    /// Training steps of the whole run; 0 if the sweep does not say how many samples there are.
    public let steps: Int
    public let keep: Keepsakes

    public init(
        spec: TrainingSpec, milestones: [Milestone], steps: Int, keep: Keepsakes = .none
    ) {
        self.spec = spec
        self.milestones = milestones
        self.steps = steps
        self.keep = keep
    }
}

/// Splits a sweep's grid into points, and points into runs.
public struct Plan: Sendable {
    /// All points of the sweep in grid order, each once.
    public let points: [PlannedPoint]
    /// Points whose result is known already.
    public let finished: Int
    /// What is left to train, in grid order of each run's first point.
    public let runs: [PlannedRun]
    /// Steps of `runs` together.
    public let steps: Int
    /// Steps if each unfinished point were trained on its own.
    public let stepsWithoutSharing: Int

    /// - Parameter isFinished: whether the store has the result of a point.
    public init(_ sweep: SweepSpec, isFinished: (PointKey) -> Bool = { _ in false }) {
        points = Plan.points(of: sweep)
        let waiting = points.filter { !isFinished($0.key) }
        finished = points.count - waiting.count
        runs = Plan.runs(for: waiting, of: sweep)
        steps = runs.reduce(0) { $0 + $1.steps }
        stepsWithoutSharing = waiting.reduce(0) { $0 + Plan.steps(of: $1.spec, in: sweep) }
    }

    /// The grid's cells in the order capacity, learning rate, attack, poison ratio, seed, epochs,
    /// each result once: `none` and `prepared` do not depend on the poison ratio.
    static func points(of sweep: SweepSpec) -> [PlannedPoint] {
        var points: [PlannedPoint] = []
        var seen: Set<PointKey> = []
        points.reserveCapacity(sweep.grid.cellCount)
        for capacity in sweep.grid.capacities {
            for learningRate in sweep.grid.learningRates {
                for attack in sweep.grid.attacks {
                    for ratio in sweep.grid.poisonRatios {
                        for seed in sweep.grid.seeds {
                            for epochs in sweep.grid.epochs {
                                let spec = TrainingSpec(
                                    backbone: sweep.backbone, data: sweep.data,
                                    capacity: capacity, attack: attack,
                                    poisonRatio: attack.usesPoisonRatio ? ratio : 0,
                                    epochs: epochs, learningRate: learningRate, seed: seed,
                                    settings: sweep.settings)
                                let key = PointKey(of: spec)
                                if seen.insert(key).inserted {
                                    points.append(PlannedPoint(key: key, spec: spec))
                                }
                            }
                        }
                    }
                }
            }
        }
        return points
    }

    /// Prefix sharing: points that differ only in `epochs` are one run where the schedule does not
    /// look at the end of training. Otherwise the horizon tells them apart.
    private static func runs(for points: [PlannedPoint], of sweep: SweepSpec) -> [PlannedRun] {
        var order: [TrainingSpec] = []
        var members: [TrainingSpec: [PlannedPoint]] = [:]
        for point in points {
            let trajectory = point.spec.trajectory
            if members[trajectory] == nil { order.append(trajectory) }
            members[trajectory, default: []].append(point)
        }
        return order.map { trajectory in
            let milestones = (members[trajectory] ?? [])
                .map { Milestone(epoch: $0.spec.epochs, key: $0.key) }
                .sorted { $0.epoch < $1.epoch }
            guard let last = milestones.last else { preconditionFailure("a run without points") }
            var spec = trajectory
            spec.epochs = last.epoch
            return PlannedRun(
                spec: spec, milestones: milestones, steps: steps(of: spec, in: sweep),
                keep: sweep.keep)
        }
    }

    private static func steps(of spec: TrainingSpec, in sweep: SweepSpec) -> Int {
        let samples = sweep.sampleCount(for: spec.attack)
        let batch = max(1, spec.settings.batchSize)
        return (samples + batch - 1) / batch * spec.epochs
    }
}

extension TrainingSpec {
    /// The same training without its end: equal for points that one run can serve.
    public var trajectory: TrainingSpec {
        var spec = self
        spec.settings.schedule = settings.schedule.resolved(epochs: epochs)
        spec.epochs = 0
        return spec
    }
}
