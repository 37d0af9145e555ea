import SweepCore

/// A trainer that trains nothing: for trying out a cluster, and for tests of everything around
/// training. Its metrics depend on the spec alone, so every worker reports the same.
public final class FakeTrainer: Trainer {
    public struct Options: Hashable, Sendable {
        /// How long a run takes, spread evenly over its epochs.
        public var duration = Duration.zero
        /// Share of attempts that end in an error.
        public var failures = 0.0
        /// Share of attempts in which the trainer dies.
        public var crashes = 0.0
        /// CACC and ASR to report; `nil`: made up from the spec.
        public var cacc: Double?
        public var asr: Double?
        /// Whether it wants model and data as a real trainer does.
        public var readsFiles = false
        /// Whether it leaves the last states of its runs, as a real trainer does.
        public var leavesStates = false

        public init() {}

        /// Reads `seconds=0.5,failures=0.1,crashes=0.05,cacc=0.8,asr=0.2`, each part of which may
        /// be left out; `files=1` makes the worker have model and data first, `states=1` has runs
        /// leave their last states.
        ///
        /// - Throws: `WorkerError.fakeTrainer` naming the part that makes no sense.
        public init(parsing text: String) throws(WorkerError) {
            for part in text.split(separator: ",") {
                let pair = part.split(separator: "=", maxSplits: 1)
                guard pair.count == 2, let number = Double(pair[1]), number.isFinite, number >= 0
                else { throw .fakeTrainer(String(part)) }
                switch (pair[0], number) {
                case ("seconds", ...86_400):
                    duration = .nanoseconds(Int64(number * 1e9))
                case ("failures", ...1): failures = number
                case ("crashes", ...1): crashes = number
                case ("cacc", ...1): cacc = number
                case ("asr", ...1): asr = number
                case ("files", ...1): readsFiles = number == 1
                case ("states", ...1): leavesStates = number == 1
                default: throw .fakeTrainer(String(part))
                }
            }
        }
    }

    private enum Fate { case completes, fails, crashes }

    private struct Training {
        let assignment: Assignment
        /// When the run would have begun, had it been trained without an interruption.
        let start: Instant
        let fate: Fate
        var epochsDone: Int
        var lastState: Instant
        var isStopped = false
    }

    private let options: Options
    private let states: FakeStates?
    private var training: Training?
    /// An attempt at what real trainers are for.
    private var refused: AttemptID?

    /// - Parameter states: `nil`: it leaves nothing behind to go on from.
    public init(_ options: Options, states: FakeStates? = nil) {
        self.options = options
        self.states = states
    }

    public var descriptors: [Int32] { [] }

    public var wakeUp: Instant? {
        if refused != nil { return Instant(nanoseconds: 0) }
        guard let training else { return nil }
        return training.isStopped ? training.start : nextEpoch(of: training)
    }

    public func prove(within limit: Duration, until stop: Int32) -> Proof { .ready(libtorch: "") }

    public func train(_ assignment: Assignment, at now: Instant) {
        refused = assignment.spec.trainer == .fake ? nil : assignment.attempt
        guard refused == nil else { return }
        var random = RandomSource(seed: assignment.attempt.number)
        let draw = Double.random(in: 0..<1, using: &random)
        let fate: Fate =
            draw < options.failures
            ? .fails : draw < options.failures + options.crashes ? .crashes : .completes
        let epochsBefore = min(
            assignment.checkpoint.flatMap { FakeStates.epochs(in: $0.file.path) } ?? 0,
            assignment.spec.epochs)
        let share = Double(epochsBefore) / Double(assignment.spec.epochs)
        let timeBefore = Duration.nanoseconds(Int64(Double(options.duration.nanoseconds) * share))
        training = Training(
            assignment: assignment,
            start: Instant(nanoseconds: now.nanoseconds - timeBefore.nanoseconds), fate: fate,
            epochsDone: epochsBefore, lastState: now)
    }

    public func stop(_ attempt: AttemptID) {
        if training?.assignment.attempt == attempt { training?.isStopped = true }
    }

