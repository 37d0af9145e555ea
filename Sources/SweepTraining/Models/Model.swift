import SweepCore

/// A backbone with a PET on it: what is trained, and what comes out.
protocol Model {
    var device: Device { get }
    var groups: [ParameterGroup] { get }

    /// First values of the parameters of a group that no generator makes.
    func initialValues(ofGroup group: Int, _ random: inout RandomSource) -> [Float]

    /// The model with `tensors`, for each group its parameters, in place.
    func tuned(_ tensors: [[Tensor]]) throws(TrainingError) -> any TunedModel
}

/// A model whose trained parameters have values.
protocol TunedModel {
    func output(
        _ batch: Batch, _ dropout: inout DropoutSource
    ) throws(TrainingError) -> ModelOutput
}

struct ModelOutput {
    /// [B, width]: what the classifier sees, before dropout.
    let features: Tensor
    /// [B, classes]
    let logits: Tensor
}

/// What a model takes in: the samples of one step, on a device.
struct Batch {
    enum Content {
        case tokens(TokenBatch)
        /// [B, channels, side, side]
        case images(Tensor)
    }

    let content: Content
    /// [B]
    let labels: Tensor
    let count: Int
    /// [runs + 1], on the processor: the first sample of each run, and B.
    let runOffsets: Tensor
}

/// Token sequences without padding.
struct TokenBatch {
    /// [T]: token numbers, and positions within each sequence from 0 on.
    let tokens: Tensor
    let positions: Tensor
    /// [B + 1], on the processor: the first row of each sequence, and T.
    let offsets: Tensor
    /// [B]: the row of each sequence's first token.
    let firstRows: Tensor
    let lengths: [Int]
    /// Sequences of each run.
    let runSizes: [Int]
    /// [runs + 1], on the processor: the first row of each run, and T.
    let rowOffsets: Tensor
}

/// Labelled samples that a model takes in.
protocol SampleSet: Sendable {
    var labels: [Int] { get }
    /// What a sample costs; samples of like cost are evaluated together.
    func cost(_ index: Int) -> Int
    /// A batch of the samples of each run.
    func batch(_ runs: [[Int]], device: Device) throws(TrainingError) -> Batch
}

extension SampleSet {
    var count: Int { labels.count }

    func batch(_ indices: [Int], device: Device) throws(TrainingError) -> Batch {
        try batch([indices], device: device)
    }

    /// The labels of a batch, and where each run begins.
    func labelTensors(
        _ runs: [[Int]], device: Device
    ) throws(TrainingError) -> (labels: Tensor, offsets: Tensor) {
        var offsets: [Int64] = [0]
        for run in runs { offsets.append(offsets[offsets.count - 1] + Int64(run.count)) }
        return (
            try .indices(runs.joined().map { Int64(labels[$0]) }, device: device),
            try .indices(offsets, device: .processor)
        )
    }
}
