import CSweepProto
import SweepCore

extension Codec {
    static func trainingSpec(_ value: Moderato__TrainingSpec) throws(WireError) -> TrainingSpec {
        let data = try textData(value.data)
        return TrainingSpec(
            backbone: try backbone(value.backbone), data: data,
            capacity: try capacity(try Decoding.part(value.capacity, "capacity")),
            attack: try attack(try Decoding.part(value.attack, "attack"), labels: data.labels),
            poisonRatio: try Decoding.share(value.poison_ratio, "poison ratio"),
            epochs: try epochs(value.epochs),
            learningRate: try learningRate(value.learning_rate), seed: value.seed,
            settings: try settings(value.settings))
    }

    static func sweepSpec(
        _ pointer: UnsafeMutablePointer<Moderato__SweepSpec>?
    ) throws(WireError) -> SweepSpec {
        let value = try Decoding.part(pointer, "sweep")
        let data = try textData(value.data)
        var samples: [Digest: Int] = [:]
        for count in try Decoding.list(value.training_samples, value.n_training_samples, { $0 }) {
            samples[try Decoding.digest(count.digest, "training file")] = try Decoding.integer(
                count.samples, "samples", in: 0...1_000_000_000)
        }
        return SweepSpec(
            name: try Decoding.name(value.name, "name"), backbone: try backbone(value.backbone),
            data: data, grid: try grid(value, labels: data.labels),
            settings: try settings(value.settings), trainingSamples: samples)
    }

    private static func grid(
        _ value: Moderato__SweepSpec, labels: Int
    ) throws(WireError) -> Grid {
        var grid = Grid(
            capacities: try Decoding.list(value.capacities, value.n_capacities, capacity),
            epochs: [], learningRates: [],
            attacks: try Decoding.list(value.attacks, value.n_attacks) {
                (item) throws(WireError) in try attack(item, labels: labels)
            },
            poisonRatios: [], seeds: Decoding.values(value.seeds, value.n_seeds))
        for item in Decoding.values(value.epochs, value.n_epochs) {
            grid.epochs.append(try epochs(item))
        }
        for item in Decoding.values(value.learning_rates, value.n_learning_rates) {
            grid.learningRates.append(try learningRate(item))
        }
        for item in Decoding.values(value.poison_ratios, value.n_poison_ratios) {
            grid.poisonRatios.append(try Decoding.share(item, "poison ratio"))
        }
        let axes = [
            grid.capacities.count, grid.epochs.count, grid.learningRates.count,
            grid.attacks.count, grid.poisonRatios.count, grid.seeds.count,
        ]
        var cells = 1
        for axis in axes {
            let (product, overflow) = cells.multipliedReportingOverflow(by: axis)
            guard axis > 0, !overflow else { throw .malformed("an axis of \(axis) values") }
            cells = product
        }
        return grid
    }

    private static func epochs(_ value: UInt32) throws(WireError) -> Int {
        try Decoding.integer(value, "epochs", in: 1...1_000_000)
    }

    private static func learningRate(_ value: Double) throws(WireError) -> Double {
        try Decoding.number(value, "learning rate", in: Double.leastNonzeroMagnitude...1e6)
    }

    private static func file(
        _ pointer: UnsafeMutablePointer<Moderato__File>?
    ) throws(WireError) -> FileReference {
        let value = try Decoding.part(pointer, "file")
        return FileReference(
            path: try Decoding.text(value.path, "path", maxBytes: Decoding.maxNameBytes),
            digest: try Decoding.digest(value.digest, "digest"))
    }

    private static func backbone(
        _ pointer: UnsafeMutablePointer<Moderato__File>?
    ) throws(WireError) -> BackboneReference {
        let folder = try file(pointer)
        return BackboneReference(path: folder.path, digest: folder.digest)
    }

    private static func textData(
        _ pointer: UnsafeMutablePointer<Moderato__TextData>?
    ) throws(WireError) -> TextData {
        let value = try Decoding.part(pointer, "data")
        return TextData(
            train: try file(value.train), test: try file(value.test),
            labels: try Decoding.integer(value.labels, "labels", in: 2...100_000))
    }

