import CTorchShim
import SweepCore

/// How fast a training goes.
public struct TrainingSpeed {
    public let stepsPerSecond: Double
    /// The share of a step's time that is spent outside the shim over libtorch, in `0 ... 1`.
    public let swiftShare: Double

    /// Measures a run's steps: reading, evaluation and the first 20 steps are not counted.
    ///
    /// - Parameters:
    ///   - threads: Processor threads of one operation, 1 or more.
    ///   - steps: Steps to measure, 1 or more.
    public init(
        of spec: TrainingSpec, threads: Int, steps: Int, device: Device = .processor
    ) throws(TrainingError) {
        guard steps >= 1 else {
            throw .badSpec(field: "steps", problem: "\(steps) is not 1 or more")
        }
        var learner = try TrainingRun(spec: spec, threads: threads, device: device).makeLearner()
        try Self.takeSteps(20, of: &learner)
        let clock = ContinuousClock()
        let start = clock.now
        let insideBefore = mts_nanoseconds_inside()
        try Self.takeSteps(steps, of: &learner)
        let inside = Double(mts_nanoseconds_inside() - insideBefore) / 1e9
        let seconds = (clock.now - start) / Duration.seconds(1)
        stepsPerSecond = Double(steps) / seconds
        swiftShare = 1 - inside / seconds
    }

    /// Trains for `count` steps, over as many epochs as that takes.
    private static func takeSteps(_ count: Int, of learner: inout Learner) throws(TrainingError) {
        let end = learner.stepsDone + count
        while true {
            for samples in learner.nextEpoch() {
                _ = try learner.step(samples)
                if learner.stepsDone == end { return }
            }
        }
    }
}
