import Glibc
import SweepCore

/// The learning rate of each step; `Schedule` states the formulas.
struct LearningRate {
    let peak: Double
    private let shape: Schedule.Shape
    private let warmUp: Double
    /// Steps from the start to a rate of 0.
    private let horizon: Double

    /// Steps that stand for the warm-up of an inverse square root that has none.
    private static let usualTimescale = 10_000.0

    init(_ spec: TrainingSpec, stepsPerEpoch: Int) {
        let schedule = spec.settings.schedule
        peak = spec.learningRate
        shape = schedule.shape
        warmUp = Double(schedule.warmUp)
        horizon = Double((schedule.horizon(epochs: spec.epochs) ?? 0) * stepsPerEpoch)
    }

    /// The rate of step `step`, counted from 0.
    func rate(at step: Int) -> Double { peak * factor(Double(step)) }

    private func factor(_ step: Double) -> Double {
        if step < warmUp { return step / warmUp }
        let progress = min(1, (step - warmUp) / max(1, horizon - warmUp))
        switch shape {
        case .constant: return 1
        case .linear: return 1 - progress
        case .cosine: return (1 + cos(Double.pi * progress)) / 2
        case .inverseSquareRoot:
            let timescale = warmUp > 0 ? warmUp : Self.usualTimescale
            return (timescale / (timescale + step - warmUp)).squareRoot()
        }
    }
}
