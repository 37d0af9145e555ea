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
        get { PointOutcome.joined(endless, epochs) }
        set { (endless, epochs) = PointOutcome.split(newValue) }
    }
    public var state: State {
        get {
            switch known {
            case .waiting: .waiting
            case .cancelled: .cancelled
            case .failed(let error): .failed(error)
            case .measured, .differing: metrics.map { .finished($0) } ?? .waiting
            }
        }
        set { known = PointOutcome.known(newValue, curve) }
    }
    private var known: Known
    /// Every measured epoch of the run that serves the point, up to the point's own: a part of the
    /// run's.
    public let curve: ArraySlice<EpochMetrics>
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
        switch known {
        case .measured: curve.last
        case .differing(let metrics): metrics.value
        case .waiting, .cancelled, .failed: nil
        }
    }

    /// As `State`; figures that the curve has are not kept twice.
    private enum Known: Hashable, Sendable {
        case waiting
        case cancelled
        /// The last of the curve.
        case measured
        case differing(Shared<EpochMetrics>)
        case failed(String)
    }

    private static func known(_ state: State, _ curve: ArraySlice<EpochMetrics>) -> Known {
        switch state {
        case .waiting: .waiting
        case .cancelled: .cancelled
        case .failed(let error): .failed(error)
        case .finished(let metrics):
            curve.last == metrics ? .measured : .differing(Shared(metrics))
        }
    }

    public init(
        spec: TrainingSpec, state: State, curve: ArraySlice<EpochMetrics> = [],
        trainableParameters: Int? = nil, run: RunID? = nil, provenance: Provenance? = nil
    ) {
        (endless, epochs) = PointOutcome.split(spec)
        known = PointOutcome.known(state, curve)
        self.curve = curve
        self.trainableParameters = trainableParameters
        self.run = run
        sharedProvenance = provenance.map { Shared($0) }
    }

    static func split(_ spec: TrainingSpec) -> (Shared<TrainingSpec>, Int) {
        var endless = spec
        endless.epochs = 0
        return (Shared(endless), spec.epochs)
    }

    static func joined(_ endless: Shared<TrainingSpec>, _ epochs: Int) -> TrainingSpec {
        var spec = endless.value
        spec.epochs = epochs
        return spec
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

extension PointOutcome {
    /// The point with what it has of its run.
    fileprivate init(
        _ milestone: MilestoneOutcome, of run: RunOutcome, like other: PointOutcome?,
        curve: ArraySlice<EpochMetrics>
    ) {
        // Points of one run share its spec, its curve, and who measured them.
        endless = run.endless
        epochs = milestone.epochs
        self.curve = curve
        self.run = run.run
        switch milestone.state {
        case .waiting: known = .waiting
        case .cancelled: known = .cancelled
        case .failed: known = .failed(run.error ?? "")
        case .finished(let attempt):
            let isThere = curve.last?.epoch == milestone.epochs
            // The figures of an epoch come with its point, or soon after.
            known =
                milestone.differing.map { PointOutcome.known(.finished($0), curve) }
                ?? (isThere ? .measured : .waiting)
            trainableParameters = run.trainableParameters
            if let before = other?.sharedProvenance, before.value.attempt == attempt {
                sharedProvenance = before
            } else {
                provenance = run.attempts.first { $0.attempt == attempt }
            }
        }
    }
}

extension RunOutcome {
    /// Calls for each milestone, with its place in the grid.
    public func forEachPoint(_ body: (Int, PointOutcome) -> Void) {
        var end = 0
        var last: PointOutcome?
        for milestone in milestones {
            while end > 0, curve[end - 1].epoch > milestone.epochs { end -= 1 }
            while end < curve.count, curve[end].epoch <= milestone.epochs { end += 1 }
            let point = PointOutcome(milestone, of: self, like: last, curve: curve[..<end])
            last = point
            body(milestone.place, point)
        }
    }
}

extension GatheredResults {
    /// In the order of the grid.
    public var points: [PointOutcome] {
        var points: [(place: Int, point: PointOutcome)] = []
        points.reserveCapacity(total)
        for run in runs { run.forEachPoint { points.append(($0, $1)) } }
        return points.sorted { $0.place < $1.place }.map(\.point)
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
