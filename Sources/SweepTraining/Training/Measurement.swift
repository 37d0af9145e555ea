import SweepCore

/// Training steps a second: reading, evaluation and the first 20 steps are not counted.
///
/// - Parameters:
///   - threads: Processor threads of one operation, 1 or more.
///   - steps: Steps to measure, 1 or more.
public func measureStepsPerSecond(
    spec: TrainingSpec, threads: Int, steps: Int, device: Device = .processor
) throws(TrainingError) -> Double {
    let warmUp = 20
    guard steps >= 1 else { throw .badSpec(field: "steps", problem: "\(steps) is not 1 or more") }
    var learner = try TrainingRun(spec: spec, threads: threads, device: device).makeLearner()
    let clock = ContinuousClock()
    var start = clock.now
    while true {
        for samples in learner.nextEpoch() {
            if learner.stepsDone == warmUp { start = clock.now }
            _ = try learner.step(samples)
            if learner.stepsDone == warmUp + steps {
                let seconds = (clock.now - start) / Duration.seconds(1)
                return Double(steps) / seconds
            }
        }
    }
}
