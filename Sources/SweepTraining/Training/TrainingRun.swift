import SweepCore
import SweepData

/// One training from its spec to its metrics.
///
/// The same spec, thread count and device give the same metrics, bit for bit; and with a schedule
/// that does not look at the run's end, the metrics of epoch k are those of a run with
/// `epochs = k`.
public final class TrainingRun {
    public let spec: TrainingSpec
    /// How many numbers are trained.
    public let trainableParameters: Int
    /// The last step of an epoch may have fewer samples.
    public let stepsPerEpoch: Int

    public var stepsTotal: Int { stepsPerEpoch * spec.epochs }

    private let data: TaskSamples
    private let model: any Model
    private let threads: Int
    private let device: Device
    /// Training samples whose fit is measured: those the attacker left alone, those touched.
    private let fitted: (clean: [Int], poisoned: [Int])

    /// Samples of each part of the training set that the fit is measured on, at most.
    private static let fitSamples = 1_000

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
        try SpecCheck.check(spec)
        switch try cache.pretrained(
            spec.backbone, device: device, precision: spec.settings.precision)
        {
        case .text(let backbone):
            try SpecCheck.checkLength(spec.settings, backbone.weights.configuration)
            model = try TextModel(
                backbone: backbone.weights, capacity: spec.capacity, classes: spec.data.labels)
            data = try cache.samples(for: spec, tokenizer: backbone.tokenizer)
        case .vision(let backbone):
            model = try VisionModel(
                backbone: backbone, capacity: spec.capacity, classes: spec.data.labels)
            data = try cache.images(for: spec, configuration: backbone.configuration)
        }
        fitted = Self.fittedSamples(data.touched, seed: spec.settings.dataSeed)
        self.spec = spec
        self.threads = threads
        self.device = device
        trainableParameters =
            TrainableParameters(groups: model.groups, bottleneck: spec.capacity.bottleneck).count
        let batchSize = spec.settings.batchSize
        stepsPerEpoch = data.train.count / batchSize + (data.train.count % batchSize == 0 ? 0 : 1)
    }

    /// Up to `fitSamples` of each part, drawn by the data seed.
    private static func fittedSamples(
        _ touched: [Bool]?, seed: UInt64
    ) -> (clean: [Int], poisoned: [Int]) {
        guard let touched else { return ([], []) }
        var random = RandomSource(seed: seed)
        func sample(_ isTouched: Bool) -> [Int] {
            let all = touched.indices.filter { touched[$0] == isTouched }
            return random.permutation(all.count).prefix(fitSamples).map { all[$0] }.sorted()
        }
        return (sample(false), sample(true))
    }

    /// Where a run is: what `run` hands out, and what a checkpoint and hidden states come from.
    public struct Position {
        fileprivate let learner: Learner
        fileprivate let run: TrainingRun
        fileprivate var stepsInEpoch = 0
        /// Sum of the losses of the epoch's steps, each times its samples.
        fileprivate var loss = 0.0
        /// Epochs that are done.
        public let epochs: Int

        /// The state to go on from.
        public func checkpoint() throws(TrainingError) -> Checkpoint {
            try learner.checkpoint(
                of: run.spec, epochs: epochs, stepsInEpoch: stepsInEpoch, lossInEpoch: loss)
        }

        /// The classifier's input for samples of each kind: a safetensors file.
        public func hiddenStates(run name: String) throws(TrainingError) -> [UInt8] {
            try HiddenStatesFile(
                model: learner.tunedModel(), data: run.data, spec: run.spec, device: run.device
            ).content(run: name, epoch: epochs)
        }
    }

    /// Trains from the start, or from a checkpoint.
    ///
    /// - Parameters:
    ///   - checkpoint: Of a run that `Checkpoint.fits` says yes to; epochs it has done are not
    ///     measured again.
    ///   - onStart: Called before anything is trained, if the checkpoint is of an epoch's end.
    ///   - onProgress: Called after each step with the steps done and the steps in all; `false`
    ///     stops the run.
    ///   - onEpoch: Called after each epoch.
    ///   - onStop: Called when `onProgress` stopped the run, with where it is.
    /// - Returns: Whether the run came to its end; `false` when `onProgress` stopped it.
    @discardableResult
    public func run(
        from checkpoint: Checkpoint? = nil,
        onStart: (Position) throws(TrainingError) -> Void = { _ in },
        onProgress: (Int, Int) -> Bool = { _, _ in true },
        onEpoch: (EpochMetrics, Position) throws(TrainingError) -> Void,
        onStop: (Position) throws(TrainingError) -> Void = { _ in }
    ) throws(TrainingError) -> Bool {
        var learner = try makeLearner()
        if let checkpoint {
            guard checkpoint.fits(spec) else {
                throw .badSpec(field: "checkpoint", problem: "it is another training's")
            }
            try learner.resume(from: checkpoint)
            if checkpoint.state.stepsInEpoch == 0, checkpoint.epochs > 0 {
                try onStart(Position(learner: learner, run: self, epochs: checkpoint.epochs))
            }
        }
        var stepsDone = checkpoint?.state.stepsInEpoch ?? 0
        var loss = checkpoint?.state.lossInEpoch ?? 0
        for epochsDone in (checkpoint?.epochs ?? 0)..<spec.epochs {
            for samples in learner.nextEpoch().dropFirst(stepsDone) {
                loss += try learner.step(samples) * Double(samples.count)
                stepsDone += 1
                guard onProgress(learner.stepsDone, stepsTotal) else {
                    try onStop(
                        Position(
                            learner: learner, run: self, stepsInEpoch: stepsDone, loss: loss,
                            epochs: epochsDone))
                    return false
                }
            }
            let metrics = try evaluate(
                learner, epoch: epochsDone + 1, loss: loss / Double(data.train.count))
            try onEpoch(metrics, Position(learner: learner, run: self, epochs: epochsDone + 1))
            stepsDone = 0
            loss = 0
        }
        return true
    }

    /// Trains from the start.
    @discardableResult
    public func run(
        onProgress: (Int, Int) -> Bool = { _, _ in true }, onEpoch: (EpochMetrics) -> Void
    ) throws(TrainingError) -> Bool {
        try run(onProgress: onProgress, onEpoch: { metrics, _ in onEpoch(metrics) })
    }

    func makeLearner() throws(TrainingError) -> Learner {
        try Torch.prepare(threads: threads, device: device)
        return try Learner(
            spec, model: model, samples: data.train,
            rate: LearningRate(spec, stepsPerEpoch: stepsPerEpoch))
    }

    private func evaluate(
        _ learner: Learner, epoch: Int, loss: Double
    ) throws(TrainingError) -> EpochMetrics {
        let tuned = try learner.tunedModel()
        func fit(
            _ samples: (any SampleSet)?, _ indices: [Int]? = nil
        ) throws(TrainingError) -> Fit? {
            guard let samples, indices?.isEmpty != true else { return nil }
            return try Evaluation(of: tuned, on: samples, indices, device: device).fit
        }
        let clean = try Evaluation(of: tuned, on: data.test, device: device)
        guard clean.fit.loss.isFinite else {
            throw .diverged(
                step: learner.stepsDone, lastLoss: loss, learningRate: spec.learningRate)
        }
        // The triggered samples are all clean test samples of other classes, with the trigger.
        let plainErrorRate =
            data.triggered == nil
            ? nil : spec.attack.target.flatMap { clean.plainErrorRate(target: $0) }
        return EpochMetrics(
            epoch: epoch, trainingLoss: loss, testLoss: clean.fit.loss, cacc: clean.fit.accuracy,
            asr: try fit(data.triggered)?.accuracy, classes: clean.classes,
            cleanFit: try fit(data.train, fitted.clean),
            poisonedFit: try fit(data.train, fitted.poisoned),
            validation: try fit(data.validation), triggeredSamples: data.triggered?.count,
            plainErrorRate: plainErrorRate,
            macroF1: EpochMetrics.macroF1(clean.classes, wrongly: clean.wrongly))
    }
}
