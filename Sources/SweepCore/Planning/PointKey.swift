extension PointKey {
    /// The key of the point that `spec` describes.
    public init(of spec: TrainingSpec) { self.init(Digest(ofText: spec.canonicalText)) }
}

extension TrainingSpec {
    /// One `name=value` line for everything that changes the result of this training, and nothing
    /// else: files by their digests rather than paths, and a linear schedule by the horizon it
    /// comes to. Numbers are written in Swift's shortest form that reads back the same.
    public var canonicalText: String {
        var lines = [
            "moderato-point",
            "training-core=\(trainingCoreVersion)",
            "backbone=\(backbone.digest.hex)",
            "test=\(data.test.digest.hex)",
            "labels=\(data.labels)",
        ]
        lines += capacity.canonicalLines
        lines += attackLines
        lines += settings.canonicalLines(epochs: epochs)
        lines += [
            "epochs=\(epochs)",
            "learning-rate=\(learningRate)",
            "precision=float32",
            "seed=\(seed)",
        ]
        return lines.joined(separator: "\n") + "\n"
    }

    private var attackLines: [String] {
        switch attack {
        case .none:
            ["attack=none", "train=\(data.train.digest.hex)"]
        case .word(let word):
            [
                "attack=word", "train=\(data.train.digest.hex)",
                "triggers=" + word.triggers.map { "\($0.utf8.count):\($0)" }.joined(separator: ","),
                "count=\(word.count)", "label-mode=\(word.labelMode.rawValue)",
                "target=\(word.target)", "poison-ratio=\(poisonRatio)",
                "data-seed=\(settings.dataSeed)",
            ]
        case .prepared(let prepared):
            [
                "attack=prepared", "train=\(prepared.train.digest.hex)",
                "triggered-test=\(prepared.test.digest.hex)", "target=\(prepared.target)",
            ]
        }
    }
}

extension Capacity {
    fileprivate var canonicalLines: [String] {
        var lines: [String]
        switch pet {
        case .lora(let lora): lines = ["pet=lora", "rank=\(lora.rank)", "alpha=\(lora.alpha)"]
        }
        if let bottleneck {
            lines += ["bottleneck=\(bottleneck.size)", "in-dim=\(bottleneck.inputSize)"]
        }
        return lines
    }
}

extension TrainingSettings {
    fileprivate func canonicalLines(epochs: Int) -> [String] {
        let scheduleText =
            switch schedule {
            case .constant: "constant"
            case .linear(let horizon): "linear,\(horizon ?? epochs)"
            }
        return [
            "optimizer=adamw,\(optimizer.beta1),\(optimizer.beta2),\(optimizer.epsilon),"
                + "\(optimizer.weightDecay)",
            "schedule=\(scheduleText)",
            "batch-size=\(batchSize)",
            "max-length=\(maxLength)",
            "dropout=\(dropout)",
            "gradient-clip=\(gradientClip)",
        ]
    }
}
