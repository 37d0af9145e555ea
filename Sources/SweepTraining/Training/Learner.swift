import SweepCore

/// The changing state of a run: parameters, optimiser, data order, dropout.
///
/// Each kind of randomness has a stream of its own, and no stream is touched by an evaluation, so
/// that evaluating, or training for more epochs, changes nothing that came before.
struct Learner {
    let model: any Model
    let trainable: TrainableParameters
    let samples: any SampleSet
    let batchSize: Int
    let rate: LearningRate
    /// All trained numbers: [1, count].
    private(set) var vector: Tensor
    private let dropout: Double
    private let classWeights: Tensor?
    private let smoothing: Double
    private var optimizer: Optimizer
    private var orders: RandomSource
    /// Where `orders` was before the order of the epoch that is being trained was drawn.
    private var epochStart: RandomSource
    private var dropouts: RandomSource
    private(set) var stepsDone = 0
    private var lastLoss: Double?

    init(
        _ spec: TrainingSpec, model: any Model, samples: any SampleSet, rate: LearningRate
    ) throws(TrainingError) {
        let trainable = TrainableParameters(
            groups: model.groups, bottleneck: spec.capacity.bottleneck)
        guard trainable.count < Int(Int32.max) else {
            throw .badSpec(field: "capacity", problem: "\(trainable.count) parameters are too many")
        }
        var seeds = RandomSource(seed: spec.seed)
        var initial = RandomSource(seed: seeds.next())
        let values = trainable.initialValues(&initial) { model.initialValues(ofGroup: $0, &$1) }
        vector = try .floats(values, shape: [1, values.count], device: model.device)
        try vector.requireGradient()
        optimizer = try Optimizer(
            spec.settings.optimizer, clip: spec.settings.gradientClip, parameter: vector)
        orders = RandomSource(seed: seeds.next())
        epochStart = orders
        dropouts = RandomSource(seed: seeds.next())
        dropout = spec.settings.dropout
        batchSize = spec.settings.batchSize
        smoothing = spec.settings.labelSmoothing
        classWeights =
            spec.settings.classWeighting
            ? try Self.weights(of: samples.labels, classes: spec.data.labels, model.device) : nil
        self.model = model
        self.trainable = trainable
        self.samples = samples
        self.rate = rate
    }

    /// `samples / (classes · samples of the class)`; 0 for a class without samples.
    private static func weights(
        of labels: [Int], classes: Int, _ device: Device
    ) throws(TrainingError) -> Tensor {
        var counts = [Int](repeating: 0, count: classes)
        for label in labels { counts[label] += 1 }
        let weights = counts.map {
            $0 == 0 ? 0 : Float(Double(labels.count) / Double(classes * $0))
        }
        return try .floats(weights, shape: [classes], device: device)
    }

    /// The samples of the next epoch, batch by batch.
    mutating func nextEpoch() -> [[Int]] {
        epochStart = orders
        let order = orders.permutation(samples.count)
        return stride(from: 0, to: order.count, by: batchSize).map { start in
            Array(order[start..<min(start + batchSize, order.count)])
        }
    }

    /// Takes one step on the samples at `indices`, and gives the loss before it.
    ///
    /// - Throws: `diverged` when the loss or the gradient is not finite.
    mutating func step(_ indices: [Int]) throws(TrainingError) -> Double {
        let batch = try samples.batch(indices, device: model.device)
        var masks = DropoutSource(probability: dropout, seed: dropouts.next())
        let tuned = try model.tuned(trainable.tensors(of: vector))
        let loss = try tuned.output(batch, &masks).logits
            .crossEntropy(batch.labels, classWeights: classWeights, smoothing: smoothing)
        let value = Double(try loss.value())
        let norm =
            value.isFinite
            ? try optimizer.step(loss.gradient(of: vector), rate: rate.rate(at: stepsDone)) : .nan
        guard norm.isFinite else {
            throw .diverged(step: stepsDone + 1, lastLoss: lastLoss, learningRate: rate.peak)
        }
        stepsDone += 1
        lastLoss = value
        return value
    }

    /// The model as it is now, without a record for gradients.
    func tunedModel() throws(TrainingError) -> any TunedModel {
        try Torch.withoutRecording { () throws(TrainingError) in
            try model.tuned(trainable.tensors(of: vector))
        }
    }
}

extension Learner {
    /// The state as it is now.
    ///
    /// - Parameters:
    ///   - epochs: Epochs that are done.
    ///   - stepsInEpoch: Steps done of the next one, and `lossInEpoch` their losses.
    func checkpoint(
        of spec: TrainingSpec, epochs: Int, stepsInEpoch: Int, lossInEpoch: Double
    ) throws(TrainingError) -> Checkpoint {
        let state = Checkpoint.State(
            spec: spec, epochs: epochs, stepsInEpoch: stepsInEpoch, lossInEpoch: lossInEpoch,
            steps: stepsDone, lastLoss: lastLoss, optimizerSteps: optimizer.steps,
            orders: (stepsInEpoch == 0 ? orders : epochStart).position,
            dropouts: dropouts.position)
        return Checkpoint(
            state: state, parameters: try vector.floats(), moments: try optimizer.momentValues())
    }

    /// Takes the state of a checkpoint that fits.
    mutating func resume(from checkpoint: Checkpoint) throws(TrainingError) {
        let state = checkpoint.state
        guard checkpoint.parameters.count == trainable.count,
            let orders = RandomSource(position: state.orders),
            let dropouts = RandomSource(position: state.dropouts)
        else {
            throw .badSpec(
                field: "checkpoint",
                problem: "it has \(checkpoint.parameters.count) parameters, and the run "
                    + "\(trainable.count)")
        }
        vector = try .floats(
            checkpoint.parameters, shape: [1, trainable.count], device: model.device)
        try vector.requireGradient()
        optimizer = try Optimizer(
            optimizer.settings, clip: optimizer.clip, parameter: vector,
            device: model.device, steps: state.optimizerSteps, moments: checkpoint.moments)
        self.orders = orders
        epochStart = orders
        self.dropouts = dropouts
        stepsDone = state.steps
        lastLoss = state.lastLoss
    }
}
