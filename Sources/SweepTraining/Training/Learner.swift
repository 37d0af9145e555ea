import SweepCore

/// The changing state of a run: parameters, optimiser, data order, dropout.
///
/// Each kind of randomness has a stream of its own, and no stream is touched by an evaluation, so
/// that evaluating, or training for more epochs, changes nothing that came before.
struct Learner {
    let model: BertClassifier
    let trainable: TrainableParameters
    let samples: [Sample]
    let batchSize: Int
    let rate: LearningRate
    /// All trained numbers.
    let vector: Tensor
    private let dropout: Double
    private var optimizer: Optimizer
    private var orders: RandomSource
    private var dropouts: RandomSource
    private(set) var stepsDone = 0
    private var lastLoss: Double?

    init(
        _ spec: TrainingSpec, backbone: BertBackbone, samples: [Sample], rate: LearningRate
    ) throws(TrainingError) {
        let trainable = TrainableParameters(
            spec.capacity, configuration: backbone.configuration, classes: spec.data.labels)
        guard trainable.count < Int(Int32.max) else {
            throw .badSpec(field: "capacity", problem: "\(trainable.count) parameters are too many")
        }
        var seeds = RandomSource(seed: spec.seed)
        var initial = RandomSource(seed: seeds.next())
        let values = trainable.initialValues(classifier: backbone.classifier, &initial)
        vector = try .floats(values, shape: [values.count], device: backbone.device)
        try vector.requireGradient()
        optimizer = try Optimizer(
            spec.settings.optimizer, clip: spec.settings.gradientClip, parameter: vector)
        orders = RandomSource(seed: seeds.next())
        dropouts = RandomSource(seed: seeds.next())
        dropout = spec.settings.dropout
        batchSize = spec.settings.batchSize
        model = BertClassifier(backbone: backbone)
        self.trainable = trainable
        self.samples = samples
        self.rate = rate
    }

    /// The samples of the next epoch, batch by batch.
    mutating func nextEpoch() -> [[Sample]] {
        let order = orders.permutation(samples.count)
        return stride(from: 0, to: order.count, by: batchSize).map { start in
            order[start..<min(start + batchSize, order.count)].map { samples[$0] }
        }
    }

    /// Takes one step on `samples`, and gives the loss before it.
    ///
    /// - Throws: `diverged` when the loss or the gradient is not finite.
    mutating func step(_ samples: [Sample]) throws(TrainingError) -> Double {
        let batch = try Batch(samples, device: model.backbone.device)
        var masks = DropoutSource(probability: dropout, seed: dropouts.next())
        let parameters = try trainable.parameters(of: vector)
        let loss = try model.logits(batch, parameters, &masks).crossEntropy(batch.labels)
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

    /// LoRA's parameters as they are now, without a record for gradients.
    func parameters() throws(TrainingError) -> LoRAParameters {
        try Torch.withoutRecording { () throws(TrainingError) in
            try trainable.parameters(of: vector)
        }
    }
}
