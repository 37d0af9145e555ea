import CTorchShim
import SweepCore

/// AdamW or SGD over one vector, with its moments.
struct Optimizer {
    let settings: OptimizerSettings
    /// Largest norm of the gradient; 0 means no clipping.
    let clip: Double
    private let parameter: Tensor
    /// AdamW's first and second moment, or SGD's velocity.
    private let moments: [Tensor]
    private(set) var steps: Int64 = 0

    init(_ settings: OptimizerSettings, clip: Double, parameter: Tensor) throws(TrainingError) {
        self.settings = settings
        self.clip = clip
        self.parameter = parameter
        switch settings {
        case .adamW: moments = [try .zeros(like: parameter), try .zeros(like: parameter)]
        case .sgd: moments = [try .zeros(like: parameter)]
        }
    }

    /// Goes on where `momentValues` were read after `steps` steps.
    init(
        _ settings: OptimizerSettings, clip: Double, parameter: Tensor, device: Device,
        steps: Int64, moments values: [[Float]]
    ) throws(TrainingError) {
        self.settings = settings
        self.clip = clip
        self.parameter = parameter
        self.steps = steps
        let expected =
            switch settings {
            case .adamW: 2
            case .sgd: 1
            }
        guard values.count == expected, values.allSatisfy({ $0.count == parameter.count }) else {
            throw .badSpec(field: "checkpoint", problem: "its moments are another optimiser's")
        }
        var moments: [Tensor] = []
        for moment in values {
            moments.append(
                try .floats(
                    moment, shape: parameter.shape, device: device))
        }
        self.moments = moments
    }

    func momentValues() throws(TrainingError) -> [[Float]] {
        var values: [[Float]] = []
        for moment in moments { values.append(try moment.floats()) }
        return values
    }

    /// Takes one step in place. Gives the gradient's norm before clipping; when that is not finite,
    /// the parameters are left as they are.
    mutating func step(_ gradient: Tensor, rate: Double) throws(TrainingError) -> Double {
        steps += 1
        var norm = 0.0
        switch settings {
        case .adamW(let adamW):
            try Torch.check(
                "AdamW step",
                mts_adamw_step(
                    parameter.handle, gradient.handle, moments[0].handle, moments[1].handle, steps,
                    rate, adamW.beta1, adamW.beta2, adamW.epsilon, adamW.weightDecay, clip, &norm))
        case .sgd(let sgd):
            try Torch.check(
                "SGD step",
                mts_sgd_step(
                    parameter.handle, gradient.handle, moments[0].handle, rate, sgd.momentum,
                    sgd.weightDecay, clip, &norm))
        }
        return norm
    }
}
