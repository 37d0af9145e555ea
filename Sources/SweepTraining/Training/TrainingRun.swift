import SweepCore

/// One training from its spec to its metrics.
///
/// The same spec, thread count and device give the same metrics, bit for bit; and with a constant
/// schedule, or a linear one with an explicit horizon, the metrics of epoch k are those of a run
/// with `epochs = k`.
public final class TrainingRun {
    public let spec: TrainingSpec
    /// How many numbers are trained.
    public let trainableParameters: Int
    /// The last step of an epoch may have fewer samples.
    public let stepsPerEpoch: Int

    public var stepsTotal: Int { stepsPerEpoch * spec.epochs }

    private let data: TaskData
    private let threads: Int
    private let device: Device
    private let backbone: BertBackbone

    /// Reads and checks everything the run needs; nothing is trained yet.
    ///
    /// - Parameters:
    ///   - threads: Processor threads of one operation, 1 or more.
    ///   - cache: What earlier runs in this process have read.
    public init(
        spec: TrainingSpec, threads: Int, device: Device = .processor,
        cache: TrainingCache = TrainingCache()
    ) throws(TrainingError) {
        try Torch.prepare(threads: threads, device: device)
        let model = try cache.model(spec.backbone, device: device)
        try SpecCheck.check(spec, model.backbone.configuration)
        data = try cache.taskData(for: spec, tokenizer: model.tokenizer)
        backbone = model.backbone
        self.spec = spec
        self.threads = threads
        self.device = device
        trainableParameters =
            TrainableParameters(
                spec.capacity, configuration: backbone.configuration, classes: spec.data.labels
            ).count
        let batchSize = spec.settings.batchSize
        stepsPerEpoch = data.train.count / batchSize + (data.train.count % batchSize == 0 ? 0 : 1)
    }

    /// Trains from the start.
    ///
    /// - Parameters:
    ///   - onProgress: Called after each step with the steps done and the steps in all; `false`
    ///     stops the run.
    ///   - onEpoch: Called after each epoch.
    /// - Returns: Whether the run came to its end; `false` when `onProgress` stopped it.
    @discardableResult
    public func run(
        onProgress: (Int, Int) -> Bool = { _, _ in true }, onEpoch: (EpochMetrics) -> Void
    ) throws(TrainingError) -> Bool {
        var learner = try makeLearner()
        for epoch in 1...spec.epochs {
            var loss = 0.0
            for samples in learner.nextEpoch() {
                loss += try learner.step(samples) * Double(samples.count)
                guard onProgress(learner.stepsDone, stepsTotal) else { return false }
            }
            onEpoch(
                try evaluate(learner, epoch: epoch, loss: loss / Double(data.train.count)))
        }
        return true
    }

    func makeLearner() throws(TrainingError) -> Learner {
        try Torch.prepare(threads: threads, device: device)
        return try Learner(
            spec, backbone: backbone, samples: data.train,
            rate: LearningRate(spec, stepsPerEpoch: stepsPerEpoch))
    }

    private func evaluate(
        _ learner: Learner, epoch: Int, loss: Double
    ) throws(TrainingError) -> EpochMetrics {
        let parameters = try learner.parameters()
        let clean = try Evaluation(of: learner.model, parameters, on: data.test)
        guard clean.loss.isFinite else {
            throw .diverged(
                step: learner.stepsDone, lastLoss: loss, learningRate: spec.learningRate)
        }
        var asr: Double?
        if let triggered = data.triggered {
            asr = try Evaluation(of: learner.model, parameters, on: triggered.samples).accuracy
        }
        return EpochMetrics(
            epoch: epoch, trainingLoss: loss, testLoss: clean.loss, cacc: clean.accuracy, asr: asr)
    }
}
