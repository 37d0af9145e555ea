import CSweepProto
import SweepCore

extension Codec {
    static func attack(_ value: Moderato__Attack, labels: Int) throws(WireError) -> Attack {
        if value.kind_case == MODERATO__ATTACK__KIND_NONE { return .none }
        guard value.has_target != 0 else { throw .malformed("an attack without a target") }
        let target = try Decoding.integer(value.target, "target", in: 0...(labels - 1))
        if value.kind_case == MODERATO__ATTACK__KIND_PREPARED {
            let prepared = try Decoding.part(value.prepared, "prepared attack")
            return .prepared(
                PreparedAttack(
                    train: try dataSet(prepared.train), test: try dataSet(prepared.test),
                    target: target))
        }
        guard value.label_mode != nil,
            let mode = LabelMode(rawValue: try Decoding.text(value.label_mode, "label mode"))
        else { throw .malformed("a label mode this version does not know") }
        switch value.kind_case {
        case MODERATO__ATTACK__KIND_WORD:
            let word = try Decoding.part(value.word, "word attack")
            var triggers: [String] = []
            for trigger in Decoding.values(word.triggers, word.n_triggers) {
                triggers.append(try Decoding.name(trigger, "trigger"))
            }
            guard !triggers.isEmpty else { throw .malformed("a word attack without triggers") }
            return .word(
                WordAttack(
                    triggers: triggers, count: try insertions(word.count), labelMode: mode,
                    target: target))
        case MODERATO__ATTACK__KIND_SENTENCE:
            let sentence = try Decoding.part(value.sentence, "sentence attack")
            let text = try Decoding.text(
                sentence.sentence, "sentence", maxBytes: Decoding.maxNameBytes)
            guard !text.isEmpty else { throw .malformed("a sentence attack without a sentence") }
            return .sentence(
                SentenceAttack(
                    sentence: text, count: try insertions(sentence.count), labelMode: mode,
                    target: target))
        case MODERATO__ATTACK__KIND_PAIRED:
            let paired = try Decoding.part(value.paired, "paired attack")
            return .paired(
                PairedAttack(
                    name: try Decoding.name(paired.name, "name"), train: try file(paired.train),
                    test: try pairedTest(paired), labelMode: mode, target: target))
        case MODERATO__ATTACK__KIND_PATCH:
            let patch = try Decoding.part(value.patch, "patch attack")
            return .patch(try self.patch(patch, mode: mode, target: target))
        default: throw .malformed("an attack this version does not know")
        }
    }

    private static func insertions(_ value: UInt32) throws(WireError) -> Int {
        try Decoding.integer(value, "count", in: 1...1_000)
    }

    private static func pairedTest(
        _ value: Moderato__PairedAttack
    ) throws(WireError) -> PairedAttack.Test {
        switch value.test_case {
        case MODERATO__PAIRED_ATTACK__TEST_PAIRED_TEST: .paired(try file(value.paired_test))
        case MODERATO__PAIRED_ATTACK__TEST_TRIGGERED_TEST:
            .triggered(try file(value.triggered_test))
        default: throw .malformed("a paired attack without a test file")
        }
    }

    private static func patch(
        _ value: Moderato__PatchAttack, mode: LabelMode, target: Int
    ) throws(WireError) -> PatchAttack {
        let name = try Decoding.text(value.corner, "corner")
        guard let corner = PatchAttack.Corner(rawValue: name) else {
            throw .malformed("a corner this version does not know")
        }
        let colour = try Decoding.integer(value.colour, "colour", in: 0...0xFF_FFFF)
        return PatchAttack(
            size: try Decoding.integer(value.size, "size", in: 1...10_000), corner: corner,
            colour: PatchAttack.Colour(
                red: UInt8(truncatingIfNeeded: colour >> 16),
                green: UInt8(truncatingIfNeeded: colour >> 8),
                blue: UInt8(truncatingIfNeeded: colour)),
            opacity: try Decoding.number(value.opacity, "opacity", in: 0.0.nextUp...1),
            labelMode: mode, target: target)
    }

