/// One point with what is known of it: a milestone, with what it needs of its run.
public struct PointOutcome: Hashable, Sendable {
    public enum State: Hashable, Sendable {
        case waiting
        /// Its sweep was cancelled, and nothing trains it.
        case cancelled
        indirect case finished(EpochMetrics)
        case failed(String)
    }

    /// A sweep has a hundred thousand of these, and reports copy them: what is large is shared.
    /// The spec is kept with 0 epochs, as points of one run differ in these alone.
    private var endless: Shared<TrainingSpec>
    public private(set) var epochs: Int
    public var spec: TrainingSpec {
        get {
            var spec = endless.value
            spec.epochs = epochs
            return spec
        }
        set { (endless, epochs) = PointOutcome.split(newValue) }
    }
    public var state: State
    /// Every measured epoch of the run that serves the point, up to the point's own: a part of the
    /// run's.
    public var curve: ArraySlice<EpochMetrics>
    /// Of the run that serves the point; `nil` until the point has a result.
    public var trainableParameters: Int?
    /// `nil` until the point has a result, and in results of versions that did not write it down.
    public var provenance: Provenance? {
        get { sharedProvenance?.value }
        set { sharedProvenance = newValue.map { Shared($0) } }
    }
    private var sharedProvenance: Shared<Provenance>?
    /// The run that serves the point; `nil` before it has begun.
    public var run: RunID?

    public var metrics: EpochMetrics? {
        if case .finished(let metrics) = state { return metrics }
        return nil
    }

    public init(
        spec: TrainingSpec, state: State, curve: ArraySlice<EpochMetrics> = [],
        trainableParameters: Int? = nil, run: RunID? = nil, provenance: Provenance? = nil
    ) {
        (endless, epochs) = PointOutcome.split(spec)
        self.state = state
        self.curve = curve
        self.trainableParameters = trainableParameters
        self.run = run
        sharedProvenance = provenance.map { Shared($0) }
    }

    private static func split(_ spec: TrainingSpec) -> (Shared<TrainingSpec>, Int) {
        var endless = spec
        endless.epochs = 0
        return (Shared(endless), spec.epochs)
    }

    // What reports read of all points, without a copy of the whole spec.
    public var capacity: Capacity { endless.value.capacity }
    public var learningRate: Double { endless.value.learningRate }
    public var attack: Attack { endless.value.attack }
    public var poisonRatio: Double { endless.value.poisonRatio }
    public var seed: UInt64 { endless.value.seed }
    public var labels: Int { endless.value.data.labels }
    public var trainer: TrainerKind { endless.value.trainer }
    /// Epochs after which the learning rate is 0; `nil` if it never looks at an end.
    public var horizon: Int? { endless.value.settings.schedule.horizon(epochs: epochs) }
}

extension RunOutcome {
    /// Its milestones, each with its place in the grid.
    public var points: [(place: Int, point: PointOutcome)] {
        guard let first = milestones.first else { return [] }
        // Points of one run share its spec, its curve, and who measured them.
        let shared = PointOutcome(spec: spec, state: .waiting, run: run)
        var provenance: (attempt: AttemptID, shared: PointOutcome)?
        var points: [(place: Int, point: PointOutcome)] = []
        points.reserveCapacity(milestones.count)
        var end = curve.firstIndex { $0.epoch > first.epochs } ?? curve.endIndex
        for milestone in milestones {
            while end > 0, curve[end - 1].epoch > milestone.epochs { end -= 1 }
            while end < curve.count, curve[end].epoch <= milestone.epochs { end += 1 }
            var point = shared
            if case .finished(let attempt, _) = milestone.state {
                if provenance?.attempt != attempt {
                    var known = shared
                    known.trainableParameters = trainableParameters
                    known.provenance = attempts.first { $0.attempt == attempt }
                    provenance = (attempt, known)
                }
                point = provenance?.shared ?? shared
            }
            point.finish(milestone, curve[..<end], error)
            points.append((milestone.place, point))
        }
        return points
    }
}

extension PointOutcome {
    fileprivate mutating func finish(
        _ milestone: MilestoneOutcome, _ curve: ArraySlice<EpochMetrics>, _ error: String?
    ) {
        epochs = milestone.epochs
        self.curve = curve
        switch milestone.state {
        case .waiting: state = .waiting
        case .cancelled: state = .cancelled
        case .failed: state = .failed(error ?? "")
        case .finished(_, let differing):
            let own = curve.last.flatMap { $0.epoch == milestone.epochs ? $0 : nil }
            // The figures of an epoch come with it, before or after.
            state = (differing ?? own).map { .finished($0) } ?? .waiting
        }
    }
}

extension GatheredResults {
    /// In the order of the grid.
    public var points: [PointOutcome] {
        runs.flatMap(\.points).sorted { $0.place < $1.place }.map(\.point)
    }
}

/// One value for all copies of what has it.
final class Shared<Value: Hashable & Sendable>: Hashable, Sendable {
    let value: Value

    init(_ value: Value) { self.value = value }

    static func == (left: Shared, right: Shared) -> Bool {
        left === right || left.value == right.value
    }

    func hash(into hasher: inout Hasher) { hasher.combine(value) }
}
