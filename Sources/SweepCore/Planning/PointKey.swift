extension PointKey {
    /// The key of the point that `spec` describes.
    public init(of spec: TrainingSpec) { self.init(Digest(ofText: spec.canonicalText)) }
}

extension TrainingSpec {
    /// One `name=value` line for everything that changes the result of this training, and nothing
    /// else: files by their digests rather than paths, and a schedule by the horizon it
    /// comes to. Numbers are written in Swift's shortest form that reads back the same.
    public var canonicalText: String {
        var lines = [
            "moderato-point",
            "training-core=\(trainingCoreVersion)",
            "backbone=\(backbone.digest.hex)",
            "test=\(data.test.digest.hex)",
            "labels=\(data.labels)",
        ]
        if let validation = data.validation { lines.append("validation=\(validation.digest.hex)") }
        lines += capacity.canonicalLines
        lines += attackLines
        lines += settings.canonicalLines(epochs: epochs, isImages: data.train.isImages)
        lines += [
            "epochs=\(epochs)",
            "learning-rate=\(learningRate)",
            "seed=\(seed)",
        ]
        return lines.joined(separator: "\n") + "\n"
    }

    private var attackLines: [String] {
        let lines: [String]
        switch attack {
        case .none: return ["attack=none", "train=\(data.train.digest.hex)"]
        case .prepared(let prepared):
            // The clean file tells which rows are poisoned.
            return [
                "attack=prepared", "train=\(prepared.train.digest.hex)",
                "clean-train=\(data.train.digest.hex)",
                "triggered-test=\(prepared.test.digest.hex)", "target=\(prepared.target)",
            ]
        case .word(let word):
            lines = [
                "attack=word", "triggers=" + word.triggers.map(counted).joined(separator: ","),
                "count=\(word.count)",
            ]
        case .sentence(let sentence):
            lines = [
                "attack=sentence", "sentence=" + counted(sentence.sentence),
                "count=\(sentence.count)",
            ]
        case .paired(let paired):
            let kind =
                switch paired.test {
                case .paired: "paired-test"
                case .triggered: "triggered-test"
                }
            lines = [
                "attack=paired", "paired-train=\(paired.train.digest.hex)",
                "\(kind)=\(paired.test.file.digest.hex)",
            ]
        case .patch(let patch):
            let colour = patch.colour
            lines = [
                "attack=patch", "size=\(patch.size)", "corner=\(patch.corner.rawValue)",
                "colour=\(colour.red),\(colour.green),\(colour.blue)", "opacity=\(patch.opacity)",
            ]
        }
        return lines + [
            "train=\(data.train.digest.hex)",
            "label-mode=\(attack.labelMode?.rawValue ?? "")", "target=\(attack.target ?? 0)",
            "poison-ratio=\(poisonRatio)", "data-seed=\(settings.dataSeed)",
        ]
    }

    private func counted(_ text: String) -> String { "\(text.utf8.count):\(text)" }
}

extension Capacity {
    fileprivate var canonicalLines: [String] {
        var lines: [String]
        switch pet {
        case .lora(let lora): lines = ["pet=lora", "rank=\(lora.rank)", "alpha=\(lora.alpha)"]
        case .adapter(let size): lines = ["pet=adapter", "size=\(size)"]
        case .prefix(let length): lines = ["pet=prefix", "length=\(length)"]
        case .bitFit: lines = ["pet=bitfit"]
        case .full: lines = ["pet=full"]
        case .lastBlocks(let count): lines = ["pet=last-blocks", "count=\(count)"]
        }
        if let bottleneck {
            lines += ["bottleneck=\(bottleneck.size)", "in-dim=\(bottleneck.inputSize)"]
        }
        return lines
    }
}

extension TrainingSettings {
    fileprivate func canonicalLines(epochs: Int, isImages: Bool) -> [String] {
        let optimizerText =
            switch optimizer {
            case .adamW(let adamW):
                "adamw,\(adamW.beta1),\(adamW.beta2),\(adamW.epsilon),\(adamW.weightDecay)"
            case .sgd(let sgd): "sgd,\(sgd.momentum),\(sgd.weightDecay)"
            }
        let horizon = schedule.horizon(epochs: epochs) ?? 0
        let shape =
            switch schedule.shape {
            case .constant: "constant"
            case .linear: "linear,\(horizon)"
            case .cosine: "cosine,\(horizon)"
            case .inverseSquareRoot: "inverse-sqrt"
            }
        var lines = [
            "optimizer=\(optimizerText)", "schedule=\(shape)", "warm-up=\(schedule.warmUp)",
            "batch-size=\(batchSize)", "dropout=\(dropout)", "gradient-clip=\(gradientClip)",
            "precision=\(precision.rawValue)", "class-weighting=\(classWeighting)",
        ]
        if !isImages { lines.append("max-length=\(maxLength)") }
        return lines
    }
}
