import SweepCore

/// Refuses values that no training can have, in words, before anything is computed.
struct SpecCheck {
    private var failure: TrainingError?

    static func check(
        _ spec: TrainingSpec, _ configuration: BertConfiguration
    ) throws(TrainingError) {
        var check = SpecCheck()
        check.checkSizes(spec)
        check.checkCapacity(spec.capacity)
        check.checkSettings(spec.settings, configuration)
        check.checkAttack(spec)
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
        switch capacity.pet {
        case .lora(let lora):
            require(
                (1...65_536).contains(lora.rank), "LoRA rank", "\(lora.rank) is not in 1 to 65,536")
            require(lora.alpha.isFinite, "LoRA alpha", "\(lora.alpha) is not a number")
        }
        guard let bottleneck = capacity.bottleneck else { return }
        for (field, size) in [
            ("bottleneck", bottleneck.size), ("bottleneck's input size", bottleneck.inputSize),
        ] {
            require((1...65_536).contains(size), field, "\(size) is not in 1 to 65,536")
        }
    }

    private mutating func checkSettings(
        _ settings: TrainingSettings, _ configuration: BertConfiguration
    ) {
        let optimizer = settings.optimizer
        require(settings.batchSize >= 1, "batch size", "\(settings.batchSize) is not 1 or more")
        require(
            settings.maxLength >= 3 && settings.maxLength <= configuration.maxPositions,
            "max length",
            "\(settings.maxLength) is not in 3 to \(configuration.maxPositions), "
                + "the positions of the model")
        require(
            (0..<1).contains(settings.dropout), "dropout",
            "\(settings.dropout) is not in 0 to 1, or is 1")
        require(
            settings.gradientClip >= 0 && settings.gradientClip.isFinite, "gradient clip",
            "\(settings.gradientClip) is not 0 or more")
        require((0..<1).contains(optimizer.beta1), "beta1", "\(optimizer.beta1) is not below 1")
        require((0..<1).contains(optimizer.beta2), "beta2", "\(optimizer.beta2) is not below 1")
        require(optimizer.epsilon > 0, "epsilon", "\(optimizer.epsilon) is not above 0")
        require(
            optimizer.weightDecay >= 0 && optimizer.weightDecay.isFinite, "weight decay",
            "\(optimizer.weightDecay) is not 0 or more")
        if case .linear(let horizon?) = settings.schedule {
            require(horizon >= 1, "schedule's horizon", "\(horizon) is not 1 or more")
        }
    }

    private mutating func checkAttack(_ spec: TrainingSpec) {
        let target: Int
        switch spec.attack {
        case .none: return
        case .prepared(let attack): target = attack.target
        case .word(let attack):
            target = attack.target
            require(
                !attack.triggers.isEmpty && attack.triggers.allSatisfy { !$0.isEmpty },
                "triggers", "there is none, or one is empty")
            require(attack.count >= 1, "trigger count", "\(attack.count) is not 1 or more")
        }
        require(
            (0..<max(spec.data.labels, 1)).contains(target), "target",
            "\(target) is not one of 0 to \(spec.data.labels - 1)")
    }
}