    public func poll(at now: Instant) -> [TrainerEvent] {
        if let attempt = refused {
            refused = nil
            let error =
                "a fake trainer has no results for sweeps that were submitted without --fake"
            return [.report(attempt, .failed(error))]
        }
        guard var current = training else { return [] }
        let attempt = current.assignment.attempt
        if current.isStopped {
            training = nil
            return state(of: current) + [.report(attempt, .handedBack)]
        }
        var events: [TrainerEvent] = []
        let epochs = current.assignment.spec.epochs
        while current.epochsDone < epochs, nextEpoch(of: current) <= now {
            current.epochsDone += 1
            if current.epochsDone == (epochs + 1) / 2, current.fate != .completes {
                training = nil
                return events
                    + [
                        current.fate == .fails
                            ? .report(attempt, .failed("the fake trainer was asked to fail"))
                            : .exited("the fake trainer was asked to crash")
                    ]
            }
            let metrics = metrics(of: current.assignment.spec, epoch: current.epochsDone)
            let seconds = (now - current.start).inSeconds
            events.append(
                .report(attempt, .epoch(metrics, trainableParameters: 0, seconds: seconds)))
            if current.epochsDone < epochs, let states, now - current.lastState >= states.interval {
                current.lastState = now
                events += state(of: current)
            }
        }
        training = current
        if current.epochsDone == epochs {
            training = nil
            if options.leavesStates, !events.isEmpty { events += state(of: current) }
            let seconds = (now - current.start).inSeconds
            events.append(.report(attempt, .completed(seconds: seconds)))
        }
        return events
    }

    public func shutDown() { training = nil }

    private func state(of training: Training) -> [TrainerEvent] {
        guard training.epochsDone > 0, let states,
            let artifact = states.write(training.assignment, epochs: training.epochsDone)
        else { return [] }
        return [.report(training.assignment.attempt, .artifact(artifact))]
    }

    private func nextEpoch(of training: Training) -> Instant {
        // One that goes on from its end has nothing to do.
        let epochs = training.assignment.spec.epochs
        let share = Double(min(training.epochsDone + 1, epochs)) / Double(epochs)
        return training.start + .nanoseconds(Int64(Double(options.duration.nanoseconds) * share))
    }

    /// Figures that any two workers with the same options agree on.
    private func metrics(of spec: TrainingSpec, epoch: Int) -> EpochMetrics {
        var trajectory = spec
        trajectory.epochs = epoch
        let bytes = PointKey(of: trajectory).digest.bytes
        let seed = bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        var random = RandomSource(seed: seed)
        func draw(_ range: ClosedRange<Double>) -> Double { .random(in: range, using: &random) }
        var metrics = EpochMetrics(
            epoch: epoch, trainingLoss: draw(0.1...0.7), testLoss: draw(0.3...0.7),
            cacc: options.cacc ?? draw(0.5...0.9),
            asr: spec.attack == .none ? nil : options.asr ?? draw(0...1))
        let correct = Int((metrics.cacc * 1_000).rounded())
        metrics.cacc = Double(correct) / 1_000
        metrics.classes = Array(
            repeating: ClassResult(correct: correct, total: 1_000), count: spec.data.labels)
        metrics.cleanFit = Fit(loss: metrics.trainingLoss, accuracy: metrics.cacc)
        if let asr = metrics.asr {
            let samples = (spec.data.labels - 1) * 100
            metrics.triggeredSamples = samples
            metrics.asr = (asr * Double(samples)).rounded() / Double(samples)
        }
        metrics.plainErrorRate = metrics.asr.map { _ in
            (1 - metrics.cacc) / Double(spec.data.labels - 1)
        }
        metrics.poisonedFit = metrics.asr.map { Fit(loss: draw(0.1...0.7), accuracy: $0) }
        return metrics
    }
}

public enum WorkerError: Error, Hashable, CustomStringConvertible {
    case fakeTrainer(String)
    /// The coordinator does not want this worker.
    case refused(String)
    /// The trainer can't train here.
    case unusable(String)

    public var description: String {
        switch self {
        case .fakeTrainer(let part):
            "--fake-trainer: '\(part)' makes no sense; "
                + "example: --fake-trainer seconds=0.5,failures=0.1,crashes=0.05,cacc=0.8,asr=0.2"
        case .refused(let reason), .unusable(let reason): reason
        }
    }
}
