import SweepCore

/// Refuses values that no training can have, in words, before anything is computed.
struct SpecCheck {
    private var failure: TrainingError?

    static func check(_ spec: TrainingSpec) throws(TrainingError) {
        var check = SpecCheck()
        check.require(
            spec.trainer == .real, "trainer", "the sweep is for fake trainers, and this is none")
        check.checkSizes(spec)
        check.checkCapacity(spec.capacity)
        check.checkSettings(spec.settings)
        check.checkSchedule(spec.settings.schedule)
        check.checkAttack(spec)
        if let failure = check.failure { throw failure }
    }

    /// Whether the model has positions enough.
    static func checkLength(
        _ settings: TrainingSettings, _ configuration: EncoderConfiguration
    ) throws(TrainingError) {
        var check = SpecCheck()
        check.require(
            settings.maxLength >= 3 && settings.maxLength <= configuration.maxPositions,
            "max length",
            "\(settings.maxLength) is not in 3 to \(configuration.maxPositions), "
                + "the positions of the model")
        if let failure = check.failure { throw failure }
    }

    private mutating func require(_ holds: Bool, _ field: String, _ problem: String) {
        if !holds && failure == nil { failure = .badSpec(field: field, problem: problem) }
    }

    private mutating func checkSizes(_ spec: TrainingSpec) {
        let rate = spec.learningRate
        require(spec.data.labels >= 2, "labels", "\(spec.data.labels) is not 2 or more")
        require(spec.epochs >= 1, "epochs", "\(spec.epochs) is not 1 or more")
        require(rate > 0 && rate.isFinite, "learning rate", "\(rate) is not above 0")
        require(
            (0...1).contains(spec.poisonRatio), "poison ratio",
            "\(spec.poisonRatio) is not in 0 to 1")
    }

    private mutating func checkCapacity(_ capacity: Capacity) {
        func size(_ field: String, _ value: Int, from least: Int = 1) {
            require(
                (least...65_536).contains(value), field,
                "\(value) is not in \(least) to 65,536")
        }
        switch capacity.pet {
        case .lora(let lora):
            size("LoRA rank", lora.rank)
            require(lora.alpha.isFinite, "LoRA alpha", "\(lora.alpha) is not a number")
        case .adapter(let width): size("adapter size", width)
        case .prefix(let length): size("prefix length", length)
        case .lastBlocks(let count): size("number of blocks", count, from: 0)
        case .bitFit, .full: break
        }
        guard let bottleneck = capacity.bottleneck else { return }
        size("bottleneck", bottleneck.size)
        size("bottleneck's input size", bottleneck.inputSize)
        require(
            capacity.pet.allowsBottleneck, "bottleneck",
            "what \(capacity.pet.label) trains is not generated")
    }

    private mutating func checkSettings(_ settings: TrainingSettings) {
        func decay(_ value: Double) {
            require(value >= 0 && value.isFinite, "weight decay", "\(value) is not 0 or more")
        }
        require(settings.batchSize >= 1, "batch size", "\(settings.batchSize) is not 1 or more")
        require(
            (0..<1).contains(settings.dropout), "dropout",
            "\(settings.dropout) is not in 0 to 1, or is 1")
        require(
            settings.gradientClip >= 0 && settings.gradientClip.isFinite, "gradient clip",
            "\(settings.gradientClip) is not 0 or more")
        switch settings.optimizer {
        case .adamW(let adamW):
            require((0..<1).contains(adamW.beta1), "beta1", "\(adamW.beta1) is not below 1")
            require((0..<1).contains(adamW.beta2), "beta2", "\(adamW.beta2) is not below 1")
            require(adamW.epsilon > 0, "epsilon", "\(adamW.epsilon) is not above 0")
            decay(adamW.weightDecay)
        case .sgd(let sgd):
            require((0..<1).contains(sgd.momentum), "momentum", "\(sgd.momentum) is not below 1")
            decay(sgd.weightDecay)
        }
    }

    private mutating func checkSchedule(_ schedule: Schedule) {
        require(schedule.warmUp >= 0, "warm-up", "\(schedule.warmUp) is not 0 or more")
        switch schedule.shape {
        case .linear(let horizon?), .cosine(let horizon?):
            require(horizon >= 1, "schedule's horizon", "\(horizon) is not 1 or more")
        case .linear(nil), .cosine(nil), .constant, .inverseSquareRoot: break
        }
    }

    private mutating func checkAttack(_ spec: TrainingSpec) {
        switch spec.attack {
        case .none, .prepared, .paired: break
        case .word(let attack):
            require(
                !attack.triggers.isEmpty && attack.triggers.allSatisfy { !$0.isEmpty },
                "triggers", "there is none, or one is empty")
            require(attack.count >= 1, "trigger count", "\(attack.count) is not 1 or more")
        case .sentence(let attack):
            require(!attack.sentence.isEmpty, "trigger", "the sentence is empty")
            require(attack.count >= 1, "trigger count", "\(attack.count) is not 1 or more")
        case .patch(let patch):
            require(patch.size >= 1, "patch size", "\(patch.size) is not 1 or more")
            require(
                patch.opacity > 0 && patch.opacity <= 1, "opacity",
                "\(patch.opacity) is not above 0, to 1")
        }
        guard let target = spec.attack.target else { return }
        require(
            (0..<max(spec.data.labels, 1)).contains(target), "target",
            "\(target) is not one of 0 to \(spec.data.labels - 1)")
    }
}
