import CTorchShim
import SweepCore

/// AdamW over one vector, with its moments.
struct Optimizer {
    let settings: AdamW
    /// Largest norm of the gradient; 0 means no clipping.
    let clip: Double
    private let parameter: Tensor
    private let firstMoment: Tensor
    private let secondMoment: Tensor
    private var steps: Int64 = 0

    init(_ settings: AdamW, clip: Double, parameter: Tensor) throws(TrainingError) {
        self.settings = settings
        self.clip = clip
        self.parameter = parameter
        firstMoment = try .zeros(like: parameter)
        secondMoment = try .zeros(like: parameter)
    }

    /// Takes one step in place. Gives the gradient's norm before clipping; when that is not finite,
    /// the parameters are left as they are.
    mutating func step(_ gradient: Tensor, rate: Double) throws(TrainingError) -> Double {
        steps += 1
        var norm = 0.0
        try Torch.check(
            "AdamW step",
            mts_adamw_step(
                parameter.handle, gradient.handle, firstMoment.handle, secondMoment.handle, steps,
                rate, settings.beta1, settings.beta2, settings.epsilon, settings.weightDecay, clip,
                &norm))
        return norm
    }
}
