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
    public var trainer: TrainerKind

    public init(
        backbone: BackboneReference, data: TaskData, capacity: Capacity, attack: Attack,
        poisonRatio: Double, epochs: Int, learningRate: Double, seed: UInt64,
        settings: TrainingSettings, trainer: TrainerKind = .real
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
        self.trainer = trainer
    }

    /// A field that may be missing has its default.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            backbone: try values.decode(BackboneReference.self, forKey: .backbone),
            data: try values.decode(TaskData.self, forKey: .data),
            capacity: try values.decode(Capacity.self, forKey: .capacity),
            attack: try values.decode(Attack.self, forKey: .attack),
            poisonRatio: try values.decode(Double.self, forKey: .poisonRatio),
            epochs: try values.decode(Int.self, forKey: .epochs),
            learningRate: try values.decode(Double.self, forKey: .learningRate),
            seed: try values.decode(UInt64.self, forKey: .seed),
            settings: try values.decode(TrainingSettings.self, forKey: .settings),
            trainer: try values.decodeIfPresent(TrainerKind.self, forKey: .trainer) ?? .real)
    }
}

extension TrainingSpec {
    /// The files of data and attack, each content once.
    public var files: [FileReference] {
        var known: Set<Digest> = []
        return (data.files + attack.files).filter { known.insert($0.digest).inserted }
    }

    /// With the model and the files at the places where this worker has them.
    func placed(at places: [Digest: String]) -> TrainingSpec {
        var spec = self
        spec.backbone.path = places[backbone.digest] ?? backbone.path
        spec.data = data.mapFiles { $0.at(places[$0.digest]) }
        spec.attack = attack.mapFiles { $0.at(places[$0.digest]) }
        return spec
    }
}
