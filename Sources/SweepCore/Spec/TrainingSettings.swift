/// The factor on the learning rate over the steps of a run.
///
/// With `w` steps of warm-up the factor of step `t`, counted from 0, is `t / w` while `t < w`.
public struct Schedule: CaseTable {
    public enum Shape: Hashable, Sendable {
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

    public static let cases: [FieldCase<Schedule>] = [
        kind("constant", "one rate", .constant, label: "constant"),
        kind("linear", "falls in a line to 0", .linear(horizon: nil), label: "linear"),
        kind("cosine", "falls in half a cosine to 0", .cosine(horizon: nil), label: "cosine"),
        kind(
            "inverse-sqrt", "falls with the root of the steps", .inverseSquareRoot,
            label: "inverse square root"),
    ]

    private static func kind(
        _ name: String, _ title: String, _ shape: Shape, label: String
    ) -> FieldCase<Schedule> {
        let usual = Schedule(shape)
        let end: [Field<Schedule>] = [
            .integer("horizon", "epochs after which the rate is 0", \.end, 1...mostEpochs)
        ]
        return FieldCase(
            name, title, usual: usual,
            fields: (usual.hasEnd ? end : []) + [
                .integer("warm-up", "steps of warm-up", \.warmUp, 0...1_000_000_000)
            ],
            contains: { $0.shape.isLike(shape) },
            label: { schedule in
                let end = schedule.end.map { "over \(counted($0, "epoch"))" } ?? "to the last epoch"
                let name = schedule.hasEnd ? "\(label) \(end)" : label
                return schedule.warmUp == 0 ? name : "\(name), warm-up \(schedule.warmUp) steps"
            })
    }

    /// The most epochs of a run or a horizon.
    public static let mostEpochs = 100_000

    /// Whether the rate falls to 0 at some time.
    var hasEnd: Bool {
        switch shape {
        case .linear, .cosine: true
        case .constant, .inverseSquareRoot: false
        }
    }

    /// The horizon that is said; `nil`: none is.
    public var end: Int? {
        get {
            switch shape {
            case .linear(let horizon), .cosine(let horizon): horizon
            case .constant, .inverseSquareRoot: nil
            }
        }
        set {
            switch shape {
            case .linear: shape = .linear(horizon: newValue)
            case .cosine: shape = .cosine(horizon: newValue)
            case .constant, .inverseSquareRoot: break
            }
        }
    }

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
        var resolved = self
        resolved.end = horizon(epochs: epochs)
        return resolved
    }
}

extension Schedule.Shape {
    /// Whether both are of a kind, with any horizons.
    fileprivate func isLike(_ other: Schedule.Shape) -> Bool {
        switch (self, other) {
        case (.constant, .constant), (.linear, .linear), (.cosine, .cosine),
            (.inverseSquareRoot, .inverseSquareRoot):
            true
        default: false
        }
    }
}

/// AdamW (Loshchilov & Hutter, 2019); the defaults are the paper's.
public struct AdamW: FieldTable {
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

    public init() { self.init(beta1: 0.9) }

    public static let fields: [Field<AdamW>] = [
        .number("beta1", "decay of the mean of gradients", \.beta1, .belowOne),
        .number("beta2", "decay of the mean of their squares", \.beta2, .belowOne),
        .number(
            "epsilon", "added to the root", \.epsilon, Bounds(0, 1, excludesLow: true)),
        .number("weight-decay", "decoupled weight decay", \.weightDecay, .weightDecay),
    ]
}

extension Bounds {
    fileprivate static let weightDecay = Bounds(0, 1_000)
}

/// Gradient descent with momentum: `v ← m v + g + decay · θ`, `θ ← θ − rate · v`.
public struct SGD: FieldTable {
    /// `0 ..< 1`.
    public var momentum: Double
    public var weightDecay: Double

    public init(momentum: Double = 0.9, weightDecay: Double = 0) {
        self.momentum = momentum
        self.weightDecay = weightDecay
    }

    public init() { self.init(momentum: 0.9) }

    public static let fields: [Field<SGD>] = [
        .number("momentum", "share of the last step that goes on", \.momentum, .belowOne),
        .number("weight-decay", "decay of weights", \.weightDecay, .weightDecay),
    ]
}