    static func settings(
        _ pointer: UnsafeMutablePointer<Moderato__TrainingSettings>?
    ) throws(WireError) -> TrainingSettings {
        let value = try Decoding.part(pointer, "settings")
        let precision = try Decoding.text(value.precision, "precision")
        guard let precision = Precision(rawValue: precision) else {
            throw .malformed("a precision this version does not know")
        }
        return TrainingSettings(
            optimizer: try optimizer(value), schedule: try schedule(value.schedule),
            batchSize: try Decoding.integer(value.batch_size, "batch size", in: 1...1_000_000),
            maxLength: try Decoding.integer(value.max_length, "max length", in: 3...1_000_000),
            dropout: try Decoding.number(value.dropout, "dropout", in: 0...1.0.nextDown),
            gradientClip: try Decoding.number(value.gradient_clip, "gradient clip"),
            dataSeed: value.data_seed, precision: precision,
            classWeighting: value.class_weighting != 0)
    }

    private static func optimizer(
        _ value: Moderato__TrainingSettings
    ) throws(WireError) -> OptimizerSettings {
        let belowOne = 0...1.0.nextDown
        switch value.optimizer_case {
        case MODERATO__TRAINING_SETTINGS__OPTIMIZER_ADAM_W:
            let adamW = try Decoding.part(value.adam_w, "AdamW")
            return .adamW(
                AdamW(
                    beta1: try Decoding.number(adamW.beta1, "beta1", in: belowOne),
                    beta2: try Decoding.number(adamW.beta2, "beta2", in: belowOne),
                    epsilon: try Decoding.number(adamW.epsilon, "epsilon", in: 0...1),
                    weightDecay: try Decoding.number(
                        adamW.weight_decay, "weight decay", in: 0...1e3)))
        case MODERATO__TRAINING_SETTINGS__OPTIMIZER_SGD:
            let sgd = try Decoding.part(value.sgd, "SGD")
            return .sgd(
                SGD(
                    momentum: try Decoding.number(sgd.momentum, "momentum", in: belowOne),
                    weightDecay: try Decoding.number(
                        sgd.weight_decay, "weight decay", in: 0...1e3)))
        default: throw .malformed("an optimizer this version does not know")
        }
    }

    private static func schedule(
        _ pointer: UnsafeMutablePointer<Moderato__Schedule>?
    ) throws(WireError) -> Schedule {
        let value = try Decoding.part(pointer, "schedule")
        let warmUp = try Decoding.integer(value.warm_up, "warm-up", in: 0...1_000_000_000)
        switch value.shape_case {
        case MODERATO__SCHEDULE__SHAPE_CONSTANT: return Schedule(.constant, warmUp: warmUp)
        case MODERATO__SCHEDULE__SHAPE_LINEAR:
            return Schedule(.linear(horizon: try horizon(value.linear)), warmUp: warmUp)
        case MODERATO__SCHEDULE__SHAPE_COSINE:
            return Schedule(.cosine(horizon: try horizon(value.cosine)), warmUp: warmUp)
        case MODERATO__SCHEDULE__SHAPE_INVERSE_SQUARE_ROOT:
            return Schedule(.inverseSquareRoot, warmUp: warmUp)
        default: throw .malformed("a schedule this version does not know")
        }
    }

    private static func horizon(
        _ pointer: UnsafeMutablePointer<Moderato__Horizon>?
    ) throws(WireError) -> Int? {
        let value = try Decoding.part(pointer, "horizon")
        return value.has_epochs == 0 ? nil : try epochs(value.epochs)
    }

    static func keepsakes(
        _ pointer: UnsafeMutablePointer<Moderato__Keepsakes>?
    ) throws(WireError) -> Keepsakes {
        guard let value = pointer?.pointee else { return .none }
        var keep = Keepsakes(model: value.model != 0)
        for epoch in Decoding.values(value.hidden_states, value.n_hidden_states) {
            keep.hiddenStates.append(try epochs(epoch))
        }
        return keep
    }
}
