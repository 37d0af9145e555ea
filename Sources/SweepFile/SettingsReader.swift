import SweepCore

extension TrainingSettings {
    /// The settings under `training`; those that are not written, or all without an entry, are the
    /// defaults.
    init(reading entry: Entry?) throws(SweepFileError) {
        self.init()
        guard let entry else { return }
        let fields = try entry.fields(
            [
                "schedule", "batch-size", "max-length", "dropout", "gradient-clip", "data-seed",
                "optimizer", "precision", "class-weighting",
            ], required: [], what: "training")
        if let schedule = fields["schedule"] { self.schedule = try Schedule(reading: schedule) }
        if let size = fields["batch-size"] { batchSize = try size.integer(1...100_000) }
        if let length = fields["max-length"] { maxLength = try length.integer(3...100_000) }
        if let dropout = fields["dropout"] {
            self.dropout = try dropout.number("from 0 to below 1") { 0 <= $0 && $0 < 1 }
        }
        if let clip = fields["gradient-clip"] {
            gradientClip = try clip.number("of 0 (no clipping) or above") { $0 >= 0 }
        }
        if let seed = fields["data-seed"] { dataSeed = try seed.seed() }
        if let optimizer = fields["optimizer"] {
            self.optimizer = try OptimizerSettings(reading: optimizer)
        }
        if let precision = fields["precision"] {
            let names = Precision.allCases.map(\.rawValue)
            let name = try precision.word(names, what: "precision")
            self.precision = Precision(rawValue: name) ?? self.precision
        }
        if let weighting = fields["class-weighting"] {
            classWeighting =
                try weighting.word(["none", "balanced"], what: "class weighting") == "balanced"
        }
    }
}

extension Schedule {
    private static let shapes = ["constant", "linear", "cosine", "inverse-sqrt"]

    fileprivate init(reading entry: Entry) throws(SweepFileError) {
        var kind = entry
        var horizon: Entry?
        var warmUp = 0
        if case .mapping = entry.node {
            let fields = try entry.fields(
                ["kind", "horizon", "warm-up"], required: ["kind"], what: "a schedule")
            kind = fields["kind"] ?? entry
            horizon = fields["horizon"]
            warmUp = try fields["warm-up"]?.integer(0...Limits.steps) ?? 0
        }
        let name = try kind.word(Schedule.shapes, what: "schedule")
        let epochs = try horizon?.integer(1...Limits.epochs)
        switch name {
        case "linear": self.init(.linear(horizon: epochs), warmUp: warmUp)
        case "cosine": self.init(.cosine(horizon: epochs), warmUp: warmUp)
        default:
            if let horizon {
                throw horizon.mistake(
                    "the schedule \(name) never looks at an end and has no horizon; "
                        + "take the key out")
            }
            self.init(name == "constant" ? .constant : .inverseSquareRoot, warmUp: warmUp)
        }
    }
}

extension Keepsakes {
    /// What the runs leave behind; nothing without an entry.
    ///
    /// - Parameter epochs: Those of the grid, which hidden states can be asked of.
    init(reading entry: Entry?, epochs: [Int]) throws(SweepFileError) {
        self.init()
        guard let entry else { return }
        let fields = try entry.fields(
            ["model", "hidden-states"], required: [], what: "a mapping of what to keep")
        if let model = fields["model"] {
            let word = try model.word(["yes", "no", "true", "false"], what: "answer")
            self.model = ["yes", "true"].contains(word)
        }
        if let states = fields["hidden-states"] {
            let last = epochs.max() ?? 1
            hiddenStates = try states.axis { epoch throws(SweepFileError) in
                try epoch.integer(1...last)
            }.sorted()
        }
    }
}

extension OptimizerSettings {
    fileprivate init(reading entry: Entry) throws(SweepFileError) {
        let kinds = ["adamw", "sgd"]
        var kind = try entry.kind("kind", among: kinds, what: "optimizer")
        if kind == nil { kind = try entry.word(kinds, what: "optimizer") }
        self = kind == "sgd" ? .sgd(try SGD(reading: entry)) : .adamW(try AdamW(reading: entry))
    }
}

extension SGD {
    fileprivate init(reading entry: Entry) throws(SweepFileError) {
        self.init()
        guard case .mapping = entry.node else { return }
        let fields = try entry.fields(
            ["kind", "momentum", "weight-decay"], required: ["kind"], what: "the optimizer sgd")
        if let momentum = fields["momentum"] {
            self.momentum = try momentum.number("from 0 to below 1") { 0 <= $0 && $0 < 1 }
        }
        if let decay = fields["weight-decay"] {
            weightDecay = try decay.number("from 0 to 1000") { 0 <= $0 && $0 <= 1_000 }
        }
    }
}

extension AdamW {
    fileprivate init(reading entry: Entry) throws(SweepFileError) {
        self.init()
        guard case .mapping = entry.node else { return }
        let fields = try entry.fields(
            ["kind", "beta1", "beta2", "epsilon", "weight-decay"], required: ["kind"],
            what: "the optimizer adamw")
        if let beta = fields["beta1"] {
            beta1 = try beta.number("from 0 to below 1") { 0 <= $0 && $0 < 1 }
        }
        if let beta = fields["beta2"] {
            beta2 = try beta.number("from 0 to below 1") { 0 <= $0 && $0 < 1 }
        }
        if let epsilon = fields["epsilon"] {
            self.epsilon = try epsilon.number("above 0, to 1") { $0 > 0 && $0 <= 1 }
        }
        if let decay = fields["weight-decay"] {
            weightDecay = try decay.number("from 0 to 1000") { 0 <= $0 && $0 <= 1_000 }
        }
    }
}

/// The largest values that are no slip of the pen; those of sizes are the trainer's.
enum Limits {
    static let epochs = 100_000
    static let steps = 1_000_000_000
    static let parameters = 65_536
    static let labels = 10_000
    /// Pixels.
    static let imageSide = 4_096
    /// Of learning rates and of LoRA's alpha.
    static let rate = 1e6
    /// Characters of a trigger word.
    static let trigger = 100
}
