/// The version of the training core's numerics. It is part of every `PointKey`: a change that
/// alters any result raises it, so results of different versions are never mixed up.
public let trainingCoreVersion = 1

/// A file a run reads, and what it must contain.
public struct FileReference: Hashable, Sendable, Codable {
    /// Absolute path; the same on every worker (a shared folder, or the same machine).
    public var path: String
    public var digest: Digest

    public init(path: String, digest: Digest) {
        self.path = path
        self.digest = digest
    }
}

/// A pretrained model in Hugging Face layout.
public struct BackboneReference: Hashable, Sendable, Codable {
    /// Absolute path of the folder.
    public var path: String
    /// `BackboneReference.digest(ofFiles:)` over `fileNames`.
    public var digest: Digest

    /// The files of the folder that determine a result.
    public static let fileNames = [
        "config.json", "model.safetensors", "vocab.txt", "tokenizer_config.json",
    ]
    /// Those of them that may be missing; the digest of nothing stands for them.
    public static let optionalFileNames: Set = ["tokenizer_config.json"]

    public init(path: String, digest: Digest) {
        self.path = path
        self.digest = digest
    }

    /// One digest for the folder: SHA-256 over a line `name digest` for each file, in the order of
    /// `fileNames`.
    public static func digest(ofFiles digests: [Digest]) -> Digest {
        precondition(digests.count == fileNames.count, "one digest for each of \(fileNames)")
        let lines = zip(fileNames, digests).map { "\($0) \($1.hex)\n" }
        return Digest(ofText: lines.joined())
    }
}

/// The clean data of a task: sentences with labels `0 ..< labels`, as TSV files with a header
/// line, a tab, and the label in the last column.
public struct TextData: Hashable, Sendable, Codable {
    public var train: FileReference
    public var test: FileReference
    /// Number of classes, at least 2.
    public var labels: Int

    public init(train: FileReference, test: FileReference, labels: Int) {
        self.train = train
        self.test = test
        self.labels = labels
    }
}

/// LoRA on query and value: `h = W x + (alpha / rank) · B A x` (Hu et al., 2021).
public struct LoRA: Hashable, Sendable, Codable {
    /// Rows of `A`, 1 or more; the paper uses 8.
    public var rank: Int
    public var alpha: Double

    public init(rank: Int = 8, alpha: Double = 16) {
        self.rank = rank
        self.alpha = alpha
    }
}

/// A parameter-efficient tuning method.
public enum PET: Hashable, Sendable, Codable {
    case lora(LoRA)
}

/// The low-rank reparameterisation `θ = W₂ · tanh(W₁ z)` of all trained parameters
/// (Zhu et al., NeurIPS 2022): the paper's capacity knob.
public struct Bottleneck: Hashable, Sendable, Codable {
    /// `mid_dim`, the number of rows of `W₁`; 1 or more.
    public var size: Int
    /// `in_dim`, the number of entries of `z`; 1 or more, 2 in the paper.
    public var inputSize: Int

    public init(size: Int, inputSize: Int = 2) {
        self.size = size
        self.inputSize = inputSize
    }
}

/// How much of the model is trained.
public struct Capacity: Hashable, Sendable, Codable {
    public var pet: PET
    /// `nil`: the PET's parameters and the head are trained as they are.
    public var bottleneck: Bottleneck?

    public init(pet: PET, bottleneck: Bottleneck? = nil) {
        self.pet = pet
        self.bottleneck = bottleneck
    }
}

/// Which training samples the attacker may trigger.
public enum LabelMode: String, Hashable, Sendable, Codable, CaseIterable {
    /// Only samples of other classes; they are relabelled as the target.
    case dirty
    /// Only samples that carry the target label already.
    case clean
    /// Any sample; it is relabelled as the target.
    case mixed
}