    private static func capacity(_ value: Moderato__Capacity) throws(WireError) -> Capacity {
        let sizes = 1...1_000_000
        let pet: PET
        switch value.pet_case {
        case MODERATO__CAPACITY__PET_LORA:
            let lora = try Decoding.part(value.lora, "LoRA")
            pet = .lora(
                LoRA(
                    rank: try Decoding.integer(lora.rank, "rank", in: sizes),
                    alpha: try Decoding.number(lora.alpha, "alpha", in: 0...1e6)))
        default: throw .malformed("a PET this version does not know")
        }
        guard let bottleneck = value.bottleneck?.pointee else { return Capacity(pet: pet) }
        return Capacity(
            pet: pet,
            bottleneck: Bottleneck(
                size: try Decoding.integer(bottleneck.size, "bottleneck", in: sizes),
                inputSize: try Decoding.integer(bottleneck.input_size, "in-dim", in: sizes)))
    }

    private static func attack(
        _ value: Moderato__Attack, labels: Int
    ) throws(WireError) -> Attack {
        switch value.kind_case {
        case MODERATO__ATTACK__KIND_NONE: return .none
        case MODERATO__ATTACK__KIND_WORD:
            let word = try Decoding.part(value.word, "word attack")
            let modeText = try Decoding.text(word.label_mode, "label mode")
            guard let mode = LabelMode(rawValue: modeText) else {
                throw .malformed("a label mode this version does not know")
            }
            var triggers: [String] = []
            for trigger in Decoding.values(word.triggers, word.n_triggers) {
                triggers.append(try Decoding.name(trigger, "trigger"))
            }
            guard !triggers.isEmpty else { throw .malformed("a word attack without triggers") }
            return .word(
                WordAttack(
                    triggers: triggers,
                    count: try Decoding.integer(word.count, "count", in: 1...1_000),
                    labelMode: mode,
                    target: try Decoding.integer(word.target, "target", in: 0...(labels - 1))))
        case MODERATO__ATTACK__KIND_PREPARED:
            let prepared = try Decoding.part(value.prepared, "prepared attack")
            return .prepared(
                PreparedAttack(
                    train: try file(prepared.train), test: try file(prepared.test),
                    target: try Decoding.integer(prepared.target, "target", in: 0...(labels - 1))))
        default: throw .malformed("an attack this version does not know")
        }
    }

    private static func settings(
        _ pointer: UnsafeMutablePointer<Moderato__TrainingSettings>?
    ) throws(WireError) -> TrainingSettings {
        let value = try Decoding.part(pointer, "settings")
        let optimizer = try Decoding.part(value.optimizer, "optimizer")
        let almostOne = 1.0.nextDown
        let schedule: Schedule
        switch value.schedule_case {
        case MODERATO__TRAINING_SETTINGS__SCHEDULE_CONSTANT: schedule = .constant
        case MODERATO__TRAINING_SETTINGS__SCHEDULE_LINEAR:
            let linear = try Decoding.part(value.linear, "linear schedule")
            schedule = .linear(horizon: linear.has_horizon == 0 ? nil : try epochs(linear.horizon))
        default: throw .malformed("a schedule this version does not know")
        }
        return TrainingSettings(
            optimizer: AdamW(
                beta1: try Decoding.number(optimizer.beta1, "beta1", in: 0...almostOne),
                beta2: try Decoding.number(optimizer.beta2, "beta2", in: 0...almostOne),
                epsilon: try Decoding.number(optimizer.epsilon, "epsilon", in: 0...1),
                weightDecay: try Decoding.number(
                    optimizer.weight_decay, "weight decay", in: 0...1e3)),
            schedule: schedule,
            batchSize: try Decoding.integer(value.batch_size, "batch size", in: 1...1_000_000),
            maxLength: try Decoding.integer(value.max_length, "max length", in: 3...1_000_000),
            dropout: try Decoding.number(value.dropout, "dropout", in: 0...almostOne),
            gradientClip: try Decoding.number(value.gradient_clip, "gradient clip"),
            dataSeed: value.data_seed)
    }
}
