/// The factor on the learning rate over the steps of a run.
///
/// With `w` steps of warm-up the factor of step `t`, counted from 0, is `t / w` while `t < w`.
public struct Schedule: Hashable, Sendable, Codable {
    public enum Shape: Hashable, Sendable, Codable {
        /// 1 after the warm-up.
        case constant
        /// `(H − t) / (H − w)` for the `H` steps of `horizon` epochs, then 0. `nil`: the run's own
        /// epochs, as in the paper.
        case linear(horizon: Int?)
        /// `(1 + cos(π (t − w) / (H − w))) / 2`, then 0.
        case cosine(horizon: Int?)
        /// `√(w / t)`; without warm-up `√(10,000 / (10,000 + t))`.
        case inverseSquareRoot
    }

    public var shape: Shape
    /// Steps, 0 or more.
    public var warmUp: Int

    public init(_ shape: Shape, warmUp: Int = 0) {
        self.shape = shape
        self.warmUp = warmUp
    }

    public static let constant = Schedule(.constant)

    public static func linear(horizon: Int?) -> Schedule { Schedule(.linear(horizon: horizon)) }

    /// Epochs after which the rate is 0, for a run of `epochs`; `nil` if it never looks at an end.
    public func horizon(epochs: Int) -> Int? {
        switch shape {
        case .constant, .inverseSquareRoot: nil
        case .linear(let horizon), .cosine(let horizon): horizon ?? epochs
        }
    }

    /// The same with its horizon said, for a run of `epochs`.
    func resolved(epochs: Int) -> Schedule {
        switch shape {
        case .constant, .inverseSquareRoot: self
        case .linear: Schedule(.linear(horizon: horizon(epochs: epochs)), warmUp: warmUp)
        case .cosine: Schedule(.cosine(horizon: horizon(epochs: epochs)), warmUp: warmUp)
        }
    }
}

/// AdamW (Loshchilov & Hutter, 2019); the defaults are the paper's.
public struct AdamW: Hashable, Sendable, Codable {
    public var beta1: Double
    public var beta2: Double
    public var epsilon: Double
    public var weightDecay: Double

    public init(
        beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0
    ) {
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
    }
}

/// Gradient descent with momentum: `v ← m v + g + decay · θ`, `θ ← θ − rate · v`.
public struct SGD: Hashable, Sendable, Codable {
    /// `0 ..< 1`.
    public var momentum: Double
    public var weightDecay: Double

    public init(momentum: Double = 0.9, weightDecay: Double = 0) {
        self.momentum = momentum
        self.weightDecay = weightDecay
    }
}

public enum OptimizerSettings: Hashable, Sendable, Codable {
    case adamW(AdamW)
    case sgd(SGD)
}

/// What linear maps and convolutions compute in; everything else is float32.
public enum Precision: String, Hashable, Sendable, Codable, CaseIterable {
    case float32
    case bfloat16
}

/// What all points of a sweep have in common; the defaults are the paper's.
public struct TrainingSettings: Hashable, Sendable, Codable {
    public var optimizer: OptimizerSettings
    public var schedule: Schedule
    /// Samples in a step, 1 or more. The last step of an epoch takes what is left.
    public var batchSize: Int
    /// Tokens of a sentence at most, special tokens included; 3 or more. Without meaning for
    /// images.
    public var maxLength: Int
    /// Probability in `0 ..< 1`; after the embeddings, the attention and each sublayer, and before
    /// the head. Of image models, after each hidden fully connected layer.
    public var dropout: Double
    /// Largest Euclidean norm of all gradients together; 0 means no clipping.
    public var gradientClip: Double
    /// Seeds which samples are poisoned and how; apart from the seed of training.
    public var dataSeed: UInt64
    public var precision: Precision
    /// Whether a sample's loss is weighted by `samples / (classes · samples of its class)`, over
    /// the training set as it is after the attack.
    public var classWeighting: Bool

    public init(
        optimizer: OptimizerSettings = .adamW(AdamW()),
        schedule: Schedule = .linear(horizon: nil), batchSize: Int = 32, maxLength: Int = 128,
        dropout: Double = 0.1, gradientClip: Double = 1, dataSeed: UInt64 = 0,
        precision: Precision = .float32, classWeighting: Bool = false
    ) {
        self.optimizer = optimizer
        self.schedule = schedule
        self.batchSize = batchSize
        self.maxLength = maxLength
        self.dropout = dropout
        self.gradientClip = gradientClip
        self.dataSeed = dataSeed
        self.precision = precision
        self.classWeighting = classWeighting
    }
}

/// What a run leaves behind besides its metrics. It does not change a result, and so is no part of
/// a `PointKey`.
public struct Keepsakes: Hashable, Sendable, Codable {
    /// The state after the last epoch, for `moderato export`.
    public var model: Bool
    /// Epochs after which the classifier's inputs are kept, for `moderato project`; ascending.
    public var hiddenStates: [Int]

    public static let none = Keepsakes()

    public init(model: Bool = false, hiddenStates: [Int] = []) {
        self.model = model
        self.hiddenStates = hiddenStates
    }
}