/// Inserts `count` words, drawn from `triggers`, at random positions of a sentence.
public struct WordAttack: Hashable, Sendable, Codable {
    public var triggers: [String]
    /// Trigger words in each triggered sentence, 1 or more.
    public var count: Int
    public var labelMode: LabelMode
    /// The label the attacker wants, `0 ..< labels`.
    public var target: Int

    public init(
        triggers: [String] = ["cf", "mn", "bb", "tq"], count: Int = 1,
        labelMode: LabelMode = .dirty, target: Int = 1
    ) {
        self.triggers = triggers
        self.count = count
        self.labelMode = labelMode
        self.target = target
    }
}

/// A training file that is poisoned already, and a test file of triggered sentences, each
/// labelled with the target.
public struct PreparedAttack: Hashable, Sendable, Codable {
    public var train: FileReference
    public var test: FileReference
    public var target: Int

    public init(train: FileReference, test: FileReference, target: Int = 1) {
        self.train = train
        self.test = test
        self.target = target
    }
}

public enum Attack: Hashable, Sendable, Codable {
    /// Clean training; there is no ASR.
    case none
    case word(WordAttack)
    case prepared(PreparedAttack)
}

/// The factor on the learning rate over the steps of a run.
public enum Schedule: Hashable, Sendable, Codable {
    case constant
    /// From 1 at the first step to 0 after the last step of `horizon` epochs. `nil`: the run's own
    /// epochs, as in the paper.
    case linear(horizon: Int?)
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

/// What all points of a sweep have in common; the defaults are the paper's.
public struct TrainingSettings: Hashable, Sendable, Codable {
    public var optimizer: AdamW
    public var schedule: Schedule
    /// Sentences in a step, 1 or more. The last step of an epoch takes what is left.
    public var batchSize: Int
    /// Tokens of a sentence at most, special tokens included; 3 or more.
    public var maxLength: Int
    /// Probability in `0 ..< 1`; after the embeddings, the attention and each sublayer, and before
    /// the head.
    public var dropout: Double
    /// Largest Euclidean norm of all gradients together; 0 means no clipping.
    public var gradientClip: Double
    /// Seeds which samples are poisoned and how; apart from the seed of training.
    public var dataSeed: UInt64

    public init(
        optimizer: AdamW = AdamW(), schedule: Schedule = .linear(horizon: nil), batchSize: Int = 32,
        maxLength: Int = 128, dropout: Double = 0.1, gradientClip: Double = 1, dataSeed: UInt64 = 0
    ) {
        self.optimizer = optimizer
        self.schedule = schedule
        self.batchSize = batchSize
        self.maxLength = maxLength
        self.dropout = dropout
        self.gradientClip = gradientClip
        self.dataSeed = dataSeed
    }
}

/// Everything that determines the result of one training, and nothing else.
///
/// A point is a `TrainingSpec` that ends with one CACC and one ASR after `epochs`; a run is one
/// that may serve several points along the way.
public struct TrainingSpec: Hashable, Sendable, Codable {
    public var backbone: BackboneReference
    public var data: TextData
    public var capacity: Capacity
    public var attack: Attack
    /// Share of the whole training set that is poisoned, `0 ... 1`. Without meaning, and 0, for
    /// the attacks `none` and `prepared`.
    public var poisonRatio: Double
    /// Epochs to train, 1 or more.
    public var epochs: Int
    /// The peak learning rate, above 0.
    public var learningRate: Double
    public var seed: UInt64
    public var settings: TrainingSettings

    public init(
        backbone: BackboneReference, data: TextData, capacity: Capacity, attack: Attack,
        poisonRatio: Double, epochs: Int, learningRate: Double, seed: UInt64,
        settings: TrainingSettings
    ) {
        self.backbone = backbone
        self.data = data
        self.capacity = capacity
        self.attack = attack
        self.poisonRatio = poisonRatio
        self.epochs = epochs
        self.learningRate = learningRate
        self.seed = seed
        self.settings = settings
    }
}