public enum OptimizerSettings: CaseTable {
    case adamW(AdamW)
    case sgd(SGD)

    public static let cases: [FieldCase<OptimizerSettings>] = [
        FieldCase(
            "adamw", "AdamW (Loshchilov & Hutter, 2019)", AdamW.self,
            get: { if case .adamW(let adamW) = $0 { adamW } else { nil } }, make: { .adamW($0) },
            label: {
                let numbers =
                    "\(decimal($0.beta1)), \(decimal($0.beta2)), \(scientific($0.epsilon))"
                return "AdamW (\(numbers)\(decay($0.weightDecay)))"
            }),
        FieldCase(
            "sgd", "gradient descent with momentum", SGD.self,
            get: { if case .sgd(let sgd) = $0 { sgd } else { nil } }, make: { .sgd($0) },
            label: { "SGD (\(decimal($0.momentum))\(decay($0.weightDecay)))" }),
    ]

    private static func decay(_ value: Double) -> String {
        value == 0 ? "" : ", weight decay \(decimal(value))"
    }
}

/// What linear maps and convolutions compute in; everything else is float32.
public enum Precision: String, Hashable, Sendable, Codable, CaseIterable {
    case float32
    case bfloat16
}

/// What all points of a sweep have in common; the defaults are the paper's.
public struct TrainingSettings: Hashable, Sendable {
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
    /// Share of each target that all classes have in common (Szegedy et al., 2016); `0 ..< 1`.
    /// The losses of fits are without it.
    public var labelSmoothing: Double

    public init(
        optimizer: OptimizerSettings = .adamW(AdamW()),
        schedule: Schedule = .linear(horizon: nil), batchSize: Int = 32, maxLength: Int = 128,
        dropout: Double = 0.1, gradientClip: Double = 1, dataSeed: UInt64 = 0,
        precision: Precision = .float32, classWeighting: Bool = false,
        labelSmoothing: Double = 0
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
        self.labelSmoothing = labelSmoothing
    }
}

extension TrainingSettings: FieldTable {
    public init() { self.init(batchSize: 32) }

    /// Beside optimizer and schedule, which have kinds.
    public static let fields: [Field<TrainingSettings>] = [
        .integer("batch-size", "samples in a step", \.batchSize, 1...100_000),
        .integer(
            "max-length", "tokens of a sentence at most", \.maxLength, 3...100_000,
            key: .forSentences),
        .number("dropout", "probability of dropout", \.dropout, .belowOne),
        .number(
            "gradient-clip", "largest norm of all gradients; 0: any", \.gradientClip,
            Bounds(0, .greatestFiniteMagnitude, words: "of 0 (no clipping) or above")),
        .seed("data-seed", "which samples are poisoned, and how", \.dataSeed, key: .never),
        .word("precision", "of products of matrices", \.precision),
        .flag(
            "class-weighting", "loss weighted by class", \.classWeighting, no: "none",
            yes: "balanced"),
        .number(
            "label-smoothing", "share of a target that all classes share", \.labelSmoothing,
            .belowOne, key: .unless(.number(0))),
    ]

    public init(from decoder: any Decoder) throws {
        self.init()
        let values = try decoder.container(keyedBy: FieldName.self)
        try values.fill(
            &self, Self.fields, required: [], others: [Self.optimizerName, Self.scheduleName])
        optimizer =
            try values.decodeIfPresent(
                OptimizerSettings.self, forKey: FieldName(Self.optimizerName)) ?? optimizer
        schedule =
            try values.decodeIfPresent(Schedule.self, forKey: FieldName(Self.scheduleName))
            ?? schedule
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: FieldName.self)
        for field in Self.fields { try values.encode(field, of: self) }
        try values.encode(optimizer, forKey: FieldName(Self.optimizerName))
        try values.encode(schedule, forKey: FieldName(Self.scheduleName))
    }

    public static let optimizerName = "optimizer"
    public static let scheduleName = "schedule"

    /// What is wrong with the first value that has a problem; `nil`: all are right.
    public var problem: String? {
        Self.fields.lazy.compactMap { $0.problem(in: self) }.first ?? optimizer.problem
            ?? schedule.problem
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
