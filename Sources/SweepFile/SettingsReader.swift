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
                "optimizer",
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
        if let optimizer = fields["optimizer"] { self.optimizer = try AdamW(reading: optimizer) }
    }
}

extension Schedule {
    fileprivate init(reading entry: Entry) throws(SweepFileError) {
        var kind = entry
        var horizon: Entry?
        if case .mapping = entry.node {
            let fields = try entry.fields(
                ["kind", "horizon"], required: ["kind"], what: "a schedule")
            kind = fields["kind"] ?? entry
            horizon = fields["horizon"]
        }
        switch try kind.word(["constant", "linear"], what: "schedule") {
        case "linear":
            self = .linear(horizon: try horizon?.integer(1...Limits.epochs))
        default:
            if let horizon {
                throw horizon.mistake("a constant schedule has no horizon; take the key out")
            }
            self = .constant
        }
    }
}

extension AdamW {
    fileprivate init(reading entry: Entry) throws(SweepFileError) {
        self.init()
        guard case .mapping = entry.node else {
            _ = try entry.word(["adamw"], what: "optimizer")
            return
        }
        let fields = try entry.fields(
            ["kind", "beta1", "beta2", "epsilon", "weight-decay"], required: ["kind"],
            what: "an optimizer")
        _ = try fields["kind"]?.word(["adamw"], what: "optimizer")
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
    static let parameters = 65_536
    static let labels = 10_000
    /// Of learning rates and of LoRA's alpha.
    static let rate = 1e6
    /// Characters of a trigger word.
    static let trigger = 100
}
