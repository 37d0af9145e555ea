extension PointKey {
    /// The key of the point that `spec` describes.
    public init(of spec: TrainingSpec) { self.init(Digest(ofText: spec.canonicalText)) }
}

extension TrainingSpec {
    /// One `name=value` line for everything that changes the result of this training, and nothing
    /// else: files by their digests rather than paths, and a schedule by the horizon it
    /// comes to. Numbers are written in Swift's shortest form that reads back the same.
    public var canonicalText: String {
        [
            CanonicalText.head(backbone, data, trainer),
            CanonicalText.capacity(capacity),
            CanonicalText.attack(attack, data, poisonRatio: poisonRatio, seed: settings.dataSeed),
            CanonicalText.settings(settings, epochs: epochs, isImages: data.train.isImages),
            CanonicalText.epochs(epochs),
            CanonicalText.learningRate(learningRate),
            CanonicalText.seed(seed),
        ].joined()
    }
}

/// The parts of `TrainingSpec.canonicalText`, whole lines each.
enum CanonicalText {
    static func head(
        _ backbone: BackboneReference, _ data: TaskData, _ trainer: TrainerKind
    ) -> String {
        var lines = [
            "moderato-point",
            "training-core=\(trainingCoreVersion)",
            "backbone=\(backbone.digest.hex)",
            "test=\(data.test.digest.hex)",
            "labels=\(data.labels)",
        ]
        if let validation = data.validation { lines.append("validation=\(validation.digest.hex)") }
        // Made-up results are never those of a training; keys of real ones are as they always were.
        if trainer == .fake { lines.append("trainer=fake") }
        return text(lines)
    }

    static func capacity(_ capacity: Capacity) -> String { text(capacity.canonicalLines) }

    static func settings(_ settings: TrainingSettings, epochs: Int, isImages: Bool) -> String {
        text(settings.canonicalLines(epochs: epochs, isImages: isImages))
    }

    static func epochs(_ epochs: Int) -> String { "epochs=\(epochs)\n" }
    static func learningRate(_ rate: Double) -> String { "learning-rate=\(decimal(rate))\n" }
    static func seed(_ seed: UInt64) -> String { "seed=\(seed)\n" }

    private static func text(_ lines: [String]) -> String {
        lines.map { $0 + "\n" }.joined()
    }

    static func attack(
        _ attack: Attack, _ data: TaskData, poisonRatio: Double, seed: UInt64
    ) -> String {
        text(lines(attack, data, poisonRatio: poisonRatio, seed: seed))
    }

    private static func lines(
        _ attack: Attack, _ data: TaskData, poisonRatio: Double, seed: UInt64
    ) -> [String] {
        let lines =
            attack.keyLines("attack", isImages: data.train.isImages)
            + ["train=\(data.train.digest.hex)"]
        guard attack.usesPoisonRatio else { return lines }
        return lines + ["poison-ratio=\(decimal(poisonRatio))", "data-seed=\(seed)"]
    }
}

extension Capacity {
    fileprivate var canonicalLines: [String] {
        pet.keyLines("pet", isImages: false) + (bottleneck?.keyLines(isImages: false) ?? [])
    }
}

extension TrainingSettings {
    fileprivate func canonicalLines(epochs: Int, isImages: Bool) -> [String] {
        optimizer.keyLines(Self.optimizerName, isImages: isImages)
            + schedule.resolved(epochs: epochs).keyLines(Self.scheduleName, isImages: isImages)
            + keyLines(isImages: isImages)
    }
}

/// The keys of the cells of one grid, each part of the text written once.
struct PointKeyWriter {
    private let sweep: SweepSpec
    private let head: [UInt8]
    private let capacities: [[UInt8]]
    private let learningRates: [[UInt8]]
    /// For each attack, for each poison ratio.
    private let attacks: [[[UInt8]]]
    private let seeds: [[UInt8]]
    /// For each number of epochs.
    private let settings: [[UInt8]]
    private let epochs: [[UInt8]]
    private var text: [UInt8] = []

    init(_ sweep: SweepSpec) {
        let grid = sweep.grid
        let isImages = sweep.data.train.isImages
        self.sweep = sweep
        head = Array(CanonicalText.head(sweep.backbone, sweep.data, sweep.trainer).utf8)
        capacities = grid.capacities.map { Array(CanonicalText.capacity($0).utf8) }
        learningRates = grid.learningRates.map { Array(CanonicalText.learningRate($0).utf8) }
        attacks = grid.attacks.map { attack in
            grid.poisonRatios.map { ratio in
                Array(
                    CanonicalText.attack(
                        attack, sweep.data, poisonRatio: attack.usesPoisonRatio ? ratio : 0,
                        seed: sweep.settings.dataSeed
                    ).utf8)
            }
        }
        seeds = grid.seeds.map { Array(CanonicalText.seed($0).utf8) }
        settings = grid.epochs.map {
            Array(
                CanonicalText.settings(sweep.settings, epochs: $0, isImages: isImages).utf8)
        }
        epochs = grid.epochs.map { Array(CanonicalText.epochs($0).utf8) }
    }

    /// The same as `PointKey(of: sweep.spec(ofCell: number))`.
    mutating func key(ofCell number: Int) -> PointKey {
        let cell = SweepSpec.Cell(number, of: sweep.grid)
        return key(of: cell, epochs: epochs[cell.epochs])
    }

    /// The same as `PointKey(of: sweep.spec(ofCell: number).trajectory)`.
    mutating func trajectory(ofCell number: Int) -> PointKey {
        key(of: SweepSpec.Cell(number, of: sweep.grid), epochs: Self.endless)
    }

    private mutating func key(of cell: SweepSpec.Cell, epochs: [UInt8]) -> PointKey {
        text.removeAll(keepingCapacity: true)
        text += head
        text += capacities[cell.capacity]
        text += attacks[cell.attack][cell.poisonRatio]
        text += settings[cell.epochs]
        text += epochs
        text += learningRates[cell.learningRate]
        text += seeds[cell.seed]
        return PointKey(Digest(of: text))
    }

    private static let endless = Array(CanonicalText.epochs(0).utf8)
}
