/// The version of the training core's numerics. It is part of every `PointKey`: a change that
/// alters any result raises it, so results of different versions are never mixed up.
public let trainingCoreVersion = 2

/// Everything that determines the result of one training, and nothing else.
///
/// A point is a `TrainingSpec` that ends with one CACC and one ASR after `epochs`; a run is one
/// that may serve several points along the way.
public struct TrainingSpec: Hashable, Sendable, Codable {
    public var backbone: BackboneReference
    public var data: TaskData
    public var capacity: Capacity
    public var attack: Attack
    /// Share of the whole training set that is poisoned, `0 ... 1`. Without meaning, and 0, for
    /// attacks that choose no samples (`Attack.usesPoisonRatio`).
    public var poisonRatio: Double
    /// Epochs to train, 1 or more.
    public var epochs: Int
    /// The peak learning rate, above 0.
    public var learningRate: Double
    public var seed: UInt64
    public var settings: TrainingSettings

    public init(
        backbone: BackboneReference, data: TaskData, capacity: Capacity, attack: Attack,
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

/// What is measured after an epoch of a run. All shares are in `0 ... 1`.
public struct EpochMetrics: Hashable, Sendable, Codable {
    /// Counted from 1.
    public var epoch: Int
    /// Mean cross-entropy of the epoch's training steps, in nats, weighted by samples.
    public var trainingLoss: Double
    /// Mean cross-entropy on the clean test set, in nats.
    public var testLoss: Double
    /// Clean accuracy on the test set.
    public var cacc: Double
    /// Share of triggered, originally non-target test samples classified as the target; `nil`
    /// without an attack.
    public var asr: Double?

    public init(
        epoch: Int, trainingLoss: Double, testLoss: Double, cacc: Double, asr: Double?
    ) {
        self.epoch = epoch
        self.trainingLoss = trainingLoss
        self.testLoss = testLoss
        self.cacc = cacc
        self.asr = asr
    }
}
