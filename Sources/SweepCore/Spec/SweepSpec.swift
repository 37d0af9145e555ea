/// The axes of a sweep's grid. Every axis has at least one value.
public struct Grid: Hashable, Sendable, Codable {
    public var capacities: [Capacity]
    public var epochs: [Int]
    public var learningRates: [Double]
    public var attacks: [Attack]
    public var poisonRatios: [Double]
    public var seeds: [UInt64]

    public init(
        capacities: [Capacity], epochs: [Int], learningRates: [Double], attacks: [Attack],
        poisonRatios: [Double], seeds: [UInt64]
    ) {
        self.capacities = capacities
        self.epochs = epochs
        self.learningRates = learningRates
        self.attacks = attacks
        self.poisonRatios = poisonRatios
        self.seeds = seeds
    }

    /// Cells of the grid, duplicates included.
    public var cellCount: Int {
        capacities.count * epochs.count * learningRates.count * attacks.count
            * poisonRatios.count * seeds.count
    }
}

/// One submitted experiment, with every file checked and named by its digest.
public struct SweepSpec: Hashable, Sendable, Codable {
    /// Unique in a store: 1 to 100 characters.
    public var name: String
    public var backbone: BackboneReference
    public var data: TaskData
    public var grid: Grid
    public var settings: TrainingSettings
    /// Training samples by the data set's digest, so that steps can be counted without reading
    /// files.
    public var trainingSamples: [Digest: Int]
    public var keep: Keepsakes
    /// Labels that a worker must have to train its runs, such as `gpu=a100`.
    public var needs: [String]
    /// A fake trainer's results have keys of their own.
    public var trainer: TrainerKind

    public init(
        name: String, backbone: BackboneReference, data: TaskData, grid: Grid,
        settings: TrainingSettings, trainingSamples: [Digest: Int], keep: Keepsakes = .none,
        needs: [String] = [], trainer: TrainerKind = .real
    ) {
        self.name = name
        self.backbone = backbone
        self.data = data
        self.grid = grid
        self.settings = settings
        self.trainingSamples = trainingSamples
        self.keep = keep
        self.needs = needs
        self.trainer = trainer
    }

    /// Samples in the training file that `attack` trains on; 0 if the spec does not count it.
    public func sampleCount(for attack: Attack) -> Int {
        switch attack {
        case .prepared(let prepared): trainingSamples[prepared.train.digest] ?? 0
        default: trainingSamples[data.train.digest] ?? 0
        }
    }
}

extension SweepSpec {
    /// A field that may be missing has its default.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            name: try values.decode(String.self, forKey: .name),
            backbone: try values.decode(BackboneReference.self, forKey: .backbone),
            data: try values.decode(TaskData.self, forKey: .data),
            grid: try values.decode(Grid.self, forKey: .grid),
            settings: try values.decode(TrainingSettings.self, forKey: .settings),
            trainingSamples: try values.decode([Digest: Int].self, forKey: .trainingSamples),
            keep: try values.decodeIfPresent(Keepsakes.self, forKey: .keep) ?? .none,
            needs: try values.decodeIfPresent([String].self, forKey: .needs) ?? [],
            trainer: try values.decodeIfPresent(TrainerKind.self, forKey: .trainer) ?? .real)
    }
}

extension SweepSpec {
    /// Prefix sharing: cells that differ only in epochs are one run where the schedule does not
    /// look at the end of training. So many neighbours in the grid.
    public var cellsOfATrajectory: Int {
        settings.schedule.horizon(epochs: 1) == settings.schedule.horizon(epochs: 2)
            ? grid.epochs.count : 1
    }

    /// The files of data and attacks, each content once.
    public var files: [FileReference] {
        var known: Set<Digest> = []
        return (data.files + grid.attacks.flatMap(\.files))
            .filter { known.insert($0.digest).inserted }
    }
}
