import SweepCore

/// The learning rate of each step.
struct LearningRate {
    let peak: Double
    /// Steps from the peak to 0; `nil` for a constant rate.
    let horizon: Int?

    init(_ spec: TrainingSpec, stepsPerEpoch: Int) {
        peak = spec.learningRate
        switch spec.settings.schedule {
        case .constant: horizon = nil
        case .linear(let epochs): horizon = (epochs ?? spec.epochs) * stepsPerEpoch
        }
    }

    /// The rate of step `step`, counted from 0.
    func rate(at step: Int) -> Double {
        guard let horizon else { return peak }
        return peak * max(0, 1 - Double(step) / Double(horizon))
    }
}
